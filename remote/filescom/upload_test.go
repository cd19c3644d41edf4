package filescom

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// uploads is a server that takes one upload of one part. Each field changes
// what it answers.
type uploads struct {
	t      *testing.T
	s      *server
	ticket string // fields beside the necessary ones
	array  bool
	etag   func(sum string) string
	refuse int    // how many puts are refused as expired
	end    string // the answer to the end
	status int    // its status

	begun, put, ended int
	body              map[string]any // of the end
	got               string
}

func (u *uploads) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/file_actions/begin_upload/"):
		u.begun++
		t := fmt.Sprintf(`{"ref":"put-1","upload_uri":"%s/storage/part?secret","part_number":1%s}`, u.s.url, u.ticket)
		if u.array {
			t = "[" + t + "]"
		}
		writeJSON(w, 200, t)
	case r.URL.Path == "/storage/part":
		u.put++
		b, _ := io.ReadAll(r.Body)
		if u.got = string(b); u.refuse > 0 {
			u.refuse--
			http.Error(w, "<Error>Request has expired</Error>", http.StatusForbidden)
			return
		}
		sum := md5.Sum(b)
		w.Header().Set("ETag", u.etag(hex.EncodeToString(sum[:])))
	case r.Method == http.MethodPost:
		u.ended++
		u.body = body(u.t, r)
		writeJSON(w, u.status, u.end)
	default:
		writeJSON(w, 404, problemOf(404, "not-found", "x"))
	}
}

func taking(t *testing.T, change func(*uploads)) *uploads {
	u := &uploads{t: t, status: 201, end: fileOf("d/f", 4), etag: func(s string) string { return `"` + s + `"` }}
	u.s = serve(t, u.ServeHTTP)
	if change != nil {
		change(u)
	}
	return u
}

func (u *uploads) upload(overwrite bool) (remote.Object, error) {
	return u.s.Upload(ctx, remote.Upload{
		Parent: remote.Ref{Path: "/d"}, Name: "f", Size: 4, Content: strings.NewReader("text"), Overwrite: overwrite,
		ModTime: time.Date(2001, 2, 3, 4, 5, 6, 7, time.UTC),
	})
}

// TestUploadVariants: answers that the documents leave open all do.
func TestUploadVariants(t *testing.T) {
	for name, change := range map[string]func(*uploads){
		"plain":        nil,
		"an array":     func(u *uploads) { u.array = true },
		"a bare ETag":  func(u *uploads) { u.etag = func(s string) string { return s } },
		"a weak ETag":  func(u *uploads) { u.etag = func(s string) string { return `W/"` + strings.ToUpper(s) + `"` } },
		"no ETag":      func(u *uploads) { u.etag = func(string) string { return "" } },
		"another ETag": func(u *uploads) { u.etag = func(string) string { return `"abc-1"` } },
		"expired once": func(u *uploads) { u.refuse = 1 },
		"as documented": func(u *uploads) {
			u.ticket = `,"http_method":"PUT","send":{"partsize":"required-parameter Content-Length","partdata":"body"},"headers":{},"parameters":{}`
		},
		"by POST":           func(u *uploads) { u.ticket = `,"http_method":"POST","headers":{"X-Extra":"1","Host":"evil"}` },
		"lists for maps":    func(u *uploads) { u.ticket = `,"headers":[],"parameters":[]` },
		"the other case":    func(u *uploads) { u.ticket = `,"path":"D/F"` },
		"it says replaced":  func(u *uploads) { u.status = 200 },
		"the entry in list": func(u *uploads) { u.end = list(fileOf("d/f", 4)) },
	} {
		u := taking(t, change)
		o, err := u.upload(false)
		sum := md5.Sum([]byte("text"))
		if err != nil || o.Path != "/d/f" || o.Hash != hex.EncodeToString(sum[:]) || u.got != "text" {
			t.Errorf("%s: got %+v, %v", name, o, err)
		}
		etags, _ := u.body["etags"].([]any)
		if u.body["ref"] != "put-1" || u.body["provided_mtime"] != "2001-02-03T04:05:06Z" || u.body["mkdir_parents"] != true || len(etags) != 1 {
			t.Errorf("%s: the end says %v", name, u.body)
		}
	}
}

