package content

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// errStalled is why a request without progress was given up.
var errStalled = remote.E(remote.Temporary, "read", "", errors.New("no byte came for too long"))

// watch cancels a request that stands still.
type watch struct {
	timer *time.Timer
	limit time.Duration
}

func (w *watch) start() { w.timer.Reset(w.limit) }
func (w *watch) stop()  { w.timer.Stop() }

// request makes one request for what is still to come, and takes it in. It
// returns nil when the stream is at its end, an error that is errCut if
// another request may help, and any other error for good.
func (st *stream) request(ctx context.Context) error {
	pos, until := st.bounds()
	if pos >= until {
		return nil
	}
	length := until - pos
	if until == st.b.key.Size {
		length = -1
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limit := st.b.s.tune.stall
	w := &watch{time.AfterFunc(limit, func() { cancel(errStalled) }), limit}
	defer w.stop()

	d, err := st.owner.fetch(ctx, pos, length)
	if err != nil {
		return st.why(ctx, err)
	}
	// The bytes that matter were checked as they came.
	defer func() { _ = d.Close() }()
	if ok, err := st.accept(d, pos); !ok || err != nil {
		return err
	}
	return st.why(ctx, st.copy(ctx, w, d))
}

// why returns the error that best says why a request failed.
func (st *stream) why(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), errStalled):
		return errStalled
	case ctx.Err() != nil:
		return canceled(ctx)
	case errors.Is(err, errCut):
		return err
	}
	return fetching(err)
}

// copy takes a body in until the stream's end.
func (st *stream) copy(ctx context.Context, w *watch, d *remote.Download) error {
	bp := buffers.Get().(*[]byte)
	defer buffers.Put(bp)
	if int64(len(*bp)) < st.b.s.tune.buffer {
		*bp = make([]byte, st.b.s.tune.buffer)
	}
	for {
		w.stop()
		room, err := st.room(ctx)
		if room == 0 || err != nil {
			return err
		}
		w.start()
		began := st.b.s.now()
		n, err := d.Read((*bp)[:room])
		ok, verdict := st.judge(d, n, err)
		if !ok {
			return verdict
		}
		if err := st.take((*bp)[:n], st.b.s.now().Sub(began)); err != nil {
			return err
		}
		if verdict != nil {
			return verdict
		}
	}
}

// judge looks at what a read returned. It returns false if the bytes must not be taken, and the error to end the
// request with after they were.
func (st *stream) judge(d *remote.Download, n int, err error) (bool, error) {
	st.b.mu.Lock()
	pos, until, size := st.pos+int64(n), st.until, st.b.key.Size
	over := pos >= st.end
	st.b.mu.Unlock()
	if pos >= until && err == nil {
		err = trailer(d, until == size)
	}
	switch {
	case err == nil:
		return true, nil
	case wrong(err):
		err = fetching(err)
		st.b.fail(err)
		return false, err
	case over, pos >= until:
		// That the connection broke behind the last byte says nothing
		// against the bytes.
		return true, nil
	}
	return true, fmt.Errorf("%w: %w", errCut, err)
}

// trailer reads on behind the last byte that was asked for, where nothing but
// the end must be: only there a body tells that its checksum was right, and a
// connection whose body was read to the end can be used again. More is an
// error if that byte should have been the file's last.
func trailer(d *remote.Download, last bool) error {
	var one [1]byte
	n, err := d.Read(one[:])
	if n > 0 && last {
		return remote.E(remote.Conflict, "read", "", errors.New("the file is longer now"))
	}
	if n > 0 {
		return nil
	}
	return err
}

// wrong tells whether an error says that the bytes before it were not those
// of this version.
func wrong(err error) bool {
	return remote.IsKind(err, remote.Corrupt) || remote.IsKind(err, remote.Conflict)
}

// take writes the bytes at the stream's position, shows them, and moves on.
func (st *stream) take(p []byte, took time.Duration) error {
	b := st.b
	b.mu.Lock()
	pos := st.pos
	p = p[:min(int64(len(p)), max(0, st.end-pos))]
	have, unkept := b.present.Run(pos) >= int64(len(p)), st.mem != nil
	b.mu.Unlock()
	if len(p) == 0 {
		return nil
	}
	// Once something could not be kept nothing is: memory has no holes.
	kept := have || !unkept && b.s.keep(b, p, pos)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead != nil {
		return b.dead
	}
	r := Range{pos, pos + int64(len(p))}
	switch {
	case !kept:
		b.unkept = true
		st.remember(p, pos)
	case st.careful:
		st.held.Add(r)
	case !have:
		b.add(r)
	}
	st.pos = r.End
	st.got += r.Len()
	st.busy += took
	if !st.careful {
		b.news()
	}
	return nil
}

// remember holds bytes that could not be kept; the caller holds b.mu.
func (st *stream) remember(p []byte, off int64) {
	if st.mem == nil {
		st.mem = &memory{}
	}
	st.mem.push(p, off, st.b.s.tune.memory)
}

// keep writes bytes to the blob's file, and returns false if there is no
// space for them.
func (s *Store) keep(b *blob, p []byte, off int64) bool {
	need := blocks(off+int64(len(p))) - off/block*block
	if off%block != 0 {
		need -= block // its first block is there already
	}
	if !s.reserve(b.body, max(need, 0)) {
		return false
	}
	write := func() error {
		f, err := b.file()
		if err == nil {
			_, err = s.pwrite(f, p, off)
		}
		return err
	}
	err := write()
	if full(err) && s.free(int64(len(p))) {
		err = write()
	}
	if err != nil {
		s.log.Warn("keeping fetched content", "err", err)
	}
	return err == nil
}

// room waits until the stream may read on, and returns how much; 0 means that
// it is at its end. A stream that waited for too long ends where it is.
func (st *stream) room(ctx context.Context) (int64, error) {
	b := st.b
	b.saveIfDue(false)
	for {
		b.mu.Lock()
		n, patience := st.allowance(), b.s.tune.idle
		if b.handles == 0 {
			patience = b.s.tune.linger
		}
		st.over = st.pos >= st.end
		over := st.over
		b.mu.Unlock()
		if over || n > 0 {
			return n, canceledOr(ctx)
		}
		if err := st.rest(ctx, patience); err != nil {
			return 0, err
		}
	}
}

func canceledOr(ctx context.Context) error {
	if ctx.Err() != nil {
		return canceled(ctx)
	}
	return nil
}

// rest waits until there is news for the stream or its patience ends; then it
// halts.
func (st *stream) rest(ctx context.Context, patience time.Duration) error {
	st.b.s.parked(st)
	defer st.b.s.unparked(st)
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-st.wake:
	case <-ctx.Done():
		return canceled(ctx)
	case <-t.C:
		st.giveUp()
	}
	return nil
}

// giveUp halts the stream unless a reader came in the meantime.
func (st *stream) giveUp() {
	st.b.mu.Lock()
	defer st.b.mu.Unlock()
	if st.allowance() == 0 {
		st.halt()
	}
}

// parked notes that a stream waits for its readers. If too many do, the one
// that waits for longest ends: it holds a connection that others may need.
func (s *Store) parked(st *stream) {
	s.mu.Lock()
	s.paused = append(s.paused, st)
	var old *stream
	if len(s.paused) > s.tune.paused {
		old = s.paused[0]
		s.paused = slices.Delete(s.paused, 0, 1)
	}
	s.mu.Unlock()
	if old != nil {
		old.giveUp()
	}
}

func (s *Store) unparked(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = slices.DeleteFunc(s.paused, func(o *stream) bool { return o == st })
}
