package content

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// blob is the cached content of one version of a node.
type blob struct {
	s    *Store
	key  Key
	body *body
	// complete is true once every byte is present: readers then need no lock.
	complete atomic.Bool

	// mu guards the following.
	mu sync.Mutex
	// present is what is in the file and may be shown.
	present Ranges
	// streams is the requests under way.
	streams []*stream
	// spare is what ended streams could not keep on disk; it goes with the
	// last handle.
	spare []*memory
	// handles is how many are open.
	handles int
	// changed, if somebody waits, is closed when there is news.
	changed chan struct{}
	// unkept is true if something could not be kept on disk; reset when the
	// last handle is closed.
	unkept bool
	// noRanges is true once the server sent the start of the file when asked
	// for something else.
	noRanges bool
	// dead is why no more of this version can be fetched; reset when the last
	// handle is closed.
	dead error
	// saved is when the record was last written, savedUse the use it shows;
	// edits counts what was added to present, and savedEdits is how much of
	// that the record holds.
	saved, savedUse time.Time
	// syncedEdits is how much of edits was forced to disk.
	edits, savedEdits, syncedEdits uint64
}

func newBlob(s *Store, key Key, y *body) *blob {
	b := &blob{s: s, key: key, body: y}
	y.blob = b
	b.complete.Store(key.Size == 0)
	return b
}

// check opens the file of a body that has one, and makes sure that it is what
// the record says; otherwise the content is dropped.
func (b *blob) check() error {
	b.body.disk.Lock()
	if b.body.gen.Load() == 0 {
		b.body.disk.Unlock()
		return nil
	}
	f, err := b.body.openLocked()
	b.body.disk.Unlock()
	if err == nil {
		err = b.measure(f)
	}
	if remote.IsKind(err, remote.Corrupt) || remote.IsKind(err, remote.Stale) {
		b.fail(err)
	}
	return err
}

func (b *blob) measure(f *os.File) error {
	info, err := f.Stat()
	if err == nil && info.Size() != b.key.Size {
		return remote.E(remote.Corrupt, "open", "", errors.New("a content file has the wrong length"))
	}
	return local("open", err)
}

// file returns the blob's file, and makes it if there is none yet. The caller
// holds a reference.
func (b *blob) file() (*os.File, error) {
	if f := b.body.file.Load(); f != nil {
		return f, nil
	}
	y := b.body
	y.disk.Lock()
	defer y.disk.Unlock()
	if y.gen.Load() != 0 {
		return y.openLocked()
	}
	if b.s.isGone(y) {
		return nil, remote.E(remote.Stale, "open", "", nil)
	}
	gen, err := b.s.rec.NextGen()
	if err != nil {
		return nil, err
	}
	y.gen.Store(gen)
	// The record comes first: a record without a file costs nothing, while a
	// file without a record is kept for good.
	if err := b.s.rec.PutContent(b.record(b.snapshot())); err != nil {
		y.gen.Store(0)
		return nil, err
	}
	b.mu.Lock()
	b.saved = b.s.now()
	b.mu.Unlock()
	f, err := y.makeLocked(b.key.Size)
	if err != nil {
		b.unmake(gen)
	}
	return f, err
}

// unmake takes the record of a file back that could not be made; the caller holds y.disk.
func (b *blob) unmake(gen uint64) {
	if err := b.s.rec.DropContent(gen); err != nil {
		b.s.log.Warn("dropping cached content", "err", err)
	}
	b.body.gen.Store(0)
}

// add shows the bytes of r, which are in the file; the caller holds b.mu.
func (b *blob) add(r Range) {
	b.present.Add(r)
	b.edits++
	if b.present.Has(Range{0, b.key.Size}) {
		b.complete.Store(true)
	}
}

// news wakes everybody who waits; the caller holds b.mu.
func (b *blob) news() {
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// fail drops the content for good: what is present must not be served any
// more, or cannot be completed.
func (b *blob) fail(err error) {
	b.s.mu.Lock()
	gone := b.body.gone
	b.s.unlinkLocked(b)
	b.s.mu.Unlock()
	b.complete.Store(false)
	b.mu.Lock()
	b.dead = err
	b.present = Ranges{}
	for _, st := range b.streams {
		st.halt()
	}
	b.mu.Unlock()
	if !gone {
		if err := b.s.discard(b.body, false); err != nil {
			b.s.log.Warn("dropping cached content", "err", err)
		}
	}
	b.mu.Lock()
	b.news()
	b.mu.Unlock()
}

// barren makes further fetches fail while handles are open; what is present
// stays.
func (b *blob) barren(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dead = err
	for _, st := range b.streams {
		st.halt()
	}
	b.news()
}

// closed is what happens when a handle is closed.
func (b *blob) closed() {
	b.mu.Lock()
	b.handles--
	last := b.handles == 0
	if last {
		b.spare, b.dead, b.unkept = nil, nil, false
		for _, st := range b.streams {
			st.want = min(st.want, st.pos)
			st.nudge()
		}
	}
	b.mu.Unlock()
	if last {
		if err := b.save(); err != nil {
			b.s.log.Warn("recording cached content", "err", err)
		}
	}
}
