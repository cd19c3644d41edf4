package exavault1

import (
	"context"
	"sync"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// maxLook is how many paths one look may name: see batchSize.
const maxLook = 900

// lookout gathers looks: those that are wanted while one is under way go
// together in the next. Each of those who wait may become the one who sends it,
// so no goroutine is needed that outlives them.
type lookout struct {
	c *Client
	// turn is held by whoever sends a look.
	turn chan struct{}

	// mu guards queue, and the seen and err of what is not done yet. It is not
	// held during a request.
	mu    sync.Mutex
	queue []*query
}

// query is what one caller wants to look at.
type query struct {
	class ledger.Class
	paths []string
	done  chan struct{} // closed once seen and err are there
	seen  sight
	err   error
}

func (l *lookout) init(c *Client) { l.c, l.turn = c, make(chan struct{}, 1) }

// ask looks at paths. The look leaves after ask was called.
func (l *lookout) ask(ctx context.Context, paths []string) (sight, error) {
	if err := ctx.Err(); err != nil {
		return nil, remote.E(remote.Canceled, opInfo, paths[0], err)
	}
	q := &query{class: ledger.ClassOf(ctx), paths: paths, done: make(chan struct{})}
	l.mu.Lock()
	l.queue = append(l.queue, q)
	l.mu.Unlock()
	for {
		select {
		case <-q.done:
			return q.seen, q.err
		case <-ctx.Done():
			l.leave(q)
			return nil, remote.E(remote.Canceled, opInfo, paths[0], ctx.Err())
		case l.turn <- struct{}{}:
			l.lead(ctx, q)
			<-l.turn
		}
	}
}

// lead sends a look for q and for those that can go with it.
func (l *lookout) lead(ctx context.Context, q *query) {
	batch := l.take(q)
	if len(batch) == 0 {
		return // somebody else has just seen to it
	}
	seen, err := l.c.checkFiles(ctx, distinct(batch))
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range batch {
		if b != q && err != nil && ctx.Err() != nil {
			l.queue = append(l.queue, b) // it is not b's caller who went away
			continue
		}
		b.seen, b.err = seen, err
		close(b.done)
	}
}

// take takes q out of the queue, with others of its class as long as there is
// room: a look that the budget refuses for one of them it refuses for all.
func (l *lookout) take(q *query) []*query {
	l.mu.Lock()
	defer l.mu.Unlock()
	var batch, left []*query
	room := maxLook
	for _, w := range l.queue {
		if w == q {
			batch, room = append(batch, q), room-len(q.paths)
		}
	}
	if len(batch) == 0 {
		return nil
	}
	for _, w := range l.queue {
		switch {
		case w == q:
		case w.class == q.class && len(w.paths) <= room:
			batch, room = append(batch, w), room-len(w.paths)
		default:
			left = append(left, w)
		}
	}
	l.queue = left
	return batch
}

// leave takes q out of the queue.
func (l *lookout) leave(q *query) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, w := range l.queue {
		if w == q {
			l.queue = append(l.queue[:i:i], l.queue[i+1:]...)
			return
		}
	}
}

// distinct returns the paths of some queries, each once, in their order.
func distinct(batch []*query) []string {
	var paths []string
	known := map[string]bool{}
	for _, q := range batch {
		for _, p := range q.paths {
			if !known[p] {
				known[p] = true
				paths = append(paths, p)
			}
		}
	}
	return paths
}
