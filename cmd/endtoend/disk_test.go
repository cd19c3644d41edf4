package endtoend

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// smallDisk mounts a disk of some size in memory on dir until the test ends.
// It needs root, as the container that runs these tests has it.
func smallDisk(t *testing.T, dir string, size int) {
	t.Helper()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+strconv.Itoa(size)); err != nil {
		t.Fatalf("mounting a small disk (these tests run as root): %v", err)
	}
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
}

// mountOnSmallDisk mounts with the state folder on a disk of some size, and returns
// where that disk is.
func (w *world) mountOnSmallDisk(size int) string {
	w.t.Helper()
	small := filepath.Join(w.dir, "small")
	must(w.t, os.Mkdir(small, 0o755))
	smallDisk(w.t, small, size)
	w.t.Cleanup(w.endMount) // before the disk goes
	w.options = w.mountOptions("mnt", short...)
	w.options.State = filepath.Join(small, "state")
	w.mount()
	return small
}

// command runs a program of the system.
func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}
