package cache

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

// ballastSize is how much of the disk is kept for the database when the disk is
// full, in bytes: deleting files, which is the way out, needs commits too.
const ballastSize = 8 << 20

func (s *State) ballastPath() string { return filepath.Join(s.dir, "ballast") }

// fillBallast takes the space that is given up when the disk is full. On a disk
// that has none there is none to take.
func (s *State) fillBallast() {
	if info, err := os.Stat(s.ballastPath()); err == nil && info.Size() == ballastSize {
		return
	}
	f, err := os.OpenFile(s.ballastPath(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, ballastSize)
	_ = f.Close()
	if err != nil {
		_ = os.Remove(s.ballastPath())
	}
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
