package ledger

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// failing answers the first n requests with fail, and says "done" then.
func failing(n int, fail func(http.ResponseWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if hit(r) <= n {
			fail(w)
			return
		}
		_, _ = io.WriteString(w, "done")
	}
}

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(code) }
}

func TestWhatIsRetried(t *testing.T) {
	plain := context.Background()
	for _, c := range []struct {
		name   string
		ctx    context.Context
		method string
		fail   func(http.ResponseWriter)
		tries  int
		status int
		kind   remote.Kind
	}{
		{"GET 503", plain, "GET", status(503), 3, 200, 0},
		{"GET 500", plain, "GET", status(500), 3, 200, 0},
		{"GET 404", plain, "GET", status(404), 1, 404, 0},
		{"GET cut", plain, "GET", cut, 3, 200, 0},
		{"HEAD 502", plain, "HEAD", status(502), 3, 200, 0},
		{"POST 503", plain, "POST", status(503), 1, 503, 0},
		{"POST cut", plain, "POST", cut, 1, 0, remote.Temporary},
		{"repeatable POST 504", WithRepeatable(plain), "POST", status(504), 3, 200, 0},
		{"repeatable POST cut", WithRepeatable(plain), "POST", cut, 3, 200, 0},
		{"mutating GET 503", WithMutating(plain), "GET", status(503), 1, 503, 0},
		{"mutating GET cut", WithMutating(plain), "GET", cut, 1, 0, remote.Temporary},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, Options{}, failing(2, c.fail), func(w *world) {
				code, _, err := w.do(WithOp(c.ctx, "op"), c.method, "/", bodyFor(c.method))
				if c.kind != 0 {
					if e := wantError(t, err, c.kind); !e.Unknown || e.Op != "op" {
						t.Errorf("%+v", e)
					}
				} else if wantNil(t, err); code != c.status {
					t.Errorf("status %d, want %d", code, c.status)
				}
				w.same(c.tries)
				if got := w.Totals(); got.Retries != c.tries-1 || got.ByOp["op"] != c.tries {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

func TestRetriesAreBounded(t *testing.T) {
	inWorld(t, Options{Retries: 3}, failing(99, status(503)), func(w *world) {
		d := took(func() {
			code, _, err := w.do(context.Background(), "GET", "/", "")
			if wantNil(t, err); code != 503 {
				t.Errorf("status %d", code)
			}
		})
		w.same(4)
		if d != 7*time.Second { // 1 + 2 + 4, the jitter being largest
			t.Errorf("took %v", d)
		}
	})
	inWorld(t, Options{Retries: 99}, failing(99, status(503)), func(w *world) {
		d := took(func() { _, _, _ = w.do(context.Background(), "GET", "/", "") })
		if d > time.Minute || w.Count() < 6 {
			t.Errorf("%d tries in %v", w.Count(), d)
		}
	})
	inWorld(t, Options{Retries: -1}, failing(99, status(503)), func(w *world) {
		_ = w.get(context.Background())
		w.same(1)
	})
}

func TestRetryAfterOf503(t *testing.T) {
	after := func(s string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", s)
			w.WriteHeader(503)
		}
	}
	inWorld(t, Options{}, failing(1, after("20")), func(w *world) {
		if d := took(func() { wantNil(t, w.get(context.Background())) }); d != 20*time.Second {
			t.Errorf("took %v", d)
		}
		w.same(2)
	})
	inWorld(t, Options{}, failing(1, after("31")), func(w *world) {
		wantNil(t, w.get(context.Background()))
		w.same(1)
	})
}

func TestUnreachable(t *testing.T) {
	inWorld(t, Options{}, ok, func(w *world) {
		w.net.refuse.Store(2)
		_, _, err := w.do(context.Background(), "POST", "/", "body") // never left: safe
		wantNil(t, err)
		w.same(1)
		if d := w.net.dials.Load(); d != 3 {
			t.Errorf("%d dials", d)
		}
		w.CloseIdleConnections()
		w.net.refuse.Store(99)
		_, _, err = w.do(context.Background(), "POST", "/", "body")
		if e := wantError(t, err, remote.Offline); e.Unknown {
			t.Errorf("%+v", e)
		}
		w.same(1)
		if s := w.Snapshot(); s.Day.Requests != 1 || s.InFlight != 0 || s.LastError == "" {
			t.Errorf("%+v", s)
		}
	})
}

func TestBodyThatCannotBeReadAgainIsSentOnce(t *testing.T) {
	inWorld(t, Options{}, failing(1, status(503)), func(w *world) {
		req, err := http.NewRequestWithContext(WithRepeatable(context.Background()),
			"PUT", "http://localhost/", io.NopCloser(strings.NewReader("once")))
		wantNil(t, err)
		resp, err := w.RoundTrip(req)
		wantNil(t, err)
		_ = resp.Body.Close()
		w.same(1)
	})
}

func TestCancel(t *testing.T) {
	arrived := make(chan struct{}, 9)
	answer := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
		<-r.Context().Done()
	}
	for _, method := range []string{"GET", "POST"} {
		inWorld(t, Options{}, answer, func(w *world) {
			arrived = make(chan struct{}, 9)
			ctx, cancel := context.WithCancel(context.Background())
			go func() {
				<-arrived
				cancel()
			}()
			_, _, err := w.do(ctx, method, "/", "")
			e := wantError(t, err, remote.Canceled)
			if !errors.Is(err, context.Canceled) || e.Unknown != (method == "POST") {
				t.Errorf("%s: %+v", method, e)
			}
			w.same(1)
			wantKind(t, w.get(ctx), remote.Canceled) // before it left
			w.same(1)
		})
	}
}

func TestCancelWhileWaitingToTryAgain(t *testing.T) {
	inWorld(t, Options{}, failing(9, status(503)), func(w *world) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second/2)
		defer cancel()
		_, _, err := w.do(WithRepeatable(ctx), "POST", "/", "x")
		if e := wantError(t, err, remote.Canceled); !e.Unknown || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%+v", e)
		}
		w.same(1)
	})
}

// A kept connection that the server closes under a request makes
// http.Transport send a GET again by itself.
func TestHiddenReplaysAreCounted(t *testing.T) {
	answer := func(w http.ResponseWriter, r *http.Request) {
		if hit(r) == 2 {
			cut(w)
		}
	}
	inWorld(t, Options{}, answer, func(w *world) {
		wantNil(t, w.get(context.Background()))
		wantNil(t, w.get(context.Background()))
		w.same(3)
		if n := w.Totals().Retries; n != 1 {
			t.Errorf("%d retries", n)
		}
	})
	inWorld(t, Options{}, answer, func(w *world) {
		wantNil(t, w.get(context.Background()))
		e := wantError(t, w.get(WithMutating(context.Background())), remote.Temporary)
		if !e.Unknown {
			t.Errorf("%+v", e)
		}
		w.same(2)
	})
}

func TestFailureIsNotHiddenByTheBudget(t *testing.T) {
	answer := func(w http.ResponseWriter, _ *http.Request) {
		rate(w, 1000, 0)
		w.WriteHeader(503)
	}
	inWorld(t, Options{}, answer, func(w *world) {
		code, _, err := w.do(as(Interactive), "GET", "/", "")
		if wantNil(t, err); code != 503 {
			t.Errorf("status %d", code)
		}
		w.same(1)
	})
}

func bodyFor(method string) string {
	if method == "POST" {
		return "body"
	}
	return ""
}
