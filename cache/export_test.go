package cache

import "context"

// PollOnce does what the regular poll does at each tick.
func (ns *Namespace) PollOnce(ctx context.Context) {
	if ns.pollDue() {
		_ = ns.readFeed(ctx)
	}
}
