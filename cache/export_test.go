package cache

import (
	"context"
	"os"

	"github.com/frugalfs/frugalfs/cache/outbox"
)

// PollOnce does what the regular poll does at each tick.
func (ns *Namespace) PollOnce(ctx context.Context) {
	if ns.pollDue() {
		_ = ns.readFeed(ctx)
	}
}

// NewStill is New without background work: nothing happens unless it is asked for.
func NewStill(ctx context.Context, state *State, opt Options) (*Namespace, error) {
	return open(ctx, state, opt)
}

// Outbox is what sends the changes of a namespace.
func (ns *Namespace) Outbox() *outbox.Executor { return ns.exec }

// Tick does what is done regularly to make changes survive a power failure.
func (ns *Namespace) Tick(ctx context.Context) error { return ns.syncAll(ctx) }

// Sight is what a test wants to know of a node.
type Sight struct {
	// ID and Version are the object's, "" if there is none.
	ID, Version string
	// Gen is not 0 if the mount shows what was written here.
	Gen uint64
	// Copy is true if it shows the content of another node's object.
	Copy   bool
	Exists bool
	Dirty  bool
}

// Sight returns what is known of a node.
func (ns *Namespace) Sight(ino uint64) (s Sight) {
	n, err := ns.node(ino)
	if err != nil {
		return s
	}
	return Sight{ID: n.Remote.ID, Version: n.Remote.Version, Gen: n.Gen, Copy: n.Copy != nil, Exists: n.Exists, Dirty: n.Dirty != nil}
}

// Open intents and generations that are still there, for tests of what is left
// behind.
func (ns *Namespace) Left() (intents int, gens []uint64) {
	_ = ns.view(func(t txn) error {
		all, err := t.Intents()
		intents = len(all)
		return err
	})
	rows, _ := records{ns}.Contents()
	for _, r := range rows {
		if r.Staged {
			gens = append(gens, r.Gen)
		}
	}
	return intents, gens
}

// FailStore makes the database's durable steps fail.
func (s *State) FailStore(f func(label string) error) { s.db.InjectFailures(f) }

// FailStore makes the database's durable steps fail.
func (ns *Namespace) FailStore(f func(label string) error) { ns.db.InjectFailures(f) }

// HasBallast tells whether space is kept for a full disk.
func (ns *Namespace) HasBallast() bool {
	_, err := os.Stat(ns.state.ballastPath())
	return err == nil
}

// Stop ends the background work, as Close does first.
func (ns *Namespace) Stop() { ns.cancel() }

// Ready returns how many dirty nodes would be sent now.
func (ns *Namespace) Ready() (n int) {
	in, _, err := (&tree{ns}).Snapshot(false)
	if err != nil {
		return -1
	}
	for _, node := range in.Nodes {
		if node.Ready {
			n++
		}
	}
	return n
}

// Has tells whether all of a file's content is cached.
func (ns *Namespace) Has(ino uint64) bool {
	n, err := ns.node(ino)
	return err == nil && ns.content.Complete(keyOf(n))
}

// Evict drops the cached content of files.
func (ns *Namespace) Evict(inos ...uint64) {
	for _, ino := range inos {
		ns.content.Forget(ino, "")
	}
}

// FullDisk has the disk be full for cached content whenever full says so.
func (ns *Namespace) FullDisk(full func() bool) { ns.content.InjectFullDisk(full) }
