package yetishare_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/yetishare"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// read returns a file's content, or a range of it.
func read(t *testing.T, c *yetishare.Client, ref remote.Ref, offset, length int64) string {
	t.Helper()
	d, err := c.Download(ctx, ref, offset, length)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(d)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	b = b[min(int(offset-d.Offset), len(b)):]
	if length >= 0 {
		b = b[:min(int(length), len(b))]
	}
	return string(b)
}

// serve starts a site that a test writes by itself, and a client for it that
// shows the account's own root.
func serve(t testing.TB, handler http.HandlerFunc) *yetishare.Client {
	t.Helper()
	srv := httptest.NewServer(handler)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		srv.Close()
	})
	return through(t, srv.URL, transport)
}

// through makes a client whose requests take a way of the test's own.
func through(t testing.TB, url string, way http.RoundTripper) *yetishare.Client {
	t.Helper()
	c, err := yetishare.New(yetishare.Options{
		URL: url, Username: userName, Password: password, HTTP: &http.Client{Transport: way}, Root: "/", EmptyFiles: yetishare.Placeholder,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// site answers sign-ins, and everything else as its map says.
func site(answers map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/api/v2/")
		if path == "authorize" {
			reply(w, `{"data":{"access_token":"token","account_id":"1"},"_status":"success"}`)
			return
		}
		reply(w, answers[path])
	}
}

func reply(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, body)
}

// roundTripper is a transport without a network.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	return f(r)
}

// response is an answer with status 200.
func response(r *http.Request, body string) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}
}
