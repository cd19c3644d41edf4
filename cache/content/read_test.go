package content

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

func TestSmallFileIsFetchedWholeOnce(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	v := serve(t, pattern(100_000, 1))
	f := mustRead(t, s, v.key("a"), v.fetch)
	defer mustClose(t, f)
	readRange(t, f, v.data, 50_000, 10)
	readRange(t, f, v.data, 0, 200_000)
	wantRequests(t, v, 1)
	if !s.Complete(v.key("a")) || !f.Complete() {
		t.Error("not complete")
	}
	if fd, ok := f.Fd(); !ok || fd == 0 {
		t.Error("no descriptor")
	}
	if _, err := f.ReadAt(t.Context(), make([]byte, 1), 100_000); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestEmptyFileCostsNothing(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	key := Key{1, "a", 0}
	f := mustRead(t, s, key, noFetch)
	if _, err := f.ReadAt(t.Context(), make([]byte, 1), 0); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
	mustClose(t, f)
	if rec.puts != 0 || !s.Complete(key) || len(s.blobs) != 0 {
		t.Error("an empty file left something behind")
	}
}

func TestOpeningMakesNoRequestAndLeavesNothing(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	mustClose(t, mustRead(t, s, Key{1, "a", 5 * unit}, noFetch))
	if rec.puts != 0 || len(s.blobs) != 0 || len(s.inos) != 0 {
		t.Error("opening left something behind")
	}
}

func TestHeadAndTailOfALargeFile(t *testing.T) {
	tune := defaults
	tune.linger = 0
	s, _ := openStore(t, Options{}, tune)
	v := serve(t, pattern(64*mib, 2))
	var got counter
	f := mustRead(t, s, v.key("a"), got.wrap(v.fetch))
	readRange(t, f, v.data, 0, 64<<10)
	readRange(t, f, v.data, 64*mib-64<<10, 64<<10)
	mustClose(t, f)
	wantRequests(t, v, 2)
	if n := got.total(); n >= 2*mib {
		t.Errorf("%d bytes taken", n)
	}
}

// counter counts the bytes that bodies gave.
type counter struct {
	mu sync.Mutex
	n  int64
}

func (c *counter) total() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func (c *counter) wrap(f Fetch) Fetch {
	return func(ctx context.Context, off, length int64) (*remote.Download, error) {
		d, err := f(ctx, off, length)
		if err == nil {
			d.ReadCloser = &countedBody{d.ReadCloser, c}
		}
		return d, err
	}
}

type countedBody struct {
	io.ReadCloser
	c *counter
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.c.mu.Lock()
	b.c.n += int64(n)
	b.c.mu.Unlock()
	return n, err
}

func TestSequentialReadIsOneRequest(t *testing.T) {
	s, rec := openStore(t, Options{}, defaults)
	v := serve(t, pattern(64*mib, 3))
	f := mustRead(t, s, v.key("a"), v.fetch)
	readPieces(t, f, v.data, mib/8)
	eventually(t, "record complete", func() bool { r, _ := rec.get(1); return r.Complete })
	readPieces(t, f, v.data, mib)
	mustClose(t, f)
	wantRequests(t, v, 1)
}

func TestReadAheadOutOfOrderIsOneRequest(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	v := serve(t, pattern(16*unit, 4))
	f := mustRead(t, s, v.key("a"), v.fetch)
	defer mustClose(t, f)
	for off := int64(0); off < 16*unit; off += unit {
		for _, i := range []int64{3, 1, 0, 2, 7, 6, 5, 4} {
			readRange(t, f, v.data, off+i*unit/8, unit/8)
		}
	}
	wantRequests(t, v, 1)
}

func TestReadFromTheMiddleGrows(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	v := serve(t, pattern(64*unit, 5))
	f := mustRead(t, s, v.key("a"), v.fetch)
	defer mustClose(t, f)
	for off := int64(20 * unit); off < 64*unit; off += unit / 8 {
		readRange(t, f, v.data, off, unit/8)
	}
	if n := len(v.requests()); n > 5 {
		t.Errorf("%d requests: %q", n, v.requests())
	}
}

func TestRemountedReaderGoesOnFromWhatIsThere(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	v := serve(t, pattern(64*unit, 6))
	f := mustRead(t, s, v.key("a"), v.fetch)
	for off := int64(0); off < 20*unit; off += unit / 8 {
		readRange(t, f, v.data, off, unit/8)
	}
	mustClose(t, f)
	f = mustRead(t, s, v.key("a"), v.fetch)
	readAll(t, f, v.data)
	mustClose(t, f)
	if n := len(v.requests()); n > 2 {
		t.Errorf("%d requests: %q", n, v.requests())
	}
}

func TestSeekWithinReachWaitsForTheStream(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	v := serve(t, pattern(16*unit, 7))
	f := mustRead(t, s, v.key("a"), v.fetch)
	defer mustClose(t, f)
	readRange(t, f, v.data, 0, 4096)
	readRange(t, f, v.data, unit, 4096)
	wantRequests(t, v, 1)
}

func TestNoByteIsFetchedTwice(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	v := serve(t, pattern(32*unit, 8))
	var got counter
	f := mustRead(t, s, v.key("a"), got.wrap(v.fetch))
	for _, off := range []int64{30 * unit, 0, 12 * unit, 20 * unit, 25 * unit, 3 * unit} {
		readRange(t, f, v.data, off, 20<<10)
	}
	readAll(t, f, v.data)
	mustClose(t, f)
	if n := got.total(); n > 34*unit {
		t.Errorf("%d bytes taken of a file of %d", n, len(v.data))
	}
}

func TestManyReadersShareOneRequest(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	v := serve(t, pattern(16*unit, 9))
	v.gate = make(chan struct{})
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			f, err := s.Read(v.key("a"), v.fetch)
			if err != nil {
				t.Error(err)
				return
			}
			p := make([]byte, len(v.data))
			if _, err := f.ReadAt(t.Context(), p, 0); err != nil || !bytes.Equal(p, v.data) {
				t.Errorf("reading: %v", err)
			}
			mustClose(t, f)
		})
	}
	eventually(t, "a request", func() bool { return len(v.requests()) > 0 })
	close(v.gate)
	wg.Wait()
	wantRequests(t, v, 1)
}

