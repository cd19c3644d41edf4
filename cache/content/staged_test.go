package content

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

func mustStage(t testing.TB, s *Store) *Staged {
	t.Helper()
	g, err := s.Stage(7, "/docs/a file")
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func mustWrite(t testing.TB, g *Staged, p []byte, off int64) {
	t.Helper()
	if n, err := g.WriteAt(p, off); n != len(p) || err != nil {
		t.Fatalf("writing: %d, %v", n, err)
	}
}

func wantStaged(t testing.TB, g *Staged, want []byte) {
	t.Helper()
	p := make([]byte, len(want))
	if _, err := g.ReadAt(p, 0); err != nil || !bytes.Equal(p, want) || g.Size() != int64(len(want)) {
		t.Fatalf("staged content is wrong: size %d, want %d, %v", g.Size(), len(want), err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestStagedContent(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	g := mustStage(t, s)
	data := pattern(100_000, 60)
	mustWrite(t, g, data, 0)
	must(t, g.Truncate(50_000))
	wantStaged(t, g, data[:50_000])
	must(t, g.Truncate(60_000))
	wantStaged(t, g, append(bytes.Clone(data[:50_000]), make([]byte, 10_000)...))
	if r, ok := rec.get(g.Gen()); !ok || !r.Staged || r.Synced || r.Ino != 7 {
		t.Errorf("record %+v", r)
	}
	must(t, g.Sync(t.Context()))
	if r, _ := rec.get(g.Gen()); !r.Synced || r.Size != 60_000 {
		t.Errorf("record %+v", r)
	}
	mustWrite(t, g, data[:1], 0)
	if r, _ := rec.get(g.Gen()); r.Synced {
		t.Error("recorded as synced after a write")
	}
	buf := make([]byte, 100)
	n, err := unix.Getxattr(s.path(g.Gen()), pathAttr, buf)
	if err == nil && string(buf[:n]) != "/docs/a file" {
		t.Errorf("labelled %q", buf[:n])
	}
	if u := s.Usage(); u.Staged != 60_000 || u.StagedFiles != 1 || u.Cached != 0 {
		t.Errorf("usage %+v", u)
	}
	mustClose(t, g)
	wantKind(t, g.Close(), remote.Stale)
	_, err = g.WriteAt(data, 0)
	wantKind(t, err, remote.Stale)
}

func TestAllocateAndHoles(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	g := mustStage(t, s)
	defer mustClose(t, g)
	must(t, g.Allocate(0, 0, 10_000))
	if g.Size() != 10_000 {
		t.Errorf("size %d", g.Size())
	}
	must(t, g.Allocate(unix.FALLOC_FL_KEEP_SIZE, 0, 20_000))
	if g.Size() != 10_000 {
		t.Errorf("size %d", g.Size())
	}
	must(t, g.Truncate(3*unit))
	mustWrite(t, g, pattern(unit, 61), unit)
	if at, err := g.SeekData(unit / 2); at != unit || err != nil {
		t.Errorf("data at %d, %v", at, err)
	}
	if at, err := g.SeekHole(unit); at != 2*unit || err != nil {
		t.Errorf("hole at %d, %v", at, err)
	}
	_, err := g.SeekData(2 * unit)
	wantKind(t, err, remote.OutOfRange)
	must(t, g.Allocate(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, unit, unit))
	wantStaged(t, g, make([]byte, 3*unit))
	wantKind(t, g.Allocate(unix.FALLOC_FL_COLLAPSE_RANGE, 0, 4096), remote.Unsupported)
	wantKind(t, g.Allocate(0, -1, 4096), remote.Invalid)
}

func TestSeal(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	g := mustStage(t, s)
	defer mustClose(t, g)
	mustWrite(t, g, []byte("one"), 0)
	must(t, s.Seal(g.Gen()))
	must(t, s.Seal(g.Gen()))
	must(t, s.Unseal(g.Gen()))
	_, err := g.WriteAt([]byte("two"), 0)
	if !errors.Is(err, ErrSealed) || !errors.Is(g.Truncate(0), ErrSealed) || !errors.Is(g.Allocate(0, 0, 9), ErrSealed) {
		t.Errorf("got %v", err)
	}
	must(t, s.Unseal(g.Gen()))
	mustWrite(t, g, []byte("two"), 0)
	wantKind(t, s.Unseal(g.Gen()), remote.Invalid)
	wantKind(t, s.Seal(99), remote.NotExist)
	wantKind(t, s.Unseal(99), remote.NotExist)
	wantKind(t, s.Adopt(99, "a"), remote.NotExist)
	_, err = s.OpenStaged(99)
	wantKind(t, err, remote.NotExist)
}

func TestSealedContentHoldsStillUnderWriters(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	g := mustStage(t, s)
	defer mustClose(t, g)
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for i := range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if _, err := g.WriteAt(pattern(4096, uint64(i)), int64(i)*4096); err != nil && !errors.Is(err, ErrSealed) {
					t.Error(err)
				}
			}
		})
	}
	eventually(t, "all wrote", func() bool { return g.Size() == 4*4096 })
	for range 50 {
		must(t, s.Seal(g.Gen()))
		a, b := make([]byte, 4*4096), make([]byte, 4*4096)
		_, err := g.ReadAt(a, 0)
		must(t, err)
		_, err = g.ReadAt(b, 0)
		must(t, err)
		if !bytes.Equal(a, b) {
			t.Fatal("sealed content changed")
		}
		must(t, s.Unseal(g.Gen()))
	}
	cancel()
	wg.Wait()
}

