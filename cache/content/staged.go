package content

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

// pathAttr is the extended attribute that tells, to whoever finds a staged
// file without its database, what it was.
const pathAttr = "user.frugalfs.path"

// Staged is an open handle on content that is to be sent. Its methods may be
// called at once from many goroutines, except Close.
type Staged struct {
	d      *draft
	closed atomic.Bool
}

// Stage makes an empty staged file for a node; path is written on it, to
// recognise it by. A killed process does not lose it from here on.
func (s *Store) Stage(ino uint64, path string) (*Staged, error) {
	if ino == 0 {
		return nil, remote.E(remote.Invalid, "create", "", nil)
	}
	sp, ready := s.takeSpare()
	if !ready {
		var err error
		if sp.gen, err = s.rec.NextGen(); err != nil {
			return nil, err
		}
	}
	d := newDraft(s, sp.gen, ino)
	d.fresh = true
	d.touch(0, false)
	if err := s.enter(d); err != nil {
		if ready {
			s.dropSpare(sp)
		}
		return nil, err
	}
	if ready {
		d.body.file.Store(sp.file)
	}
	if err := d.make(path); err != nil {
		s.abandon(d)
		return nil, err
	}
	return &Staged{d: d}, nil
}

// enter puts a new draft, with a reference to it, into the store.
func (s *Store) enter(d *draft) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return remote.E(remote.Canceled, "create", "", os.ErrClosed)
	}
	s.drafts[d.gen()] = d
	s.unsynced[d] = struct{}{}
	s.holdLocked(d.body)
	return nil
}

// make makes the file, then the record: a record without a file would be
// reported as lost.
func (d *draft) make(path string) error {
	d.body.disk.Lock()
	defer d.body.disk.Unlock()
	f, err := d.fileLocked()
	if err != nil {
		return err
	}
	label(f, path)
	return d.s.rec.PutContent(d.record(false))
}

// fileLocked returns the new draft's file: a spare, or one that it makes. The caller holds
// body.disk.
func (d *draft) fileLocked() (f *os.File, err error) {
	if f = d.body.file.Load(); f != nil {
		// As old as the draft: after a crash the file is asked for its time.
		return f, setFileTime(f, d.mtime.Load())
	}
	err = d.insist(func() (err error) {
		f, err = d.body.makeLocked(0)
		return err
	})
	return f, err
}

// label writes the path on a file, if the file system can.
func label(f *os.File, path string) {
	_ = unix.Fsetxattr(int(f.Fd()), pathAttr, []byte(path), 0) // a help, no need
}

// abandon takes a draft back that could not be made.
func (s *Store) abandon(d *draft) {
	s.mu.Lock()
	delete(s.drafts, d.gen())
	delete(s.unsynced, d)
	d.body.gone = true
	s.mu.Unlock()
	err := s.rec.DropContent(d.gen())
	if err == nil && d.body.file.Load() != nil {
		err = s.unlink(d.gen()) // otherwise what is there is not ours
	}
	if err != nil {
		s.log.Warn("dropping staged content", "err", err)
	}
	s.release(d.body)
}

// OpenStaged opens a staged generation.
func (s *Store) OpenStaged(gen uint64) (*Staged, error) {
	s.mu.Lock()
	d := s.drafts[gen]
	if d == nil || s.closed {
		s.mu.Unlock()
		return nil, lostOrGone("open", gen)
	}
	s.holdLocked(d.body)
	s.mu.Unlock()
	if _, err := d.body.open(); err != nil {
		s.release(d.body)
		return nil, err
	}
	return &Staged{d: d}, nil
}

// Gen returns the generation.
func (g *Staged) Gen() uint64 { return g.d.gen() }

// Ino returns the node the content belongs to.
func (g *Staged) Ino() uint64 { return g.d.ino }

// Size returns the length in bytes.
func (g *Staged) Size() int64 { return g.d.size.Load() }

// ModTime returns when the content was last changed.
func (g *Staged) ModTime() time.Time { return g.d.modTime() }

// SetModTime sets when the content was last changed, until it is changed again.
// The file remembers it, too.
func (g *Staged) SetModTime(t time.Time) error {
	f, err := g.file("utimes")
	if err != nil {
		return err
	}
	if err := setFileTime(f, t.UnixNano()); err != nil {
		return err
	}
	g.d.mtime.Store(t.UnixNano())
	return nil
}

// setFileTime sets when a file was last changed, in nanoseconds since 1970.
func setFileTime(f *os.File, mtime int64) error {
	ts := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, unix.NsecToTimespec(mtime)}
	path := fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, ts, 0); err != nil {
		return remote.E(remote.Other, "utimes", "", os.NewSyscallError("utimensat", err))
	}
	return nil
}

