package fs

import (
	"context"
	"sync"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/frugalfs/frugalfs/cache"
)

// recheck is how often an interrupted request looks whether its caller wants
// to leave after all: the kernel reports only the first signal.
const recheck = 100 * time.Millisecond

// request is the context of one FUSE request. It carries the caller, and it
// ends when that caller should not be kept waiting any longer.
//
// go-fuse closes the cancel channel at *any* signal, the timer ticks of git
// and the preemption signals of every Go program included. A file system on a
// disk never fails a stat or a read for those, and few programs could cope;
// so, as on NFS, a signal ends the request only if it kills the caller or
// asks it to stop (signals.go).
//
// Watching costs a goroutine, so it begins when somebody asks for Done, which
// only happens when there is something to wait for.
type request struct {
	caller cache.Caller
	// cancel is go-fuse's channel, nil if the request is not to be given up.
	// It belongs to the next request as soon as this one is answered.
	cancel <-chan struct{}
	// gone is closed when the mount is torn down.
	gone <-chan struct{}
	// wantsOut tells whether a caller was asked to stop.
	wantsOut func(tid uint32) bool

	mu sync.Mutex
	// done and ended are guarded by mu. done is made when first asked for,
	// ended is closed when the answer is out.
	done, ended chan struct{}
	// over is guarded by mu: the answer is out, and nothing is watched.
	over bool
}

var _ context.Context = (*request)(nil)

// reading returns the context of a request that changes nothing: it may be
// given up. The caller must call end.
func (f *FS) reading(cancel <-chan struct{}, h *fuse.InHeader) *request {
	f.ns.UsedBy(h.Pid)
	return &request{caller: callerOf(h), cancel: cancel, gone: f.gone, wantsOut: wantsOut}
}

// changing returns the context of a request that changes something: it runs
// to its end, whatever happens to the caller.
func (f *FS) changing(h *fuse.InHeader) *request {
	f.ns.UsedBy(h.Pid)
	return &request{caller: callerOf(h)}
}

func callerOf(h *fuse.InHeader) cache.Caller {
	return cache.Caller{UID: h.Uid, GID: h.Gid, PID: h.Pid}
}

// end stops the watching. What was handed out stays valid and never ends.
func (r *request) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	if r.ended != nil {
		close(r.ended)
		r.ended = nil
	}
}

// Deadline is never set: network work has deadlines of its own.
func (r *request) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value returns the caller for [cache.CallerKey].
func (r *request) Value(key any) any {
	if _, ok := key.(cache.CallerKey); ok {
		return r.caller
	}
	return nil
}

// Err returns context.Canceled once the request is given up.
func (r *request) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done == nil {
		return nil
	}
	select {
	case <-r.done:
		return context.Canceled
	default:
		return nil
	}
}

// Done returns a channel that is closed when the request is given up, nil if
// that cannot happen.
func (r *request) Done() <-chan struct{} {
	if r.cancel == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done == nil {
		r.done = make(chan struct{})
		if !r.over {
			r.ended = make(chan struct{})
			go r.watch(r.done, r.ended)
		}
	}
	return r.done
}

// watch closes done when the caller wants to leave, and returns at the latest
// when ended is closed.
func (r *request) watch(done chan<- struct{}, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-r.gone:
		close(done)
		return
	case <-r.cancel:
	}
	tick := time.NewTicker(recheck)
	defer tick.Stop()
	for !r.wantsOut(r.caller.PID) {
		select {
		case <-ended:
			return
		case <-r.gone:
			close(done)
			return
		case <-tick.C:
		}
	}
	close(done)
}
