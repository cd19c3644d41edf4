package cache_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
)

// clock starts now and moves on when told to.
type clock struct {
	offset atomic.Int64
	// start is what the clock shows before it is advanced; the zero time lets
	// it run.
	start time.Time
}

func (c *clock) now() time.Time {
	now := c.start
	if now.IsZero() {
		now = time.Now()
	}
	return now.Add(time.Duration(c.offset.Load()))
}

func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

func withClock(c *clock) func(*world) {
	return func(w *world) { w.opt.Now = c.now }
}

// api makes a change through the API, as another program on the account would.
func (w *world) api(method, path, body string) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.url+"/api/v2"+path, strings.NewReader(body))
	w.check(err)
	req.Header.Set("ev-api-key", "key")
	req.Header.Set("ev-access-token", "token")
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	w.check(err)
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if resp.StatusCode >= 300 {
		w.Fatalf("%s %s: %s", method, path, resp.Status)
	}
}

func TestOneFeedReadFreshensEverything(t *testing.T) {
	c := &clock{}
	w := newWorld(t, map[string]string{"a/x": "1", "b/c/y": "2", "d/z": "3"}, withClock(c))
	w.walk("")
	w.costs("walking again within the minute", 0, func() { w.walk("") })
	c.advance(70 * time.Second)
	w.costs("walking again after 70 s", 1, func() { w.walk("") })
	c.advance(70 * time.Second)
	w.costs("walking after a remount", 1, func() {
		w.remount()
		w.walk("")
	})
}

func (w *world) walk(name string) (entries int) {
	w.Helper()
	for base, a := range w.names(name) {
		entries++
		if a.Kind == cache.Dir {
			entries += w.walk(name + "/" + base)
		}
	}
	return entries
}

func TestChangesByOthersShowThroughTheFeed(t *testing.T) {
	c := &clock{}
	w := newWorld(t, map[string]string{"a/x": "1", "b/y": "2", "c/z": "3"}, withClock(c))
	w.walk("")
	w.api("POST", "/resources", `{"path":"/a/made"}`)
	w.api("DELETE", "/resources", `{"resources":["/b/y"]}`)
	w.api("POST", "/resources/move", `{"resources":["/c/z"],"parentResource":"/a"}`)
	c.advance(70 * time.Second)
	// One read of the feed, and a listing of each folder: twice of those that
	// turned out empty.
	w.costs("noticing three changed folders", 6, func() {
		if len(w.names("a")) != 3 || len(w.names("b")) != 0 || len(w.names("c")) != 0 {
			t.Errorf("a: %v, b: %v, c: %v", w.names("a"), w.names("b"), w.names("c"))
		}
	})
}

func TestOwnChangesDoNotInvalidate(t *testing.T) {
	c := &clock{}
	w := newWorld(t, map[string]string{"a/x": "1", "b/y": "2"}, withClock(c))
	w.walk("")
	w.write("a/new", "text")
	w.mkdir("b/dir")
	w.rename("b/y", "b/z", 0)
	w.remove("a/x")
	w.flush()
	c.advance(70 * time.Second)
	w.costs("walking after changes of our own", 1, func() { w.walk("") })
}

func TestForbiddenFeedFallsBackToAges(t *testing.T) {
	c := &clock{}
	w := newWorld(t, map[string]string{"a/x": "1"}, withClock(c), func(w *world) {
		w.switches = map[string]string{"activity": "forbidden"}
	})
	w.walk("")
	if s, err := w.ns.Status(); err != nil || s.Freshness != "age" {
		t.Errorf("freshness is %q (%v)", s.Freshness, err)
	}
	w.putRemote("a/new", "1")
	c.advance(70 * time.Second)
	if len(w.names("a")) != 2 {
		t.Error("an aged folder was not listed again")
	}
}

func TestIdleMountCostsNothing(t *testing.T) {
	c := &clock{}
	w := newWorld(t, map[string]string{"a/x": "1"}, withClock(c))
	w.walk("")
	w.ns.Used()
	c.advance(6 * time.Second)
	w.costs("an idle hour", 0, func() {
		for range 720 {
			w.ns.PollOnce(t.Context())
			c.advance(5 * time.Second)
		}
	})
	w.costs("an hour of use", 60, func() {
		for range 720 {
			w.ns.Used()
			w.ns.PollOnce(t.Context())
			c.advance(5 * time.Second)
		}
	})
}

func TestUnreachableProviderServesWhatIsKnown(t *testing.T) {
	c := &clock{}
	w := newWorld(t, map[string]string{"a/x": "text"}, withClock(c))
	w.walk("")
	w.read("a/x")
	w.check(w.server.Close())
	c.advance(2 * time.Hour)
	if w.read("a/x") != "text" || len(w.names("a")) != 1 {
		t.Error("what is known was not served")
	}
	w.write("a/new", "written offline")
	if w.read("a/new") != "written offline" {
		t.Error("what was written offline is not there")
	}
	w.remount()
	if w.read("a/new") != "written offline" {
		t.Error("what was written offline is gone after a remount")
	}
}

func TestLostRootDeletesNothing(t *testing.T) {
	c := &clock{}
	w := newWorld(t, map[string]string{"sub/a": "1"}, withClock(c), func(w *world) { w.opt.Root = "/sub" })
	if len(w.names("")) != 1 {
		t.Fatal("the folder is not what is mounted")
	}
	w.check(os.Rename(filepath.Join(w.root(), "sub"), filepath.Join(w.root(), "other")))
	c.advance(25 * time.Hour)
	_, err := w.ns.OpenDir(t.Context(), cache.RootIno)
	if !remote.IsKind(err, remote.Stale) {
		t.Errorf("got %v", err)
	}
	if _, err := w.ns.Lookup(t.Context(), cache.RootIno, "a"); err != nil {
		t.Errorf("what was known is gone: %v", err)
	}
}
