package content

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/frugalfs/frugalfs/remote"
)

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
	if _, err := b.body.open(); err != nil {
		return 0, err
	}
	if err := b.body.readFull(p[:n], off); err != nil {
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
	return st, b.listen(), err
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
	return b.quiet(ctx, st)
}

// quiet waits until a stream that brought its last byte is gone.
func (b *blob) quiet(ctx context.Context, st *stream) error {
	for {
		b.mu.Lock()
		if !slices.Contains(b.streams, st) {
			b.mu.Unlock()
			return nil
		}
		news := b.listen()
		b.mu.Unlock()
		select {
		case <-news:
		case <-ctx.Done():
			return canceled(ctx)
		}
	}
}

// listen returns what is closed when there is news; the caller holds b.mu.
func (b *blob) listen() <-chan struct{} {
	if b.changed == nil {
		b.changed = make(chan struct{})
	}
	return b.changed
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
