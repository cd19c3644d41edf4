package ledger

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

func TestClassesStopAtTheirShareOfTheProvidersWord(t *testing.T) {
	for _, c := range []struct {
		remaining int
		stopped   []Class
	}{
		{500, nil},
		{499, []Class{Prefetch}},
		{100, []Class{Prefetch}},
		{99, []Class{Prefetch, Poll}},
		{21, []Class{Prefetch, Poll}},
		{20, []Class{Prefetch, Poll, Interactive}},
		{0, []Class{Prefetch, Poll, Interactive}},
	} {
		t.Run(fmt.Sprint(c.remaining), func(t *testing.T) {
			answer := func(w http.ResponseWriter, _ *http.Request) { rate(w, 1000, c.remaining) }
			inWorld(t, Options{DailyLimit: 7}, answer, func(w *world) {
				wantNil(t, w.get(as(Writeback)))
				stopped := map[Class]bool{}
				for _, class := range c.stopped {
					stopped[class] = true
					e := wantError(t, w.get(as(class)), remote.Budget)
					if e.Unknown || e.Status != 0 {
						t.Errorf("%v: %+v", class, e)
					}
				}
				w.same(1)
				for class := Interactive; class <= Prefetch; class++ {
					if !stopped[class] {
						wantNil(t, w.get(as(class)))
					}
				}
				w.same(5 - len(c.stopped))
				if s := w.Snapshot(); s.Word != ProviderWord || s.Limit != 1000 || s.Day.Refused != len(c.stopped) {
					t.Errorf("snapshot: %+v", s)
				}
			})
		})
	}
}

func TestOwnLimitRollsOver24Hours(t *testing.T) {
	inWorld(t, Options{DailyLimit: 30, Reserve: 5}, ok, func(w *world) {
		for range 25 {
			wantNil(t, w.get(as(Interactive)))
			pass(time.Minute)
		}
		wantKind(t, w.get(as(Interactive)), remote.Budget)
		for range 5 {
			wantNil(t, w.get(as(Writeback)))
		}
		wantKind(t, w.get(as(Writeback)), remote.Budget)
		w.same(30)
		pass(24*time.Hour - 25*time.Minute - time.Second)
		wantKind(t, w.get(as(Writeback)), remote.Budget)
		pass(time.Minute + time.Second)
		wantNil(t, w.get(as(Writeback)))
		pass(24*time.Hour + time.Minute)
		if s := w.Snapshot(); s.Day.Requests != 0 || s.Remaining != 30 || s.Word != OwnWord {
			t.Errorf("after a day: %+v", s)
		}
		wantNil(t, w.get(as(Interactive)))
	})
}

func TestOurOwnCountContinuesTheProvidersWord(t *testing.T) {
	first := true
	answer := func(w http.ResponseWriter, _ *http.Request) {
		if first {
			rate(w, 1000, 25)
		}
		first = false
	}
	inWorld(t, Options{}, answer, func(w *world) {
		for range 6 {
			wantNil(t, w.get(as(Interactive)))
		}
		wantKind(t, w.get(as(Interactive)), remote.Budget)
		if s := w.Snapshot(); s.Remaining != 20 || s.Reserve != 20 {
			t.Errorf("snapshot: %+v", s)
		}
	})
}

func TestAnOldWordIsAskedAnew(t *testing.T) {
	remaining := 3
	answer := func(w http.ResponseWriter, _ *http.Request) { rate(w, 1000, remaining) }
	inWorld(t, Options{}, answer, func(w *world) {
		wantNil(t, w.get(as(Interactive)))
		wantKind(t, w.get(as(Interactive)), remote.Budget)
		pass(wordAge)
		wantKind(t, w.get(as(Poll)), remote.Budget)
		wantNil(t, w.get(as(Interactive)))
		wantKind(t, w.get(as(Interactive)), remote.Budget)
		w.same(2)
		remaining = 900
		pass(wordAge)
		for range 5 {
			wantNil(t, w.get(as(Interactive)))
		}
	})
}

func TestLateAnswersDoNotOverrideNewerWords(t *testing.T) {
	now := time.Now()
	b := budget{remaining: -1}
	b.hear(1000, 500, 2, 3, 0, now)
	b.hear(1000, 501, 1, 3, 0, now)
	if s := b.standing(3, 0); s.left != 499 {
		t.Errorf("left %d, want 500 less the one request after it", s.left)
	}
}

