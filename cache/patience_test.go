package cache_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/exavault"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// counted counts what is asked of an account, whether it gets there or not.
type counted struct {
	*exavault.Client
	n *atomic.Int64
}

func (c counted) List(ctx context.Context, dir remote.Ref, page func([]remote.Object) error) (remote.Listing, error) {
	c.n.Add(1)
	return c.Client.List(ctx, dir, page)
}

func (c counted) Changes(ctx context.Context, since time.Time) ([]remote.Change, bool, error) {
	c.n.Add(1)
	return c.Client.Changes(ctx, since)
}

func (c counted) Download(ctx context.Context, ref remote.Ref, offset, length int64) (*remote.Download, error) {
	c.n.Add(1)
	return c.Client.Download(ctx, ref, offset, length)
}

func counting(n *atomic.Int64) func(*world) {
	return func(w *world) {
		w.as = func(c *exavault.Client) remote.Remote { return counted{c, n} }
	}
}

// TestOneFailureIsEnough has what is known shown without a further try once the
// provider was found to be out of reach, and what is not known fail at once.
func TestOneFailureIsEnough(t *testing.T) {
	c := &clock{start: time.Now().Add(time.Hour)}
	var n atomic.Int64
	w := newWorld(t, map[string]string{"a/x": "text", "b/y": "2", "c/z": "3"}, withClock(c), counting(&n))
	w.names("a")
	w.read("a/x")
	b := w.ino("b")
	w.check(w.server.Close())
	c.advance(2 * time.Hour)
	w.names("a") // finds out
	tried := n.Load()
	for range 50 {
		w.names("a")
		if w.read("a/x") != "text" {
			t.Fatal("what is known was not served")
		}
		if _, err := w.ns.OpenDir(t.Context(), b); !remote.IsKind(err, remote.Offline) {
			t.Fatalf("a folder that is not known: %v", err)
		}
	}
	if now := n.Load(); now != tried {
		t.Errorf("%d further tries were made", now-tried)
	}
	s, err := w.ns.Status()
	if age := c.now().Sub(s.KnownAt); err != nil || s.Online || age < 2*time.Hour || age > 3*time.Hour {
		t.Errorf("status: online %v, known at %v (%v)", s.Online, s.KnownAt, err)
	}
}

// TestSilentProvider has a provider that takes requests and never answers keep
// nobody waiting for what is known, nor the next who want what is not.
func TestSilentProvider(t *testing.T) {
	c := &clock{start: time.Now().Add(time.Hour)}
	w := newWorld(t, map[string]string{"a/x": "text", "b/y": "2"}, withClock(c), func(w *world) {
		w.opt.Patience = 50 * time.Millisecond
	})
	w.until(func() bool { return len(w.names("a")) == 1 && len(w.names("")) == 2 })
	w.read("a/x")
	b := w.ino("b")
	w.check(w.server.Fail(sandbox.Fault{Kind: sandbox.Stall, Count: -1}))
	c.advance(2 * time.Hour)
	if len(w.names("a")) != 1 || w.read("a/x") != "text" {
		t.Error("what is known was not served")
	}
	if _, err := w.ns.OpenDir(t.Context(), b); !remote.IsKind(err, remote.Offline) {
		t.Errorf("a folder that is not known: %v", err)
	}
	w.putRemote("a/new", "1")
	w.server.ClearFaults()
	w.until(func() bool {
		c.advance(time.Minute)
		return len(w.names("a")) == 2
	})
	w.until(func() bool {
		s, err := w.ns.Status()
		return err == nil && s.Online
	})
}
