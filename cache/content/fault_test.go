package content

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

func TestCutBodiesAreContinued(t *testing.T) {
	for _, size := range []int64{unit, 10 * unit} {
		s, _ := openStore(t, Options{}, quick())
		v := serve(t, pattern(size, 20))
		v.cut, v.cuts = 20_000, 3
		var got counter
		f := mustRead(t, s, v.key("a"), got.wrap(v.fetch))
		readAll(t, f, v.data)
		mustClose(t, f)
		wantRequests(t, v, 4)
		if n := got.total(); n > size+1 {
			t.Errorf("%d bytes taken of %d", n, size)
		}
	}
}

func TestBodiesThatAreAlwaysCutFail(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	v := serve(t, pattern(10*unit, 21))
	v.cut, v.cuts = 10_000, 1000
	f := mustRead(t, s, v.key("a"), v.fetch)
	defer mustClose(t, f)
	p := make([]byte, 100_000)
	n, err := f.ReadAt(t.Context(), p, 0)
	wantKind(t, err, remote.Temporary)
	if n > 50_000 || !bytes.Equal(p[:n], v.data[:n]) {
		t.Errorf("%d bytes, or wrong ones", n)
	}
	wantRequests(t, v, 5)
	v.mu.Lock()
	v.cuts = 0
	v.mu.Unlock()
	readAll(t, f, v.data)
}

func TestServerThatIgnoresRanges(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	v := serve(t, pattern(20*unit, 22))
	v.plain = true
	f := mustRead(t, s, v.key("a"), v.fetch)
	defer mustClose(t, f)
	readRange(t, f, v.data, 15*unit, 4096)
	readRange(t, f, v.data, 19*unit, 4096)
	readRange(t, f, v.data, 2*unit, 4096)
	readAll(t, f, v.data)
	wantRequests(t, v, 1)
}

func TestServerThatIgnoresRangesWhileAStreamRuns(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	v := serve(t, pattern(64*unit, 23))
	v.plain = true
	var got counter
	f := mustRead(t, s, v.key("a"), got.wrap(v.fetch))
	defer mustClose(t, f)
	readRange(t, f, v.data, 0, 4096)
	readRange(t, f, v.data, 63*unit, 4096)
	readAll(t, f, v.data)
	wantRequests(t, v, 2)
	if n := got.total(); n > 65*unit {
		t.Errorf("%d bytes taken", n)
	}
}

func TestCutWithoutRangesBeginsAnew(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	v := serve(t, pattern(6*unit, 24))
	v.plain, v.cut, v.cuts = true, 2*unit, 2
	f := mustRead(t, s, v.key("a"), v.fetch)
	defer mustClose(t, f)
	readAll(t, f, v.data)
	wantRequests(t, v, 3)
}