func Test429WithoutRetryAfterBlocksForAGrowingTime(t *testing.T) {
	status := http.StatusTooManyRequests
	answer := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
	inWorld(t, Options{}, answer, func(w *world) {
		sent := 0
		for _, minutes := range []int{1, 2, 4, 8, 15, 15} {
			e := wantError(t, w.get(as(Writeback)), remote.Budget)
			pause := time.Duration(minutes) * time.Minute
			if sent++; e.Status != 429 || e.RetryAfter != pause {
				t.Fatalf("got %+v, want a pause of %v", e, pause)
			}
			w.same(sent)
			pass(pause - time.Second)
			if d := took(func() { wantKind(t, w.get(as(Writeback)), remote.Budget) }); d != 0 {
				t.Errorf("refusal took %v", d)
			}
			w.same(sent)
			pass(time.Second)
		}
		if s := w.Snapshot(); s.LastError == "" {
			t.Error("no last error")
		}
		status = http.StatusOK
		for range 3 {
			wantNil(t, w.get(as(Interactive)))
		}
		status = http.StatusTooManyRequests
		if e := wantError(t, w.get(as(Writeback)), remote.Budget); e.RetryAfter != time.Minute {
			t.Errorf("success did not reset the pause: %v", e.RetryAfter)
		}
	})
}

func TestOneProbePerIntervalWhileItsAnswerIsOut(t *testing.T) {
	hold := make(chan struct{})
	answer := func(w http.ResponseWriter, r *http.Request) {
		if hit(r) == 1 {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		<-hold
	}
	inWorld(t, Options{}, answer, func(w *world) {
		hold = make(chan struct{})
		wantKind(t, w.get(as(Interactive)), remote.Budget)
		pass(time.Minute)
		probe := make(chan error)
		go func() { probe <- w.get(as(Interactive)) }()
		pass(time.Second)
		for range 3 {
			wantKind(t, w.get(as(Writeback)), remote.Budget)
		}
		w.same(2)
		close(hold)
		wantNil(t, <-probe)
		wantNil(t, w.get(as(Interactive)))
	})
}

func TestRetryAfterOf429(t *testing.T) {
	after := "3600"
	answer := func(w http.ResponseWriter, r *http.Request) {
		if hit(r)%2 == 1 {
			w.Header().Set("Retry-After", after)
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}
	inWorld(t, Options{}, answer, func(w *world) {
		for range 2 {
			e := wantError(t, w.get(as(Interactive)), remote.Budget)
			if e.RetryAfter != time.Hour || !w.Snapshot().BlockedUntil.Equal(time.Now().Add(time.Hour)) {
				t.Errorf("%+v", e)
			}
			pass(time.Hour - time.Second)
			wantKind(t, w.get(as(Interactive)), remote.Budget)
			pass(time.Second)
			wantNil(t, w.get(as(Interactive)))
			after = time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
		}
		w.same(4)
		after = "2" // a burst: waited out, whatever the request
		d := took(func() {
			_, _, err := w.do(as(Writeback), http.MethodPost, "/", "x")
			wantNil(t, err)
		})
		if d < 2*time.Second || d > 4*time.Second {
			t.Errorf("took %v", d)
		}
		w.same(6)
	})
}

func TestThrottle(t *testing.T) {
	inWorld(t, Options{}, ok, func(w *world) {
		wantNil(t, w.get(as(Interactive)))
		w.Throttle(15 * time.Minute)
		wantKind(t, w.get(as(Writeback)), remote.Budget)
		pass(15 * time.Minute)
		wantNil(t, w.get(as(Writeback)))
		w.same(2)
	})
}

func TestTransfersAreNoTransactions(t *testing.T) {
	answer := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api" {
			rate(w, 1000, 0)
			w.WriteHeader(http.StatusTooManyRequests)
		}
		_, _ = w.Write([]byte("data"))
	}
	inWorld(t, Options{}, answer, func(w *world) {
		_, _, err := w.do(as(Interactive), http.MethodGet, "/api", "")
		wantKind(t, err, remote.Budget)
		_, text, err := w.do(WithTransfer(as(Interactive)), http.MethodGet, "/storage", "")
		wantNil(t, err)
		got := w.Totals()
		if text != "data" || got.Requests != 1 || got.Transfers != 1 {
			t.Errorf("%q %+v", text, got)
		}
		wantKind(t, w.get(as(Interactive)), remote.Budget)
	})
}
