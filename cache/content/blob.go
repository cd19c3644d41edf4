package content

import (
	"context"
	"errors"
	"os"
	"slices"
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
	if b.body.gen.Load() == 0 {
		return nil
	}
	f, err := b.body.open()
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
		return y.openLocked(os.O_RDWR)
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
	f, err := y.openLocked(os.O_RDWR | os.O_CREATE | os.O_EXCL)
	if err == nil {
		err = local("truncate", f.Truncate(b.key.Size))
	}
	if err != nil {
		b.unmake(gen)
		return nil, err
	}
	return f, nil
}

// unmake takes a file back that could not be made; the caller holds y.disk.
func (b *blob) unmake(gen uint64) {
	if f := b.body.file.Swap(nil); f != nil {
		_ = f.Close()
	}
	if err := b.s.erase(gen, false); err != nil {
		b.s.log.Warn("dropping cached content", "err", err)
	}
	b.body.gen.Store(0)
}

// state is what a record shows of a blob.
type state struct {
	present  []byte
	complete bool
	synced   bool
	edits    uint64
}

// snapshot returns what may be recorded now: the bytes of all of it are in
// the file.
func (b *blob) snapshot() state {
	b.mu.Lock()
	defer b.mu.Unlock()
	return state{b.present.Encode(), b.complete.Load(), b.syncedEdits == b.edits, b.edits}
}

// record returns the record for a state.
func (b *blob) record(st state) Record {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	return Record{
		Gen: b.body.gen.Load(), Ino: b.key.Ino, Version: b.key.Version, Size: b.key.Size,
		Complete: st.complete, Present: st.present, Used: b.body.used, Bytes: b.body.bytes,
		Synced: st.synced,
	}
}

// useGrain is how exactly records tell when content was last used.
const useGrain = time.Hour

// unsaved tells whether the record lacks something.
func (b *blob) unsaved() bool {
	b.s.mu.Lock()
	used := b.body.used
	b.s.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.edits != b.savedEdits || used.Sub(b.savedUse) >= useGrain
}

// save writes the record if there is something new to it.
func (b *blob) save() error {
	if b.body.gen.Load() == 0 || !b.unsaved() {
		return nil
	}
	err := b.put()
	b.s.room(0)
	return err
}

// put writes the record.
func (b *blob) put() error {
	b.body.disk.Lock()
	defer b.body.disk.Unlock()
	if b.body.gen.Load() == 0 || b.s.isGone(b.body) {
		return nil
	}
	b.mu.Lock()
	still := len(b.streams) == 0
	b.mu.Unlock()
	if f := b.body.file.Load(); f != nil && still {
		b.s.settle(b.body, f)
	}
	st := b.snapshot()
	r := b.record(st)
	if err := b.s.rec.PutContent(r); err != nil {
		return err
	}
	b.noteSaved(st, r.Used)
	if !st.synced {
		b.s.ripen(b)
	}
	return nil
}

// ripen notes that a blob is to be synced when it was left alone for a while.
func (s *Store) ripen(b *blob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !b.body.gone {
		s.stale[b] = s.now()
	}
}

func (b *blob) noteSaved(st state, used time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.saved, b.savedUse, b.savedEdits = b.s.now(), used, st.edits
}

