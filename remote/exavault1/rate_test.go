package exavault1_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/exavault1"
	"github.com/frugalfs/frugalfs/remote/ledger"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// direct is a transport that calls a sandbox without a network, so that both run
// on the same stopped clock.
type direct struct{ srv *sandbox.Server }

// RoundTrip implements http.RoundTripper.
func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	for name, values := range r.Header { // a server reads names as they are written here
		in.Header[http.CanonicalHeaderKey(name)] = values
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	d.srv.Handler().ServeHTTP(w, in)
	return w.Result(), nil
}

func openDirect(t *testing.T, o ledger.Options) (*exavault1.Client, *sandbox.Server, *ledger.Ledger) {
	t.Helper()
	srv, err := sandbox.Open(sandbox.Options{Provider: "exavault1", Root: filepath.Join(t.TempDir(), "account"), APIKey: "the-key", AccessToken: "the-token"})
	if err != nil {
		t.Fatal(err)
	}
	o.Base = direct{srv}
	l, err := ledger.New(o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := exavault1.New(exavault1.Options{
		URL: "https://x.files.com", APIKey: "the-key", AccessToken: "the-token", HTTP: l.Client(), Throttle: l.Throttle,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, srv, l
}

// TestStaysUnderTheRate: with the ledger's windows set, the provider never has to
// refuse anything.
func TestStaysUnderTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, srv, l := openDirect(t, ledger.Options{Windows: exavault1.Windows()})
		began := time.Now()
		const requests = 1600
		for range requests {
			if _, err := c.Stat(ctx, root); err != nil {
				t.Fatal(err)
			}
		}
		if srv.Count() != requests || l.Count() != requests || time.Since(began) < 15*time.Minute {
			t.Errorf("%d requests, %d in the ledger, in %v", srv.Count(), l.Count(), time.Since(began))
		}
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestBacksOff: once the rate was exceeded all the same, nothing is sent before
// the penalty is over.
func TestBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, srv, _ := openDirect(t, ledger.Options{})
		asked := 0
		for {
			if _, err := c.Stat(ctx, root); err != nil {
				wantKind(t, err, remote.Budget)
				break
			}
			asked++
		}
		if asked != 500 {
			t.Errorf("refused after %d requests", asked)
		}
		before := srv.Count()
		for range 14 {
			time.Sleep(time.Minute)
			_, err := c.Mkdir(ctx, root, "folder")
			wantKind(t, err, remote.Budget)
			if remote.IsUnknown(err) {
				t.Error("nothing was sent")
			}
		}
		if srv.Count() != before {
			t.Errorf("%d requests during the penalty", srv.Count()-before)
		}
		time.Sleep(2 * time.Minute)
		if _, err := c.Mkdir(ctx, root, "folder"); err != nil {
			t.Error(err)
		}
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestDailyLimit: the limit of 24 hours comes as an error object, too.
func TestDailyLimit(t *testing.T) {
	a := open(t, sandbox.Options{DailyLimit: 2})
	for range 2 {
		if _, err := a.client.Stat(ctx, root); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		_, err := a.client.Stat(ctx, root)
		wantKind(t, err, remote.Budget)
	}
	if a.Count() != 3 {
		t.Errorf("%d requests", a.Count())
	}
}
