package cache

import (
	"errors"
	"path"
	"strings"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/remote"
)

// Bounds on what the listing of a tree takes: how many entries may wait in memory
// for the entry of their folder, and how many folders one transaction sweeps.
const (
	maxOrphans = 1 << 18
	sweepBatch = 200
)

// errOrphans ends a listing in which too many entries came before their folders.
var errOrphans = remote.E(remote.Unsupported, "list tree", "", errors.New("too many entries come before their folders"))

// treeMerge takes in the listing of a tree page by page. Its methods that take a
// txn run under the database's lock, one after the other.
type treeMerge struct {
	ns    *Namespace
	top   uint64
	q     question
	base  string // the top's path at the provider, without a slash at its end
	start int64  // before the first request was sent
	first int64  // when the first page came

	// dirs are the nodes of the folders that were shown, by ID and by path; 0
	// for those that we changed meanwhile, and leave alone.
	dirs map[string]uint64
	// folders are those of which this is the listing.
	folders map[uint64]struct{}
	seen    arrivals
	// orphans are entries whose folders have not come yet.
	orphans map[string][]orphan
	held    int
	// shown counts the folders among the entries.
	shown int
}

// orphan is an entry and when it came.
type orphan struct {
	o  remote.Object
	at int64
}

func newTreeMerge(ns *Namespace, top uint64, q question) *treeMerge {
	m := &treeMerge{
		ns: ns, top: top, q: q, base: strings.TrimSuffix(q.ref.Path, "/"), start: ns.now(),
		dirs: map[string]uint64{}, folders: map[uint64]struct{}{top: {}}, seen: arrivals{}, orphans: map[string][]orphan{},
	}
	if q.ref.ID != "" {
		m.dirs[byID(q.ref.ID)] = top
	}
	return m
}

func byID(id string) string  { return "i" + id }
func byPath(p string) string { return "p" + p }

// page takes in the entries of one page.
func (m *treeMerge) page(t txn, objects []remote.Object) error {
	now := m.ns.now()
	if m.first == 0 {
		m.first = now
	}
	for _, o := range objects {
		if err := m.take(t, o, now); err != nil {
			return err
		}
	}
	return nil
}

// take takes in one entry, or holds it back until its folder comes.
func (m *treeMerge) take(t txn, o remote.Object, at int64) error {
	parent, key, err := m.parent(t, o)
	if err != nil {
		return err
	}
	if key != "" {
		if m.held++; m.held > maxOrphans {
			return errOrphans
		}
		m.orphans[key] = append(m.orphans[key], orphan{o, at})
		return nil
	}
	ino := uint64(0)
	if parent != 0 {
		if ino, err = t.mergeSeen(parent, o, m.start); err != nil {
			return err
		}
		m.seen[ino] = at
	}
	if !o.Dir {
		return nil
	}
	return m.folder(t, o, ino)
}

// folder notes the node of a folder, and takes in what waited for it.
func (m *treeMerge) folder(t txn, o remote.Object, ino uint64) error {
	m.shown++
	if ino != 0 {
		m.folders[ino] = struct{}{}
	}
	keys := []string{byPath(o.Path)}
	if o.ID != "" {
		keys = append(keys, byID(o.ID))
	}
	for _, key := range keys {
		m.dirs[key] = ino
		waiting := m.orphans[key]
		delete(m.orphans, key)
		m.held -= len(waiting)
		for _, w := range waiting {
			if err := m.take(t, w.o, w.at); err != nil {
				return err
			}
		}
	}
	return nil
}

// parent finds the node of an entry's folder: by its ID, which a folder keeps
// that is moved while the pages come, or by the path. If the folder was not shown
// yet, it returns the key by which it will be found.
func (m *treeMerge) parent(t txn, o remote.Object) (ino uint64, key string, err error) {
	above := strings.TrimSuffix(path.Dir(o.Path), "/")
	known := o.ParentID != "" && m.ns.caps.IDs
	if known {
		if ino, ok := m.dirs[byID(o.ParentID)]; ok {
			return ino, "", nil
		}
	}
	if above == m.base {
		return m.top, "", nil
	}
	if !known {
		ino, ok := m.dirs[byPath(above)]
		if !ok {
			return 0, byPath(above), nil
		}
		return ino, "", nil
	}
	n, err := t.ByRemoteID(o.ParentID)
	if err != nil {
		return 0, "", err
	}
	if n == nil || n.Kind != Dir {
		return 0, byID(o.ParentID), nil
	}
	return n.Ino, "", nil
}

// finish takes in what a complete listing proves, a few folders at a time.
func (m *treeMerge) finish(l remote.Listing) error {
	newest, until := l.Sent.UnixNano(), m.start-1
	if m.first != 0 && newest > m.first {
		until = m.start // it had to start again: some came in an earlier run only
	}
	if m.lost(newest) {
		return outbox.ErrChanged // a folder was moved while the tree was listed: prove nothing
	}
	batch := make([]uint64, 0, sweepBatch)
	flush := func() error {
		err := m.ns.updateIf(m.q, func(t txn) error {
			for _, folder := range batch {
				if err := t.sweepFolder(folder, m.start, newest, until, m.seen); err != nil {
					return err
				}
			}
			return nil
		})
		batch = batch[:0]
		return err
	}
	for folder := range m.folders {
		if batch = append(batch, folder); len(batch) == sweepBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return m.ns.view(func(txn) error {
		m.ns.trees[m.top] = m.start
		return nil
	})
}

// lost tells whether an entry of the last run has no folder.
func (m *treeMerge) lost(newest int64) bool {
	for _, waiting := range m.orphans {
		for _, w := range waiting {
			if w.at >= newest {
				return true
			}
		}
	}
	return false
}
