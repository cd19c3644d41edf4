package endtoend

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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

// mountsOnly are entries that a plain folder does not pass: OpenSymlinkRace tells
// its files by the device of a mount, XAttrLarge sets attributes that are too
// large for ext4.
var mountsOnly = []string{"OpenSymlinkRace", "XAttrLarge"}

// posixEnv makes TestPosixEntry run one entry of posixtest, in the folder that it
// names, in a process of its own: the entries open files that the programs of
// other tests would inherit.
const posixEnv = "FRUGALFS_ENDTOEND_POSIX"

// entries are the names of all that can pass.
func entries() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(posixtest.All)), func(name string) bool {
		return slices.Contains(impossible, name) || slices.Contains(refused, name)
	})
}

// TestPosixEntry shows on a plain folder that the entries are fair.
func TestPosixEntry(t *testing.T) {
	if dir := os.Getenv(posixEnv); dir != "" {
		posixtest.All[filepath.Base(dir)](t, dir)
		return
	}
	for _, name := range entries() {
		if slices.Contains(mountsOnly, name) {
			continue
		}
		t.Run(name, func(t *testing.T) { posixtest.All[name](t, t.TempDir()) })
	}
}

func TestPosix(t *testing.T) {
	t.Parallel()
	w := newWorld(t, short...)
	self, err := os.Executable()
	must(t, err)
	for _, name := range entries() {
		t.Run(name, func(t *testing.T) {
			dir := w.path(name)
			must(t, os.Mkdir(dir, 0o755))
			cmd := exec.CommandContext(w.ctx, self, "-test.v", "-test.run=^TestPosixEntry$")
			cmd.Env = append(os.Environ(), posixEnv+"="+dir)
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "--- PASS: TestPosixEntry") {
				t.Errorf("%v\n%s", err, out)
			}
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
