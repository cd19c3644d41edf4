package filescom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frugalfs/frugalfs/remote"
)

func TestMain(m *testing.M) {
	if code := m.Run(); code != 0 {
		os.Exit(code)
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var ctx = context.Background()

// server is a handler written for one test, and a client that talks to it. What
// is below /storage/ is no part of the API.
type server struct {
	*Client
	url      string
	requests atomic.Int64
	now      atomic.Int64 // seconds since 1970 on the client's clock
}

const storage = "/storage/"

func serve(t testing.TB, handler http.HandlerFunc, change ...func(*Options)) *server {
	t.Helper()
	s := &server{}
	s.now.Store(1_700_000_000)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, storage) {
			s.requests.Add(1)
			http.StripPrefix("/api/rest/v1", handler).ServeHTTP(w, r)
			return
		}
		for _, h := range []string{"X-FilesAPI-Key", "X-FilesAPI-Auth", "Authorization"} {
			if r.Header.Get(h) != "" {
				t.Errorf("the storage is told %s", h)
			}
		}
		handler(w, r)
	}))
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		srv.Close()
	})
	s.url = srv.URL
	o := Options{
		URL: srv.URL, APIKey: "the-key", HTTP: &http.Client{Transport: transport},
		Now:   func() time.Time { return time.Unix(s.now.Load(), 0) },
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	for _, f := range change {
		f(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Client = c
	return s
}

// writeJSON writes a JSON answer.
func writeJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// answers replies the same to every request.
func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, status, body) }
}

// problemOf is an error as today's service writes it.
func problemOf(status int, class, words string) string {
	return fmt.Sprintf(`{"error":%q,"http-code":%d,"instance":"i","title":"T","type":%q}`, words, status, class)
}

const stamp = "2024-05-17T05:14:35Z"

// fileOf and dirOf are entries on the wire.
func fileOf(p string, size int) string {
	return fmt.Sprintf(`{"id":1,"path":%s,"display_name":"x","type":"file","size":%d,"mtime":%q,"provided_mtime":null,"crc32":null,"md5":null}`, quote(p), size, stamp)
}

func dirOf(p string) string {
	return fmt.Sprintf(`{"path":%s,"type":"directory","size":null,"mtime":%q}`, quote(p), stamp)
}

func list(entries ...string) string { return "[" + strings.Join(entries, ",") + "]" }

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func wantKind(t testing.TB, err error, kind remote.Kind) {
	t.Helper()
	if !remote.IsKind(err, kind) {
		t.Errorf("got error %v, want kind %v", err, kind)
	}
	if e, ok := errors.AsType[*remote.Error](err); ok && (e.Op == "" || strings.Contains(err.Error(), "the-key") || strings.Contains(err.Error(), "the-password")) {
		t.Errorf("the error %q does not name its operation, or a secret", err)
	}
}

// paths collects what a listing hands over.
type paths []string

func (p *paths) page(objects []remote.Object) error {
	for _, o := range objects {
		*p = append(*p, o.Path)
	}
	return nil
}

func body(t testing.TB, r *http.Request) map[string]any {
	t.Helper()
	m := map[string]any{}
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		t.Error(err)
	}
	return m
}

// roundTripper is a transport without a network, for fuzzing.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering returns a client whose every request is answered the same.
func answering(t testing.TB, status int, body string) *Client {
	t.Helper()
	rt := roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	})
	c, err := New(Options{URL: "https://x.files.com", APIKey: "k", HTTP: &http.Client{Transport: rt}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
