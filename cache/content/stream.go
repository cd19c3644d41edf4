package content

import (
	"context"
	"errors"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// stream fills a range of a blob from front to back, with one request if all
// goes well. It runs ahead of its readers by a window only: TCP then holds the
// server back.
type stream struct {
	b *blob
	// owner is whose reader began it, and whose fetch it uses.
	owner *File
	// wake tells the stream to look at its bounds again.
	wake chan struct{}

	// The following are guarded by b.mu.

	// start is where it began; all from there to pos came; end is where it
	// stops, which others may move towards pos.
	start, pos, end int64
	// want is the furthest byte that a reader asked for.
	want int64
	// careful is true for small files: nothing is shown before the end of
	// the body proved that all of it is right. held is what waits for that.
	careful bool
	held    Ranges
	// mem is what could not be kept on disk, nil if nothing.
	mem *memory
	// got is how much came, busy how long it took.
	got  int64
	busy time.Duration
	// until is the end of what the request under way asked for, and over is
	// true once the stream looks no further.
	until int64
	over  bool
	// done is true once no more will come, and err is why, if it should have.
	done bool
	err  error
}

func newStream(b *blob, f *File, r Range, want int64) *stream {
	return &stream{
		b: b, owner: f, wake: make(chan struct{}, 1),
		start: r.Start, pos: r.Start, end: r.End, want: want,
		careful: b.key.Size <= b.s.tune.small,
	}
}

// serves tells whether a reader that misses off should wait for this stream;
// the caller holds b.mu, as for all short methods here.
func (st *stream) serves(off int64) bool {
	if st.done || off < st.pos || off >= st.end {
		return false
	}
	return st.careful || st.b.noRanges || st.b.s.tune.inOneGo && st.mem == nil || off-st.pos <= st.reach()
}

func (st *stream) reach() int64 {
	t := &st.b.s.tune
	if st.mem != nil {
		return min(t.reachMin, t.memory/4)
	}
	return t.reach(st.got, st.busy)
}

// failed tells whether a reader that relied on the stream for off should give
// up. What only its owner was refused, others may be granted.
func (st *stream) failed(f *File, off int64) bool {
	if st.err == nil || off >= st.end {
		return false
	}
	others := !remote.IsKind(st.err, remote.Budget) && !remote.IsKind(st.err, remote.Canceled)
	return st.owner == f || others
}

// wantTo notes that a reader waits for everything up to end.
func (st *stream) wantTo(end int64) {
	if end > st.want {
		st.want = end
		st.nudge()
	}
}

// nudge makes the stream look at its bounds.
func (st *stream) nudge() {
	select {
	case st.wake <- struct{}{}:
	default:
	}
}

// halt makes the stream stop where it is.
func (st *stream) halt() {
	st.end = st.pos
	st.nudge()
}

// visible tells whether what the stream holds in memory may be shown.
func (st *stream) visible() bool { return !st.careful || st.done && st.err == nil }

func (st *stream) shown(p []byte, off int64) int {
	if st.mem == nil || !st.visible() {
		return 0
	}
	return st.mem.read(p, off)
}

// allowance returns how many bytes the stream may read now. Its end may have
// been moved to before what it was just writing.
func (st *stream) allowance() int64 {
	t, left := &st.b.s.tune, max(0, st.end-st.pos)
	if st.careful || st.mem == nil && (t.inOneGo || left <= t.nearEnd) {
		return min(left, t.buffer)
	}
	ahead := t.window(st.want - st.start)
	if st.mem != nil {
		ahead = min(ahead, t.memory/4)
	}
	return min(left, t.buffer, max(0, st.want+ahead-st.pos))
}

// run is the life of a stream. It works on a detached context, so that the
// reader that started it may leave.
func (st *stream) run(reader context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(reader))
	stop := context.AfterFunc(st.b.s.ctx, cancel)
	err := st.follow(ctx)
	stop()
	cancel()

	b := st.b
	b.mu.Lock()
	st.done, st.err = true, err
	if err == nil {
		st.reveal()
	}
	b.mu.Unlock()
	// Who waits is told last: then what came is recorded, and may be evicted
	// as soon as they close their handles.
	b.saveIfDue(true)
	b.s.release(b.body)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended(st)
}

// reveal shows what a careful stream held back; the caller holds b.mu.
func (st *stream) reveal() {
	for _, r := range st.held.list {
		st.b.add(r)
	}
	st.held = Ranges{}
}

// follow makes requests until the stream is at its end: one, and then one
// more from where the last was cut short.
func (st *stream) follow(ctx context.Context) error {
	t := &st.b.s.tune
	var mark int64
	for tries := 0; ; tries++ {
		err := st.request(ctx)
		if !errors.Is(err, errCut) {
			return err
		}
		if got := st.progress(); got-mark >= t.renew {
			tries, mark = 0, got
		}
		if tries >= t.tries {
			return remote.E(remote.Temporary, "read", "", err)
		}
		if !pause(ctx, t.pause<<tries) {
			return canceled(ctx)
		}
	}
}

// progress returns how many bytes came. Without ranges they do not count:
// every request begins anew.
func (st *stream) progress() int64 {
	st.b.mu.Lock()
	defer st.b.mu.Unlock()
	if st.b.noRanges {
		return 0
	}
	return st.got
}

// pause waits for d, and returns false if ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func canceled(ctx context.Context) error {
	return remote.E(remote.Canceled, "read", "", context.Cause(ctx))
}

// bounds returns what is still to come.
func (st *stream) bounds() (pos, end int64) {
	st.b.mu.Lock()
	defer st.b.mu.Unlock()
	st.until = st.end
	return st.pos, st.end
}

// accept checks what a response says about itself against what was asked for.
// It returns false if another stream will bring everything.
func (st *stream) accept(d *remote.Download, asked int64) (bool, error) {
	b := st.b
	if d.Size >= 0 && d.Size != b.key.Size {
		err := remote.E(remote.Conflict, "read", "", errors.New("the file has another size now"))
		b.barren(err)
		return false, err
	}
	switch {
	case d.Offset == asked:
		return true, nil
	case d.Offset != 0:
		return false, remote.E(remote.Corrupt, "read", "", errors.New("answer for another range"))
	}
	return st.rewind(), nil
}

// rewind makes the stream the one that brings the whole file, because the
// server does not know ranges. It returns false if there is one already.
func (st *stream) rewind() bool {
	b := st.b
	b.mu.Lock()
	defer b.mu.Unlock()
	b.noRanges = true
	for _, o := range b.streams {
		if o != st && o.start == 0 && o.until == b.key.Size && !o.over && !o.done {
			o.end = o.until // it was cut back for the sake of this one
			st.halt()
			return false
		}
	}
	for _, o := range b.streams {
		if o != st {
			o.halt()
		}
	}
	st.start, st.pos, st.end, st.until = 0, 0, b.key.Size, b.key.Size
	return true
}
