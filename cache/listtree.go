package cache

import (
	"context"
	"path"
	"sort"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// noTreesFor is how long trees are not asked for after an answer that proved
// nothing: the provider may not be able to, or folders moved while it answered.
const noTreesFor = 10 * time.Minute

// listTree asks the provider for everything below a folder in one paged call. If the
// provider cannot show that the answer is complete, folders are listed one by
// one.
func (ns *Namespace) listTree(ctx context.Context, dir uint64) error {
	lister, ok := ns.remote.(remote.TreeLister)
	if !ok {
		return remote.E(remote.Unsupported, "list tree", ns.pathOf(dir), nil)
	}
	q, err := ns.aboutToList(dir)
	if err != nil {
		return err
	}
	start := ns.now()
	var objects []remote.Object
	l, err := lister.ListTree(ctx, q.ref, func(page []remote.Object) error {
		objects = append(objects, page...)
		return nil
	})
	ns.health.note(err, ns.opt.Now())
	switch {
	case remote.IsKind(err, remote.NotExist):
		return ns.updateIf(q, func(t txn) error { return t.lookedGone(dir, start) })
	case remote.IsKind(err, remote.Unsupported), err == nil && !l.Complete:
		ns.log.Warn("listing whole trees does not work here: folders are listed one by one for a while", "err", err)
		ns.noTreesUntil.Store(ns.now() + int64(noTreesFor))
		return nil
	case err != nil:
		return err
	}
	return ns.updateIf(q, func(t txn) error { return t.mergeTree(dir, q.ref.Path, lastRun(objects, l.Total), start) })
}

// lastRun returns the entries of the last run over the pages: a listing that had
// to start again handed over others before.
func lastRun(objects []remote.Object, total int) []remote.Object {
	return objects[max(0, len(objects)-total):]
}

// mergeTree takes in a complete listing of a tree, folders before what is in
// them, and then what it proves absent.
func (t txn) mergeTree(dir uint64, base string, objects []remote.Object, start int64) error {
	sort.SliceStable(objects, func(i, j int) bool {
		return strings.Count(objects[i].Path, "/") < strings.Count(objects[j].Path, "/")
	})
	base = strings.TrimSuffix(base, "/")
	dirs := map[string]uint64{base: dir}
	counts := map[uint64]int{dir: 0}
	seen := arrivals{}
	for _, o := range objects {
		parent, ok := dirs[strings.TrimSuffix(path.Dir(o.Path), "/")]
		if !ok {
			// A folder was moved while the tree was listed: prove nothing.
			return outbox.ErrChanged
		}
		ino := uint64(0)
		if parent != 0 {
			var err error
			if ino, err = t.mergeSeen(parent, o, start); err != nil {
				return err
			}
			counts[parent]++
			seen[ino] = start
		}
		if o.Dir {
			dirs[o.Path] = ino // 0: we changed it meanwhile, and leave it alone
			if ino != 0 {
				counts[ino] += 0
			}
		}
	}
	for folder, n := range counts {
		if err := t.sweepTree(folder, n, start, seen); err != nil {
			return err
		}
	}
	t.ns.trees[dir] = start
	return nil
}

func (t txn) sweepTree(folder uint64, entries int, start int64, seen arrivals) error {
	nodes, err := t.RemoteChildren(folder)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		n = t.loaded(n)
		if _, ok := seen[n.Ino]; ok || n.Remote.Seen > start {
			continue
		}
		if err := t.remoteGone(n); err != nil {
			return err
		}
	}
	return t.putListing(folder, store.Listing{Complete: true, Sent: start, Entries: entries})
}
