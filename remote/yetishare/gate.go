package yetishare

import (
	"context"
	"sync"
)

// gate bounds how many downloads are open at once. Its zero value lets all in.
type gate struct {
	// mu guards what follows.
	mu   sync.Mutex
	full int // what the account's package allows, 0 for any number
	most int // what is let in now, 0 for any number
	in   int
	// changed is closed when it is worth trying again; nil if nobody waits.
	changed chan struct{}
}

// limit sets the most downloads at once, 0 for any number.
func (g *gate) limit(n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.full = int(min(max(n, 0), 1<<16))
	g.most = g.full
	g.wake()
}

// halve lets only half as many in from now on as there are, but one at least;
// each download that comes to an end makes it one more again.
func (g *gate) halve() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.most = max(g.in/2, 1)
}

// enter waits for a place.
func (g *gate) enter(ctx context.Context) error {
	for {
		wait := g.try()
		if wait == nil {
			return nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// try takes a place, or returns what is closed when one may be free.
func (g *gate) try() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.most == 0 || g.in < g.most {
		g.in++
		return nil
	}
	if g.changed == nil {
		g.changed = make(chan struct{})
	}
	return g.changed
}

// leave gives a place back.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.in--
	g.wake()
}

// done gives a place back after a download that came to its end.
func (g *gate) done() {
	g.mu.Lock()
	if g.most > 0 && g.most != g.full {
		g.most++
	}
	g.mu.Unlock()
	g.leave()
}

// wake lets those who wait try again. mu is held.
func (g *gate) wake() {
	if g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
}
