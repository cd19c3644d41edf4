package store

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// racy is how old a folder's time stamp must be when the folder is read for
// an unchanged stamp to prove that nothing has changed since: the kernel's
// clock for time stamps ticks in a few milliseconds.
const racy = 50 * time.Millisecond

// origin says how an entry came to be on disk.
type origin struct {
	foreign bool // put there by somebody else; found by a scan
	by      string
}

func (s *Store) foreign() origin { return origin{foreign: true, by: s.o.User} }

// usable tells whether a directory entry is part of the account.
func usable(mode fs.FileMode, name string) bool {
	return (mode.IsRegular() || mode.IsDir()) && CheckName(name) == nil
}

// refresh brings a folder's entries up to what is on disk, without looking at
// files that are known. It reads the folder only if its time stamp moved.
func (s *Store) refresh(dir *node) error {
	path := s.disk(dir)
	fi, err := os.Lstat(path)
	if err != nil || !fi.IsDir() {
		return remote.E(remote.NotExist, "list", dir.path(), err)
	}
	stamp := fi.ModTime().UnixNano()
	if dir.scanned == stamp {
		return nil
	}
	begun := time.Now() // the kernel's clock, not the account's
	entries, err := os.ReadDir(path)
	if err != nil {
		return fail("list", dir.path(), err)
	}
	s.reconcile(dir, entries)
	dir.scanned = 0
	if begun.Sub(fi.ModTime()) > racy {
		dir.scanned = stamp
	}
	return nil
}

// reconcile makes a folder's entries those that were read from disk.
func (s *Store) reconcile(dir *node, entries []fs.DirEntry) {
	s.epoch++
	epoch, before := s.epoch, s.gen
	for _, e := range entries {
		if !usable(e.Type(), e.Name()) {
			continue
		}
		k := dir.kids[s.key(e.Name())]
		if k != nil && k.seen == epoch {
			continue // a second name that folds to the same: hidden
		}
		if k == nil || k.dir != e.IsDir() || k.name != e.Name() {
			k = s.found(dir, k, e)
		}
		if k != nil {
			k.seen = epoch
		}
	}
	for _, k := range dir.kids {
		if k.seen != epoch {
			s.lost(k)
		}
	}
	if s.gen != before && !s.fresh {
		s.touch(dir)
	}
}

// found takes in an entry that a scan met under dir, in place of old if that
// is not nil. It returns nil if the entry is gone again.
func (s *Store) found(dir, old *node, e fs.DirEntry) *node {
	fi, err := e.Info()
	if old != nil {
		s.lost(old)
	}
	if err != nil {
		return nil
	}
	return s.adopt(dir, fi, s.foreign())
}

// adopt makes nodes for what is on disk under dir, folders with all below.
func (s *Store) adopt(dir *node, fi fs.FileInfo, from origin) *node {
	at := s.o.Now()
	if from.foreign && fi.ModTime().Before(at) {
		at = fi.ModTime()
	}
	n := s.newNode(fi.Name(), fi.IsDir(), at, from.by)
	if !n.dir {
		n.size, n.mtime = fi.Size(), fi.ModTime().UnixNano()
	}
	s.attach(n, dir)
	s.save(n)
	if from.foreign {
		s.noteForeign(n, map[bool]Op{true: OpMkdir, false: OpUpload}[n.dir])
	}
	if n.dir {
		s.adoptBelow(n, from)
	}
	return n
}

func (s *Store) adoptBelow(dir *node, from origin) {
	entries, err := os.ReadDir(s.disk(dir))
	if err != nil {
		s.o.Logger.Warn("sandbox: cannot read a folder", "path", dir.path(), "err", err)
		return
	}
	for _, e := range entries {
		if !usable(e.Type(), e.Name()) || dir.kids[s.key(e.Name())] != nil {
			continue
		}
		if fi, err := e.Info(); err == nil {
			s.adopt(dir, fi, from)
		}
	}
}

