package cache

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

// ballastSizes are how much of the disk is kept for the database when the disk is
// full, in bytes, the first that there is room for: deleting files, which is the
// way out, needs commits too.
var ballastSizes = []int64{8 << 20, 2 << 20, 512 << 10}

func (s *State) ballastPath() string { return filepath.Join(s.dir, "ballast") }

// fillBallast takes the space that is given up when the disk is full. On a disk
// that has none there is none to take.
func (s *State) fillBallast() {
	if info, err := os.Stat(s.ballastPath()); err == nil && info.Size() > 0 {
		return
	}
	f, err := os.OpenFile(s.ballastPath(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	var disk unix.Statfs_t
	if unix.Fstatfs(int(f.Fd()), &disk) != nil {
		return
	}
	for _, size := range ballastSizes {
		// Never more than a quarter of what is free.
		if size <= int64(disk.Bavail)*disk.Bsize/4 && unix.Fallocate(int(f.Fd()), 0, 0, size) == nil {
			return
		}
	}
	_ = os.Remove(s.ballastPath())
}

// dropBallast gives the space up. It tells whether there was any.
func (s *State) dropBallast() bool { return os.Remove(s.ballastPath()) == nil }

// updateAtAnyCost is update for what must be possible on a full disk. f may run
// twice.
func (ns *Namespace) updateAtAnyCost(f func(txn) error) error {
	err := ns.update(f)
	if remote.IsKind(err, remote.NoSpace) && ns.state.dropBallast() {
		ns.log.Warn("the disk is full: using the space kept for the database")
		return ns.update(f)
	}
	return err
}