func TestAdopt(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	data := pattern(100_000, 62)
	v := serve(t, data)
	key := Key{7, "v2", int64(len(data))}
	must(t, s.Ensure(t.Context(), key, v.fetch)) // somebody was faster
	g := mustStage(t, s)
	mustWrite(t, g, data, 0)
	must(t, s.Adopt(g.Gen(), "v2"))
	if _, err := g.WriteAt(data, 0); !errors.Is(err, ErrSealed) {
		t.Errorf("write to an adopted generation: %v", err)
	}
	wantStaged(t, g, data)
	mustClose(t, g)
	f := mustRead(t, s, key, noFetch)
	readAll(t, f, data)
	mustClose(t, f)
	r, _ := rec.get(g.Gen())
	if r.Staged || !r.Complete || r.Version != "v2" || len(rec.recs) != 1 {
		t.Errorf("record %+v of %d", r, len(rec.recs))
	}
	u := s.Usage()
	if u.StagedFiles != 0 || u.Files != 1 || u.Cached < 100_000 {
		t.Errorf("usage %+v", u)
	}
	wantKind(t, s.Adopt(g.Gen(), "v3"), remote.NotExist)
	s.Forget(7, "")
	if s.Usage().Cached != 0 {
		t.Errorf("usage %+v", s.Usage())
	}
}

func TestAdoptedContentCountsForTheLimit(t *testing.T) {
	s, _ := openStore(t, Options{Limit: 64 << 10}, quick())
	v := serve(t, pattern(32<<10, 63))
	must(t, s.Ensure(t.Context(), v.key("a"), v.fetch))
	eventually(t, "the stream is gone", func() bool { return resting(s) == 1 })
	g := mustStage(t, s)
	mustWrite(t, g, pattern(48<<10, 64), 0)
	must(t, s.Adopt(g.Gen(), "b"))
	if s.Complete(v.key("a")) || !s.Complete(Key{7, "b", 48 << 10}) {
		t.Error("wrong one evicted")
	}
	mustClose(t, g)
	h := mustStage(t, s)
	mustWrite(t, h, pattern(100<<10, 65), 0)
	must(t, s.Adopt(h.Gen(), "c"))
	wantStaged(t, h, pattern(100<<10, 65))
	mustClose(t, h)
	if u := s.Usage(); u.Cached > u.Limit || u.Files != 0 {
		t.Errorf("usage %+v", u)
	}
}

func TestDropKeepsOpenHandlesUsable(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	g := mustStage(t, s)
	mustWrite(t, g, []byte("hello"), 0)
	must(t, s.Drop(g.Gen()))
	if _, err := os.Stat(s.path(g.Gen())); !os.IsNotExist(err) || len(rec.recs) != 0 {
		t.Errorf("still there: %v", err)
	}
	mustWrite(t, g, []byte("world"), 5)
	wantStaged(t, g, []byte("helloworld"))
	must(t, g.Sync(t.Context()))
	wantKind(t, s.Adopt(g.Gen(), "a"), remote.NotExist)
	mustClose(t, g)
	must(t, s.Drop(g.Gen()))
	if len(rec.recs) != 0 {
		t.Error("a record came back")
	}
}

func TestStageCopy(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	v := serve(t, pattern(5*unit, 66))
	f := mustRead(t, s, v.key("a"), v.fetch)
	g, err := s.StageCopy(t.Context(), 1, f, "a")
	must(t, err)
	wantStaged(t, g, v.data)
	mustWrite(t, g, []byte("changed"), 0)
	readRange(t, f, v.data, 0, 100)
	mustClose(t, f)
	must(t, s.Seal(g.Gen()))
	h, err := s.StageCopy(t.Context(), 1, g, "a")
	must(t, err)
	mustWrite(t, h, []byte("again"), 0)
	wantStaged(t, g, append([]byte("changed"), v.data[7:]...))
	mustClose(t, g)
	mustClose(t, h)

	e := mustRead(t, s, Key{3, "a", 0}, noFetch)
	k, err := s.StageCopy(t.Context(), 3, e, "empty")
	must(t, err)
	wantStaged(t, k, nil)
	mustClose(t, e)
	mustClose(t, k)
}

func TestFailedStageCopyLeavesNothing(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	f := mustRead(t, s, Key{1, "a", 100}, noFetch)
	defer mustClose(t, f)
	_, err := s.StageCopy(t.Context(), 1, f, "a")
	wantKind(t, err, remote.Offline)
	if len(rec.recs) != 0 || s.Usage().StagedFiles != 0 {
		t.Errorf("%d records, usage %+v", len(rec.recs), s.Usage())
	}
}

func TestPlainCopyAcrossFileSystems(t *testing.T) {
	from, err := os.Create(filepath.Join(t.TempDir(), "a"))
	must(t, err)
	to, err := os.Create(filepath.Join(t.TempDir(), "b"))
	must(t, err)
	data := pattern(100_000, 67)
	_, err = from.Write(data)
	must(t, err)
	must(t, copyAll(t.Context(), to, from, int64(len(data))))
	got, err := os.ReadFile(to.Name())
	must(t, err)
	if !bytes.Equal(got, data) {
		t.Error("wrong bytes")
	}
	if err := copyAll(t.Context(), to, from, 2*int64(len(data))); err == nil {
		t.Error("a short source was copied in full")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantKind(t, copyAll(ctx, to, from, 10), remote.Canceled)
	mustClose(t, from)
	mustClose(t, to)
}
