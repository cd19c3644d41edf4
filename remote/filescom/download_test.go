package filescom

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// reads is a server with one file.
type reads struct {
	s        *server
	content  atomic.Value
	md5      string
	uri      string // of the answers, "" for the right one
	expired  atomic.Int64
	noRanges bool
}

func (d *reads) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content := d.content.Load().(string)
	switch {
	case strings.HasPrefix(r.URL.Path, storage):
		if d.expired.Add(-1) >= 0 {
			http.Error(w, "expired", http.StatusForbidden)
			return
		}
		if d.noRanges {
			r.Header.Del("Range")
		}
		http.ServeContent(w, r, "f", time.Time{}, bytes.NewReader([]byte(content)))
	case strings.HasPrefix(r.URL.Path, "/folders"):
		writeJSON(w, 200, list(d.entry(content)))
	default:
		writeJSON(w, 200, d.entry(content))
	}
}

func (d *reads) entry(content string) string {
	uri := d.uri
	if uri == "" {
		uri = d.s.url + "/storage/f?secret"
	}
	return fmt.Sprintf(`{"path":"f","type":"file","size":%d,"mtime":%q,"md5":%q,"download_uri":%q}`, len(content), stamp, d.md5, uri)
}

func reading(t *testing.T, content string) *reads {
	d := &reads{}
	d.content.Store(content)
	d.s = serve(t, d.ServeHTTP)
	return d
}

func (d *reads) read(offset, length int64) (string, error) {
	dl, err := d.s.Download(ctx, remote.Ref{Path: "/f"}, offset, length)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(dl)
	_ = dl.Close()
	return string(b), err
}

// TestRangesShareAnAddress as long as it lives, and not a second longer.
func TestRangesShareAnAddress(t *testing.T) {
	d := reading(t, "0123456789")
	for i, want := range []int64{1, 1, 1, 2} {
		if i == 3 {
			d.s.now.Add(50)
		} else {
			d.s.now.Add(10)
		}
		if got, err := d.read(int64(i), 2); err != nil || got != "0123456789"[i:i+2] || d.s.requests.Load() != want {
			t.Errorf("got %q, %v after %d transactions", got, err, d.s.requests.Load())
		}
	}
	d.expired.Store(1)
	if got, err := d.read(5, -1); err != nil || got != "56789" || d.s.requests.Load() != 3 {
		t.Errorf("expired early: got %q, %v", got, err)
	}
	d.expired.Store(100)
	_, err := d.read(5, -1)
	wantKind(t, err, remote.Temporary)
	if strings.Contains(fmt.Sprint(err), "secret") || d.s.requests.Load() != 4 {
		t.Errorf("got %v after %d transactions", err, d.s.requests.Load())
	}
}

// TestAddressOfAnOldVersion is dropped when a listing shows another.
func TestAddressOfAnOldVersion(t *testing.T) {
	d := reading(t, "old")
	if _, err := d.read(0, -1); err != nil {
		t.Fatal(err)
	}
	d.content.Store("newer")
	if _, _, err := d.s.listAll("/"); err != nil {
		t.Fatal(err)
	}
	if got, err := d.read(0, -1); err != nil || got != "newer" || d.s.requests.Load() != 3 {
		t.Errorf("got %q, %v after %d transactions", got, err, d.s.requests.Load())
	}
}

// TestAddressAskedMeanwhile: an answer that was on its way while another showed
// a new version is used, and not kept.
func TestAddressAskedMeanwhile(t *testing.T) {
	var l links
	at := time.Unix(0, 0)
	old := remote.Object{Path: "/f", Version: "1"}
	k := link{url: "u", object: old, until: at.Add(time.Minute)}
	for name, meanwhile := range map[string]func(){
		"seen":    func() { l.observe(remote.Object{Path: "/f", Version: "2"}) },
		"changed": func() { l.drop("/") },
	} {
		q := l.ask("/f")
		meanwhile()
		l.answer("/f", q, &k, at)
		if _, ok := l.get("/f", at); ok {
			t.Errorf("%s: it was kept", name)
		}
	}
	q := l.ask("/f")
	l.observe(old)
	l.answer("/f", q, &k, at)
	if _, ok := l.get("/f", at); !ok || len(l.asked) != 0 {
		t.Error("it was not kept")
	}
	l.observe(remote.Object{Path: "/f", Version: "2"})
	if _, ok := l.get("/f", at); ok {
		t.Error("it was kept")
	}
}

// TestContentChecked against the MD5 that the service tells.
func TestContentChecked(t *testing.T) {
	d := reading(t, "hello")
	d.md5 = "5d41402abc4b2a76b9719d911017c592"
	if got, err := d.read(0, -1); err != nil || got != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	d = reading(t, "hallo")
	d.md5 = "5d41402abc4b2a76b9719d911017c592"
	_, err := d.read(0, -1)
	wantKind(t, err, remote.Corrupt)
	_, err = d.read(0, 5)
	wantKind(t, err, remote.Corrupt)
	if got, err := d.read(1, 2); err != nil || got != "al" {
		t.Errorf("a part cannot be checked: got %q, %v", got, err)
	}
	d.noRanges = true
	dl, err := d.s.Download(ctx, remote.Ref{Path: "/f"}, 3, 1)
	if err != nil || dl.Offset != 0 || dl.Size != 5 {
		t.Fatalf("got %+v, %v", dl, err)
	}
	_ = dl.Close()
}

func TestDownloadRefused(t *testing.T) {
	d := reading(t, "x")
	for _, tt := range []struct {
		path           string
		offset, length int64
		kind           remote.Kind
	}{
		{"/", 0, -1, remote.IsDir}, {"/f", -1, 1, remote.Invalid}, {"/f", 1, 1, remote.OutOfRange}, {"f", 0, 1, remote.Invalid},
	} {
		_, err := d.s.Download(ctx, remote.Ref{Path: tt.path}, tt.offset, tt.length)
		wantKind(t, err, tt.kind)
	}
	for _, uri := range []string{"relative", "ftp://x/y", "https://user:word@x/y", "://"} {
		d := reading(t, "x")
		d.uri = uri
		_, err := d.read(0, -1)
		wantKind(t, err, remote.Corrupt)
	}
	_, err := serve(t, answers(400, problemOf(400, "bad-request/cannot-download-directory", "x"))).Download(ctx, remote.Ref{Path: "/d"}, 0, -1)
	wantKind(t, err, remote.IsDir)
	_, err = serve(t, answers(200, dirOf("d"))).Download(ctx, remote.Ref{Path: "/d"}, 0, -1)
	wantKind(t, err, remote.IsDir)
	empty := reading(t, "")
	if got, err := empty.read(0, 10); err != nil || got != "" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestLifeOf(t *testing.T) {
	for raw, want := range map[string]time.Duration{
		"https://x/y": 50 * time.Second, "https://x/y?X-Amz-Expires=180": 170 * time.Second,
		"https://x/y?X-Amz-Expires=4": 2 * time.Second, "https://x/y?X-Amz-Expires=-4": 50 * time.Second,
	} {
		if got := lifeOf(raw); got != want {
			t.Errorf("%s: got %v", raw, got)
		}
	}
}
