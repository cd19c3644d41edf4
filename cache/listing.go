package cache

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"time"

	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// Deadlines of the listing of one folder and of a tree, all pages and retries
// included, and of a look at one object.
const (
	listDeadline = 5 * time.Minute
	treeDeadline = 2 * time.Hour
	lookDeadline = time.Minute
)

// maxTrust is the age up to which a listing is believed at all.
const maxTrust = 24 * time.Hour

func formatIno(ino uint64) string { return strconv.FormatUint(ino, 36) }

// ensureListed makes sure that the entries of a folder are known and fresh. If
// the provider cannot be asked, old knowledge is good enough, and only a folder
// of which nothing is known is an error.
func (ns *Namespace) ensureListed(ctx context.Context, dir uint64) error {
	return ns.ensure(ctx, dir, ns.list)
}

// ensureWalked is ensureListed for a folder that a program opens to list it: if
// that is one of many, they are asked for together.
func (ns *Namespace) ensureWalked(ctx context.Context, dir uint64) error {
	ns.walks.opened(callerOf(ctx).PID, dir, ns.now())
	return ns.ensure(ctx, dir, ns.listOnWalk)
}

// ensure is ensureListed with the way to list.
func (ns *Namespace) ensure(ctx context.Context, dir uint64, list func(context.Context, uint64) error) error {
	known, fresh, err := ns.freshness(dir)
	if err != nil || fresh {
		return err
	}
	if err := ns.refuseIndexer(ctx, "list"); err != nil {
		return ns.orOld(known, err)
	}
	if err := ns.health.refuses(ns.now()); err != nil {
		return ns.orOld(known, err)
	}
	waiting, stop := ns.patient(ctx, ns.patienceFor(ctx, known))
	defer stop()
	err = ns.ask(waiting, dir, known, list)
	return ns.orOld(known, ns.impatient(waiting, err, "list", ns.pathOf(dir)))
}

// ask is ensure for a folder that is not fresh.
func (ns *Namespace) ask(ctx context.Context, dir uint64, known bool, list func(context.Context, uint64) error) error {
	if waited, err := ns.awaitTree(ctx, dir); waited {
		if err != nil {
			return err
		}
		var fresh bool
		if known, fresh, err = ns.freshness(dir); err != nil || fresh {
			return err
		}
	}
	if known {
		if fresh, err := ns.refreshByFeed(ctx, dir); err != nil || fresh {
			return err
		}
	}
	return list(ctx, dir)
}

// orOld drops an error of a refresh if something older is known.
func (ns *Namespace) orOld(known bool, err error) error {
	if err == nil || !known {
		return err
	}
	switch remote.KindOf(err) {
	case remote.Offline, remote.Temporary, remote.Budget, remote.Auth, remote.Corrupt, remote.Permission:
		return nil
	}
	return err
}

// freshness tells what is known of a folder's entries: all of them at some
// time, and whether that still counts.
func (ns *Namespace) freshness(dir uint64) (known, fresh bool, err error) {
	err = ns.view(func(t txn) error {
		n, err := t.dir(dir)
		if err != nil {
			return err
		}
		if !n.Remote.Exists && dir != RootIno {
			known, fresh = true, true // new here: what is shown is all there is
			return nil
		}
		l, err := t.listing(dir)
		known, fresh = l.Complete, ns.fresh(l)
		return err
	})
	return known, fresh, err
}

// fresh tells whether a listing may be shown without asking. It runs under the
// database's lock.
func (ns *Namespace) fresh(l store.Listing) bool {
	if !l.Complete || l.Stale {
		return false
	}
	age := ns.now() - l.Sent
	if age < int64(ns.opt.MaxAge) {
		return true
	}
	return age < int64(maxTrust) && ns.feed.Covers(l.Sent) && ns.now()-ns.feed.Read() < int64(ns.feedAge())
}

// list asks the provider for a folder's entries and takes them in. Everybody
// who waits for the same folder shares one request, which goes on when a waiter
// leaves.
func (ns *Namespace) list(ctx context.Context, dir uint64) error {
	cause := ns.cause(ctx, dir)
	return ns.untilStanding(ctx, cause.Path, func() error {
		return ns.share(ctx, "list "+formatIno(dir), func(ctx context.Context) error {
			return ns.listNow(ledger.WithCause(ctx, cause), dir)
		})
	})
}

// share runs f once for all callers of the same key. f runs under the
// namespace's context, so that it goes on when a caller leaves.
func (ns *Namespace) share(ctx context.Context, key string, f func(context.Context) error) error {
	return ns.shareFor(ctx, listDeadline, key, f)
}

// shareFor is share with a deadline for f.
func (ns *Namespace) shareFor(ctx context.Context, deadline time.Duration, key string, f func(context.Context) error) error {
	if err := ns.ctx.Err(); err != nil {
		return remote.E(remote.Canceled, "wait", "", err)
	}
	class := ledger.ClassOf(ctx)
	done := ns.flights.DoChan(key, func() (any, error) {
		work, cancel := context.WithTimeout(ledger.WithClass(ns.ctx, class), deadline)
		defer cancel()
		return nil, f(work)
	})
	select {
	case r := <-done:
		return r.Err
	case <-ctx.Done():
		return remote.E(remote.Canceled, "wait", "", ctx.Err())
	}
}

