package exavault1_test

import (
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/exavault1"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// hook lets a test act before a request leaves.
type hook struct {
	next   http.RoundTripper
	before func(name string)
}

// RoundTrip implements http.RoundTripper. name is the operation's, "transfer" for
// what goes to a signed address.
func (h hook) RoundTrip(r *http.Request) (*http.Response, error) {
	name := path.Base(r.URL.Path)
	if strings.Contains(r.URL.Path, "/storage/") {
		name = "transfer"
	}
	h.before(name)
	return h.next.RoundTrip(r)
}

// before makes a client call f before each request.
func before(f func(name string)) func(*exavault1.Options) {
	return func(o *exavault1.Options) { o.HTTP = &http.Client{Transport: hook{o.HTTP.Transport, f}} }
}

func (a *account) upload(name, content string, overwrite bool) (remote.Object, error) {
	return a.client.Upload(ctx, remote.Upload{Parent: root, Name: name, Size: int64(len(content)), Content: strings.NewReader(content), Overwrite: overwrite})
}

func (a *account) read(name string) (string, error) {
	d, err := a.client.Download(ctx, remote.Ref{Path: "/" + name}, 0, -1)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(d)
	_ = d.Close()
	return string(b), err
}

// byHand writes a file into the account as somebody else would.
func (a *account) byHand(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(a.Root(), name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// content reads a file of the account from disk, "-" if there is none.
func (a *account) content(name string) string {
	b, err := os.ReadFile(filepath.Join(a.Root(), name))
	if err != nil {
		return "-"
	}
	return string(b)
}

// TestAddressExpires: an address that is too old when it is used is asked for
// once more, however the storage server refuses it.
func TestAddressExpires(t *testing.T) {
	for _, how := range []string{"403", "410", "error", "page"} {
		k := newClock()
		late := 0
		a := open(t, sandbox.Options{Now: k.Now, Switches: parse("link-refused=" + how)}, before(func(name string) {
			if name == "transfer" && late > 0 {
				k.Add(31 * time.Second)
				late--
			}
		}))
		if how != "page" { // a page tells nothing about an upload: see below
			late = 1
			if _, err := a.upload("file", "content", false); err != nil || a.content("file") != "content" {
				t.Errorf("%s: %v", how, err)
			}
			if n := a.CountBy()["upload"]; n != 2 {
				t.Errorf("%s: %d addresses for the upload", how, n)
			}
			late = 5
			_, err := a.upload("never", "content", false)
			wantKind(t, err, remote.Temporary)
			if n := a.CountBy()["upload"]; n != 4 || remote.IsUnknown(err) {
				t.Errorf("%s: %v after %d addresses", how, err, n)
			}
		} else {
			late = 1
			if _, err := a.upload("file", "content", false); !remote.IsUnknown(err) {
				t.Errorf("%s: %v", how, err)
			}
			a.byHand(t, "file", "content")
		}
		late = 1
		if got, err := a.read("file"); got != "content" || err != nil {
			t.Errorf("%s: read %q, %v", how, got, err)
		}
		late = 5
		if _, err := a.read("file"); err == nil || remote.IsKind(err, remote.NotExist) {
			t.Errorf("%s: %v", how, err)
		}
		if n := a.CountBy()["download"]; n != 4 {
			t.Errorf("%s: %d addresses for downloads", how, n)
		}
		if a.Count() != a.ledger.Count() {
			t.Errorf("%s: the server was asked %d times, and the ledger says %d", how, a.Count(), a.ledger.Count())
		}
	}
}

// TestUploadSaysAll: what the API would take for granted is always said.
func TestUploadSaysAll(t *testing.T) {
	a := open(t, sandbox.Options{})
	for _, overwrite := range []bool{false, true} {
		if _, err := a.upload("file", "x", overwrite); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"allowOverwrite=false", "allowOverwrite=true"}
	for _, r := range a.Requests() {
		if r.Op == "upload" {
			if !strings.Contains(r.Query, want[0]) || !strings.Contains(r.Query, "resume=false") {
				t.Errorf("asked with %s", r.Query)
			}
			want = want[1:]
		}
	}
	if len(want) > 0 {
		t.Errorf("not asked with %v", want)
	}
	if n := a.Count(); n != 3+2 {
		t.Errorf("a new file and its overwriting took %d transactions", n)
	}
}

// TestUploadLosesTheRace: somebody takes the name after the look. Nothing is
// lost, and theirs is not taken for ours.
func TestUploadLosesTheRace(t *testing.T) {
	for _, taken := range []string{"rename", "refuse"} {
		var a *account
		a = open(t, sandbox.Options{Switches: parse("upload-taken=" + taken)}, before(func(name string) {
			if name == "getUploadFileUrl" {
				a.byHand(t, "file", "somebody else's")
			}
		}))
		_, err := a.upload("file", "ours", false)
		if err == nil || a.content("file") != "somebody else's" {
			t.Errorf("%s: %v; there is %q", taken, err, a.content("file"))
		}
		if taken == "refuse" {
			wantKind(t, err, remote.Exist)
		} else if !remote.IsUnknown(err) || a.content("file (1)") != "ours" {
			t.Errorf("%s: %v; beside it is %q", taken, err, a.content("file (1)"))
		}
	}
}

// TestUploadUnseen: a file that is stored and cannot be seen is unknown.
func TestUploadUnseen(t *testing.T) {
	var a *account
	a = open(t, sandbox.Options{}, before(func(name string) {
		if name == "transfer" {
			if err := a.Fail(sandbox.Fault{Op: "info", Kind: sandbox.Status, Status: http.StatusTooManyRequests}); err != nil {
				t.Error(err)
			}
		}
	}))
	_, err := a.upload("file", "content", false)
	wantKind(t, err, remote.Budget)
	if !remote.IsUnknown(err) || a.content("file") != "content" {
		t.Errorf("got %v", err)
	}
}

// TestUploadFromNowhere: content that cannot be read is no file.
func TestUploadFromNowhere(t *testing.T) {
	a := open(t, sandbox.Options{})
	_, err := a.client.Upload(ctx, remote.Upload{Parent: root, Name: "file", Size: 100, Content: strings.NewReader("short")})
	if err == nil || a.content("file") != "-" {
		t.Errorf("got %v; there is %q", err, a.content("file"))
	}
}

// TestUploadsTogether: many uploads at once take no more transactions than one by
// one, and as a rule fewer: their looks are shared.
func TestUploadsTogether(t *testing.T) {
	a := open(t, sandbox.Options{Latency: 5 * time.Millisecond})
	const files = 20
	var wg sync.WaitGroup
	for i := range files {
		wg.Go(func() {
			if _, err := a.upload(string(rune('a'+i)), strings.Repeat("x", i), false); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	t.Logf("%d files took %d transactions", files, a.Count())
	if n := a.Count(); n > 3*files {
		t.Errorf("%d transactions", n)
	}
}

// TestUploadIntoNothing: the folder is missing, or is none.
func TestUploadIntoNothing(t *testing.T) {
	for _, messages := range []string{"worded", "mute"} {
		a := open(t, sandbox.Options{Switches: parse("upload-parents=no messages=" + messages)})
		a.byHand(t, "file", "x")
		for dir, kind := range map[string]remote.Kind{"/never": remote.NotExist, "/file": remote.NotDir} {
			_, err := a.client.Upload(ctx, remote.Upload{Parent: remote.Ref{Path: dir}, Name: "f", Content: strings.NewReader("")})
			wantKind(t, err, kind)
		}
		if err := os.Mkdir(filepath.Join(a.Root(), "folder"), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := a.upload("folder", "x", true)
		wantKind(t, err, remote.IsDir)
		_, err = a.read("folder")
		wantKind(t, err, remote.IsDir)
		_, err = a.read("never")
		wantKind(t, err, remote.NotExist)
	}
}

// TestPages: a file that looks like a page is told from a page by its size.
func TestPages(t *testing.T) {
	a := open(t, sandbox.Options{Switches: parse("content-type=guessed")})
	for _, name := range []string{"page.html", "data.json", "notes.txt"} {
		a.byHand(t, name, "the content of "+name)
		if got, err := a.read(name); got != "the content of "+name || err != nil {
			t.Errorf("%s: read %q, %v", name, got, err)
		}
		if err := a.Fail(sandbox.Fault{Op: "fetch", Kind: sandbox.HTML}); err != nil {
			t.Fatal(err)
		}
		if got, err := a.read(name); got != "the content of "+name || err != nil {
			t.Errorf("%s after a page: read %q, %v", name, got, err)
		}
	}
}
