package content

import (
	"os"
	"syscall"
)

// InjectFullDisk has the disk be full for cached content whenever full says so.
// It is for tests, and called before anything is read.
func (s *Store) InjectFullDisk(full func() bool) {
	write := s.pwrite
	s.pwrite = func(f *os.File, p []byte, off int64) (int, error) {
		if full() {
			return 0, &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
		}
		return write(f, p, off)
	}
}
