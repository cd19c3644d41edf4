package exavault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"sync/atomic"
	"testing"

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

// server is a handler written for one test, and a client that talks to it.
type server struct {
	*Client
	requests atomic.Int64
}

// serve starts handler under the API's path.
func serve(t testing.TB, handler http.HandlerFunc, change ...func(*Options)) *server {
	t.Helper()
	s := &server{}
	srv := httptest.NewServer(http.StripPrefix(apiPath, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(w, r)
	})))
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		srv.Close()
	})
	o := Options{URL: srv.URL, APIKey: "the-key", AccessToken: "the-token", HTTP: &http.Client{Transport: transport}}
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

// reply writes a JSON answer.
func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// answers replies the same to every request.
func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { reply(w, status, body) }
}

// problem is an error in the API's shape.
func problem(status int, detail string) string {
	return fmt.Sprintf(`{"responseStatus":%d,"errors":[{"code":"ERROR_X","detail":%q}]}`, status, detail)
}

const stamp = "2020-07-29T09:52:47-07:00"

// file is a file on the wire.
func file(id int64, p string, size int64) string {
	return fmt.Sprintf(`{"id":%d,"type":"resource","attributes":{"name":%s,"path":%s,"type":"file","size":%d,"hash":"%x",`+
		`"extension":"","fileCount":null,"createdAt":%[6]q,"updatedAt":%[6]q,"uploadDate":%[6]q,"previewable":null}}`,
		id, quote(path.Base(p)), quote(p), size, id, stamp)
}

// folderOf is a folder on the wire.
func folderOf(id int64, p string, count string) string {
	return fmt.Sprintf(`{"id":%d,"type":"resource","attributes":{"name":%s,"path":%s,"type":"dir","size":4096,"fileCount":%s,"updatedAt":%q}}`,
		id, quote(path.Base(p)), quote(p), count, stamp)
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// one is the answer about a single resource.
func one(status int, resource string) string {
	return fmt.Sprintf(`{"responseStatus":%d,"data":%s,"included":[]}`, status, resource)
}

// page is a page of a collection.
func page(total int, resources ...string) string {
	return fmt.Sprintf(`{"responseStatus":200,"data":[%s],"included":[],"returnedResults":%d,"totalResults":%d}`,
		strings.Join(resources, ","), len(resources), total)
}

func wantKind(t testing.TB, err error, kind remote.Kind) {
	t.Helper()
	if !remote.IsKind(err, kind) {
		t.Errorf("got error %v, want kind %v", err, kind)
	}
	if e, ok := errors.AsType[*remote.Error](err); ok && (e.Op == "" || strings.Contains(err.Error(), "the-token")) {
		t.Errorf("the error %q does not name its operation, or a secret", err)
	}
}

func readBody(t testing.TB, r *http.Request) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// names collects what a listing hands over.
type names []string

func (n *names) page(objects []remote.Object) error {
	for _, o := range objects {
		*n = append(*n, o.Name)
	}
	return nil
}

var ctx = context.Background()

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
	c, err := New(Options{URL: "https://x.exavault.com", APIKey: "k", AccessToken: "t", HTTP: &http.Client{Transport: rt}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func logTo(w io.Writer) func(*Options) {
	return func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(w, nil)) }
}
