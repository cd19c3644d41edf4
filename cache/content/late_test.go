package content

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// tally counts the calls of a Fetch.
func tally(n *atomic.Int64, f Fetch) Fetch {
	return func(ctx context.Context, off, length int64) (*remote.Download, error) {
		n.Add(1)
		return f(ctx, off, length)
	}
}

func TestAnIdleStreamGivesItsConnectionBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openStore(t, Options{}, quick())
		data := pattern(64*unit, 110)
		var calls atomic.Int64
		f := mustRead(t, s, Key{1, "a", 64 * unit}, tally(&calls, answer(data, -1, io.EOF)))
		defer mustClose(t, f)
		readRange(t, f, data, 0, unit)
		<-time.After(defaults.idle - time.Second)
		readRange(t, f, data, unit, unit)
		if n := calls.Load(); n != 1 {
			t.Errorf("%d requests", n)
		}
		<-time.After(defaults.idle + time.Second)
		synctest.Wait()
		f.b.mu.Lock()
		running := len(f.b.streams)
		f.b.mu.Unlock()
		if running != 0 {
			t.Error("a stream still holds its connection")
		}
		readAll(t, f, data)
		if n := calls.Load(); n > 3 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestAStalledBodyEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openStore(t, Options{}, defaults)
		hang := func(ctx context.Context, _, _ int64) (*remote.Download, error) {
			r, w := io.Pipe()
			context.AfterFunc(ctx, func() { _ = w.CloseWithError(ctx.Err()) })
			return &remote.Download{ReadCloser: r, Size: -1}, nil
		}
		f := mustRead(t, s, Key{1, "a", 100}, hang)
		defer mustClose(t, f)
		began := time.Now()
		_, err := f.ReadAt(t.Context(), make([]byte, 1), 0)
		wantKind(t, err, remote.Temporary)
		if d := time.Since(began); d != defaults.stall {
			t.Errorf("after %v", d)
		}
	})
}

func TestSyncThatOverlapsAnAdoption(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	g := mustStage(t, s)
	defer mustClose(t, g)
	mustWrite(t, g, []byte("hello"), 0)
	edits, needed, err := g.d.startSync()
	if err != nil || !needed {
		t.Fatal("nothing to sync", err)
	}
	must(t, s.Adopt(g.Gen(), "a"))
	must(t, g.d.endSync(edits, nil))
	if r, _ := rec.get(g.Gen()); r.Staged || !r.Synced || !r.Complete {
		t.Errorf("record %+v", r)
	}
}

func TestWriteDuringASyncStaysUnsynced(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	g := mustStage(t, s)
	defer mustClose(t, g)
	edits, _, err := g.d.startSync()
	must(t, err)
	mustWrite(t, g, []byte("late"), 0)
	must(t, g.d.endSync(edits, nil))
	if r, _ := rec.get(g.Gen()); r.Synced {
		t.Error("recorded as synced")
	}
	must(t, s.SyncDirty(t.Context()))
	if r, _ := rec.get(g.Gen()); !r.Synced {
		t.Error("not synced by the next")
	}
}

func TestAFailedSyncStays(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	g := mustStage(t, s)
	mustWrite(t, g, []byte("x"), 0)
	edits, _, err := g.d.startSync()
	must(t, err)
	lost := remote.E(remote.Other, "sync", "", os.ErrInvalid)
	wantKind(t, g.d.endSync(edits, lost), remote.Other)
	mustWrite(t, g, []byte("y"), 0)
	wantKind(t, g.Sync(t.Context()), remote.Other)
	must(t, s.SyncDirty(t.Context()))
	if r, _ := rec.get(g.Gen()); r.Synced {
		t.Error("recorded as synced")
	}
	mustClose(t, g)
}

func TestOthersRefusalIsNotOurs(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	data := pattern(1000, 111)
	begun, refuse := make(chan struct{}), make(chan struct{})
	prefetch := func(context.Context, int64, int64) (*remote.Download, error) {
		close(begun)
		<-refuse
		return nil, remote.E(remote.Budget, "download", "", nil)
	}
	key := Key{1, "a", 1000}
	ensured := make(chan error)
	go func() { ensured <- s.Ensure(context.Background(), key, prefetch) }()
	<-begun
	f := mustRead(t, s, key, answer(data, -1, io.EOF))
	defer mustClose(t, f)
	got := make(chan error)
	go func() {
		p := make([]byte, 1000)
		_, err := f.ReadAt(context.Background(), p, 0)
		if !bytes.Equal(p, data) {
			t.Error("wrong bytes")
		}
		got <- err
	}()
	close(refuse)
	must(t, <-got)
	if err := <-ensured; err != nil { // it may find what the other fetched
		wantKind(t, err, remote.Budget)
	}
}

func TestFileThatCannotBeMadePassesThrough(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	v := serve(t, pattern(1000, 112))
	for i := range uint64(3) {
		must(t, os.WriteFile(s.path(i+1), []byte("in the way"), 0o600))
	}
	f := mustRead(t, s, v.key("a"), v.fetch)
	readAll(t, f, v.data)
	mustClose(t, f)
	_, err := s.Stage(1, "a")
	wantKind(t, err, remote.Other)
	if n := len(rec.clone().recs); n != 0 {
		t.Errorf("%d records left", n)
	}
	for i := range uint64(3) {
		if b, err := os.ReadFile(s.path(i + 1)); string(b) != "in the way" {
			t.Errorf("somebody's file is gone: %q, %v", b, err)
		}
	}
}

func TestPathLabel(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	g := mustStage(t, s)
	g.SetPath("/new")
	if g.Fd() == ^uintptr(0) {
		t.Error("no descriptor")
	}
	g.SetPath(strings.Repeat("x", 1<<20)) // too long for any file system: ignored
	mustClose(t, g)
	if g.Fd() != ^uintptr(0) {
		t.Error("descriptor of a closed handle")
	}
}

func TestOpenRefusesWhatItCannotUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(path, nil, 0o600))
	_, err := Open(path, newRecords(), Options{})
	wantKind(t, err, remote.Other)
	s, err := Open(filepath.Join(t.TempDir(), "a", "b"), newRecords(), Options{})
	must(t, err)
	info, err := os.Stat(s.dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	must(t, s.Close())
	must(t, s.Close())
	_, err = s.Stage(1, "a")
	wantKind(t, err, remote.Canceled)
}
