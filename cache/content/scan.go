package content

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/frugalfs/frugalfs/remote"
)

// orphanage is the folder for files that have no record.
const orphanage = "orphans"

// recover brings the files of the folder and the records together.
func (s *Store) recover(unclean bool) error {
	if err := s.folders(); err != nil {
		return err
	}
	records, err := s.rec.Contents()
	if err != nil {
		return err
	}
	slices.SortFunc(records, byUse)
	known := make(map[uint64]bool, len(records))
	for _, r := range records {
		known[r.Gen] = true
	}
	found, err := s.sift(known)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err := s.admit(r, found[r.Gen], unclean); err != nil {
			return err
		}
	}
	return nil
}

// folders makes the folders that are missing.
func (s *Store) folders() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return local("open", err)
	}
	made := false
	for i := range uint64(fanout) {
		switch err := os.Mkdir(s.folder(i), 0o700); {
		case err == nil:
			made = true
		case !errors.Is(err, os.ErrExist):
			return local("open", err)
		}
	}
	if !made {
		return nil
	}
	return syncFolder(s.dir)
}

// sift moves everything that no record speaks of out of the way, and returns
// the generations that have a file.
func (s *Store) sift(known map[uint64]bool) (map[uint64]bool, error) {
	found := make(map[uint64]bool, len(known))
	top, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, local("open", err)
	}
	for _, e := range top {
		if e.Name() == orphanage {
			continue
		}
		var err error
		switch n, bad := strconv.ParseUint(e.Name(), 16, 64); {
		case !e.IsDir():
			err = s.orphan(e.Name())
		case bad == nil && n < fanout && len(e.Name()) == 2:
			err = s.siftFolder(e.Name(), known, found)
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// siftFolder is sift for one of the folders.
func (s *Store) siftFolder(name string, known, found map[uint64]bool) error {
	entries, err := os.ReadDir(filepath.Join(s.dir, name))
	if err != nil {
		return local("open", err)
	}
	for _, e := range entries {
		path := filepath.Join(name, e.Name())
		gen, err := strconv.ParseUint(e.Name(), 16, 64)
		if err == nil && known[gen] && e.Type().IsRegular() && s.path(gen) == filepath.Join(s.dir, path) {
			found[gen] = true
			continue
		}
		if err == nil && s.path(gen) == filepath.Join(s.dir, path) && s.leftSpare(path) {
			err = s.unlink(gen)
		} else {
			err = s.orphan(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// orphan moves a file, named relative to the folder, among the orphans, under
// a name that is not taken there.
func (s *Store) orphan(name string) error {
	dir := filepath.Join(s.dir, orphanage)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return local("open", err)
	}
	base := filepath.Base(name)
	to := filepath.Join(dir, base)
	for i := 1; ; i++ {
		if _, err := os.Lstat(to); errors.Is(err, os.ErrNotExist) {
			break
		}
		to = filepath.Join(dir, fmt.Sprintf("%s.%d", base, i))
	}
	if err := os.Rename(filepath.Join(s.dir, name), to); err != nil {
		return local("open", err)
	}
	s.orphans = append(s.orphans, to)
	s.log.Warn("a content file without a record was set aside", "path", to)
	return nil
}

// admit takes one record in, given whether its file is there.
func (s *Store) admit(r Record, found, unclean bool) error {
	if r.Staged {
		return s.admitStaged(r, found, unclean)
	}
	present, err := DecodeRanges(r.Present)
	if err != nil || !found || r.Ino == 0 || unclean && !r.Synced || !sane(r, present) {
		return s.erase(r.Gen, false)
	}
	y := &body{s: s, bytes: r.Bytes, used: r.Used}
	y.gen.Store(r.Gen)
	b := newBlob(s, Key{Ino: r.Ino, Version: r.Version, Size: r.Size}, y)
	if old := s.blobs[b.key]; old != nil {
		// Only a crash between two records can leave two of one key: the
		// later one is as good.
		s.unlinkLocked(old)
		if err := s.discard(old.body, false); err != nil {
			return err
		}
	}
	b.present, b.savedUse = present, r.Used
	b.complete.Store(present.Has(Range{0, r.Size}))
	s.linkLocked(b)
	s.restLocked(y)
	s.cached += y.bytes
	if !r.Synced {
		b.edits, b.savedEdits = 1, 1
		s.stale[b] = s.now()
	}
	return nil
}

// sane tells whether a cached record can be what the store wrote.
func sane(r Record, present Ranges) bool {
	last := len(present.list) - 1
	return r.Gen != 0 && r.Size >= 0 && r.Bytes >= 0 && (last < 0 || present.list[last].End <= r.Size)
}

// admitStaged is admit for a staged file.
func (s *Store) admitStaged(r Record, found, unclean bool) error {
	if !found {
		s.lost = append(s.lost, r)
		s.log.Error("a staged file is missing", "gen", r.Gen, "ino", r.Ino)
		return nil
	}
	info, err := os.Stat(s.path(r.Gen))
	if err != nil {
		return local("open", err)
	}
	d := newDraft(s, r.Gen, r.Ino)
	d.size.Store(info.Size())
	d.mtime.Store(info.ModTime().UnixNano())
	d.synced = r.Synced
	d.clean.Store(r.Synced)
	s.drafts[r.Gen] = d
	switch {
	case r.Synced:
	case unclean:
		s.suspect = append(s.suspect, r)
		d.failed = errSuspect
	default:
		s.unsynced[d] = struct{}{}
	}
	return nil
}

// byUse orders records for tests and reports, the longest unused first.
func byUse(a, b Record) int { return cmp.Or(a.Used.Compare(b.Used), cmp.Compare(a.Gen, b.Gen)) }

// errSuspect keeps a suspect generation from ever being recorded as synced.
var errSuspect = remote.E(remote.Corrupt, "sync", "", errors.New("not wholly on disk when the machine went down"))

// lostOrGone is the error for a generation that there is none of.
func lostOrGone(op string, gen uint64) error {
	return remote.E(remote.NotExist, op, "", fmt.Errorf("no staged generation %d", gen))
}
