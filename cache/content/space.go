package content

import (
	"os"

	"golang.org/x/sys/unix"
)

// block is the unit the local file system gives space in.
const block = 4096

func blocks(n int64) int64 { return (n + block - 1) / block * block }

// overLocked tells whether n more cached bytes would break the limit; the
// caller holds s.mu.
func (s *Store) overLocked(n int64) bool { return s.limit > 0 && s.cached+n > s.limit }

// reserve sets space aside for n more bytes of a cached body, before they are
// written, and evicts others for it. It returns false if there is none to be
// had.
func (s *Store) reserve(y *body, n int64) bool {
	for {
		s.mu.Lock()
		if y.gone {
			s.mu.Unlock()
			return true // the file is unlinked and counts for nothing
		}
		if !s.overLocked(n) {
			s.cached += n
			y.bytes += n
			s.mu.Unlock()
			return true
		}
		s.mu.Unlock()
		if !s.evict() {
			return false
		}
	}
}

// room evicts until n more bytes fit under the limit, or nothing is left to
// evict.
func (s *Store) room(n int64) {
	for {
		s.mu.Lock()
		over := s.overLocked(n)
		s.mu.Unlock()
		if !over || !s.evict() {
			return
		}
	}
}

// evict drops the cached content that was not used for longest, and returns
// false if all that is left is in use.
func (s *Store) evict() bool {
	s.mu.Lock()
	last := s.idle.Back()
	if last == nil {
		s.mu.Unlock()
		return false
	}
	y := last.Value.(*body)
	s.idle.Remove(last)
	y.elem = nil
	s.unlinkLocked(y.blob)
	s.mu.Unlock()
	if err := s.discard(y, false); err != nil {
		s.log.Warn("evicting cached content", "err", err)
	}
	return true
}

// free makes about n bytes of the local disk free by evicting, whatever the
// limit says. It returns false if there was nothing to evict.
func (s *Store) free(n int64) bool {
	any := false
	for want := max(n, 4*mib); want > 0; {
		s.mu.Lock()
		before := s.cached
		s.mu.Unlock()
		if !s.evict() {
			return any
		}
		s.mu.Lock()
		want -= before - s.cached
		s.mu.Unlock()
		any = true
	}
	return any
}

// settle replaces what was reserved for a body by what it takes.
func (s *Store) settle(y *body, f *os.File) {
	taken, err := allocated(f)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !y.gone {
		s.cached += taken - y.bytes
		y.bytes = taken
	}
}

// allocated returns the disk space a file takes.
func allocated(f *os.File) (int64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return 0, local("stat", err)
	}
	return st.Blocks * 512, nil
}
