package ledger

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// Whatever goes wrong, the ledger and the server count alike, and a request
// that changes something is served once, or its outcome is called unknown.
func TestCountsAgreeUnderFaults(t *testing.T) {
	rnd := seeded(t)
	var mu sync.Mutex
	pick := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return rnd.IntN(n)
	}
	var served sync.Map
	answer := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		n, _ := served.LoadOrStore(r.URL.Path, new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
		rate(w, 100_000, 90_000)
		faults := []func(http.ResponseWriter){
			cut, status(503), status(500), short("application/json"), short("text/plain"),
			func(http.ResponseWriter) { pass(2 * time.Second) },
			func(http.ResponseWriter) { pass(3 * time.Minute) },
			status(200), status(404),
		}
		faults[pick(len(faults))](w)
	}
	o := Options{HeaderTimeout: time.Minute, RequestsPerSecond: 50, MaxConns: 6, Jitter: func() float64 { return 0.5 }}
	inWorld(t, o, answer, func(w *world) {
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 40 {
					path := "/" + string(rune('a'+g)) + string(rune('0'+i))
					method := []string{"GET", "POST"}[pick(2)]
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+pick(200))*time.Second)
					_, _, err := w.do(WithOp(ctx, method), method, path, bodyFor(method))
					cancel()
					n, hit := served.Load(path)
					if method == "POST" && hit && n.(*atomic.Int64).Load() > 1 {
						t.Errorf("%s was served %d times", path, n.(*atomic.Int64).Load())
					}
					if method == "POST" && hit && err != nil && !remote.IsUnknown(err) {
						t.Errorf("%s: %v, although it was served", path, err)
					}
				}
			})
		}
		wg.Wait()
		pass(5 * time.Minute)
		w.same(int(w.hits.Load()))
		s := w.Snapshot()
		if s.InFlight != 0 || s.Day.Requests != w.Count() {
			t.Errorf("%+v", s)
		}
		if w.net.dials.Load() == 0 || w.Totals().Retries == 0 {
			t.Error("nothing was put to the test")
		}
	})
}