// listNow lists one folder.
func (ns *Namespace) listNow(ctx context.Context, dir uint64) error {
	if top, err := ns.transferOf(dir); err != nil || top != 0 {
		if err != nil {
			return err
		}
		return ns.listTransfer(ctx, top)
	}
	q, err := ns.aboutToList(dir)
	if err != nil {
		return err
	}
	ctx = remote.WithFirstPage(ctx, ns.walks.learn)
	before, ref := q.known, q.ref
	l, err := ns.runListing(ctx, dir, q, func(page func([]remote.Object) error) (remote.Listing, error) {
		return ns.remote.List(ctx, ref, page)
	})
	if err == nil && l.Total == 0 && before.Complete && before.Entries > 0 {
		// A folder that was full and comes back empty is asked twice.
		l, err = ns.runListing(ctx, dir, q, func(page func([]remote.Object) error) (remote.Listing, error) {
			return ns.remote.List(ctx, ref, page)
		})
	}
	if err == nil && !l.Complete {
		err = remote.E(remote.Temporary, "list", ref.Path, fmt.Errorf("the folder kept changing while it was listed"))
	}
	ns.health.note(err, ns.opt.Now())
	if noFolder(err) {
		return ns.lostFolder(ctx, dir, q, err)
	}
	return err
}

// aboutToList returns what is known of a folder's entries, and its address. The
// folder may be deleted here.
func (ns *Namespace) aboutToList(dir uint64) (q question, err error) {
	err = ns.view(func(t txn) error {
		n, err := t.get(dir)
		switch {
		case err != nil || n == nil:
			return staleOr(err, dir)
		case n.Kind != Dir:
			return remote.E(remote.NotDir, "list", n.Name, nil)
		case !n.Remote.Exists:
			return remote.E(remote.NotExist, "list", n.Name, nil)
		}
		if q, err = t.ask(n); err != nil {
			return err
		}
		q.known, err = t.listing(dir)
		return err
	})
	return q, err
}

// arrival is when an entry was last handed over by a listing under way.
type arrivals map[uint64]int64

// runListing takes in the pages of one folder's listing, and then what the
// listing proves absent.
func (ns *Namespace) runListing(ctx context.Context, dir uint64, q question, run func(func([]remote.Object) error) (remote.Listing, error)) (remote.Listing, error) {
	start := ns.now()
	seen := arrivals{}
	l, err := run(func(objects []remote.Object) error {
		ns.health.beats.Add(1)
		return ns.updateIf(q, func(t txn) error { return t.mergePage(dir, objects, start, seen) })
	})
	if err != nil || !l.Complete {
		return l, err
	}
	err = ns.updateIf(q, func(t txn) error { return t.sweep(dir, l, start, seen) })
	return l, err
}

func (t txn) mergePage(dir uint64, objects []remote.Object, sent int64, seen arrivals) error {
	now := t.ns.now()
	for _, o := range objects {
		ino, err := t.mergeSeen(dir, o, sent)
		if err != nil {
			return err
		}
		seen[ino] = now
	}
	return nil
}

// mergeSeen is mergeObject for a listing, which must know every node whose object
// it showed, also of those that are left alone: a node that was not seen is gone.
func (t txn) mergeSeen(dir uint64, o remote.Object, sent int64) (uint64, error) {
	ino, err := t.mergeObject(dir, o, sent)
	if err != nil || ino != 0 {
		return ino, err
	}
	var n *store.Node
	if t.ns.caps.IDs {
		n, err = t.ByRemoteID(o.ID)
	} else {
		n, err = t.standing(store.Place{Parent: dir, Name: o.Name})
	}
	if err != nil || n == nil {
		return 0, err
	}
	t.doubt(n, stateOf(o, dir, sent))
	return n.Ino, nil
}

// sweep takes in what a complete listing proves: entries that it did not show in
// its last run over the pages are gone, unless something was done about them
// since.
func (t txn) sweep(dir uint64, l remote.Listing, start int64, seen arrivals) error {
	nodes, err := t.RemoteChildren(dir)
	if err != nil {
		return err
	}
	lastRun := l.Sent.UnixNano()
	for _, n := range nodes {
		n = t.loaded(n)
		at, ok := seen[n.Ino]
		if (ok && at >= lastRun) || n.Remote.Seen > start {
			continue
		}
		if err := t.remoteGone(n); err != nil {
			return err
		}
	}
	return t.putListing(dir, store.Listing{Complete: true, Sent: start, Stale: t.staledSince(dir, start), Entries: l.Total})
}

// noFolder tells whether an answer says that there is no folder: nothing is there,
// or, where only paths count, a file that took its place.
func noFolder(err error) bool {
	return remote.IsKind(err, remote.NotExist) || remote.IsKind(err, remote.NotDir)
}

