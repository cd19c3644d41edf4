package content

import (
	"os"

	"golang.org/x/sys/unix"
)

// Cool tells the kernel that the pages of a generation are not needed soon.
// Those that are not on disk yet stay.
func (s *Store) Cool(gen uint64) {
	f, err := os.Open(s.path(gen))
	if err != nil {
		return // nothing is kept in memory of what is not there
	}
	_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) // a hint
	_ = f.Close()                                           // opened for reading only
}
