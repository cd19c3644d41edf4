package ledger

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

// real is a ledger and a server over real HTTP, with or without TLS.
func real(t *testing.T, tls bool, h http.HandlerFunc) (*Ledger, *httptest.Server) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = quiet()
	o := Options{Retries: -1}
	l, err := New(o)
	wantNil(t, err)
	if tls {
		s.StartTLS()
		l.base.(*http.Transport).TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig
	} else {
		s.Start()
	}
	t.Cleanup(func() {
		l.CloseIdleConnections()
		s.Close()
	})
	return l, s
}

// send makes a request with a secret header.
func send(t *testing.T, c *http.Client, ctx context.Context, method, url string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	wantNil(t, err)
	req.Header.Set("ev-access-token", "secret")
	req.Header.Set("Range", "bytes=0-1")
	resp, err := c.Do(req)
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	return resp, err
}

func TestRealHTTP(t *testing.T) {
	for _, tls := range []bool{false, true} {
		served := 0
		l, s := real(t, tls, func(w http.ResponseWriter, r *http.Request) {
			served++
			_, _ = io.Copy(w, r.Body)
		})
		for range 5 {
			resp, err := l.Client().Post(s.URL, "text/plain", strings.NewReader("hello"))
			wantNil(t, err)
			data, err := io.ReadAll(resp.Body)
			if wantNil(t, err); string(data) != "hello" {
				t.Errorf("%q", data)
			}
			_ = resp.Body.Close()
		}
		if got := l.Totals(); got.Requests != served || served != 5 || got.Up != 25 || got.Down != 25 {
			t.Errorf("served %d, counted %+v", served, got)
		}
	}
}

func TestCutConnectionOverTLSLeavesTheOutcomeUnknown(t *testing.T) {
	served := 0
	l, s := real(t, true, func(w http.ResponseWriter, r *http.Request) {
		if served++; served > 1 {
			_, _ = io.Copy(io.Discard, r.Body)
			cut(w)
		}
	})
	for range 2 {
		resp, err := l.Client().Post(s.URL, "text/plain", strings.NewReader("hello"))
		if served == 1 {
			wantNil(t, err)
			_ = resp.Body.Close()
			continue
		}
		if e := wantError(t, err, remote.Temporary); !e.Unknown {
			t.Errorf("%+v", e)
		}
	}
	if l.Count() != served || served != 2 {
		t.Errorf("served %d, counted %d", served, l.Count())
	}
}

func TestRefusedConnection(t *testing.T) {
	l, s := real(t, false, ok)
	s.Close()
	_, err := send(t, l.Client(), context.Background(), "POST", s.URL)
	if e := wantError(t, err, remote.Offline); e.Unknown || l.Count() != 0 {
		t.Errorf("%+v", e)
	}
}

func TestUntrustedCertificate(t *testing.T) {
	l, s := real(t, true, ok)
	l.base.(*http.Transport).TLSClientConfig = nil
	l.o.Retries = 3
	_, err := send(t, l.Client(), context.Background(), "GET", s.URL)
	wantKind(t, err, remote.Offline)
	if l.Count() != 0 {
		t.Errorf("counted %d", l.Count())
	}
}

func TestRedirects(t *testing.T) {
	var seen http.Header
	_, other := real(t, false, func(_ http.ResponseWriter, r *http.Request) { seen = r.Header })
	l, s := real(t, false, func(w http.ResponseWriter, r *http.Request) {
		to := r.URL.Query().Get("to")
		if to == "" {
			seen = r.Header
			return
		}
		http.Redirect(w, r, to, http.StatusFound)
	})
	plain := context.Background()
	for _, c := range []struct {
		name, method, to string
		ctx              context.Context
		fails, secret    bool
	}{
		{"same host", "GET", "/x", plain, false, true},
		{"other host", "GET", other.URL, plain, true, false},
		{"transfer to other host", "GET", other.URL, WithTransfer(plain), false, false},
		{"POST becomes GET", "POST", "/x", plain, true, false},
		{"plain http elsewhere", "GET", "http://example.com/", WithTransfer(plain), true, false},
		{"for ever", "GET", "/?to=/%3Fto=/%253Fto=/", plain, false, true},
	} {
		seen = nil
		_, err := send(t, l.Client(), c.ctx, c.method, s.URL+"/?to="+c.to)
		if (err != nil) != c.fails {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.fails && !errors.As(err, new(*remote.Error)) {
			t.Errorf("%s: %v is none of our errors", c.name, err)
		}
		if got := seen.Get("ev-access-token") != ""; got != c.secret || seen != nil && seen.Get("Range") == "" {
			t.Errorf("%s: headers %v", c.name, seen)
		}
	}
}

func TestTooManyRedirects(t *testing.T) {
	l, s := real(t, false, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
	})
	_, err := send(t, l.Client(), context.Background(), "GET", s.URL)
	wantKind(t, err, remote.Corrupt)
	if n := l.Count(); n != maxRedirects+1 {
		t.Errorf("%d requests", n)
	}
}

func TestRedirectsDoNotLeaveTLS(t *testing.T) {
	_, plain := real(t, false, ok)
	l, s := real(t, true, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL, http.StatusFound)
	})
	_, err := send(t, l.Client(), WithTransfer(context.Background()), "GET", s.URL)
	wantKind(t, err, remote.Corrupt)
}

func TestPlainHTTPToThisMachineOnly(t *testing.T) {
	l, err := New(Options{Base: roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	})})
	wantNil(t, err)
	for url, good := range map[string]bool{
		"http://example.com/": false, "http://10.0.0.1/": false, "ftp://localhost/": false,
		"http://127.0.0.1.example.com/": false, "https://example.com/": true,
		"http://localhost:80/": true, "http://127.0.0.9/": true, "http://[::1]:5/": true,
	} {
		_, err := send(t, l.Client(), context.Background(), "GET", url)
		if (err == nil) != good {
			t.Errorf("%s: %v", url, err)
		}
	}
	if l.Count() != 4 {
		t.Errorf("counted %d", l.Count())
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAsError(t *testing.T) {
	if AsError(nil) != nil {
		t.Error("nil became an error")
	}
	_, err := http.NewRequestWithContext(context.Background(), "GET", "http://h/%zz?token=secret", nil)
	if e := AsError(err); e == nil || strings.Contains(e.Error(), "secret") {
		t.Error(e)
	}
	wantKind(t, AsError(context.Canceled), remote.Canceled)
}

func TestTotalsSub(t *testing.T) {
	l, s := real(t, false, ok)
	for _, op := range []string{"a", "b", "b"} {
		_, err := send(t, l.Client(), WithOp(context.Background(), op), "GET", s.URL)
		wantNil(t, err)
	}
	mark := l.Totals()
	_, err := send(t, l.Client(), WithOp(context.Background(), "b"), "GET", s.URL)
	wantNil(t, err)
	d := l.Totals().Sub(mark)
	if d.Requests != 1 || len(d.ByOp) != 1 || d.ByOp["b"] != 1 || l.CountBy("b") != 3 {
		t.Errorf("%+v", d)
	}
}
