package cache_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

func quietly(cache.PrefetchProgress) {}

func TestPrefetchBringsATree(t *testing.T) {
	files := manyFiles(leaves, 12)
	files["t/1/large"] = strings.Repeat("large ", 300_000)
	w := newWorld(t, files, unhurried)
	var last cache.PrefetchProgress
	w.costs("a prefetch", 6, func() {
		missing, err := w.ns.Prefetch(t.Context(), "/t", func(p cache.PrefetchProgress) { last = p })
		if err != nil || len(missing) > 0 {
			t.Errorf("missing %v (%v)", missing, err)
		}
	})
	if last.Files != len(files) || last.FilesHere != last.Files || last.BytesHere != last.Bytes {
		t.Errorf("in the end: %+v", last)
	}
	w.costs("reading everything", 0, func() { w.readAll(files, "") })
	w.costs("a prefetch of what is here", 0, func() {
		if missing, err := w.ns.Prefetch(t.Context(), "/t/1", quietly); err != nil || len(missing) > 0 {
			t.Errorf("missing %v (%v)", missing, err)
		}
	})
}

func TestPrefetchOfOneFile(t *testing.T) {
	w := newWorld(t, map[string]string{"a/x": "text", "a/y": "other"}, unhurried)
	w.costs("a prefetch", 2, func() {
		if missing, err := w.ns.Prefetch(t.Context(), "a/x", quietly); err != nil || len(missing) > 0 {
			t.Errorf("missing %v (%v)", missing, err)
		}
	})
	if !w.ns.Has(w.ino("a/x")) || w.ns.Has(w.ino("a/y")) {
		t.Error("not that file was fetched")
	}
	if _, err := w.ns.Prefetch(t.Context(), "a/absent", quietly); !remote.IsKind(err, remote.NotExist) {
		t.Errorf("got %v", err)
	}
}

func TestPrefetchSaysWhatDoesNotFit(t *testing.T) {
	files := map[string]string{}
	for i := range 20 {
		files[fmt.Sprintf("a/f%02d", i)] = strings.Repeat("x", 4096)
	}
	w := newWorld(t, files, unhurried, func(w *world) { w.opt.CacheSize = 10 * 4096 })
	missing, err := w.ns.Prefetch(t.Context(), "/", quietly)
	if err != nil || len(missing) != 10 {
		t.Errorf("missing %v (%v)", missing, err)
	}
}

func TestPrefetchSaysWhatCouldNotBeFetched(t *testing.T) {
	w := newWorld(t, manyFiles([]string{"a"}, 5), unhurried)
	w.walk("")
	w.check(w.server.Fail(sandbox.Fault{Op: "archive", Kind: sandbox.Status, Status: 403, Count: -1}))
	w.check(w.server.Fail(sandbox.Fault{Op: "download", Kind: sandbox.Status, Status: 403, Count: 1}))
	missing, err := w.ns.Prefetch(t.Context(), "/", quietly)
	if err != nil || len(missing) != 1 {
		t.Errorf("missing %v (%v)", missing, err)
	}
}

func TestPrefetchCanBeInterrupted(t *testing.T) {
	w := newWorld(t, manyFiles([]string{"a"}, 5), unhurried)
	w.walk("")
	w.check(w.server.Fail(sandbox.Fault{Op: "archive", Kind: sandbox.Stall}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		w.until(func() bool { return len(w.server.Faults()) == 0 })
		cancel()
	}()
	if _, err := w.ns.Prefetch(ctx, "/", quietly); !remote.IsKind(err, remote.Canceled) {
		t.Errorf("got %v", err)
	}
	w.server.Release()
}