func TestDifferentFilesAreFetchedInParallel(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	v := serve(t, pattern(6*unit, 10))
	v.gate = make(chan struct{})
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			f, err := s.Read(Key{uint64(i + 1), "a", 6 * unit}, v.fetch)
			if err != nil {
				t.Error(err)
				return
			}
			readAll(t, f, v.data)
			mustClose(t, f)
		})
	}
	eventually(t, "16 requests at once", func() bool { return len(v.requests()) == 16 })
	close(v.gate)
	wg.Wait()
	wantRequests(t, v, 16)
}

func TestCancelledReaderLeavesAndTheFetchGoesOn(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	v := serve(t, pattern(1*unit, 11))
	v.gate = make(chan struct{})
	f := mustRead(t, s, v.key("a"), v.fetch)
	defer mustClose(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error)
	go func() {
		_, err := f.ReadAt(ctx, make([]byte, 10), 0)
		got <- err
	}()
	eventually(t, "a request", func() bool { return len(v.requests()) > 0 })
	cancel()
	wantKind(t, <-got, remote.Canceled)
	close(v.gate)
	eventually(t, "complete", f.Complete)
	readAll(t, f, v.data)
	wantRequests(t, v, 1)
}

func TestStreamEndsAfterTheLastClose(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	v := serve(t, pattern(64*unit, 12))
	f := mustRead(t, s, v.key("a"), v.fetch)
	readRange(t, f, v.data, 0, 4096)
	mustClose(t, f)
	eventually(t, "what came is recorded", func() bool {
		r, _ := rec.get(1)
		set, err := DecodeRanges(r.Present)
		return err == nil && set.Run(0) >= 4096 && resting(s) == 1
	})
	f = mustRead(t, s, v.key("a"), noFetch)
	readRange(t, f, v.data, 0, 4096)
	mustClose(t, f)
}

func TestEnsure(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	v := serve(t, pattern(20*unit, 13))
	if err := s.Ensure(t.Context(), v.key("a"), v.fetch); err != nil {
		t.Fatal(err)
	}
	wantRequests(t, v, 1)
	f := mustRead(t, s, v.key("a"), noFetch)
	readAll(t, f, v.data)
	mustClose(t, f)
	if s.Complete(v.key("b")) {
		t.Error("another version is complete")
	}
}

func TestForgetKeepsOneVersion(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	v := serve(t, pattern(1000, 14))
	for _, version := range []string{"a", "b", "c"} {
		if err := s.Ensure(t.Context(), v.key(version), v.fetch); err != nil {
			t.Fatal(err)
		}
	}
	f := mustRead(t, s, v.key("a"), noFetch)
	s.Forget(1, "b")
	if s.Complete(v.key("a")) || !s.Complete(v.key("b")) || s.Complete(v.key("c")) {
		t.Error("wrong versions forgotten")
	}
	readRange(t, f, v.data, 0, 1000)
	mustClose(t, f)
	if len(rec.recs) != 1 || s.Usage().Files != 1 {
		t.Errorf("%d records, usage %+v", len(rec.recs), s.Usage())
	}
}

func TestCloseStopsWaitingReaders(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	v := serve(t, pattern(1000, 15))
	v.gate = make(chan struct{})
	f := mustRead(t, s, v.key("a"), v.fetch)
	got := make(chan error)
	go func() {
		_, err := f.ReadAt(context.Background(), make([]byte, 10), 0)
		got <- err
	}()
	eventually(t, "a request", func() bool { return len(v.requests()) > 0 })
	mustClose(t, s)
	wantKind(t, <-got, remote.Canceled)
	mustClose(t, f)
	_, err := s.Read(v.key("a"), v.fetch)
	wantKind(t, err, remote.Canceled)
}

func TestMisuse(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	_, err := s.Read(Key{0, "a", 1}, noFetch)
	wantKind(t, err, remote.Invalid)
	f := mustRead(t, s, Key{1, "a", 1}, noFetch)
	_, err = f.ReadAt(t.Context(), make([]byte, 1), -1)
	wantKind(t, err, remote.Invalid)
	_, err = f.ReadAt(t.Context(), make([]byte, 1), 0)
	wantKind(t, err, remote.Offline)
	if _, ok := f.Fd(); ok {
		t.Error("descriptor of an incomplete file")
	}
	mustClose(t, f)
	wantKind(t, f.Close(), remote.Stale)
	_, err = f.ReadAt(t.Context(), make([]byte, 1), 0)
	wantKind(t, err, remote.Stale)
	if errors.Is(err, ErrSealed) {
		t.Error("kinds mixed up")
	}
}

// resting returns how many bodies may be evicted.
func resting(s *Store) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.idle.Len()
}