// lostFolder handles that the provider does not know a folder. The mount's root
// is never taken for deleted.
func (ns *Namespace) lostFolder(ctx context.Context, dir uint64, q question, cause error) error {
	if dir == RootIno {
		return remote.E(remote.Stale, "list", ns.opt.Root,
			fmt.Errorf("the mounted folder is not there (deleted or renamed at the provider, or other credentials): nothing is taken for deleted; %w", cause))
	}
	var parent uint64
	err := ns.updateIf(q, func(t txn) error {
		n, err := t.get(dir)
		if err != nil || n == nil {
			return err
		}
		parent = n.Remote.Parent
		return t.remoteGone(n)
	})
	if err != nil {
		return err
	}
	if parent == RootIno {
		// Prove that it is the folder, and not the whole root, that is gone.
		return ns.list(ctx, RootIno)
	}
	return cause
}

// maxStaled bounds Namespace.staled.
const maxStaled = 1 << 14

// staledSince tells whether a folder was marked after a listing of it was sent,
// which cannot be believed then.
func (t txn) staledSince(dir uint64, sent int64) bool {
	return t.ns.staledAll > sent || t.ns.staled[dir] > sent
}

// staleListing marks a folder's listing as no longer holding, and one under way.
func (t txn) staleListing(dir uint64) error {
	if len(t.ns.staled) >= maxStaled {
		clear(t.ns.staled)
		t.ns.staledAll = t.ns.now()
	}
	t.ns.staled[dir] = t.ns.now()
	l, err := t.listing(dir)
	if err != nil || l.Stale || l.Sent == 0 {
		return err
	}
	l.Stale = true
	return t.putListing(dir, l)
}

// staleTree marks the listings of a folder and of all folders below it.
func (t txn) staleTree(dir uint64) error {
	if err := t.staleListing(dir); err != nil {
		return err
	}
	nodes, err := t.RemoteChildren(dir)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n.Kind == Dir {
			if err := t.staleTree(n.Ino); err != nil {
				return err
			}
		}
	}
	return nil
}

// look asks for the state of one node's object and takes it in.
func (ns *Namespace) look(ctx context.Context, ino uint64) error {
	var n *store.Node
	var q question
	err := ns.view(func(t txn) (err error) {
		if n, err = t.get(ino); n != nil && err == nil {
			q, err = t.ask(n)
		}
		return err
	})
	if err != nil || n == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, lookDeadline)
	defer cancel()
	sent := ns.now()
	o, err := ns.remote.Stat(ctx, q.ref)
	ns.health.note(err, ns.opt.Now())
	switch {
	case remote.IsKind(err, remote.NotExist):
		return ns.updateIf(q, func(t txn) error { return t.lookedGone(ino, sent) })
	case err != nil:
		return err
	}
	return ns.updateIf(q, func(t txn) error { return t.looked(ino, o, sent) })
}

// lookAbove looks at a folder and those above it, when its path turned out to be
// another than was known: one of them was moved.
func (ns *Namespace) lookAbove(ctx context.Context, ino uint64) error {
	for range maxDepth {
		if ino == RootIno {
			break
		}
		if err := ns.look(ctx, ino); err != nil {
			return err
		}
		n, err := ns.node(ino)
		if err != nil || !n.Remote.Exists {
			return err
		}
		ino = n.Remote.Parent
	}
	return nil
}

func (t txn) lookedGone(ino uint64, sent int64) error {
	n, err := t.get(ino)
	if err != nil || n == nil || n.Remote.Seen > sent {
		return err
	}
	return t.remoteGone(n)
}

// looked takes in what a look showed. An object that turned up in a folder that
// is not known leaves its old folder.
func (t txn) looked(ino uint64, o remote.Object, sent int64) error {
	n, err := t.get(ino)
	if err != nil || n == nil || n.Remote.Seen > sent {
		return err
	}
	parent := n.Remote.Parent
	if o.ParentID != "" {
		p, err := t.parentByID(o, n)
		if err != nil || p == 0 {
			return err
		}
		parent = p
	}
	if !t.ns.caps.IDs && o.Dir != (n.Kind == Dir) {
		if err := t.remoteGone(n); err != nil { // another object took its place
			return err
		}
	}
	_, err = t.mergeObject(parent, o, sent)
	return err
}

// parentByID finds the folder of an object's parent; 0 means that the object left
// what is known, and the node is gone. The root has no ID here: an object is
// still in it only if its path says so.
func (t txn) parentByID(o remote.Object, n *store.Node) (uint64, error) {
	known, err := t.get(n.Remote.Parent)
	if err != nil || known == nil || known.Remote.ID == o.ParentID {
		return n.Remote.Parent, err
	}
	p, err := t.ByRemoteID(o.ParentID)
	switch {
	case err != nil:
		return 0, err
	case p != nil:
		return p.Ino, nil
	case path.Dir(o.Path) == t.ns.rootedPath("/"):
		return RootIno, nil
	}
	return 0, t.remoteGone(n)
}
