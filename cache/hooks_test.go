package cache_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
)

// hook hands the mount a delivery of a webhook, as ExaVault would.
func (w *world) hook(operation, path, from string) error {
	body := fmt.Sprintf(`{"accountname":"a","username":"u","operation":%q,"protocol":"web","path":%q,"sourcepath":%q,"attempt":1}`, operation, path, from)
	sum := md5.Sum([]byte("secret" + body))
	r := &http.Request{Method: http.MethodPost, Header: http.Header{"X-Exavault-Signature": {hex.EncodeToString(sum[:])}}}
	return w.ns.Deliver("secret", r, []byte(body))
}

func TestWebhooksShowChangesAtOnce(t *testing.T) {
	w := newWorld(t, map[string]string{"a/x": "1", "b/y": "2", "c/z": "3"}, withClock(&clock{}))
	w.walk("")
	h, err := w.ns.Open(t.Context(), w.ino("a/x"), unix.O_RDONLY)
	w.check(err)
	defer h.Release()
	w.api("POST", "/resources", `{"path":"/a/made"}`)
	w.costs("a webhook", 0, func() { w.check(w.hook("Create Folder", "/a/made", "")) })
	w.costs("noticing it", 1, func() {
		if len(w.names("a")) != 2 || len(w.names("b")) != 1 {
			t.Errorf("a: %v, b: %v", w.names("a"), w.names("b"))
		}
	})
	w.putRemote("a/x", "a longer text")
	w.check(w.hook("Upload", "/a/x", ""))
	if a, err := w.ns.Getattr(t.Context(), w.ino("a/x")); err != nil || a.Size != 13 {
		t.Errorf("the size is %d (%v)", a.Size, err)
	}
	buf := make([]byte, 13)
	if n, err := h.ReadAt(t.Context(), buf, 0); n != 13 || string(buf) != "a longer text" {
		t.Errorf("the open file reads %q (%v)", buf[:n], err)
	}
}

// TestOpenFilesShowWhatOthersWrote: a file that was read through a handle, and
// replaced elsewhere, is read anew through it: the kernel's pages are everybody's.
func TestOpenFilesShowWhatOthersWrote(t *testing.T) {
	w := newWorld(t, map[string]string{"x": "one"}, withClock(&clock{}))
	h, err := w.ns.Open(t.Context(), w.ino("x"), unix.O_RDONLY)
	w.check(err)
	defer h.Release()
	for _, text := range []string{"one", "a longer one", "2"} {
		w.putRemote("x", text)
		w.check(w.hook("Upload", "/x", ""))
		w.names("")
		buf := make([]byte, 20)
		if n, _ := h.ReadAt(t.Context(), buf, 0); string(buf[:n]) != text {
			t.Errorf("the open file reads %q, want %q", buf[:n], text)
		}
	}
}

func TestOwnChangesInWebhooksInvalidateNothing(t *testing.T) {
	w := newWorld(t, map[string]string{"a/x": "1", "b/y": "2"}, withClock(&clock{}))
	w.walk("")
	w.write("a/new", "text")
	w.rename("b/y", "b/z", 0)
	w.flush()
	w.costs("webhooks about our own changes", 0, func() {
		w.check(w.hook("Upload", "/a/new", ""))
		w.check(w.hook("Rename", "/b/z", "/b/y"))
		w.walk("")
	})
}

func TestWebhooksStretchTheFeed(t *testing.T) {
	c := &clock{}
	w := newWorld(t, map[string]string{"a/x": "1", "b/y": "2"}, withClock(c))
	w.walk("")
	w.check(w.hook("Create Folder", "/b/none", ""))
	w.walk("")
	w.costs("a walk after 14 minutes", 0, func() {
		c.advance(14 * time.Minute)
		w.walk("")
	})
	// The feed shows a change that no webhook told of: it is read every minute
	// again.
	w.api("POST", "/resources", `{"path":"/a/made"}`)
	c.advance(2 * time.Minute)
	if len(w.names("a")) != 2 {
		t.Error("the feed was not read after a quarter of an hour")
	}
	w.check(w.hook("Create Folder", "/b/none", ""))
	w.walk("")
	c.advance(2 * time.Minute)
	w.costs("a walk when webhooks are not relied on", 1, func() { w.walk("") })
	s, err := w.ns.Status()
	if err != nil || s.Webhooks == nil || s.Webhooks.Good != 2 || s.Webhooks.Relied {
		t.Errorf("status tells of webhooks: %+v (%v)", s.Webhooks, err)
	}
}

func TestForgedWebhooksAreRefused(t *testing.T) {
	w := newWorld(t, map[string]string{"a/x": "1"})
	w.walk("")
	r := &http.Request{Method: http.MethodPost, Header: http.Header{}}
	if err := w.ns.Deliver("secret", r, []byte(`{"operation":"Delete","path":"/a/x"}`)); !remote.IsKind(err, remote.Permission) {
		t.Errorf("got %v", err)
	}
	s, err := w.ns.Status()
	if err != nil || s.Webhooks == nil || *s.Webhooks != (cache.Webhooks{Refused: 1}) {
		t.Errorf("status tells of webhooks: %+v (%v)", s.Webhooks, err)
	}
	w.costs("a forged webhook", 0, func() { w.walk("") })
}
