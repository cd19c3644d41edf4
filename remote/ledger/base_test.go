package ledger

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

// A transport that reports no connections: only its errors tell whether a
// request left.
func TestForeignTransport(t *testing.T) {
	for _, c := range []struct {
		err     error
		kind    remote.Kind
		unknown bool
	}{
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, remote.Offline, false},
		{&net.OpError{Op: "proxyconnect", Err: errors.New("refused")}, remote.Offline, false},
		{&net.DNSError{Err: "no such host", IsNotFound: true}, remote.Offline, false},
		{tls.RecordHeaderError{Msg: "no TLS"}, remote.Offline, false},
		{x509.HostnameError{Certificate: &x509.Certificate{}}, remote.Offline, false},
		{&net.OpError{Op: "read", Err: errors.New("reset")}, remote.Temporary, true},
		{io.ErrUnexpectedEOF, remote.Temporary, true},
	} {
		l, err := New(Options{Retries: -1, Base: roundTripper(func(*http.Request) (*http.Response, error) {
			return nil, c.err
		})})
		wantNil(t, err)
		_, err = send(t, l.Client(), context.Background(), "POST", "https://example.com/")
		if e := wantError(t, err, c.kind); e.Unknown != c.unknown || (l.Count() == 1) != c.unknown {
			t.Errorf("%v: %+v, counted %d", c.err, e, l.Count())
		}
		l.CloseIdleConnections()
	}
}

func TestWorthRedial(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&net.OpError{Op: "dial", Err: errors.New("connection refused")}, true},
		{&net.DNSError{IsTemporary: true}, true},
		{&net.DNSError{IsNotFound: true}, false},
		{&net.DNSError{IsTimeout: true, IsTemporary: true}, false},
		{&tls.CertificateVerificationError{Err: errors.New("expired")}, false},
		{x509.UnknownAuthorityError{}, false},
	} {
		if got := worthRedial(remote.E(remote.Offline, "", "", c.err)); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}

// closed notices that a body was closed.
type closed struct {
	io.Reader
	times int
}

func (c *closed) Close() error { c.times++; return nil }

func TestTheBodyIsClosedWhateverHappens(t *testing.T) {
	answer := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }
	inWorld(t, Options{}, answer, func(w *world) {
		canceled, cancel := context.WithCancel(context.Background())
		cancel()
		for _, c := range []struct {
			ctx  context.Context
			url  string
			kind remote.Kind
		}{
			{context.Background(), "http://example.com/", remote.Invalid},
			{canceled, "http://localhost/", remote.Canceled},
			{context.Background(), "http://localhost/", remote.Budget}, // answered 429
			{context.Background(), "http://localhost/", remote.Budget}, // refused here
		} {
			body := &closed{Reader: strings.NewReader("x")}
			req, err := http.NewRequestWithContext(c.ctx, "POST", c.url, body)
			wantNil(t, err)
			_, err = w.RoundTrip(req) //nolint:bodyclose // there is no answer
			wantKind(t, err, c.kind)
			if body.times != 1 {
				t.Errorf("%s: closed %d times", c.url, body.times)
			}
		}
		w.same(1)
	})
}

func TestBodyThatCannotBeHadAgain(t *testing.T) {
	inWorld(t, Options{}, failing(1, status(503)), func(w *world) {
		req, err := http.NewRequestWithContext(WithRepeatable(context.Background()),
			"PUT", "http://localhost/", strings.NewReader("x"))
		wantNil(t, err)
		req.GetBody = func() (io.ReadCloser, error) { return nil, errors.New("file is gone") }
		_, err = w.RoundTrip(req) //nolint:bodyclose // there is no answer
		if e := wantError(t, err, remote.Other); !e.Unknown {
			t.Errorf("%+v", e)
		}
		w.same(1)
	})
}

func TestContext(t *testing.T) {
	ctx := WithCause(WithClass(context.Background(), Poll), Cause{Program: "ls", Path: "/x"})
	if ClassOf(ctx) != Poll || CauseOf(ctx) != (Cause{"ls", "/x"}) {
		t.Error(ClassOf(ctx), CauseOf(ctx))
	}
	if ClassOf(context.Background()) != Interactive {
		t.Error("the default class is not interactive")
	}
	for c, name := range map[Class]string{Interactive: "interactive", Writeback: "writeback", Poll: "poll", Prefetch: "prefetch"} {
		if c.String() != name {
			t.Errorf("%d is %q", c, c.String())
		}
	}
}