// saveIfDue is save at the end of a stream, and while the file fills, but not
// too often.
func (b *blob) saveIfDue(streamEnds bool) {
	b.mu.Lock()
	due := b.s.now().Sub(b.saved) >= b.s.tune.save ||
		streamEnds && (b.complete.Load() || b.handles == 0)
	b.mu.Unlock()
	if !due {
		return
	}
	if err := b.save(); err != nil {
		b.s.log.Warn("recording cached content", "err", err)
	}
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

// lookup reads what is there of p from off on, from disk or memory, without
// waiting. It returns 0 if the first byte is missing.
func (b *blob) lookup(p []byte, off int64) (int, error) {
	b.mu.Lock()
	n := int(min(int64(len(p)), b.present.Run(off)))
	if n == 0 {
		n = b.remembered(p, off)
		b.mu.Unlock()
		return n, nil
	}
	b.mu.Unlock()
	f, err := b.body.open()
	if err != nil {
		return 0, err
	}
	if err := readFull(f, p[:n], off); err != nil {
		if remote.IsKind(err, remote.Corrupt) {
			b.fail(err)
		}
		return 0, err
	}
	return n, nil
}

// remembered copies bytes that are held in memory only; the caller holds b.mu.
func (b *blob) remembered(p []byte, off int64) int {
	for _, st := range b.streams {
		if n := st.shown(p, off); n > 0 {
			return n
		}
	}
	for _, m := range b.spare {
		if n := m.read(p, off); n > 0 {
			return n
		}
	}
	return 0
}

// there tells whether the byte at off can be had without waiting; the caller
// holds b.mu.
func (b *blob) there(off int64) bool {
	var one [1]byte
	return b.present.Run(off) > 0 || b.remembered(one[:], off) > 0
}

// need is what a reader misses: off at once, the rest up to end next; with
// whole, everything up to end for certain.
type need struct {
	off, end int64
	whole    bool
}

// step does one thing for a reader: it returns at once if n.off is there, and
// otherwise sees to it that a stream brings it and waits for news. It returns
// that stream, to be handed to the next step: a reader learns what became of
// the stream it relied on, and does not begin another in its place.
func (b *blob) step(ctx context.Context, f *File, last *stream, n need) (*stream, error) {
	st, news, err := b.rely(ctx, f, last, n)
	if st == nil || err != nil {
		return last, err
	}
	select {
	case <-news:
		return st, nil
	case <-ctx.Done():
		return nil, canceled(ctx)
	}
}

// rely is step without the waiting; the stream is nil if there is nothing to
// wait for.
func (b *blob) rely(ctx context.Context, f *File, last *stream, n need) (*stream, <-chan struct{}, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.there(n.off):
		return nil, nil, nil
	case b.dead != nil:
		return nil, nil, b.dead
	case last != nil && last.failed(f, n.off):
		return nil, nil, last.err
	}
	st, err := b.streamFor(ctx, f, n)
	if err == nil && b.changed == nil {
		b.changed = make(chan struct{})
	}
	return st, b.changed, err
}

// ensure waits until everything is present.
func (b *blob) ensure(ctx context.Context, f *File) error {
	var st *stream
	for !b.complete.Load() {
		b.mu.Lock()
		off, unkept := b.present.Run(0), b.unkept
		b.mu.Unlock()
		if unkept {
			return remote.E(remote.NoSpace, "read", "", errors.New("content does not fit the cache"))
		}
		if off == b.key.Size {
			continue
		}
		var err error
		if st, err = b.step(ctx, f, st, need{off, b.key.Size, true}); err != nil {
			return err
		}
	}
	return nil
}

// streamFor returns the stream that will bring the byte at n.off, a running
// one or a new one; the caller holds b.mu.
func (b *blob) streamFor(ctx context.Context, f *File, n need) (*stream, error) {
	for _, st := range b.streams {
		if st.serves(n.off) {
			st.wantTo(n.end)
			return st, nil
		}
	}
	a := ask{
		size: b.key.Size, gap: b.gap(n.off), at: n.off, end: n.end, run: f.run,
		whole: n.whole, noRanges: b.noRanges,
	}
	return b.begin(ctx, f, b.s.tune.plan(a), n.end)
}

// gap returns what is missing around off and not on a stream's way; the
// caller holds b.mu.
func (b *blob) gap(off int64) Range {
	gap := b.present.Gap(off, b.key.Size)
	for _, st := range b.streams {
		switch {
		case st.pos > off:
			gap.End = min(gap.End, st.pos)
		case st.end > off:
			gap.Start = max(gap.Start, st.pos)
		default:
			gap.Start = max(gap.Start, st.end)
		}
	}
	return gap
}

// begin starts a stream; streams that would run into its range stop where it
// starts. The caller holds b.mu.
func (b *blob) begin(ctx context.Context, f *File, r Range, want int64) (*stream, error) {
	for _, st := range b.streams {
		if st.end > r.Start && st.pos <= r.Start || b.noRanges {
			st.end = max(st.pos, min(st.end, r.Start))
			st.nudge()
		}
	}
	st := newStream(b, f, r, want)
	if !b.s.spawn(b.body, func() { st.run(ctx) }) {
		return nil, remote.E(remote.Canceled, "read", "", os.ErrClosed)
	}
	b.streams = append(b.streams, st)
	return st, nil
}

// spawn runs f, which holds a reference to the body and releases it, on a
// goroutine that Close waits for. After Close it returns false.
func (s *Store) spawn(y *body, f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.holdLocked(y)
	s.work.Go(f)
	return true
}

// ended removes a stream that is done; the caller holds b.mu.
func (b *blob) ended(st *stream) {
	b.streams = slices.DeleteFunc(b.streams, func(o *stream) bool { return o == st })
	if st.mem != nil && b.handles > 0 && st.visible() {
		b.spare = append(b.spare, st.mem)
		if len(b.spare) > 4 {
			b.spare = slices.Delete(b.spare, 0, 1)
		}
	}
	b.news()
}
