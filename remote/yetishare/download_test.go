package yetishare_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// TestAddressIsReused: an address serves for ten minutes.
func TestAddressIsReused(t *testing.T) {
	a := open(t, nil)
	c := a.client()
	o := put(t, c, root, "file", "0123456789")
	for _, step := range []struct {
		later time.Duration
		cost  int
	}{{0, 1}, {0, 0}, {9 * time.Minute, 0}, {2 * time.Minute, 1}} {
		a.clock.add(step.later)
		before := a.Count()
		equal(t, "content", read(t, c, o.Ref(), 2, 3), "234")
		equal(t, "requests", a.Count()-before, step.cost)
	}
}

// TestDeadAddress: it leads to a page, which is not taken for content, and a new
// one is asked for once. So is one for a file that was deleted meanwhile.
func TestDeadAddress(t *testing.T) {
	a := open(t, map[string]string{"link-life": "1m"})
	c := a.client()
	o := put(t, c, root, "page.html", "<p>the content</p>")
	read(t, c, o.Ref(), 0, -1)
	a.clock.add(2 * time.Minute)
	before := a.Count()
	equal(t, "content", read(t, c, o.Ref(), 0, -1), "<p>the content</p>")
	equal(t, "requests", a.Count()-before, 1)
	if rs, err := a.client().Delete(ctx, []remote.Ref{o.Ref()}); err != nil || rs[0].Err != nil {
		t.Fatal(rs, err)
	}
	if _, err := c.Download(ctx, o.Ref(), 0, -1); !remote.IsKind(err, remote.NotExist) {
		t.Errorf("got %v", err)
	}
}

// TestNoRanges: a site that ignores ranges is not asked for them again.
func TestNoRanges(t *testing.T) {
	a := open(t, map[string]string{"range": "off"})
	c := a.client()
	o := put(t, c, root, "file", "0123456789")
	for range 2 {
		d, err := c.Download(ctx, o.Ref(), 4, 2)
		if err != nil || d.Offset != 0 || d.Size != 10 {
			t.Fatalf("got %+v, %v", d, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		equal(t, "content", read(t, c, o.Ref(), 4, 2), "45")
	}
}

// TestNotTheContent: no other answer passes for the content of a file of ten
// bytes, of which the last five are asked for.
func TestNotTheContent(t *testing.T) {
	for name, tt := range map[string]struct {
		file, kind, span string
		status           int
		body             string
		ok               bool
	}{
		"all":                  {"f.txt", "text/plain", "", 200, "0123456789", true},
		"the range":            {"f.txt", "text/plain", "bytes 5-9/10", 206, "56789", true},
		"a page":               {"f.txt", "text/html; charset=utf-8", "", 200, "<html></h>", false},
		"the page":             {"f.html", "text/html", "", 200, "<html></h>", true},
		"another page":         {"f.html", "text/html", "", 200, "<html>no</html>", false},
		"another length":       {"f.txt", "text/plain", "", 200, "012345678", false},
		"another range":        {"f.txt", "text/plain", "bytes 4-8/10", 206, "45678", false},
		"a part of the range":  {"f.txt", "text/plain", "bytes 5-8/10", 206, "5678", false},
		"another file's range": {"f.txt", "text/plain", "bytes 5-9/11", 206, "56789", false},
		"no range":             {"f.txt", "text/plain", "", 206, "56789", false},
		"an error":             {"f.txt", "text/plain", "", 404, "0123456789", false},
		"a refused range":      {"f.txt", "text/plain", "bytes */3", 416, "", false},
	} {
		asked := 0
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.Path, "/api/") {
				w.Header().Set("Content-Type", tt.kind)
				if tt.span != "" {
					w.Header().Set("Content-Range", tt.span)
				}
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
				return
			}
			if strings.HasSuffix(r.URL.Path, "/file/download") {
				asked++
			}
			site(map[string]string{"file/download": fmt.Sprintf(
				`{"_status":"success","data":{"file_id":7,"filename":%q,"download_url":"http://%s/x?download_token=abc"}}`, tt.file, r.Host)})(w, r)
		})
		d, err := c.Download(ctx, remote.Ref{ID: "f7-10", Path: "/f"}, 5, -1)
		if err == nil {
			_ = d.Close()
		}
		if (err == nil) != tt.ok || !tt.ok && (!remote.IsKind(err, remote.Temporary) || asked != 2) || tt.ok && asked != 1 {
			t.Errorf("%s: got %v after %d requests", name, err, asked)
		}
	}
}

