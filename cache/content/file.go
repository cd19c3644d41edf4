package content

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/frugalfs/frugalfs/remote"
)

// File is an open handle on the cached content of one version. Its methods
// may be called at once from many goroutines, except Close.
type File struct {
	b      *blob
	fetch  Fetch
	closed atomic.Bool

	// next and run are guarded by b.mu: where a sequential reader goes on,
	// and how much it has read so far.
	next, run int64
}

// Key returns what the handle reads.
func (f *File) Key() Key { return f.b.key }

// ReadAt reads len(p) bytes from off on, fetching what is missing, and
// returns fewer only with an error: io.EOF at the end of the file. Bytes that
// were already there when an error struck are counted.
//
// When ctx ends, ReadAt returns with kind Canceled; what is being fetched goes
// on coming. A version that the provider does not have any more is an error
// of kind Conflict.
func (f *File) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	b := f.b
	if f.closed.Load() {
		return 0, remote.E(remote.Stale, "read", "", nil)
	}
	if off < 0 {
		return 0, remote.E(remote.Invalid, "read", "", nil)
	}
	if off >= b.key.Size {
		return 0, io.EOF
	}
	want := p[:min(int64(len(p)), b.key.Size-off)]
	n, err := f.read(ctx, want, off)
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// read is ReadAt within the file.
func (f *File) read(ctx context.Context, p []byte, off int64) (int, error) {
	if f.b.complete.Load() {
		if file := f.b.body.file.Load(); file != nil {
			return f.readComplete(p, off)
		}
	}
	f.follow(off, int64(len(p)))
	var st *stream
	done := 0
	for done < len(p) {
		at := off + int64(done)
		n, err := f.b.lookup(p[done:], at)
		done += n
		if err == nil && n == 0 {
			st, err = f.b.step(ctx, f, st, need{at, off + int64(len(p)), false})
		}
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// Peek is ReadAt for what can be had at once; it neither fetches nor waits. ok is
// false if that is not all that was asked for.
func (f *File) Peek(p []byte, off int64) (n int, ok bool, err error) {
	size := f.b.key.Size
	switch {
	case f.closed.Load() || off < 0:
		return 0, false, nil
	case off >= size:
		return 0, true, io.EOF
	}
	want := p[:min(int64(len(p)), size-off)]
	if !f.b.complete.Load() {
		ok = f.peekPart(want, off)
	} else if f.b.body.file.Load() != nil {
		ok = f.b.body.readFull(want, off) == nil // damage is for ReadAt to report
	}
	if ok && len(want) < len(p) {
		err = io.EOF
	}
	return len(want), ok, err
}

// peekPart is Peek for a file that is not all there.
func (f *File) peekPart(p []byte, off int64) bool {
	for done := 0; done < len(p); {
		n, err := f.b.lookup(p[done:], off+int64(done))
		if n == 0 || err != nil {
			return false
		}
		done += n
	}
	f.follow(off, int64(len(p)))
	return true
}

// readComplete reads content that is all there.
func (f *File) readComplete(p []byte, off int64) (int, error) {
	if err := f.b.body.readFull(p, off); err != nil {
		if remote.IsKind(err, remote.Corrupt) {
			f.b.fail(err)
		}
		return 0, err
	}
	return len(p), nil
}

// follow notes what is read, to tell sequential readers from others. The
// kernel's read-ahead may come a little out of order.
func (f *File) follow(off, n int64) {
	f.b.mu.Lock()
	defer f.b.mu.Unlock()
	if far := off - f.next; far > f.b.s.tune.reachMin || far < -f.b.s.tune.reachMin {
		f.next, f.run = off, 0
	}
	if end := off + n; end > f.next {
		f.run += end - f.next
		f.next = end
	}
}

// Complete tells whether every byte is present, so that reads neither wait
// nor fetch.
func (f *File) Complete() bool { return f.b.complete.Load() }

// Fd returns the descriptor of the file on disk, for splicing and passthrough,
// and whether every byte is present: if not, there may be holes, and no
// descriptor is returned. It is valid until the handle is closed, must not be
// closed, and must not be written to.
func (f *File) Fd() (fd uintptr, complete bool) {
	if f.closed.Load() || !f.b.complete.Load() {
		return 0, false
	}
	file, err := f.b.file()
	if err != nil {
		return 0, false
	}
	return file.Fd(), true
}

// Close gives the handle up. A stream that nobody else waits for ends a few
// seconds later.
func (f *File) Close() error {
	if f.closed.Swap(true) {
		return remote.E(remote.Stale, "close", "", nil)
	}
	f.b.closed()
	f.b.s.release(f.b.body)
	return nil
}