// lost drops a node whose file somebody else removed.
func (s *Store) lost(n *node) {
	if n.parent == nil {
		return
	}
	s.noteForeign(n, OpDelete)
	s.drop(n)
}

// drop removes a node, with all below it, from the tree and the journal.
func (s *Store) drop(n *node) {
	s.detach(n)
	s.forget(n)
	s.journal.write(line{Gone: n.id})
}

// look compares a known entry with the disk and returns what stands there
// now: the same node, another one in its place, or nil.
func (s *Store) look(n *node) *node {
	fi, err := os.Lstat(s.disk(n))
	return s.settle(n.parent, n, fi, err)
}

// settle makes the tree agree with what Lstat said about one name under dir,
// which n (or nothing, if nil) stood for so far.
func (s *Store) settle(dir, n *node, fi fs.FileInfo, err error) *node {
	there := err == nil && usable(fi.Mode(), fi.Name())
	if n != nil && (!there || fi.IsDir() != n.dir) {
		s.lost(n)
		s.touch(dir)
		n = nil
	}
	if !there {
		return nil
	}
	if n == nil {
		s.touch(dir)
		return s.adopt(dir, fi, s.foreign())
	}
	if !n.dir && (fi.Size() != n.size || fi.ModTime().UnixNano() != n.mtime) {
		s.changed(n, fi)
	}
	return n
}

// changed takes in new content that somebody else gave a file.
func (s *Store) changed(n *node, fi fs.FileInfo) {
	at, now := fi.ModTime(), s.o.Now()
	if at.Unix() <= n.updated.Unix() || at.After(now) {
		at = now // providers show whole seconds: the change must be seen
	}
	n.updated = at
	s.setContent(n, fi)
	s.save(n)
	s.noteForeign(n, OpUpload)
}

// setContent records what Lstat says about a file's content.
func (s *Store) setContent(n *node, fi fs.FileInfo) {
	addSize(n.parent, fi.Size()-n.size)
	n.size, n.mtime = fi.Size(), fi.ModTime().UnixNano()
	s.gen++
}

// child returns the entry of that name, as it is on disk now, or nil.
func (s *Store) child(dir *node, name string) *node {
	if s.o.FoldCase {
		if s.refresh(dir) != nil {
			return nil
		}
		k := dir.kids[s.key(name)]
		if k == nil {
			return nil
		}
		return s.look(k)
	}
	fi, err := os.Lstat(filepath.Join(s.disk(dir), name))
	return s.settle(dir, dir.kids[name], fi, err)
}

// sweep compares everything below a folder with the disk.
func (s *Store) sweep(dir *node) {
	if s.refresh(dir) != nil {
		return
	}
	for _, k := range sortedKids(dir) {
		switch {
		case k.parent != dir:
		case k.dir:
			s.sweep(k)
		default:
			s.look(k)
		}
	}
}

// refreshTree is refresh for a folder and all folders below it.
func (s *Store) refreshTree(dir *node) error {
	if err := s.refresh(dir); err != nil {
		return err
	}
	for _, k := range dir.kids {
		if k.dir {
			_ = s.refreshTree(k) // gone meanwhile: its parent's next scan tells
		}
	}
	return nil
}

// Sweep compares the whole account with the disk, so that every foreign
// change is in the log.
func (s *Store) Sweep() {
	s.mu.Lock()
	defer s.unlock()
	s.sweep(s.top)
}

func sortedKids(dir *node) []*node {
	kids := make([]*node, 0, len(dir.kids))
	for _, k := range dir.kids {
		kids = append(kids, k)
	}
	slices.SortFunc(kids, func(a, b *node) int { return strings.Compare(a.name, b.name) })
	return kids
}

// touch moves a folder's time of change to now.
func (s *Store) touch(dir *node) {
	dir.updated = s.o.Now()
	s.gen++
	s.save(dir)
}
