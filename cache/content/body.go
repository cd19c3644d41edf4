package content

import (
	"container/list"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// body is one generation on disk, whichever sort it is of. Whoever holds a
// reference may use its file.
type body struct {
	s *Store
	// gen is 0 until a cached body is first written to.
	gen atomic.Uint64
	// file is open while there are references and somebody asked for it.
	file atomic.Pointer[os.File]

	// swap is held shared while file is read from, and exclusively while it is
	// exchanged for another of the same content.
	swap sync.RWMutex
	// disk orders what happens to the directory entry and to the record.
	disk sync.Mutex

	// The following are guarded by Store.mu.

	// refs counts handles and streams.
	refs int
	// blob is what the body holds if it is cached, nil if staged.
	blob *blob
	// elem is its place in Store.idle while nobody refers to a cached body.
	elem *list.Element
	// bytes is the disk space it counts for in Store.cached.
	bytes int64
	// used is when it was last opened.
	used time.Time
	// gone is true once it was dropped: no record may be written any more.
	gone bool
}

// fanout is how many folders the files are spread over.
const fanout = 64

func (s *Store) folder(gen uint64) string {
	return filepath.Join(s.dir, fmt.Sprintf("%02x", gen%fanout))
}

func (s *Store) path(gen uint64) string {
	return filepath.Join(s.folder(gen), fmt.Sprintf("%016x", gen))
}

// open returns the body's file, which must exist. The caller holds a
// reference, and the file stays open while it does.
func (y *body) open() (*os.File, error) {
	if f := y.file.Load(); f != nil {
		return f, nil
	}
	y.disk.Lock()
	defer y.disk.Unlock()
	return y.openLocked()
}

// openLocked is open; the caller holds y.disk.
func (y *body) openLocked() (*os.File, error) {
	if f := y.file.Load(); f != nil {
		return f, nil
	}
	f, err := os.OpenFile(y.s.path(y.gen.Load()), os.O_RDWR, 0)
	if err != nil {
		return nil, local("open", err)
	}
	y.file.Store(f)
	return f, nil
}

// makeLocked makes the file, all of it a hole; the caller holds y.disk. Nobody
// sees it before it has its length.
func (y *body) makeLocked(size int64) (*os.File, error) {
	f, err := os.OpenFile(y.s.path(y.gen.Load()), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, local("create", err)
	}
	if size > 0 {
		err = f.Truncate(size)
	}
	if err != nil {
		_ = f.Close() // nothing is in it
		_ = y.s.unlink(y.gen.Load())
		return nil, local("create", err)
	}
	y.file.Store(f)
	return f, nil
}

// holdLocked takes a reference to the body and notes its use; the caller holds
// s.mu.
func (s *Store) holdLocked(y *body) {
	y.used = s.now()
	s.keepLocked(y)
}

// keepLocked is holdLocked for who does not use the content.
func (s *Store) keepLocked(y *body) {
	y.refs++
	if y.elem != nil {
		s.idle.Remove(y.elem)
		y.elem = nil
	}
}

// release gives a reference back. With the last one the file is closed, and a
// cached body may be evicted from then on.
func (s *Store) release(y *body) {
	var f *os.File
	s.mu.Lock()
	y.refs--
	if y.refs == 0 {
		f = y.file.Swap(nil)
		s.restLocked(y)
	}
	over := s.overLocked(0)
	s.mu.Unlock()
	if f != nil {
		if err := f.Close(); err != nil {
			s.log.Warn("closing a content file", "err", err)
		}
	}
	if over {
		s.room(0)
	}
}

// restLocked puts a cached body that nobody refers to among those that may be
// evicted, and forgets one that never came to hold anything; the caller holds
// s.mu.
func (s *Store) restLocked(y *body) {
	switch {
	case y.blob == nil || y.gone || y.elem != nil:
	case y.gen.Load() == 0:
		s.unlinkLocked(y.blob)
	default:
		y.elem = s.idle.PushFront(y)
	}
}

// discard forgets a body that no map leads to any more: its record, its
// directory entry and its space. Handles on it stay usable. The file of a
// cached body goes before its record and that of a staged one after it, so
// that a crash in between leaves nothing that would be reported as lost.
func (s *Store) discard(y *body, staged bool) error {
	s.mu.Lock()
	y.gone = true
	if y.elem != nil {
		s.idle.Remove(y.elem)
		y.elem = nil
	}
	s.mu.Unlock()

	y.disk.Lock()
	err := s.erase(y.gen.Load(), staged)
	y.disk.Unlock()

	s.mu.Lock()
	s.cached -= y.bytes
	y.bytes = 0
	s.mu.Unlock()
	return err
}

// erase removes the record and the file of a generation; 0 has neither.
func (s *Store) erase(gen uint64, staged bool) error {
	if gen == 0 {
		return nil
	}
	if staged {
		if err := s.rec.DropContent(gen); err != nil {
			return err
		}
		return s.unlink(gen)
	}
	if err := s.unlink(gen); err != nil {
		return err
	}
	return s.rec.DropContent(gen)
}

// unlink removes the file of a generation; a missing one is no error.
func (s *Store) unlink(gen uint64) error {
	if err := os.Remove(s.path(gen)); err != nil && !os.IsNotExist(err) {
		return local("remove", err)
	}
	return nil
}

func (s *Store) isGone(y *body) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return y.gone
}
