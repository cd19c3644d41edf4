package cache

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

const (
	// unknownPatience is how long a program waits for something that is not
	// known while the provider gives no sign of life. It is longer than the
	// wait for an archive.
	unknownPatience = 90 * time.Second
	// firstRest is how long nobody asks again after the provider turned out not
	// to be reachable; it doubles with each try that fails, up to lastRest.
	firstRest = 5 * time.Second
	lastRest  = 20 * time.Second
)

var errNoAnswer = errors.New("it gives no sign of life")

// circuit keeps programs from waiting, one after the other, for a provider that
// is known to be out of reach: after a failure, one request at a time finds out
// whether it is back, and all others are answered from what is known, or with
// that failure. The mutex of health guards it.
type circuit struct {
	// cause is why nothing is asked, nil if everything is.
	cause error
	// until is when the next request may try, rest how long the pause before
	// that was, in nanoseconds.
	until, rest int64
}

// trip notes that the provider could not be reached.
func (c *circuit) trip(err error, now int64) {
	switch {
	case c.cause == nil:
		c.rest = int64(firstRest)
	case now < c.until:
		return // it began before the failure that is known
	default:
		c.rest = min(2*c.rest, int64(lastRest))
	}
	c.cause, c.until = err, now+c.rest
}

// refuses returns why a request is better not made now. A nil is leave to try.
func (h *health) refuses(now int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := &h.circuit
	if c.cause == nil {
		return nil
	}
	if now < c.until {
		return c.cause
	}
	c.until = now + c.rest
	return nil
}

// patient returns a context for waiting that ends when the provider gives no sign
// of life for so long. The caller must call stop.
func (ns *Namespace) patient(ctx context.Context, limit time.Duration) (waiting context.Context, stop func()) {
	waiting, cancel := context.WithCancelCause(ctx)
	last := ns.health.beats.Load()
	go func() {
		tick := time.NewTicker(limit)
		defer tick.Stop()
		for {
			select {
			case <-waiting.Done():
				return
			case <-tick.C:
			}
			now := ns.health.beats.Load()
			if now == last {
				cancel(errNoAnswer)
				return
			}
			last = now
		}
	}()
	return waiting, func() { cancel(nil) }
}

// impatient turns the error of a wait that patient ended into what is wrong, and
// remembers that for those who come next.
func (ns *Namespace) impatient(waiting context.Context, err error, op, path string) error {
	if err == nil || !errors.Is(context.Cause(waiting), errNoAnswer) {
		return err
	}
	err = remote.E(remote.Offline, op, path, errNoAnswer)
	ns.health.note(err, ns.opt.Now())
	return err
}

// patienceFor is how long a request waits for the provider: not long if something
// is known that can be shown instead.
func (ns *Namespace) patienceFor(ctx context.Context, known bool) time.Duration {
	if known && ledger.ClassOf(ctx) == ledger.Interactive {
		return ns.opt.Patience
	}
	return max(unknownPatience, ns.opt.Patience)
}

// liveBody counts what arrives as signs of life.
type liveBody struct {
	io.ReadCloser
	h *health
}

func (b liveBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.h.beats.Add(1)
	}
	return n, err
}