// Fd returns the descriptor of the file, valid until the handle is closed. It
// must not be closed, and nothing may be written to it behind the store.
func (g *Staged) Fd() uintptr {
	f := g.d.body.file.Load()
	if f == nil {
		return ^uintptr(0)
	}
	return f.Fd()
}

// SetPath changes the path that is written on the file.
func (g *Staged) SetPath(path string) {
	if f := g.d.body.file.Load(); f != nil {
		label(f, path)
	}
}

// file returns the open file of a handle that is not closed.
func (g *Staged) file(op string) (*os.File, error) {
	f := g.d.body.file.Load()
	if f == nil || g.closed.Load() {
		return nil, remote.E(remote.Stale, op, "", nil)
	}
	return f, nil
}

// ReadAt is [io.ReaderAt].
func (g *Staged) ReadAt(p []byte, off int64) (int, error) {
	g.d.body.swap.RLock()
	defer g.d.body.swap.RUnlock()
	f, err := g.file("read")
	if err != nil {
		return 0, err
	}
	n, err := f.ReadAt(p, off)
	return n, local("read", err)
}

// WriteAt is [io.WriterAt]; n is what was written when an error struck. It
// returns [ErrSealed] for a sealed or adopted generation. When the disk is
// full, cached content makes way before it fails with kind NoSpace.
func (g *Staged) WriteAt(p []byte, off int64) (n int, err error) {
	f, err := g.file("write")
	if err != nil {
		return 0, err
	}
	if off < 0 || off > math.MaxInt64-int64(len(p)) {
		return 0, remote.E(remote.TooLarge, "write", "", nil)
	}
	d := g.d
	d.wmu.RLock()
	defer d.wmu.RUnlock()
	if err := d.writable(); err != nil {
		return 0, err
	}
	err = d.insist(func() error {
		m, err := d.s.pwrite(f, p[n:], off+int64(n))
		n += m
		return err
	})
	if n > 0 {
		d.touch(off+int64(n), true)
	}
	return n, local("write", err)
}

// Truncate sets the length.
func (g *Staged) Truncate(size int64) error {
	if size < 0 {
		return remote.E(remote.Invalid, "truncate", "", nil)
	}
	if _, err := g.file("truncate"); err != nil {
		return err
	}
	return g.d.change("truncate", func(fd int) error { return unix.Ftruncate(fd, size) })
}

// allocatable is the modes of fallocate(2) that keep the rest of a file where
// it is.
var allocatable = map[uint32]bool{
	0:                         true,
	unix.FALLOC_FL_KEEP_SIZE:  true,
	unix.FALLOC_FL_ZERO_RANGE: true,
	unix.FALLOC_FL_ZERO_RANGE | unix.FALLOC_FL_KEEP_SIZE: true,
	unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE: true,
}

// Allocate is fallocate(2), as far as the local file system can; other modes
// are of kind Unsupported.
func (g *Staged) Allocate(mode uint32, off, length int64) error {
	if !allocatable[mode] {
		return remote.E(remote.Unsupported, "allocate", "", nil)
	}
	if _, err := g.file("allocate"); err != nil {
		return err
	}
	return g.d.change("allocate", func(fd int) error { return unix.Fallocate(fd, mode, off, length) })
}

// SeekData returns where the first data at or after off begins. Behind the
// last data it is of kind OutOfRange.
func (g *Staged) SeekData(off int64) (int64, error) { return g.seek(off, unix.SEEK_DATA) }

// SeekHole returns where the first hole at or after off begins; the end of
// the file counts as one. Behind that it is of kind OutOfRange.
func (g *Staged) SeekHole(off int64) (int64, error) { return g.seek(off, unix.SEEK_HOLE) }

func (g *Staged) seek(off int64, whence int) (int64, error) {
	f, err := g.file("seek")
	if err != nil {
		return 0, err
	}
	// The offset of the descriptor moves with it, and nothing uses that.
	at, err := unix.Seek(int(f.Fd()), off, whence)
	return at, local("seek", err)
}

// Sync returns when all that was written before is on disk, with the
// directory entry of a new file, and the record says so. A failure stays: the
// kernel tells of it once only.
func (g *Staged) Sync(ctx context.Context) error {
	if err := canceledOr(ctx); err != nil {
		return err
	}
	if _, err := g.file("sync"); err != nil {
		return err
	}
	return g.d.sync()
}

// Close gives the handle up. The content stays.
func (g *Staged) Close() error {
	if g.closed.Swap(true) {
		return remote.E(remote.Stale, "close", "", nil)
	}
	g.d.s.release(g.d.body)
	return nil
}

var (
	_ io.ReaderAt = (*Staged)(nil)
	_ io.WriterAt = (*Staged)(nil)
)
