package cache_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/remotetest/seed"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// The account of the random reads: small files that come in archives, and some
// that are read in ranges.
const (
	smallDirs, smallFiles = 4, 10
	largeFiles            = 4
	parallelReaders       = 6
)

// readable is a file with everything that it ever held.
type readable struct {
	dir, name string
	parent    uint64

	// mu guards versions, the digests of whose contents nobody else has.
	mu       sync.Mutex
	versions [][]byte
}

// reading is a run of random reads under random faults.
type reading struct {
	*world
	c     *clock
	files []*readable
	full  atomic.Bool
	// reads, failed, changed and faults count what was done; mixed is the first
	// read that returned what no version holds.
	reads, failed, changed, faults, bytes atomic.Int64
	mixed                                 atomic.Pointer[string]
}

// TestRandomReadsUnderFaults reads at random while bodies are cut, archives
// altered, ranges ignored, connections stalled and reset, content evicted, files
// replaced and the disk is full. Every read returns what one version of the file
// holds, or an error.
func TestRandomReadsUnderFaults(t *testing.T) {
	r := rand.New(rand.NewPCG(seed.Of(t), 1))
	reads := 1200
	if os.Getenv("FRUGALFS_FULL") != "" {
		reads = 100_000
	}
	x := newReading(t, r)
	var readers sync.WaitGroup
	for range parallelReaders {
		own := rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
		readers.Go(func() {
			for range reads / parallelReaders / readsPerOpen {
				x.disturb(own)
				x.open(own)
			}
		})
	}
	readers.Wait()
	x.server.ClearFaults()
	t.Logf("%d reads of %d bytes, %d failed; %d faults, %d new versions",
		x.reads.Load(), x.bytes.Load(), x.failed.Load(), x.faults.Load(), x.changed.Load())
	if wrong := x.mixed.Load(); wrong != nil {
		t.Error(*wrong)
	}
	if x.failed.Load() > x.reads.Load()/2 {
		t.Error("most reads failed")
	}
}

func newReading(t *testing.T, r *rand.Rand) *reading {
	t.Helper()
	x := &reading{c: &clock{}}
	texts := map[string]string{}
	for d := range smallDirs {
		for f := range smallFiles {
			x.add(fmt.Sprintf("d%d", d), fmt.Sprintf("f%d", f), 100+r.IntN(20_000))
		}
	}
	for f := range largeFiles {
		x.add("large", fmt.Sprintf("f%d", f), 200_000+r.IntN(1<<20))
	}
	for _, f := range x.files {
		texts[f.dir+"/"+f.name] = string(f.versions[0])
	}
	x.world = newWorld(t, texts, withClock(x.c), func(w *world) {
		w.retries, w.conns, w.opt.CacheSize = -1, 1000, 2<<20
	})
	x.ns.FullDisk(x.full.Load)
	x.walk("")
	for _, f := range x.files {
		f.parent = x.ino(f.dir)
	}
	return x
}

func (x *reading) add(dir, name string, size int) {
	f := &readable{dir: dir, name: name}
	f.next(size)
	x.files = append(x.files, f)
}

// next makes another version, of another length, and returns it.
func (f *readable) next(size int) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := make([]byte, size+len(f.versions))
	key := sha256.Sum256(fmt.Appendf(nil, "%s/%s %d", f.dir, f.name, len(f.versions)))
	_, _ = rand.NewChaCha8(key).Read(text) // never fails
	f.versions = append(f.versions, text)
	return text
}

// holds tells whether a version holds what was read, by its digest; end is true if
// that was said to be all of the rest.
func (f *readable) holds(got []byte, off int64, end bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := sha256.Sum256(got)
	for _, v := range f.versions {
		last := off + int64(len(got))
		if end && last < int64(len(v)) || last > int64(len(v)) {
			if !end || len(got) > 0 || off < int64(len(v)) {
				continue
			}
			return true // behind the end of this version
		}
		if sha256.Sum256(v[off:last]) == sum {
			return true
		}
	}
	return false
}

// readsPerOpen is how many reads are made with one handle.
const readsPerOpen = 4

