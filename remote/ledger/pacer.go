package ledger

import (
	"cmp"
	"container/heap"
	"context"
	"math"
	"sync"
	"time"
)

// Window allows N requests in any period of length Per.
type Window struct {
	N   int
	Per time.Duration
}

// window remembers when the last N starts were.
type window struct {
	starts []time.Time
	next   int
	per    time.Duration
}

func newWindow(w Window) *window {
	// The network may bring requests closer together than they left.
	return &window{starts: make([]time.Time, w.N), per: w.Per + w.Per/50}
}

// delay is how long the next start has to wait.
func (w *window) delay(now time.Time) time.Duration {
	oldest := w.starts[w.next]
	if oldest.IsZero() {
		return 0
	}
	return oldest.Add(w.per).Sub(now)
}

func (w *window) start(at time.Time) {
	w.starts[w.next] = at
	w.next = (w.next + 1) % len(w.starts)
}

// pacer lets requests go at the provider's rates, those that somebody waits
// for first. The zero rate and no windows let everything go at once.
type pacer struct {
	now func() time.Time

	// mu guards the fields below. Nothing is waited for while it is held.
	mu      sync.Mutex
	rate    float64 // per second, 0 for any
	burst   float64
	tokens  float64
	filled  time.Time
	windows []*window
	paused  time.Time
	queue   waiters
	arrived int
	timer   *time.Timer
}

func newPacer(now func() time.Time, rate float64, windows ...Window) *pacer {
	p := &pacer{now: now, rate: rate, burst: max(1, math.Floor(rate)), filled: now()}
	p.tokens = p.burst
	for _, w := range windows {
		if w.N > 0 && w.Per > 0 {
			p.windows = append(p.windows, newWindow(w))
		}
	}
	return p
}

// wait returns when a request of the class may start, or with ctx's error.
func (p *pacer) wait(ctx context.Context, c Class) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.mu.Lock()
	if len(p.queue) == 0 && p.delay() <= 0 {
		p.take()
		p.mu.Unlock()
		return nil
	}
	p.arrived++
	w := &waiter{class: c, order: p.arrived, goes: make(chan struct{})}
	heap.Push(&p.queue, w)
	p.schedule()
	p.mu.Unlock()

	select {
	case <-w.goes:
		return nil
	case <-ctx.Done():
		p.leave(w)
		return ctx.Err()
	}
}

// leave takes a waiter out of the queue.
func (p *pacer) leave(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.index >= 0 {
		heap.Remove(&p.queue, w.index)
	}
	p.schedule()
}

// pause lets nothing start before the given time.
func (p *pacer) pause(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until.After(p.paused) {
		p.paused = until
	}
	p.schedule()
}

// seed takes in a start of an earlier run.
func (p *pacer) seed(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.windows {
		w.start(at)
	}
}

// release lets those at the head of the queue go for whom it is time.
func (p *pacer) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) > 0 && p.delay() <= 0 {
		p.take()
		close(heap.Pop(&p.queue).(*waiter).goes)
	}
	p.schedule()
}

// schedule sets the timer for the head of the queue. mu is held.
func (p *pacer) schedule() {
	if len(p.queue) == 0 {
		if p.timer != nil {
			p.timer.Stop()
		}
		return
	}
	d := max(p.delay(), 0)
	if p.timer == nil {
		p.timer = time.AfterFunc(d, p.release)
		return
	}
	p.timer.Reset(d)
}

// delay is how long the next start has to wait. mu is held.
func (p *pacer) delay() time.Duration {
	now := p.now()
	d := p.paused.Sub(now)
	for _, w := range p.windows {
		d = max(d, w.delay(now))
	}
	if p.rate > 0 {
		p.fill(now)
		if p.tokens < 1 {
			// One nanosecond more makes up for what the division cut off.
			d = max(d, time.Duration((1-p.tokens)/p.rate*float64(time.Second))+1)
		}
	}
	return d
}

// fill adds the tokens of the time that went by. mu is held.
func (p *pacer) fill(now time.Time) {
	if d := now.Sub(p.filled); d > 0 {
		p.tokens = min(p.burst, p.tokens+d.Seconds()*p.rate)
	}
	p.filled = now
}

// take books one start. mu is held.
func (p *pacer) take() {
	now := p.now()
	for _, w := range p.windows {
		w.start(now)
	}
	if p.rate > 0 {
		p.tokens--
	}
}

// waiter is a request that waits for its turn.
type waiter struct {
	class Class
	order int
	index int // in the queue, -1 when it may go
	goes  chan struct{}
}

// waiters is a heap: the class that matters most first, then who came first.
type waiters []*waiter

func (q waiters) Len() int { return len(q) }

func (q waiters) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[i].class, q[j].class), cmp.Compare(q[i].order, q[j].order)) < 0
}

func (q waiters) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push is for package heap only.
func (q *waiters) Push(x any) {
	w := x.(*waiter)
	w.index = len(*q)
	*q = append(*q, w)
}

// Pop is for package heap only.
func (q *waiters) Pop() any {
	old := *q
	w := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	w.index = -1
	return w
}
