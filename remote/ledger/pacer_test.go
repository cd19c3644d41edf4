package ledger

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

func TestRequestsPerSecond(t *testing.T) {
	inWorld(t, Options{RequestsPerSecond: 5}, ok, func(w *world) {
		d := took(func() {
			for range 20 {
				wantNil(t, w.get(as(Interactive)))
			}
		})
		if d < 3*time.Second || d > 3*time.Second+time.Millisecond {
			t.Errorf("20 requests at 5 a second, 5 of them at once, took %v", d)
		}
	})
}

// Any period of the window's length holds at most N starts.
func TestWindowsHold(t *testing.T) {
	rnd := seeded(t)
	synctest.Test(t, func(t *testing.T) {
		const n, per = 7, 10 * time.Second
		p := newPacer(time.Now, 0, Window{n, per})
		var starts []time.Time
		for range 200 {
			pass(time.Duration(rnd.IntN(2000)) * time.Millisecond)
			wantNil(t, p.wait(t.Context(), Interactive))
			starts = append(starts, time.Now())
		}
		for i := n; i < len(starts); i++ {
			if d := starts[i].Sub(starts[i-n]); d < per {
				t.Fatalf("%d starts within %v", n+1, d)
			}
		}
	})
}

func TestThoseWhoWaitComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(time.Now, 1)
		wantNil(t, p.wait(t.Context(), Interactive))
		var mu sync.Mutex
		var order []Class
		var wg sync.WaitGroup
		for _, c := range []Class{Prefetch, Poll, Prefetch, Interactive, Writeback} {
			wg.Go(func() {
				_ = p.wait(context.Background(), c)
				mu.Lock()
				defer mu.Unlock()
				order = append(order, c)
			})
			synctest.Wait()
		}
		wg.Wait()
		if !slices.IsSorted(order) || len(order) != 5 {
			t.Errorf("order: %v", order)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(time.Now, 0.1)
		wantNil(t, p.wait(t.Context(), Interactive))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.wait(ctx, Interactive); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if d := took(func() { wantNil(t, p.wait(t.Context(), Prefetch)) }); d > 9*time.Second+time.Millisecond {
			t.Errorf("the one who left still used up a turn: %v", d)
		}
	})
	inWorld(t, Options{Windows: []Window{{1, time.Hour}}}, ok, func(w *world) {
		wantNil(t, w.get(as(Interactive)))
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, _, err := w.do(ctx, "POST", "/", "")
		if e := wantError(t, err, remote.Canceled); e.Unknown {
			t.Errorf("%+v", e)
		}
		w.same(1)
	})
}

func TestNewConnectionsPerSecond(t *testing.T) {
	hold := make(chan struct{})
	answer := func(http.ResponseWriter, *http.Request) { <-hold }
	inWorld(t, Options{NewConnsPerSecond: 3, MaxConns: 8}, answer, func(w *world) {
		hold = make(chan struct{})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { wantErrNil(t, w.get(as(Interactive))) })
		}
		for _, want := range []int64{3, 6, 8, 8} {
			synctest.Wait()
			if n := w.net.dials.Load(); n != want {
				t.Errorf("%d connections, want %d", n, want)
			}
			pass(1100 * time.Millisecond)
		}
		close(hold)
		wg.Wait()
		w.same(20)
		if n := w.net.dials.Load(); n != 8 {
			t.Errorf("%d connections for 20 requests", n)
		}
	})
}

// wantErrNil is wantNil for other goroutines than the test's.
func wantErrNil(t *testing.T, err error) {
	if err != nil {
		t.Error(err)
	}
}