// answer is a Fetch that answers with fixed bytes and an error at their end.
func answer(data []byte, size int64, end error) Fetch {
	return func(_ context.Context, off, _ int64) (*remote.Download, error) {
		r := io.MultiReader(bytes.NewReader(data[off:]), &failing{end})
		return &remote.Download{ReadCloser: io.NopCloser(r), Offset: off, Size: size}, nil
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestChangedVersionIsAConflict(t *testing.T) {
	data := pattern(1000, 25)
	for name, fetch := range map[string]Fetch{
		"told by the size":   answer(data, 1000, io.EOF),
		"body is longer":     answer(data, -1, io.EOF),
		"the client says so": answer(data[:900], -1, remote.E(remote.Conflict, "download", "", nil)),
	} {
		t.Run(name, func(t *testing.T) {
			s, rec := openStore(t, Options{}, quick())
			f := mustRead(t, s, Key{1, "a", 900}, fetch)
			_, err := f.ReadAt(t.Context(), make([]byte, 100), 0)
			wantKind(t, err, remote.Conflict)
			f.fetch = noFetch
			_, err = f.ReadAt(t.Context(), make([]byte, 100), 0)
			wantKind(t, err, remote.Conflict)
			mustClose(t, f)
			eventually(t, "nothing is kept", func() bool {
				rs, err := rec.Contents()
				return err == nil && (len(rs) == 0 || !rs[0].Complete) && !s.Complete(Key{1, "a", 900})
			})
		})
	}
}

func TestFailedChecksumShowsNothing(t *testing.T) {
	for _, size := range []int64{1000, 6 * unit} {
		s, rec := openStore(t, Options{}, quick())
		data := pattern(size, 26)
		key := Key{1, "a", size}
		bad := answer(data, size, remote.E(remote.Corrupt, "download", "", nil))
		wantKind(t, s.Ensure(t.Context(), key, bad), remote.Corrupt)
		eventually(t, "nothing is kept", func() bool {
			rs, err := rec.Contents()
			return err == nil && len(rs) == 0 && s.Usage().Cached == 0
		})
		if err := s.Ensure(t.Context(), key, answer(data, size, io.EOF)); err != nil {
			t.Fatal(err)
		}
		f := mustRead(t, s, key, noFetch)
		readAll(t, f, data)
		mustClose(t, f)
	}
}

func TestBreakBehindTheLastByteIsNoFailure(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	data := pattern(1000, 27)
	if err := s.Ensure(t.Context(), Key{1, "a", 1000}, answer(data, -1, errors.New("reset"))); err != nil {
		t.Error(err)
	}
}

func TestAnswerForAnotherRange(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	data := pattern(8*unit, 28)
	fetch := func(context.Context, int64, int64) (*remote.Download, error) {
		r := io.NopCloser(bytes.NewReader(data[5:]))
		return &remote.Download{ReadCloser: r, Offset: 5, Size: -1}, nil
	}
	f := mustRead(t, s, Key{1, "a", 8 * unit}, fetch)
	defer mustClose(t, f)
	_, err := f.ReadAt(t.Context(), make([]byte, 10), 0)
	wantKind(t, err, remote.Corrupt)
}

func TestStalledRequest(t *testing.T) {
	tune := quick()
	tune.stall = 20 * time.Millisecond
	s, _ := openStore(t, Options{}, tune)
	v := serve(t, pattern(1000, 29))
	v.gate = make(chan struct{})
	f := mustRead(t, s, v.key("a"), v.fetch)
	defer mustClose(t, f)
	_, err := f.ReadAt(t.Context(), make([]byte, 10), 0)
	wantKind(t, err, remote.Temporary)
	close(v.gate)
}

func TestFetchErrorsReachEveryReader(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	refuse := make(chan struct{})
	fetch := func(context.Context, int64, int64) (*remote.Download, error) {
		<-refuse
		return nil, remote.E(remote.Budget, "download", "", nil)
	}
	got := make(chan error)
	for range 4 {
		f := mustRead(t, s, Key{1, "a", 100}, fetch)
		defer mustClose(t, f)
		go func() {
			_, err := f.ReadAt(context.Background(), make([]byte, 10), 0)
			got <- err
		}()
	}
	close(refuse)
	for range 4 {
		wantKind(t, <-got, remote.Budget)
	}
}

func TestPausedStreamsAreLimited(t *testing.T) {
	tune := quick()
	tune.paused = 2
	s, _ := openStore(t, Options{}, tune)
	v := serve(t, pattern(16*unit, 30))
	for i := range 5 {
		f := mustRead(t, s, Key{uint64(i + 1), "a", 16 * unit}, v.fetch)
		defer mustClose(t, f)
		readRange(t, f, v.data, 0, 4096)
	}
	eventually(t, "no more than two wait", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		running := 0
		for _, b := range s.blobs {
			running += b.body.refs - 1
		}
		return running == 2
	})
}

func TestMeddledFileIsFetchedAgain(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	v := serve(t, pattern(1000, 31))
	for i, meddle := range []func(string) error{truncate, remove} {
		if err := s.Ensure(t.Context(), v.key("a"), v.fetch); err != nil {
			t.Fatal(err)
		}
		rs, _ := rec.Contents()
		if err := meddle(s.path(rs[0].Gen)); err != nil {
			t.Fatal(err)
		}
		f := mustRead(t, s, v.key("a"), v.fetch)
		readAll(t, f, v.data)
		mustClose(t, f)
		wantRequests(t, v, i+2)
	}
}
