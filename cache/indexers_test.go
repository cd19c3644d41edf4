package cache_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
)

// indexing is a context of a system call by this test, which the mount takes for
// an indexer.
func indexing(t *testing.T) (ctx context.Context, be func(*world)) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx = context.WithValue(t.Context(), cache.CallerKey{}, cache.Caller{PID: uint32(os.Getpid())})
	return ctx, func(w *world) { w.opt.Indexers = []string{"other", filepath.Base(exe)} }
}

func TestIndexersCostNothing(t *testing.T) {
	ctx, be := indexing(t)
	c := &clock{}
	w := newWorld(t, map[string]string{"a/x": "text", "a/y": "other", "b/z": "3"}, withClock(c), be)
	w.names("a")
	w.read("a/x")
	x, y, b := w.ino("a/x"), w.ino("a/y"), w.ino("b")
	c.advance(2 * time.Hour)
	w.costs("an indexer", 0, func() {
		if d, err := w.ns.OpenDir(ctx, w.inoOf(ctx, "a")); err != nil {
			t.Errorf("a folder that is known: %v", err)
		} else {
			d.Close()
		}
		if _, err := w.ns.OpenDir(ctx, b); !remote.IsKind(err, remote.Permission) {
			t.Errorf("a folder that is not known: %v", err)
		}
		if got, err := w.readBy(ctx, x); got != "text" || err != nil {
			t.Errorf("content that is here: %q, %v", got, err)
		}
		if _, err := w.readBy(ctx, y); !remote.IsKind(err, remote.Permission) {
			t.Errorf("content that is not here: %v", err)
		}
		if _, err := w.ns.Statfs(ctx); err != nil {
			t.Error(err)
		}
		w.ns.UsedBy(uint32(os.Getpid()))
		w.ns.PollOnce(ctx)
	})
	s, err := w.ns.Status()
	if err != nil || s.Spared == nil || !slices.Equal(s.Spared.Programs, w.opt.Indexers[1:]) || s.Spared.Requests < 2 {
		t.Errorf("status tells of indexers: %+v (%v)", s.Spared, err)
	}
	if w.read("a/y") != "other" {
		t.Error("others do not get the content")
	}
}

// inoOf is ino on behalf of a process.
func (w *world) inoOf(ctx context.Context, name string) uint64 {
	w.Helper()
	a, err := w.ns.Lookup(ctx, cache.RootIno, name)
	w.check(err)
	return a.Ino
}

// readBy reads the beginning of a file on behalf of a process.
func (w *world) readBy(ctx context.Context, ino uint64) (string, error) {
	w.Helper()
	h, err := w.ns.Open(ctx, ino, unix.O_RDONLY)
	w.check(err)
	defer h.Release()
	buf := make([]byte, 4)
	n, err := h.ReadAt(ctx, buf, 0)
	return string(buf[:n]), err
}
