package content

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/frugalfs/frugalfs/remote"

	"github.com/frugalfs/frugalfs/remote/remotetest/seed"
)

// flaky serves data from memory, with cuts, refusals and servers that know no
// ranges, and counts the bytes it gave.
func flaky(data []byte, r *rand.Rand, mu *sync.Mutex) Fetch {
	return func(_ context.Context, off, length int64) (*remote.Download, error) {
		mu.Lock()
		luck, cut := r.IntN(20), r.Int64N(int64(len(data))+1)
		mu.Unlock()
		end := int64(len(data))
		if length >= 0 {
			end = off + length
		}
		d := &remote.Download{Offset: off, Size: int64(len(data))}
		switch luck {
		case 0:
			return nil, remote.E(remote.Temporary, "download", "", nil)
		case 1:
			d.Offset, end = 0, int64(len(data))
		}
		tail := io.Reader(&failing{io.EOF})
		if luck == 2 && cut < end-d.Offset {
			end, tail = d.Offset+cut, &failing{io.ErrUnexpectedEOF}
		}
		d.ReadCloser = io.NopCloser(io.MultiReader(bytes.NewReader(data[d.Offset:end]), tail))
		return d, nil
	}
}

// TestReadersAgainstAModel lets readers with different habits read files of
// different sizes, under a limit that holds only some of them, from a server
// that misbehaves, and compares every byte.
func TestReadersAgainstAModel(t *testing.T) {
	r := rand.New(rand.NewPCG(seed.Of(t), 3))
	tune := quick()
	tune.linger, tune.pause, tune.paused = 0, 0, 3
	s, rec := openStore(t, Options{Limit: 20 * unit}, tune)
	var mu sync.Mutex
	var files [][]byte
	for i := range 8 {
		files = append(files, pattern(1+r.Int64N(8*unit)*int64(i%2)+r.Int64N(5*unit), uint64(i)))
	}
	seeds := make([]uint64, 6)
	for i := range seeds {
		seeds[i] = r.Uint64()
	}
	var wg sync.WaitGroup
	for _, n := range seeds {
		wg.Go(func() {
			own := rand.New(rand.NewPCG(n, 4))
			for range 25 {
				i := own.IntN(len(files))
				key := Key{uint64(i + 1), fmt.Sprint(own.IntN(2)), int64(len(files[i]))}
				session(t, s, key, files[i], flaky(files[i], own, &mu), own, &mu)
			}
		})
	}
	wg.Wait()
	if u := s.Usage(); u.Cached > u.Limit {
		t.Errorf("over the limit: %+v", u)
	}
	checkRecords(t, s, rec, files)
}

// session opens a file, reads in one habit, and closes it.
func session(t *testing.T, s *Store, key Key, want []byte, fetch Fetch, r *rand.Rand, mu *sync.Mutex) {
	f, err := s.Read(key, fetch)
	if err != nil {
		t.Error(err)
		return
	}
	mu.Lock()
	habit, at, step, count := r.IntN(3), r.Int64N(key.Size), 1+r.Int64N(unit/2), r.IntN(40)
	mu.Unlock()
	for range count {
		p := make([]byte, step)
		n, err := f.ReadAt(context.Background(), p, at)
		if !bytes.Equal(p[:n], want[at:at+int64(n)]) {
			t.Errorf("wrong bytes at %d of %v", at, key)
		}
		if err != nil && !errors.Is(err, io.EOF) && !remote.IsKind(err, remote.Temporary) {
			t.Errorf("reading: %v", err)
		}
		if err == nil && n < len(p) || errors.Is(err, io.EOF) && at+int64(n) != key.Size {
			t.Errorf("short read: %d at %d of %v", n, at, key)
		}
		if at += step; habit == 0 || at >= key.Size {
			mu.Lock()
			at = r.Int64N(key.Size)
			mu.Unlock()
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// checkRecords opens the store again and reads all that the records promise.
func checkRecords(t *testing.T, s *Store, rec *memRecords, files [][]byte) {
	left := rec.clone()
	n := reopen(t, s, left, Options{})
	for _, r := range left.clone().recs {
		data := files[r.Ino-1]
		set, err := DecodeRanges(r.Present)
		must(t, err)
		f := mustRead(t, n, Key{r.Ino, r.Version, r.Size}, noFetch)
		for _, p := range set.All() {
			readRange(t, f, data, p.Start, p.Len())
		}
		mustClose(t, f)
	}
}

// TestStagedAgainstAModel does to a staged file and to a byte slice what
// programs do, with seals, copies, syncs, reopens and adoptions between.
func TestStagedAgainstAModel(t *testing.T) {
	r := rand.New(rand.NewPCG(seed.Of(t), 5))
	s, rec := openStore(t, Options{}, quick())
	g := mustStage(t, s)
	var model []byte
	for i := range 600 {
		switch r.IntN(12) {
		case 0:
			size := r.Int64N(3 * unit)
			must(t, g.Truncate(size))
			model = resize(model, size)
		case 1:
			must(t, g.Sync(t.Context()))
			if rc, _ := rec.get(g.Gen()); !rc.Synced || rc.Size != int64(len(model)) {
				t.Fatalf("record %+v, size %d", rc, len(model))
			}
		case 2:
			g = successor(t, s, g, r.IntN(3), fmt.Sprint(i))
		case 3:
			must(t, s.SyncDirty(t.Context()))
		default:
			p := pattern(1+r.Int64N(unit/4), r.Uint64())
			off := r.Int64N(2 * unit)
			mustWrite(t, g, p, off)
			model = resize(model, max(int64(len(model)), off+int64(len(p))))
			copy(model[off:], p)
			if rc, _ := rec.get(g.Gen()); rc.Synced {
				t.Fatal("recorded as synced after a write")
			}
		}
		wantStaged(t, g, model)
	}
	mustClose(t, g)
}

// successor replaces a handle by another one with the same content.
func successor(t *testing.T, s *Store, g *Staged, how int, version string) *Staged {
	gen := g.Gen()
	var n *Staged
	var err error
	switch how {
	case 0: // closed and opened
		n, err = s.OpenStaged(gen)
	case 1: // sent, dropped, and written to again
		must(t, s.Seal(gen))
		n, err = s.StageCopy(t.Context(), g.Ino(), g, "x")
		must(t, s.Unseal(gen))
		must(t, s.Drop(gen))
	case 2: // sent, adopted, and written to again
		must(t, s.Adopt(gen, version))
		f := mustRead(t, s, Key{g.Ino(), version, g.Size()}, noFetch)
		n, err = s.StageCopy(t.Context(), g.Ino(), f, "x")
		mustClose(t, f)
	}
	must(t, err)
	mustClose(t, g)
	return n
}

func resize(b []byte, n int64) []byte {
	if n <= int64(len(b)) {
		return b[:n:n]
	}
	return append(b, make([]byte, n-int64(len(b)))...)
}
