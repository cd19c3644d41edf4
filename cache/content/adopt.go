package content

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

// draft returns the draft of a generation.
func (s *Store) draft(op string, gen uint64) (*draft, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.drafts[gen]; d != nil {
		return d, nil
	}
	return nil, lostOrGone(op, gen)
}

// Seal keeps a generation as it is until as many Unseals: it waits for writes
// under way, and later ones return [ErrSealed].
func (s *Store) Seal(gen uint64) error {
	d, err := s.draft("seal", gen)
	if err != nil {
		return err
	}
	return d.seal(1)
}

// Unseal takes one Seal back.
func (s *Store) Unseal(gen uint64) error {
	d, err := s.draft("unseal", gen)
	if err != nil {
		return err
	}
	return d.seal(-1)
}

// Drop forgets a staged generation and unlinks its file. The caller has made
// durable that nobody needs it any more. Handles that are open stay usable.
func (s *Store) Drop(gen uint64) error {
	s.mu.Lock()
	d := s.drafts[gen]
	delete(s.drafts, gen)
	delete(s.unsynced, d)
	s.lost = dropRecord(s.lost, gen)
	s.suspect = dropRecord(s.suspect, gen)
	s.mu.Unlock()
	if d == nil {
		return s.rec.DropContent(gen) // a lost one, or none
	}
	return s.discard(d.body, true)
}

func dropRecord(rs []Record, gen uint64) []Record {
	return slices.DeleteFunc(rs, func(r Record) bool { return r.Gen == gen })
}

// Adopt makes a staged generation the complete cached content of a version,
// whose upload was committed. Nothing is copied; handles on it stay usable,
// and writes to them return [ErrSealed]. It counts for the limit from then on
// and may be evicted once no handle is open. The key it is found by is the
// node, the version and the length of the file.
//
// The generation must have been sealed since before it was sent. One that is
// suspect, or could not be synced, is refused with kind Stale: what is not
// sure to be on disk is no copy of anything, and can be dropped.
func (s *Store) Adopt(gen uint64, version string) error {
	d, err := s.draft("adopt", gen)
	if err != nil {
		return err
	}
	d.wmu.Lock()
	defer d.wmu.Unlock()
	b, taken, err := d.adopt(version)
	if err != nil {
		return err
	}
	d.adopted = true
	old, err := s.replace(d, b, taken)
	if err != nil {
		return err
	}
	if old != nil {
		if err := s.discard(old.body, false); err != nil {
			s.log.Warn("dropping cached content", "err", err)
		}
	}
	s.room(0)
	return nil
}

// adopt writes the record of a cached version in place of that of the draft,
// and makes the blob for it, with the disk space it takes; the caller holds
// d.wmu.
func (d *draft) adopt(version string) (b *blob, taken int64, err error) {
	s, y := d.s, d.body
	var info unix.Stat_t
	if err := unix.Stat(s.path(d.gen()), &info); err != nil {
		return nil, 0, local("adopt", err)
	}
	y.disk.Lock()
	defer y.disk.Unlock()
	if s.isGone(y) || d.failed != nil {
		return nil, 0, remote.E(remote.Stale, "adopt", "", d.failed)
	}
	key := Key{Ino: d.ino, Version: version, Size: info.Size}
	b = &blob{s: s, key: key, body: y, edits: 1, savedEdits: 1, saved: s.now(), savedUse: s.now()}
	b.present.Add(Range{0, key.Size})
	b.complete.Store(true)
	if d.synced && d.clean.Load() {
		b.syncedEdits = 1
	}
	r := b.record(b.snapshot())
	r.Bytes = info.Blocks * 512
	if err := s.rec.PutContent(r); err != nil {
		return nil, 0, err
	}
	d.cached = b
	return b, r.Bytes, nil
}

// replace lets the key of b lead to it instead of the draft. It returns what
// the key led to before, or an error if the draft was dropped meanwhile.
func (s *Store) replace(d *draft, b *blob, taken int64) (*blob, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.body.gone || s.drafts[d.gen()] != d {
		return nil, lostOrGone("adopt", d.gen())
	}
	delete(s.drafts, d.gen())
	delete(s.unsynced, d)
	s.suspect = dropRecord(s.suspect, d.gen())
	old := s.blobs[b.key]
	if old != nil {
		s.unlinkLocked(old)
	}
	y := b.body
	y.used, y.bytes = s.now(), taken
	s.cached += y.bytes
	s.linkLocked(b)
	if b.syncedEdits != b.edits {
		s.stale[b] = s.now()
	}
	if y.refs == 0 {
		s.restLocked(y)
	}
	return old, nil
}
