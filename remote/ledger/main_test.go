package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/frugalfs/frugalfs/remote"

	"github.com/frugalfs/frugalfs/remote/remotetest/seed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// seeded returns random numbers that FRUGALFS_SEED repeats.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(seed.Of(t), 0))
}

// pipeNet is a network in memory, so that a test's clock can be a false one.
type pipeNet struct {
	conns chan net.Conn
	done  chan struct{}
	close sync.Once
	dials atomic.Int64
	// refuse is how many dials fail before one works.
	refuse atomic.Int64
}

func newPipeNet() *pipeNet {
	return &pipeNet{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (p *pipeNet) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	p.dials.Add(1)
	if p.refuse.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
	}
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.done:
	case <-ctx.Done():
	}
	return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("no listener")}
}

func (p *pipeNet) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipeNet) Close() error {
	p.close.Do(func() { close(p.done) })
	return nil
}

func (p *pipeNet) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// world is a ledger and a server that counts, joined by a pipeNet.
type world struct {
	*testing.T
	*Ledger
	net  *pipeNet
	hits atomic.Int64
}

// inWorld runs a test with a false clock. handler answers every request; the
// number of the request is in its context.
func inWorld(t *testing.T, o Options, handler http.HandlerFunc, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, net: newPipeNet()}
		server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			n := w.hits.Add(1)
			handler(rw, r.WithContext(context.WithValue(r.Context(), hitKey{}, int(n))))
		})}
		o.Dial = w.net.dial
		if o.Jitter == nil {
			o.Jitter = func() float64 { return 1 }
		}
		var err error
		if w.Ledger, err = New(o); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = server.Serve(w.net)
		}()
		test(w)
		w.CloseIdleConnections()
		_ = server.Close()
		<-done
		pass(time.Second) // the server's connections linger for half of that
	})
}

type hitKey struct{}

// hit is the number of the request, from 1.
func hit(r *http.Request) int { n, _ := r.Context().Value(hitKey{}).(int); return n }

// do sends a request and reads the answer.
func (w *world) do(ctx context.Context, method, path, body string) (status int, text string, err error) {
	w.Helper()
	req, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, nil)
	if err != nil {
		w.Fatal(err)
	}
	if body != "" {
		req.Body = io.NopCloser(strings.NewReader(body))
		req.ContentLength = int64(len(body))
		req.GetBody = func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(body)), nil
		}
	}
	resp, err := w.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	data, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode, string(data), err
}

func (w *world) get(ctx context.Context) error {
	w.Helper()
	_, _, err := w.do(ctx, http.MethodGet, "/", "")
	return err
}

// wantKind fails unless err is of the given kind.
func wantKind(t *testing.T, err error, kind remote.Kind) {
	t.Helper()
	_ = wantError(t, err, kind)
}

// wantError is wantKind, and returns the error.
func wantError(t *testing.T, err error, kind remote.Kind) *remote.Error {
	t.Helper()
	var e *remote.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("got error %v, want kind %q", err, kind)
	}
	return e
}

func wantNil(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// same fails unless the ledger and the server counted alike.
func (w *world) same(want int) {
	w.Helper()
	if n, m := w.Count(), int(w.hits.Load()); n != want || m != want {
		w.Fatalf("ledger counted %d, server %d, want %d", n, m, want)
	}
}

func as(c Class) context.Context { return WithClass(context.Background(), c) }

// rate sets the provider's headers.
func rate(w http.ResponseWriter, limit, remaining int) {
	w.Header().Set("X-RateLimit-Limit", fmt.Sprint(limit))
	w.Header().Set("X-RateLimit-Remaining", fmt.Sprint(remaining))
}

// since measures time by the test's clock.
func took(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// cut answers with a connection that closes at once.
func cut(w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = c.Close()
	}
}

func ok(http.ResponseWriter, *http.Request) {}

// pass lets the test's clock go on.
func pass(d time.Duration) { <-time.After(d) }

// quiet is a logger for servers whose complaints are expected.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
