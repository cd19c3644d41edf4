package fs

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/frugalfs/frugalfs/cache"
)

// watched is a request context whose caller's wish to leave is leave.
func watched(leave *atomic.Bool) (r *request, cancel, gone chan struct{}) {
	cancel, gone = make(chan struct{}), make(chan struct{})
	return &request{cancel: cancel, gone: gone, wantsOut: func(uint32) bool { return leave.Load() }}, cancel, gone
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestRequestCarriesItsCaller(t *testing.T) {
	h := &fuse.InHeader{Caller: fuse.Caller{Owner: fuse.Owner{Uid: 1, Gid: 2}, Pid: 3}}
	r := &request{caller: callerOf(h)}
	ctx, cancel := context.WithCancel(r)
	defer cancel()
	if got, want := ctx.Value(cache.CallerKey{}), (cache.Caller{UID: 1, GID: 2, PID: 3}); got != want {
		t.Errorf("caller %v, want %v", got, want)
	}
	if v := r.Value("something else"); v != nil {
		t.Errorf("unexpected value %v", v)
	}
	if _, ok := r.Deadline(); ok {
		t.Error("a request has no deadline")
	}
}

func TestSignalsThatEndNothingAreWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var leave atomic.Bool
		r, cancel, _ := watched(&leave)
		defer r.end()
		done := r.Done()
		close(cancel)
		time.Sleep(time.Minute)
		if closed(done) || r.Err() != nil {
			t.Fatal("given up for a signal that ends nothing")
		}
		// The kernel tells of the first signal only, so later ones must be
		// looked for.
		leave.Store(true)
		time.Sleep(2 * recheck)
		if !closed(done) || !errors.Is(r.Err(), context.Canceled) {
			t.Fatal("the caller was killed, and is kept waiting")
		}
	})
}

func TestKilledCallersLeaveAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var leave atomic.Bool
		leave.Store(true)
		r, cancel, _ := watched(&leave)
		defer r.end()
		start := time.Now()
		child, stop := context.WithTimeout(r, time.Hour)
		defer stop()
		close(cancel)
		<-child.Done()
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %v", waited)
		}
	})
}

func TestNobodyIsWaitedForWhenTheMountEnds(t *testing.T) {
	for _, interrupted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var leave atomic.Bool
			r, cancel, gone := watched(&leave)
			defer r.end()
			if interrupted {
				close(cancel)
			}
			done := r.Done()
			synctest.Wait()
			close(gone)
			<-done
		})
	}
}

// go-fuse uses a cancel channel again for the next request: what somebody
// keeps of an answered one must not end with that.
func TestAnAnsweredRequestNeverEnds(t *testing.T) {
	for _, asked := range []string{"before", "after"} {
		synctest.Test(t, func(t *testing.T) {
			var leave atomic.Bool
			leave.Store(true)
			r, cancel, _ := watched(&leave)
			var done <-chan struct{}
			if asked == "before" {
				done = r.Done()
			}
			r.end()
			r.end()
			if asked == "after" {
				done = r.Done()
			}
			synctest.Wait()
			close(cancel)
			synctest.Wait()
			if closed(done) || r.Err() != nil {
				t.Errorf("asked %s: an answered request was given up", asked)
			}
		})
	}
}

func TestAnInterruptedRequestThatIsAnsweredStopsWatching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var leave atomic.Bool
		r, cancel, _ := watched(&leave)
		r.Done()
		close(cancel)
		synctest.Wait()
		r.end() // the bubble fails if a goroutine is left
	})
}

func TestChangesAreNotGivenUp(t *testing.T) {
	r := &request{}
	defer r.end()
	if r.Done() != nil || r.Err() != nil {
		t.Error("a change can be interrupted")
	}
}