// open opens a file and reads from it.
func (x *reading) open(r *rand.Rand) {
	f := x.files[r.IntN(len(x.files))]
	if r.IntN(3) == 0 {
		f = x.files[len(x.files)-1-r.IntN(largeFiles)]
	}
	h, err := x.handle(f)
	if err != nil {
		x.reads.Add(readsPerOpen)
		x.failed.Add(readsPerOpen)
		return
	}
	defer h.Release()
	buf := make([]byte, 32<<10)
	for range readsPerOpen {
		f.mu.Lock()
		size := len(f.versions[len(f.versions)-1])
		f.mu.Unlock()
		x.read(f, h, buf[:1+r.IntN(len(buf))], int64(r.IntN(size)))
	}
}

func (x *reading) handle(f *readable) (*cache.Handle, error) {
	a, err := x.ns.Lookup(x.Context(), f.parent, f.name)
	if err != nil {
		return nil, err
	}
	return x.ns.Open(x.Context(), a.Ino, unix.O_RDONLY)
}

func (x *reading) read(f *readable, h *cache.Handle, p []byte, off int64) {
	n, err := h.ReadAt(x.Context(), p, off)
	x.reads.Add(1)
	x.bytes.Add(int64(n))
	end := remote.AtEnd(err)
	if err != nil && !end {
		x.failed.Add(1)
	}
	if !f.holds(p[:n], off, end) {
		wrong := fmt.Sprintf("%s/%s at %d: %d bytes (%v) are of no version", f.dir, f.name, off, n, err)
		x.mixed.CompareAndSwap(nil, &wrong)
	}
}

// disturb does one of the things that may happen to a reader.
func (x *reading) disturb(r *rand.Rand) {
	switch r.IntN(20) {
	case 0, 1:
		f := readFaults[r.IntN(len(readFaults))]
		if f.Kind == sandbox.Cut || f.Kind == sandbox.Flip {
			f.Bytes = int64(r.IntN(50_000))
		}
		x.faults.Add(1)
		if err := x.server.Fail(f); err != nil {
			x.Error(err)
		}
	case 2, 3:
		x.evict(r)
	case 4:
		x.replace(r)
	case 5:
		if err := x.server.Set("range", []string{"on", "off"}[r.IntN(2)]); err != nil {
			x.Error(err)
		}
	case 6:
		x.full.Store(r.IntN(3) == 0)
	case 7:
		x.c.advance(20 * time.Second)
	case 8, 9:
		x.scan(r)
	}
}

// readFaults are what downloads meet. Altered bytes of a single file would pass:
// this provider tells no digest.
var readFaults = []sandbox.Fault{
	{Op: "download", Kind: sandbox.Cut}, {Op: "download", Kind: sandbox.Stall, For: 3 * time.Millisecond},
	{Op: "download", Kind: sandbox.Reset}, {Op: "download", Kind: sandbox.Status, Status: 503},
	{Op: "download", Kind: sandbox.Lost}, {Op: "archive", Kind: sandbox.Cut}, {Op: "archive", Kind: sandbox.Flip},
	{Op: "archive", Kind: sandbox.Stall, For: 3 * time.Millisecond}, {Op: "archive", Kind: sandbox.Reset},
	{Op: "list", Kind: sandbox.Cut},
}

// evict drops what is cached of some files.
func (x *reading) evict(r *rand.Rand) {
	for range 1 + r.IntN(8) {
		f := x.files[r.IntN(len(x.files))]
		if a, err := x.ns.Lookup(x.Context(), f.parent, f.name); err == nil {
			x.ns.Evict(a.Ino)
		}
	}
}

// replace gives a file another version at the provider, which a webhook tells of
// in most cases.
func (x *reading) replace(r *rand.Rand) {
	f := x.files[r.IntN(len(x.files))]
	text := f.next(len(f.first()))
	full := filepath.Join(x.root(), f.dir, f.name)
	temp := filepath.Join(x.dir, fmt.Sprintf("next-%d", x.changed.Add(1)))
	if err := errors.Join(os.WriteFile(temp, text, 0o644), os.Rename(temp, full)); err != nil {
		x.Error(err)
	}
	if r.IntN(4) > 0 {
		if err := x.hook("Upload", "/"+f.dir+"/"+f.name, ""); err != nil {
			x.Error(err)
		}
	}
}

func (f *readable) first() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.versions[0]
}

// scan reads the small files of a folder one after the other, which brings them
// in archives.
func (x *reading) scan(r *rand.Rand) {
	first := r.IntN(smallDirs) * smallFiles
	for _, f := range x.files[first : first+smallFiles] {
		h, err := x.handle(f)
		if err != nil {
			continue
		}
		x.read(f, h, make([]byte, 40_000), 0)
		h.Release()
	}
}
