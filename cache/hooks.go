package cache

import (
	"net/http"
	"path"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

const (
	// hookedFeed is how often the feed is read at most while webhooks tell of
	// changes.
	hookedFeed = 15 * time.Minute
	// hookPause is how long an announcement waits while our own changes are
	// being sent, so that it is not taken for somebody else's, and maxHeld how
	// often.
	hookPause = 50 * time.Millisecond
	maxHeld   = 100
	// distrust is how long the feed is read as without webhooks after it showed
	// a change that none had told of.
	distrust = time.Hour
)

// hooks is what webhooks told.
type hooks struct {
	// mu guards the fields below. It is an innermost lock.
	mu sync.Mutex
	// good and refused count deliveries; last is when the last good one came.
	good, refused int
	last          time.Time
	// held are announcements that wait, and waiting is true while somebody
	// waits with them.
	held    []remote.Change
	waiting bool
}

// Webhooks is how many deliveries of webhooks came, as status shows it.
type Webhooks struct {
	// Good and Refused count deliveries since the mount began. Last is when
	// the last good one came.
	Good    int       `json:"good"`
	Refused int       `json:"refused"`
	Last    time.Time `json:"last,omitzero"`
	// Relied is true while the feed is read less often because of them.
	Relied bool `json:"relied"`
}

// ReadsHooks tells whether the webhooks of a provider are understood.
func ReadsHooks(r remote.Remote) bool {
	_, ok := r.(remote.HookReader)
	return ok
}

// Deliver takes in one delivery of a webhook: what it tells makes stale what the
// entry in the feed would, at once. It makes no request. A delivery that is not
// signed with the secret is an error of kind Permission, one that makes no sense
// of kind Corrupt, and both are counted.
func (ns *Namespace) Deliver(secret string, r *http.Request, body []byte) error {
	reader, ok := ns.remote.(remote.HookReader)
	if !ok {
		return remote.E(remote.Unsupported, "read a webhook", "", nil)
	}
	changes, err := reader.ReadHook(secret, r, body)
	if err != nil {
		ns.hooks.refuse()
		return err
	}
	if ns.keepHook(changes) {
		return nil
	}
	return ns.announce()
}

// RefuseHook counts a delivery that was not even read.
func (ns *Namespace) RefuseHook() { ns.hooks.refuse() }

func (h *hooks) refuse() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused++
}

// keepHook takes in announcements, and tells whether they have to wait because
// changes of our own are being sent: one of them may be what is announced, and
// is known as ours only when its answer was taken in.
func (ns *Namespace) keepHook(changes []remote.Change) bool {
	h := &ns.hooks
	h.mu.Lock()
	defer h.mu.Unlock()
	h.good++
	h.last = ns.opt.Now()
	h.held = append(h.held, changes...)
	if !h.waiting && ns.exec.Running() > 0 && ns.ctx.Err() == nil {
		h.waiting = true
		ns.tasks.Go(ns.holdHooks)
	}
	return h.waiting
}

// holdHooks waits until nothing of our own is being sent, and then lets the
// announcements through.
func (ns *Namespace) holdHooks() {
	tick := time.NewTicker(hookPause)
	defer tick.Stop()
	for range maxHeld {
		select {
		case <-ns.ctx.Done():
		case <-tick.C:
		}
		if ns.exec.Running() == 0 || ns.ctx.Err() != nil {
			break
		}
	}
	ns.hooks.mu.Lock()
	ns.hooks.waiting = false
	ns.hooks.mu.Unlock()
	if err := ns.announce(); err != nil {
		ns.log.Error("taking in webhooks", "err", err)
	}
}

// announce takes in the announcements that wait.
func (ns *Namespace) announce() error {
	ns.hooks.mu.Lock()
	changes := ns.hooks.held
	ns.hooks.held = nil
	ns.hooks.mu.Unlock()
	if len(changes) == 0 {
		return nil
	}
	return ns.update(func(t txn) error {
		ns.hooked = ns.now() >= ns.distrusted
		for _, ch := range changes {
			events := ns.feed.Announce([]remote.Change{ch}, ns.now())
			for _, e := range events {
				if err := t.applyEvent(e); err != nil {
					return err
				}
			}
			if len(events) > 0 {
				if err := t.tellKernel(ch); err != nil {
					return err
				}
			}
		}
		return t.SetMeta(metaFeed, ns.feed.Encode())
	})
}

// feedAge is how old the last read of the feed may be: longer while webhooks
// tell of everything. It runs under the database's lock.
func (ns *Namespace) feedAge() time.Duration {
	if ns.hooked {
		return max(hookedFeed, ns.opt.MaxAge)
	}
	return ns.opt.MaxAge
}

// doubtHooks has the feed read as often as without webhooks, after it showed a
// change that none told of. It runs under the database's lock.
func (ns *Namespace) doubtHooks() {
	if ns.feed.Missed() > 0 && ns.hooks.heard() {
		ns.hooked, ns.distrusted = false, ns.now()+int64(distrust)
	}
}

func (h *hooks) heard() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.good > 0
}

// report adds what webhooks told to a status.
func (h *hooks) report(trusted bool) *Webhooks {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.good+h.refused == 0 {
		return nil
	}
	return &Webhooks{Good: h.good, Refused: h.refused, Last: h.last, Relied: trusted}
}

// tellKernel has the kernel ask again for the names that a change is about.
func (t txn) tellKernel(ch remote.Change) error {
	if ch.Op == remote.Moved && ch.From == "" {
		for _, n := range t.ns.nodes.Values() { // it may have been any of them
			t.ns.invalidateEntry(n.Place)
			t.ns.invalidateAttr(n.Ino)
		}
	}
	for _, p := range []string{ch.Path, ch.From} {
		if p == "" {
			continue
		}
		if err := t.tellKernelOf(p); err != nil {
			return err
		}
	}
	return nil
}

// tellKernelOf is tellKernel for one path of the account.
func (t txn) tellKernelOf(p string) error {
	return t.meanings(p, func(inside string, _ bool) error {
		dir, found, err := t.walkRemote(path.Dir(inside))
		if err != nil || !found {
			return err
		}
		place := store.Place{Parent: dir, Name: path.Base(inside)}
		t.ns.invalidateEntry(place)
		n, err := t.standing(place)
		if err == nil && n != nil {
			t.ns.invalidateAttr(n.Ino)
		}
		return err
	})
}