// TestUploadRefused: what cannot be is noticed, nothing is repeated in vain, and
// no address gets into an error.
func TestUploadRefused(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(*uploads)
		kind    remote.Kind
		unknown bool
		puts    int
	}{
		{"taken", func(u *uploads) { u.ticket = `,"ask_about_overwrites":true` }, remote.Exist, false, 0},
		{"another name", func(u *uploads) { u.ticket = `,"path":"d/f_1"` }, remote.Exist, false, 0},
		{"a form", func(u *uploads) { u.ticket = `,"parameters":{"key":"x"}` }, remote.Corrupt, false, 0},
		{"a form's field", func(u *uploads) { u.ticket = `,"send":{"file":"required-parameter file"}` }, remote.Corrupt, false, 0},
		{"another method", func(u *uploads) { u.ticket = `,"http_method":"DELETE"` }, remote.Corrupt, false, 0},
		{"no address", func(u *uploads) { u.ticket = `,"upload_uri":"/etc/passwd"` }, remote.Corrupt, false, 0},
		{"expired again and again", func(u *uploads) { u.refuse = 100 }, remote.Temporary, false, partTries},
		{"altered", func(u *uploads) { u.etag = func(string) string { return "17c54824e9931a4688ca032d03f6663c" } }, remote.Corrupt, false, partTries},
		{"stored short", func(u *uploads) { u.end = fileOf("d/f", 3) }, remote.Corrupt, true, 1},
		{"stored as a folder", func(u *uploads) { u.end = dirOf("d/f") }, remote.Corrupt, true, 1},
		{"stored elsewhere", func(u *uploads) { u.end = fileOf("e/f", 4) }, remote.Corrupt, true, 1},
		{"a page", func(u *uploads) { u.end = "<html>" }, remote.Corrupt, true, 1},
		{"full", func(u *uploads) { u.status, u.end = 507, `{"error":"full"}` }, remote.StorageFull, false, 1},
		{"forbidden", func(u *uploads) { u.status, u.end = 403, `{"error":"no"}` }, remote.Permission, false, 1},
		{"forgotten", func(u *uploads) { u.status, u.end = 404, `{"error":"File Upload Not Found"}` }, remote.Temporary, false, 1},
		{"failed", func(u *uploads) { u.status, u.end = 500, `{"error":"x"}` }, remote.Temporary, true, 1},
	} {
		u := taking(t, tt.change)
		_, err := u.upload(false)
		wantKind(t, err, tt.kind)
		if remote.IsUnknown(err) != tt.unknown || u.put != tt.puts || u.ended > 1 || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%s: got %v after %d puts and %d ends", tt.name, err, u.put, u.ended)
		}
	}
	u := taking(t, func(u *uploads) { u.ticket = `,"ask_about_overwrites":true` })
	if _, err := u.upload(true); err != nil {
		t.Errorf("it was to be replaced: %v", err)
	}
}

// TestUploadArguments: what makes no sense is refused before anything leaves.
func TestUploadArguments(t *testing.T) {
	u := taking(t, nil)
	for _, up := range []remote.Upload{
		{Name: "f", Size: 1}, {Name: "f", Size: -1}, {Name: "f", Size: maxFile + 1, Content: strings.NewReader("")}, {Name: "a/b"}, {Name: strings.Repeat("x", 256)},
	} {
		up.Parent = remote.Ref{Path: "/"}
		if _, err := u.s.Upload(ctx, up); err == nil {
			t.Errorf("%+v went", up)
		}
	}
	if _, err := u.s.Upload(ctx, remote.Upload{Name: "f"}); !remote.IsKind(err, remote.Invalid) {
		t.Errorf("got %v", err)
	}
	if u.begun != 0 {
		t.Error("something was sent")
	}
}

// failing is content that cannot be read.
type failing struct{}

var errDisk = errors.New("the disk is broken")

// ReadAt implements io.ReaderAt.
func (failing) ReadAt([]byte, int64) (int, error) { return 0, errDisk }

// TestUploadUnreadable: the reason shows, and nothing is ended.
func TestUploadUnreadable(t *testing.T) {
	u := taking(t, nil)
	_, err := u.s.Upload(ctx, remote.Upload{Parent: remote.Ref{Path: "/d"}, Name: "f", Size: 4, Content: failing{}})
	if !errors.Is(err, errDisk) || u.ended != 0 || remote.IsUnknown(err) {
		t.Errorf("got %v after %d ends", err, u.ended)
	}
}
