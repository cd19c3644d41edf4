package content

import (
	"os"
	"syscall"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

func truncate(path string) error { return os.Truncate(path, 10) }
func remove(path string) error   { return os.Remove(path) }

func TestEvictionIsByLastUse(t *testing.T) {
	s, _ := openStore(t, Options{Limit: 40 << 10}, quick())
	v := serve(t, pattern(10<<10, 40))
	key := func(i int) Key { return Key{uint64(i), "a", 10 << 10} }
	ensure := func(i int) {
		t.Helper()
		if err := s.Ensure(t.Context(), key(i), v.fetch); err != nil {
			t.Fatal(err)
		}
		u := s.Usage()
		if u.Cached > u.Limit {
			t.Fatalf("over the limit: %+v", u)
		}
		eventually(t, "the stream is gone", func() bool { return resting(s) == u.Files })
	}
	for _, i := range []int{1, 2, 3, 1, 4, 5} {
		ensure(i)
	}
	if !s.Complete(key(1)) || s.Complete(key(2)) || s.Complete(key(3)) || !s.Complete(key(5)) {
		t.Error("wrong ones evicted")
	}
}

func TestOpenContentIsNotEvicted(t *testing.T) {
	s, _ := openStore(t, Options{Limit: 16 << 10}, quick())
	v := serve(t, pattern(12<<10, 41))
	f := mustRead(t, s, v.key("a"), v.fetch)
	readAll(t, f, v.data)
	other := Key{2, "a", 12 << 10}
	wantKind(t, s.Ensure(t.Context(), other, v.fetch), remote.NoSpace)
	g := mustRead(t, s, other, v.fetch)
	readAll(t, g, v.data)
	mustClose(t, g)
	f.fetch = noFetch
	readAll(t, f, v.data)
	if u := s.Usage(); u.Cached > u.Limit {
		t.Errorf("over the limit: %+v", u)
	}
	mustClose(t, f)
	if err := s.Ensure(t.Context(), other, v.fetch); err != nil {
		t.Error(err)
	}
}

func TestFileLargerThanTheLimitPassesThrough(t *testing.T) {
	s, _ := openStore(t, Options{Limit: 8 * unit}, quick())
	v := serve(t, pattern(48*unit, 42))
	f := mustRead(t, s, v.key("a"), v.fetch)
	readAll(t, f, v.data)
	wantRequests(t, v, 1)
	readRange(t, f, v.data, 4*unit, unit)
	readRange(t, f, v.data, 30*unit, unit)
	if u := s.Usage(); u.Cached > u.Limit {
		t.Errorf("over the limit: %+v", u)
	}
	wantKind(t, s.Ensure(t.Context(), v.key("a"), v.fetch), remote.NoSpace)
	mustClose(t, f)
}

// fullAfter fails cached and staged writes once n bytes were written and not
// given back by eviction.
func fullAfter(s *Store, n int64) {
	s.pwrite = func(f *os.File, p []byte, off int64) (int, error) {
		s.mu.Lock()
		over := s.cached > n
		s.mu.Unlock()
		if over {
			half := len(p) / 2
			m, err := f.WriteAt(p[:half], off)
			if err == nil {
				err = &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
			}
			return m, err
		}
		return f.WriteAt(p, off)
	}
}

func TestFullDiskEvictsThenPassesThrough(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	fullAfter(s, 3*unit)
	v := serve(t, pattern(2*unit, 43))
	for i := range 3 {
		f := mustRead(t, s, Key{uint64(i + 1), "a", 2 * unit}, v.fetch)
		readAll(t, f, v.data)
		mustClose(t, f)
	}
	big := serve(t, pattern(16*unit, 44))
	f := mustRead(t, s, Key{9, "a", 16 * unit}, big.fetch)
	readAll(t, f, big.data)
	wantRequests(t, big, 1)
	mustClose(t, f)
}

func TestStagedWritesMakeCachedContentGoWhenTheDiskIsFull(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	v := serve(t, pattern(unit, 45))
	if err := s.Ensure(t.Context(), v.key("a"), v.fetch); err != nil {
		t.Fatal(err)
	}
	fullAfter(s, unit/2)
	g := mustStage(t, s)
	data := pattern(100_000, 46)
	if n, err := g.WriteAt(data, 0); n != len(data) || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	wantStaged(t, g, data)
	if s.Complete(v.key("a")) {
		t.Error("cached content stayed")
	}
	mustClose(t, g)
}

func TestStagedWriteOnAFullDisk(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	fullAfter(s, -1)
	g := mustStage(t, s)
	data := pattern(1000, 47)
	n, err := g.WriteAt(data, 0)
	wantKind(t, err, remote.NoSpace)
	if n != 500 || g.Size() != 500 {
		t.Errorf("%d written, size %d", n, g.Size())
	}
	wantStaged(t, g, data[:500])
	mustClose(t, g)
}

func TestRecordsThatFailDoNotStopReading(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	rec.fail = remote.E(remote.Other, "store", "", nil)
	v := serve(t, pattern(1000, 48))
	f := mustRead(t, s, v.key("a"), v.fetch)
	readAll(t, f, v.data)
	mustClose(t, f)
	if len(rec.recs) != 0 || s.Usage().Files != 0 {
		t.Errorf("%d records, usage %+v", len(rec.recs), s.Usage())
	}
	_, err := s.Stage(1, "x")
	wantKind(t, err, remote.Other)
	rec.mu.Lock()
	rec.fail = nil
	rec.mu.Unlock()
}
