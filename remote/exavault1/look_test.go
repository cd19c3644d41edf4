package exavault1

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// there and absent are checks on the wire.
func there(p string, size int) string {
	return fmt.Sprintf(`{"exists":true,"resource":{"name":%q,"path":%q,"type":"file","size":%d,"uploadDate":"2020-01-02 03:04:05"}}`, p[strings.LastIndex(p, "/")+1:], p, size)
}

const absent = `{"exists":false,"resource":null}`

func checks(items ...string) string {
	return `{"success":1,"results":[` + strings.Join(items, ",") + `]}`
}

// TestSight: which check belongs to which path is told, proved by what is left
// over, or an error; never guessed.
func TestSight(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       string // of /a and /b: y for there, n for absent, ? for an error
	}{
		{"both", checks(there("/a", 1), there("/b", 2)), "yy"},
		{"the other order", checks(there("/b", 2), there("/a", 1)), "yy"},
		{"one", checks(there("/b", 2), absent), "ny"},
		{"none", checks(absent, absent), "nn"},
		{"one too few", checks(there("/a", 1)), "y?"},
		{"one too many", checks(there("/a", 1), absent, absent), "y?"},
		{"one of another", checks(there("/a", 1), there("/c", 3)), "y?"},
		{"one twice", checks(there("/a", 1), there("/a", 1)), "y?"},
		{"one that says nothing", checks(there("/a", 1), `{}`), "y?"},
		{"an incomplete one", checks(there("/a", 1), `{"exists":true,"resource":{"path":"/b","type":"file","size":-1}}`), "y?"},
		{"numbers and strings", checks(`{"exists":"1","resource":{"name":"a","parent":"/","type":"file","size":"1","uploadDate":"1577934245"}}`, `{"exists":0}`), "yn"},
		{"no list", `{"success":1,"results":{}}`, "??"},
		{"null", `{"success":1,"results":null}`, "??"},
	} {
		c := script(t, always(200, tt.body))
		got := ""
		for _, p := range []string{"/a", "/b"} {
			seen, err := c.lookout.ask(ctx, []string{"/a", "/b"})
			switch {
			case err != nil || seen[p].err != nil:
				got += "?"
			case seen[p].exists:
				got += "y"
			default:
				got += "n"
			}
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestLooksAreShared: looks wanted while one is under way go together; one whose
// caller goes away takes nobody with it.
func TestLooksAreShared(t *testing.T) {
	var mu sync.Mutex
	requests := 0
	arrived, release := make(chan struct{}), make(chan struct{})
	c := script(t, func(_ string, r *http.Request) (int, string) {
		mu.Lock()
		requests++
		first := requests == 1
		mu.Unlock()
		if first {
			close(arrived)
			<-release
		}
		var items []string
		for _, p := range r.URL.Query()["filePaths[]"] {
			items = append(items, there(p, 1))
		}
		return 200, checks(items...)
	})
	leaving, leave := context.WithCancel(ctx)
	var wg sync.WaitGroup
	stat := func(ctx context.Context, p string, kind remote.Kind) {
		wg.Go(func() {
			o, err := c.Stat(ctx, remote.Ref{Path: p})
			if kind == remote.Canceled {
				wantKind(t, err, kind)
			} else if err != nil || o.Path != p {
				t.Errorf("%s: got %+v, %v", p, o, err)
			}
		})
	}
	stat(ctx, "/first", 0)
	<-arrived
	stat(leaving, "/leaving", remote.Canceled)
	for i := range 50 {
		stat(ctx, fmt.Sprintf("/file %d", i%40), 0)
	}
	stat(ledger.WithClass(ctx, ledger.Prefetch), "/prefetched", 0)
	queued(c, 52)
	leave()
	queued(c, 51)
	close(release)
	wg.Wait()
	if requests != 3 {
		t.Errorf("%d requests", requests)
	}
}

// queued waits until so many wait for a look.
func queued(c *Client, n int) {
	for {
		c.lookout.mu.Lock()
		have := len(c.lookout.queue)
		c.lookout.mu.Unlock()
		if have == n {
			return
		}
		runtime.Gosched()
	}
}

// TestLeaderLeaves: if the one who sends a look goes away, the others send it
// again.
func TestLeaderLeaves(t *testing.T) {
	leaving, leave := context.WithCancel(ctx)
	requests := 0
	var c *Client
	c = script(t, func(_ string, r *http.Request) (int, string) {
		if requests++; requests == 1 {
			queued(c, 1)
			leave()
			return 200, `<` // whatever came of it, its context has ended
		}
		return 200, checks(there(r.URL.Query().Get("filePaths[]"), 1))
	})
	first := &query{paths: []string{"/a"}, done: make(chan struct{})}
	other := &query{paths: []string{"/b"}, done: make(chan struct{})}
	c.lookout.queue = []*query{first, other, {class: ledger.Poll, paths: []string{"/c"}, done: make(chan struct{})}}
	c.lookout.lead(leaving, first)
	if first.err == nil || other.err != nil || len(c.lookout.queue) != 2 {
		t.Errorf("got %v, %v; %d wait", first.err, other.err, len(c.lookout.queue))
	}
	c.lookout.lead(ctx, other)
	if other.err != nil || !other.seen["/b"].exists {
		t.Errorf("got %v", other.err)
	}
}

// TestLongLook: a look at more than an address can hold is sent as a form.
func TestLongLook(t *testing.T) {
	var paths []string
	for i := range 300 {
		paths = append(paths, fmt.Sprintf("/a folder with a long name/%d", i))
	}
	c := script(t, func(_ string, r *http.Request) (int, string) {
		if len(r.URL.String()) > maxQuery+200 || r.Method != http.MethodPost || r.ParseForm() != nil || len(r.PostForm["filePaths[]"]) != 300 {
			t.Errorf("%s with %d characters", r.Method, len(r.URL.String()))
		}
		return 200, checks(strings.Split(strings.Repeat(absent+"|", 299)+absent, "|")...)
	})
	if seen, err := c.look(ctx, opInfo, paths...); err != nil || len(seen) != 300 {
		t.Errorf("%d seen, %v", len(seen), err)
	}
}
