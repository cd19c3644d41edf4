package cache

import (
	"context"
	"path"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/cache/feed"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// refreshByFeed reads the provider's change feed, if it has one that covers the
// folder's listing, and tells whether the folder is fresh now. One request
// freshens everything that is known.
func (ns *Namespace) refreshByFeed(ctx context.Context, dir uint64) (fresh bool, err error) {
	useful := false
	err = ns.view(func(t txn) error {
		l, err := t.listing(dir)
		useful = l.Complete && !l.Stale && ns.feed.Covers(l.Sent) && ns.now()-l.Sent < int64(maxTrust)
		return err
	})
	if err != nil || !useful || !ns.hasFeed() {
		return false, err
	}
	if err := ns.readFeed(ledger.WithClass(ctx, ledger.Poll)); err != nil {
		return false, err
	}
	_, fresh, err = ns.freshness(dir)
	return fresh, err
}

// hasFeed tells whether the provider has a feed that this user may read.
func (ns *Namespace) hasFeed() (ok bool) {
	if _, ok = ns.remote.(remote.Feed); !ok {
		return false
	}
	_ = ns.view(func(txn) error {
		ok = !ns.feed.Forbidden
		return nil
	})
	return ok
}

// readFeed reads the feed once, for everybody who waits for it.
func (ns *Namespace) readFeed(ctx context.Context) error {
	return ns.share(ctx, "feed", ns.readFeedNow)
}

func (ns *Namespace) readFeedNow(ctx context.Context) error {
	source, ok := ns.remote.(remote.Feed)
	if !ok {
		return remote.E(remote.Unsupported, "read the change feed", "", nil)
	}
	sent := ns.now()
	var from time.Time
	_ = ns.view(func(txn) error {
		from = ns.feed.From(ns.opt.Now())
		return nil
	})
	changes, complete, err := source.Changes(ctx, from)
	ns.health.note(err, ns.opt.Now())
	if remote.IsKind(err, remote.Permission) || remote.IsKind(err, remote.Unsupported) {
		ns.log.Warn("the change feed is refused: ages decide what is fresh", "err", err)
		return ns.update(func(t txn) error {
			ns.feed.Forbidden = true
			return t.SetMeta(metaFeed, ns.feed.Encode())
		})
	}
	if err != nil {
		return err
	}
	return ns.update(func(t txn) error { return t.digest(changes, complete, sent) })
}

// digest takes in one read of the feed.
func (t txn) digest(changes []remote.Change, complete bool, sent int64) error {
	events, gap := t.ns.feed.Digest(changes, complete, sent)
	t.ns.doubtHooks()
	if gap {
		t.ns.log.Warn("the change feed has a gap: everything is listed again when it is used")
		if err := t.staleAll(); err != nil {
			return err
		}
	}
	for _, e := range events {
		if err := t.applyEvent(e); err != nil {
			return err
		}
	}
	return t.SetMeta(metaFeed, t.ns.feed.Encode())
}

func (t txn) staleAll() error {
	t.ns.listings.Purge()
	t.ns.staledAll = t.ns.now()
	return t.StaleAll()
}

// applyEvent marks what an event makes stale.
func (t txn) applyEvent(e feed.Event) error {
	if e.Scope == feed.Everything {
		return t.staleAll()
	}
	return t.meanings(e.Path, func(inside string, whole bool) error { return t.staleAt(e.Scope, inside, whole) })
}

// meanings calls f with the paths of the mount that a path in the feed may mean.
// Paths there are relative to the account, and where in it this user's home is
// nobody tells: it is the whole path, or any end of it.
func (t txn) meanings(p string, f func(inside string, whole bool) error) error {
	for whole := true; ; whole = false {
		if inside, ok := t.insideRoot(p); ok {
			if err := f(inside, whole); err != nil {
				return err
			}
		}
		i := strings.IndexByte(strings.TrimPrefix(p, "/"), '/')
		if i < 0 {
			return nil
		}
		p = p[i+1:]
	}
}

// insideRoot turns a path of the account into one of the mount.
func (t txn) insideRoot(p string) (string, bool) {
	p = path.Clean("/" + p)
	root := t.ns.opt.Root
	if root == "/" {
		return p, true
	}
	if p == root {
		return "/", true
	}
	return strings.TrimPrefix(p, root), strings.HasPrefix(p, root+"/")
}

// staleAt marks the folder at a path at the provider, or the nearest one above
// it that is known. For the end of a path the root is no answer.
func (t txn) staleAt(scope feed.Scope, p string, whole bool) error {
	dir, found, err := t.walkRemote(p)
	switch {
	case err != nil || (dir == RootIno && !whole && !found):
		return err
	case scope == feed.Tree && found:
		return t.staleTree(dir)
	}
	return t.staleListing(dir)
}

// walkRemote finds the folder at a path at the provider, or the nearest known
// one above it.
func (t txn) walkRemote(p string) (dir uint64, found bool, err error) {
	dir = RootIno
	for _, name := range strings.Split(strings.Trim(p, "/"), "/") {
		if name == "" {
			continue
		}
		next, err := t.standing(store.Place{Parent: dir, Name: name})
		if err != nil || next == nil || next.Kind != Dir {
			return dir, false, err
		}
		dir = next.Ino
	}
	return dir, true, nil
}

// pollTick is how often it is checked if the feed is due, and how recent a use
// of the mount must be for that.
func (ns *Namespace) pollTick() time.Duration {
	return min(max(ns.opt.MaxAge/12, 50*time.Millisecond), 5*time.Second)
}

// pollRegularly reads the feed when what is known gets old while somebody uses the
// mount, so that most of them need not wait for it. A mount that nobody uses costs
// nothing.
func (ns *Namespace) pollRegularly(ctx context.Context) {
	tick := time.NewTicker(ns.pollTick())
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if ns.pollDue() {
			if err := ns.readFeed(ledger.WithClass(ctx, ledger.Poll)); err != nil && ctx.Err() == nil {
				ns.log.Warn("reading the change feed", "err", err)
			}
		}
	}
}

// pollDue tells whether the mount is being used, and the last read of the feed is
// old.
func (ns *Namespace) pollDue() (due bool) {
	now := ns.now()
	if now-ns.lastUse.Load() > int64(ns.pollTick()) || !ns.hasFeed() {
		return false
	}
	_ = ns.view(func(txn) error {
		due = ns.feed.Since != 0 && now-ns.feed.Read() >= int64(ns.feedAge())
		return nil
	})
	return due
}

// beginFeed reads the feed for the first time, before the first listing, so that
// what is listed from then on is covered by it. A feed that does not work is no
// error, refused credentials are.
func (ns *Namespace) beginFeed(ctx context.Context) error {
	begun := false
	_ = ns.view(func(txn) error {
		begun = ns.feed.Since != 0
		return nil
	})
	if begun || !ns.hasFeed() {
		return nil
	}
	err := ns.readFeed(ledger.WithClass(ctx, ledger.Poll))
	if remote.IsKind(err, remote.Auth) || remote.IsKind(err, remote.Offline) {
		return err
	}
	if err != nil {
		ns.log.Warn("reading the change feed", "err", err)
	}
	return nil
}
