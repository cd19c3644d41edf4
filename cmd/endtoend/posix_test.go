package endtoend

import (
	"errors"
	"maps"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/posixtest"
)

// refused are the entries of posixtest that make hard links: providers have
// none, so they are refused with EPERM.
var refused = []string{"Link", "LinkUnlinkRename"}

// impossible are entries that no file system passes: FcntlFlockLocksFile sets
// two POSIX locks from one process, which never conflict.
var impossible = []string{"FcntlFlockLocksFile"}

func TestPosix(t *testing.T) {
	t.Parallel()
	w := newWorld(t, short...)
	for _, name := range slices.Sorted(maps.Keys(posixtest.All)) {
		if slices.Contains(impossible, name) || slices.Contains(refused, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			dir := w.path(name)
			must(t, os.Mkdir(dir, 0o755))
			posixtest.All[name](t, dir)
			if err := os.RemoveAll(dir); err != nil {
				t.Error(err)
			}
		})
	}
	w.same()
}

// TestPosixRefused is about what the contract refuses.
func TestPosixRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, short...)
	file := w.path("file")
	write(t, file, "x")
	if err := os.Link(file, w.path("second")); !errors.Is(err, syscall.EPERM) {
		t.Errorf("a hard link: %v, not EPERM", err)
	}
	if _, err := os.Lstat(w.path("second")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after the refused link its name is there: %v", err)
	}
	long := w.path(longName(256))
	if err := os.WriteFile(long, nil, 0o644); !errors.Is(err, syscall.ENAMETOOLONG) {
		t.Errorf("a name of 256 bytes: %v, not ENAMETOOLONG", err)
	}
	write(t, w.path(longName(255)), "long\n")
	w.same()
}

func longName(n int) string {
	name := make([]byte, n)
	for i := range name {
		name[i] = 'n'
	}
	return string(name)
}

// TestPosixLocal has nodes that providers do not know live on this machine.
func TestPosixLocal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, short...)
	w.run(`cd "$MNT"; mkfifo pipe; ln -s target link; touch -d 2010-01-01 real; chmod 640 real`)
	w.flush()
	w.run(`cd "$MNT"; test -p pipe; test "$(readlink link)" = target; test "$(stat -c '%a %Y' real)" = "640 $(date -d 2010-01-01 +%s)"
		test "$(ls "$ROOT")" = real`)
	w.remount()
	w.run(`cd "$MNT"; test -p pipe; test "$(readlink link)" = target; test "$(stat -c '%a %Y' real)" = "640 $(date -d 2010-01-01 +%s)"
		rm pipe link`)
}
