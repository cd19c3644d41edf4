package cache

import (
	"context"
	"os"
)

// PollOnce does what the regular poll does at each tick.
func (ns *Namespace) PollOnce(ctx context.Context) {
	if ns.pollDue() {
		_ = ns.readFeed(ctx)
	}
}

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