// TestAddresses: an address is used only if it keeps its token to itself.
func TestAddresses(t *testing.T) {
	for _, bad := range []string{"", "nonsense", "ftp://x/y", "http://user:pw@127.0.0.1/x", "javascript:alert(1)", "https:///x"} {
		c := serve(t, site(map[string]string{"file/download": fmt.Sprintf(`{"_status":"success","data":{"file_id":"7","download_url":%q}}`, bad)}))
		if _, err := c.Download(ctx, remote.Ref{ID: "f7-10", Path: "/f"}, 0, -1); !remote.IsKind(err, remote.Corrupt) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	var schemes []string
	c := through(t, "https://site.example", roundTripper(func(r *http.Request) (*http.Response, error) {
		schemes = append(schemes, r.URL.Scheme)
		body := `{"_status":"success","data":{"access_token":"t","account_id":"1","file_id":"7","download_url":"http://site.example/x"}}`
		if r.Method == http.MethodGet {
			body = "0123456789"
		}
		return response(r, body), nil
	}))
	if _, err := c.Download(ctx, remote.Ref{ID: "f7-10", Path: "/f"}, 0, -1); err != nil {
		t.Error(err)
	}
	equal(t, "schemes", schemes, "[https https https]")
}

// TestAtOnce: no more downloads are open than the account's package allows, and
// the next one waits.
func TestAtOnce(t *testing.T) {
	a := open(t, map[string]string{"downloads": "1"})
	c := a.client()
	if err := c.Connect(ctx); err != nil {
		t.Fatal(err)
	}
	content := strings.Repeat("x", 4<<20)
	first, second := put(t, c, root, "first", content), put(t, c, root, "second", "2")
	d, err := c.Download(ctx, first.Ref(), 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := c.Download(ctx, second.Ref(), 0, -1); !remote.IsKind(err, remote.Canceled) {
		t.Errorf("got %v", err)
	}
	done := make(chan string, 1)
	go func() {
		defer close(done) // also when the read fails the test
		done <- read(t, c, second.Ref(), 0, -1)
	}()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	equal(t, "second", <-done, "2")
}

// TestTooManyDownloads: a site that takes no more is given less to do, and its
// refusal is no reason to ask for another address.
func TestTooManyDownloads(t *testing.T) {
	busy, asked := true, 0
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/file/download"):
			asked++
			fallthrough
		case strings.HasPrefix(r.URL.Path, "/api/"):
			site(map[string]string{"file/download": `{"_status":"success","data":{"file_id":7,"filename":"f","download_url":"http://` + r.Host + `/x"}}`})(w, r)
		case busy:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			_, _ = w.Write([]byte("0123456789"))
		}
	})
	ref := remote.Ref{ID: "f7-10", Path: "/f"}
	if _, err := c.Download(ctx, ref, 0, -1); !remote.IsKind(err, remote.Temporary) || asked != 1 {
		t.Errorf("got %v after %d requests", err, asked)
	}
	busy = false
	for range 3 {
		equal(t, "content", read(t, c, ref, 0, -1), "0123456789")
	}
	equal(t, "addresses", asked, 1)
}

// TestOpenNothing: what brings no bytes takes no request.
func TestOpenNothing(t *testing.T) {
	c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was made") })
	ref := remote.Ref{ID: "f7-10", Path: "/f"}
	equal(t, "no length", read(t, c, ref, 3, 0), "")
	equal(t, "at the end", read(t, c, ref, 10, 5), "")
	equal(t, "no content", read(t, c, remote.Ref{ID: "f7-0"}, 0, 5), "")
	for _, tt := range []struct {
		ref    remote.Ref
		offset int64
		kind   remote.Kind
	}{{ref, 11, remote.OutOfRange}, {ref, -1, remote.Invalid}, {remote.Ref{ID: "d7"}, 0, remote.IsDir}, {remote.Ref{ID: "7"}, 0, remote.Invalid}, {remote.Ref{Path: "x"}, 0, remote.Invalid}} {
		if _, err := c.Download(ctx, tt.ref, tt.offset, 1); !remote.IsKind(err, tt.kind) {
			t.Errorf("%+v: got %v", tt, err)
		}
	}
}
