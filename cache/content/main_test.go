package content

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frugalfs/frugalfs/remote"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memRecords is Records in memory.
type memRecords struct {
	mu   sync.Mutex
	gen  uint64
	recs map[uint64]Record
	puts int
	fail error
}

func newRecords() *memRecords { return &memRecords{recs: map[uint64]Record{}} }

func (m *memRecords) NextGen() (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gen++
	return m.gen, m.fail
}

func (m *memRecords) PutContent(r Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	m.puts++
	m.recs[r.Gen] = r
	return nil
}

func (m *memRecords) DropContent(gen uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.recs, gen)
	return m.fail
}

func (m *memRecords) Contents() ([]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Record
	for _, r := range m.recs {
		all = append(all, r)
	}
	return all, nil
}

func (m *memRecords) get(gen uint64) (Record, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.recs[gen]
	return r, ok
}

// clone is what a database shows after the process was killed.
func (m *memRecords) clone() *memRecords {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := newRecords()
	c.gen = m.gen
	for k, v := range m.recs {
		c.recs[k] = v
	}
	return c
}

// unit is to tests what a MiB is to users.
const unit = mib / 16

// quick is the defaults with all lengths a sixteenth and the waiting taken
// out.
func quick() tuning {
	t := defaults
	for _, n := range []*int64{
		&t.small, &t.chunk, &t.chunkMax, &t.windowMin, &t.windowMax, &t.reachMin, &t.reachMax,
		&t.nearEnd, &t.buffer, &t.memory, &t.renew,
	} {
		*n /= mib / unit
	}
	t.pause, t.linger, t.stall = time.Millisecond, 20*time.Millisecond, 5*time.Second
	return t
}

// killed is the stores whose folders others have opened since: what they do
// no longer counts.
var killed sync.Map

func openStore(t testing.TB, opt Options, tune tuning) (*Store, *memRecords) {
	t.Helper()
	rec := newRecords()
	s, err := openTuned(t.TempDir(), rec, opt, tune)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := s.Close()
		if _, dead := killed.Load(s); err != nil && !dead {
			t.Errorf("close: %v", err)
		}
	})
	return s, rec
}

// pattern returns n bytes that differ everywhere.
func pattern(n int64, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 1})
	_, _ = r.Read(b)
	return b
}

// server serves one file over HTTP and can misbehave.
type server struct {
	*httptest.Server
	data []byte

	mu sync.Mutex
	// asked is the Range header of each request.
	asked []string
	// sent is the bytes that were handed to the connection.
	sent int64
	// cut is after how many bytes a body ends early, 0 for never; cuts is how
	// many bodies still do.
	cut, cuts int64
	// plain ignores ranges.
	plain bool
	// gate, if not nil, is received from before a body begins.
	gate chan struct{}
}

func serve(t testing.TB, data []byte) *server {
	v := &server{data: data}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	return v
}

func (v *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	v.asked = append(v.asked, r.Header.Get("Range"))
	gate, plain, cut := v.gate, v.plain, int64(0)
	if v.cuts > 0 {
		v.cuts--
		cut = v.cut
	}
	v.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
			return
		}
	}
	if plain {
		r.Header.Del("Range")
	}
	http.ServeContent(&counted{w, v, cut}, r, "", time.Time{}, bytes.NewReader(v.data))
}

type counted struct {
	http.ResponseWriter
	v   *server
	cut int64
}

func (c *counted) Write(p []byte) (int, error) {
	if c.cut > 0 {
		p = p[:min(int64(len(p)), c.cut)]
	}
	n, err := c.ResponseWriter.Write(p)
	c.v.mu.Lock()
	c.v.sent += int64(n)
	c.v.mu.Unlock()
	if c.cut > 0 {
		if c.cut -= int64(n); c.cut == 0 {
			panic(http.ErrAbortHandler)
		}
	}
	return n, err
}

func (v *server) requests() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.asked)
}

func (v *server) fetch(ctx context.Context, off, length int64) (*remote.Download, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.URL, nil)
	if err != nil {
		return nil, err
	}
	switch {
	case length >= 0:
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", off, off+length-1))
	case off > 0:
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", off))
	}
	resp, err := v.Client().Do(req)
	if err != nil {
		return nil, remote.E(remote.Temporary, "download", "", err)
	}
	d := &remote.Download{ReadCloser: resp.Body, Size: resp.ContentLength}
	if resp.StatusCode == http.StatusPartialContent {
		d.Offset = off
		_, total, _ := strings.Cut(resp.Header.Get("Content-Range"), "/")
		d.Size, err = strconv.ParseInt(total, 10, 64)
	}
	return d, err
}

func (v *server) key(version string) Key { return Key{1, version, int64(len(v.data))} }

func mustRead(t testing.TB, s *Store, key Key, fetch Fetch) *File {
	t.Helper()
	f, err := s.Read(key, fetch)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func mustClose(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// readRange reads and compares.
func readRange(t testing.TB, f *File, want []byte, off, n int64) {
	t.Helper()
	p := make([]byte, n)
	m, err := f.ReadAt(t.Context(), p, off)
	left := max(0, int64(len(want))-off)
	switch {
	case n > left && !errors.Is(err, io.EOF), n <= left && err != nil:
		t.Fatalf("reading %d at %d: %v", n, off, err)
	case int64(m) != min(n, left), !bytes.Equal(p[:m], want[off:off+int64(m)]):
		t.Fatalf("reading %d at %d: wrong bytes", n, off)
	}
}

// readAll reads from start to end in pieces as the kernel does.
func readAll(t testing.TB, f *File, want []byte) {
	t.Helper()
	readPieces(t, f, want, unit/8)
}

func readPieces(t testing.TB, f *File, want []byte, n int64) {
	t.Helper()
	for off := int64(0); off < int64(len(want)); off += n {
		readRange(t, f, want, off, min(n, int64(len(want))-off))
	}
}

// eventually waits for a condition that other goroutines bring about.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for !cond() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never happened: %s", what)
		}
	}
}

func wantKind(t testing.TB, err error, kind remote.Kind) {
	t.Helper()
	var e *remote.Error
	if err == nil || !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("got %v, want kind %v", err, kind)
	}
}

func wantRequests(t testing.TB, v *server, n int) {
	t.Helper()
	if got := v.requests(); len(got) != n {
		t.Fatalf("%d requests, want %d: %q", len(got), n, got)
	}
}

// noFetch is for content that must be there.
func noFetch(context.Context, int64, int64) (*remote.Download, error) {
	return nil, remote.E(remote.Offline, "download", "", errors.New("there should be no request"))
}

func sizeName(n int64) string { return fmt.Sprintf("%dKiB", n>>10) }
