package cache

import (
	"context"
	"errors"
	"time"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// noTreesFor is how long trees are not asked for after an answer that proved
// nothing: the provider may not be able to, or folders moved while it answered.
const noTreesFor = 10 * time.Minute

// listTree asks the provider for everything below a folder in one paged call, and
// takes in each page as it arrives. If the provider cannot show that the answer
// is complete, folders are listed one by one for a while. worth, if not nil, may
// end it after the first page, of which it is told how many folders it showed.
func (ns *Namespace) listTree(ctx context.Context, dir uint64, worth func(p remote.FirstPage, folders int) error) error {
	lister, ok := ns.remote.(remote.TreeLister)
	if !ok {
		return remote.E(remote.Unsupported, "list tree", ns.pathOf(dir), nil)
	}
	q, err := ns.aboutToList(dir)
	if err != nil {
		return err
	}
	m := newTreeMerge(ns, dir, q)
	if worth != nil {
		ctx = remote.WithFirstPage(ctx, func(p remote.FirstPage) error { return worth(p, m.shown) })
	}
	l, err := lister.ListTree(ctx, q.ref, func(page []remote.Object) error {
		ns.health.beats.Add(1)
		return ns.updateIf(q, func(t txn) error { return m.page(t, page) })
	})
	if errors.Is(err, errNotCheaper) {
		ns.health.note(nil, ns.opt.Now())
		return err
	}
	ns.health.note(err, ns.opt.Now())
	switch {
	case noFolder(err):
		return ns.lostFolder(ctx, dir, q, err)
	case remote.IsKind(err, remote.Unsupported), err == nil && !l.Complete:
		ns.log.Warn("listing whole trees does not work here: folders are listed one by one for a while", "err", err)
		ns.noTreesUntil.Store(ns.now() + int64(noTreesFor))
		return nil
	case err != nil:
		return err
	case l.Total == 0 && q.known.Complete && q.known.Entries > 0:
		// A folder that was full and comes back empty is asked again.
		return ns.list(ctx, dir)
	}
	err = m.finish(l)
	if errors.Is(err, outbox.ErrChanged) {
		// The paths do not fit: the folder itself may be in another place.
		if e := ns.lookAbove(ctx, dir); e != nil {
			return e
		}
	}
	return err
}

// sweepFolder takes in what a complete listing of a tree proves about one of its
// folders: what it did not show is gone, unless something was done about it
// since. until bounds the nodes that it may be about: those that were merged
// later were shown.
func (t txn) sweepFolder(folder uint64, start, newest, until int64, seen arrivals) error {
	n, err := t.get(folder)
	if err != nil || n == nil || (!n.Remote.Exists && folder != RootIno) {
		return err // gone since it was shown
	}
	nodes, err := t.RemoteChildrenUntil(folder, until)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		n = t.loaded(n)
		if at, ok := seen[n.Ino]; ok && at >= newest || n.Remote.Seen > start {
			continue
		}
		if err := t.remoteGone(n); err != nil {
			return err
		}
	}
	entries, err := t.CountRemote(folder)
	if err != nil {
		return err
	}
	return t.putListing(folder, store.Listing{Complete: true, Sent: start, Stale: t.staledSince(folder, start), Entries: entries})
}

// lastRun returns the entries of the last run over the pages: a listing that had
// to start again handed over others before.
func lastRun(objects []remote.Object, total int) []remote.Object {
	return objects[max(0, len(objects)-total):]
}
