package exavault1

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

var ctx = context.Background()

// roundTripper is a transport without a network.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// script returns a client whose every request is answered by answer, which gets
// the operation's name ("" for a transfer).
func script(t testing.TB, answer func(op string, r *http.Request) (status int, body string)) *Client {
	t.Helper()
	rt := roundTripper(func(r *http.Request) (*http.Response, error) {
		op := ""
		if strings.Contains(r.URL.Path, "/v1.2/") {
			op = path.Base(r.URL.Path)
		}
		status, body := answer(op, r)
		h := http.Header{"Content-Type": {"application/json"}}
		return &http.Response{StatusCode: status, Header: h, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	})
	c, err := New(Options{URL: "https://x.files.com", APIKey: "the-key", AccessToken: "the-token", HTTP: &http.Client{Transport: rt}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// always answers every request the same.
func always(status int, body string) func(string, *http.Request) (int, string) {
	return func(string, *http.Request) (int, string) { return status, body }
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

func TestOptionsAreChecked(t *testing.T) {
	good := Options{URL: "https://x.files.com", APIKey: "k", AccessToken: "t", HTTP: http.DefaultClient}
	for in, want := range map[string]string{
		"https://x.files.com": "https://x.files.com/api/v1.2", "https://x.files.com/": "https://x.files.com/api/v1.2",
		"https://x.files.com/v1.2": "https://x.files.com/v1.2", "https://x.files.com/api/v1.2/": "https://x.files.com/api/v1.2",
		"http://127.0.0.1:8080": "http://127.0.0.1:8080/api/v1.2",
	} {
		o := good
		o.URL = in
		if c, err := New(o); err != nil || c.base.String() != want {
			t.Errorf("%q: %v", in, err)
		}
	}
	plain := good
	plain.APIPath = "/v1.2"
	if c, err := New(plain); err != nil || c.base.String() != "https://x.files.com/v1.2" {
		t.Errorf("another path: %v", err)
	}
	for name, spoil := range map[string]func(*Options){
		"no client": func(o *Options) { o.HTTP = nil }, "no key": func(o *Options) { o.APIKey = "" },
		"no token": func(o *Options) { o.AccessToken = "" }, "only a password": func(o *Options) { o.Password = "p" },
		"no password": func(o *Options) { o.AccessToken, o.Username = "", "u" }, "a large page": func(o *Options) { o.PageSize = 101 },
		"plain http": func(o *Options) { o.URL = "http://x.files.com" }, "an odd path": func(o *Options) { o.APIPath = "v1.2" },
		"an odd key": func(o *Options) { o.APIKey = "a\nb" }, "an odd token": func(o *Options) { o.AccessToken = "a b" },
	} {
		o := good
		spoil(&o)
		if _, err := New(o); !remote.IsKind(err, remote.Invalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestKinds: errors are told apart by code and by words, whatever file names are
// in them.
func TestKinds(t *testing.T) {
	k := call{op: opList, about: "/rate limit exceeded 24.txt", form: map[string][]string{"path": {"/a/rate limit exceeded 24.txt"}}}
	for _, tt := range []struct {
		code    int64
		message string
		kind    remote.Kind
	}{
		{100, "Invalid username or password", remote.Auth},
		{0, "Access token has expired", remote.Auth},
		{0, "You are not logged in", remote.Auth},
		{0, "Rate limit exceeded", remote.Budget},
		{0, "Too many requests. Please try again later", remote.Budget},
		{0, "Daily transaction limit reached", remote.Budget},
		{429, "", remote.Budget},
		{403, "", remote.Permission},
		{5, "You don't have permission to do this", remote.Permission},
		{5, "Access denied", remote.Permission},
		{404, "", remote.NotExist},
		{5, "File doesn't exist", remote.NotExist},
		{5, "Folder not found", remote.NotExist},
		{5, "'/a/rate limit exceeded.txt' not found", remote.NotExist},
		{5, "File \"invalid access token\" does not exist", remote.NotExist},
		{5, "File rate limit exceeded 24.txt does not exist", remote.NotExist},
		{5, "A folder of this name already exists", remote.Exist},
		{5, "Path is not a folder", remote.NotDir},
		{5, "Destination is an existing folder", remote.IsDir},
		{5, "Name is too long", remote.NameTooLong},
		{5, "Name contains illegal characters", remote.InvalidName},
		{5, "Disk quota exceeded", remote.StorageFull},
		{5, "Service temporarily unavailable", remote.Temporary},
		{5, "Something happened", remote.Other},
		{0, "", remote.Other},
	} {
		p := problem{Code: clientkit.Number{N: tt.code, OK: true}, Message: clientkit.Text{S: tt.message, OK: true}}
		if got := k.kind(p); got != tt.kind {
			t.Errorf("%d %q: got %v, want %v", tt.code, tt.message, got, tt.kind)
		}
	}
}

// TestStatuses: what is not answered with 200 is no word about files.
func TestStatuses(t *testing.T) {
	for _, tt := range []struct {
		status  int
		body    string
		kind    remote.Kind
		unknown bool // for a change
	}{
		{500, `{"success":0,"error":{"code":500,"message":"malformed"},"results":null}`, remote.Invalid, true},
		{500, `<html>`, remote.Temporary, true},
		{502, `{"success":0,"error":{"code":1,"message":"x"}}`, remote.Temporary, true},
		{401, ``, remote.Auth, false},
		{403, ``, remote.Permission, false},
		{404, `not found`, remote.Other, false},
		{302, ``, remote.Corrupt, true},
		{200, ``, remote.Corrupt, true},
		{200, `<html>`, remote.Corrupt, true},
		{200, `[]`, remote.Corrupt, true},
		{200, `{"results":[]}`, remote.Corrupt, true},
		{200, `{"success":7,"results":[]}`, remote.Corrupt, true},
		{200, `{"success":1,"error":{"code":5,"message":"no"},"results":[]}`, remote.Corrupt, true},
		{200, `{"success":`, remote.Corrupt, true},
	} {
		c := script(t, always(tt.status, tt.body))
		_, err := c.ask(ctx, call{op: "x", name: "y", post: true, mutates: true})
		wantKind(t, err, tt.kind)
		if remote.IsUnknown(err) != tt.unknown {
			t.Errorf("%d %s: %v; unknown: %v", tt.status, tt.body, err, !tt.unknown)
		}
		if _, err := c.Stat(ctx, remote.Ref{Path: "/x"}); remote.IsUnknown(err) || err == nil || remote.IsKind(err, remote.NotExist) {
			t.Errorf("%d %s: a look came to %v", tt.status, tt.body, err)
		}
	}
	for _, body := range []string{
		`{"success":1,"error":null,"results":[]}`, `{"success":"1","error":[],"results":[]}`, `{"success":true,"error":{},"results":[]}`,
		`{"success":1.0,"error":{"code":0,"message":""}}`, `{"success":2,"results":[]}`,
	} {
		if _, err := script(t, always(200, body)).ask(ctx, call{op: "x", name: "y"}); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestBareText: an error may be a text, or an empty list.
func TestBareText(t *testing.T) {
	for body, kind := range map[string]remote.Kind{
		`{"success":0,"error":"Access denied","results":null}`:             remote.Permission,
		`{"success":"0","error":{"code":"429","message":null}}`:            remote.Budget,
		`{"success":0,"error":[],"results":[]}`:                            remote.Other,
		`{"error":{"code":9,"message":"Access denied"},"results":null}`:    remote.Permission,
		`{"success":false,"error":{"code":9,"message":"Access denied"}}`:   remote.Permission,
		`{"success":0,"error":{"message":["Access denied"],"code":"403"}}`: remote.Permission,
	} {
		_, err := script(t, always(200, body)).ask(ctx, call{op: "x", name: "y"})
		wantKind(t, err, kind)
	}
}

// TestTrust: addresses that lead where they should not are not used.
func TestTrust(t *testing.T) {
	for link, good := range map[string]bool{
		"https://storage.example/x?t=1": true, "/storage/x": true, "//storage.example/x": true,
		"http://storage.example/x": false, "http://127.0.0.1/x": false, "https://127.0.0.1:1/x": false, "https://localhost/x": false,
		"file:///etc/passwd": false, "https://u:p@storage.example/x": false, "https://": false, "::": false, "": false,
	} {
		used := false
		c := script(t, func(op string, r *http.Request) (int, string) {
			if op == "getDownloadFileUrl" {
				return 200, `{"success":1,"results":{"url":"` + link + `"}}`
			}
			if used = true; r.Header.Get("api_key") != "" || r.URL.Query().Has("access_token") {
				t.Errorf("%q: a secret went to %v", link, r.URL)
			}
			return 206, "x"
		})
		_, err := c.Download(ctx, remote.Ref{Path: "/f"}, 0, -1)
		if used != good {
			t.Errorf("%q: used: %v, %v", link, used, err)
		}
		if !good {
			wantKind(t, err, remote.Corrupt)
		}
	}
}

// TestNotAPath: what has no path cannot be addressed.
func TestNotAPath(t *testing.T) {
	c := script(t, func(op string, _ *http.Request) (int, string) { t.Errorf("%s was sent", op); return 500, "" })
	none := remote.Ref{ID: "7"}
	_, err := c.Stat(ctx, none)
	wantKind(t, err, remote.Invalid)
	_, err = c.List(ctx, none, nil)
	wantKind(t, err, remote.Invalid)
	_, err = c.Delete(ctx, []remote.Ref{none})
	wantKind(t, err, remote.Invalid)
	_, err = c.Move(ctx, []remote.Ref{{Path: "/a"}}, none)
	wantKind(t, err, remote.Invalid)
	_, err = c.Download(ctx, remote.Ref{Path: "/a"}, -1, 1)
	wantKind(t, err, remote.Invalid)
	_, err = c.Upload(ctx, remote.Upload{Parent: remote.Ref{Path: "/"}, Name: "a", Size: 1})
	wantKind(t, err, remote.Invalid)
	_, err = c.Delete(ctx, make([]remote.Ref, batchSize+1))
	wantKind(t, err, remote.Invalid)
	if rs, err := c.Move(ctx, nil, none); len(rs) != 0 || err != nil {
		t.Errorf("got %v, %v", rs, err)
	}
	if d, err := c.Download(ctx, remote.Ref{Path: "/a"}, 5, 0); err != nil || d.Offset != 5 {
		t.Errorf("got %+v, %v", d, err)
	}
}
