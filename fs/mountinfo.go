package fs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

// typeName is the name of the file system; Type is what mounts show as their
// type.
const (
	typeName = "frugalfs"
	Type     = "fuse." + typeName
)

// MountEntry is one mount of this machine, as /proc/self/mountinfo shows it.
type MountEntry struct {
	// Dir is where it is mounted.
	Dir string
	// Device is MAJOR:MINOR of the device that its files show in stat.
	Device string
	// Type is the file system ("ext4", "fuse.frugalfs"), Source what is
	// mounted ("/dev/sda1", "frugalfs").
	Type, Source string
}

// Ours tells whether it is a mount of frugalfs.
func (m MountEntry) Ours() bool { return m.Type == Type }

// Mounts returns all mounts, one that covers another after it. Mount points
// are not touched, so that one which no longer answers does no harm.
func Mounts() ([]MountEntry, error) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, remote.E(remote.Other, "read the mount table", "", err)
	}
	var all []MountEntry
	for line := range bytes.Lines(table) {
		if m, ok := parseMount(string(line)); ok {
			all = append(all, m)
		}
	}
	return all, nil
}

// Mounted returns the mount that is visible at dir. dir is looked up without
// touching it, see [Resolve].
func Mounted(dir string) (MountEntry, bool, error) {
	dir, err := Resolve(dir)
	if err != nil {
		return MountEntry{}, false, err
	}
	return mountedAt(dir)
}

// mountedAt is Mounted for a dir that is resolved.
func mountedAt(dir string) (top MountEntry, ok bool, err error) {
	all, err := Mounts()
	for _, m := range all {
		if m.Dir == dir {
			top, ok = m, true
		}
	}
	return top, ok, err
}

// Resolve makes a mount point's path absolute and free of symlinks, as the
// mount table has it. The last element is looked at only if nothing is
// mounted there: a mount that is dead does not answer, and one that hangs
// would keep us.
func Resolve(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", remote.E(remote.Invalid, "mount point", dir, err)
	}
	if abs == "/" {
		return abs, nil
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return "", missing(dir)
	}
	abs = filepath.Join(parent, filepath.Base(abs))
	if _, mounted, err := mountedAt(abs); mounted || err != nil {
		return abs, err
	}
	if target, err := filepath.EvalSymlinks(abs); err == nil {
		return target, nil
	}
	return abs, nil
}

// parseMount reads one line of mountinfo, see proc(5).
func parseMount(line string) (MountEntry, bool) {
	front, back, ok := strings.Cut(line, " - ")
	f, b := strings.Fields(front), strings.Fields(back)
	if !ok || len(f) < 6 || len(b) < 2 {
		return MountEntry{}, false
	}
	return MountEntry{Dir: unescape(f[4]), Device: f[2], Type: unescape(b[0]), Source: unescape(b[1])}, true
}

// unescape reverts the escapes of mountinfo: a space is \040.
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\043`, "#", `\134`, `\`).Replace

// patience is how long a mount may take to show that it lives.
const patience = 2 * time.Second

// Dead tells whether the program behind the FUSE mount at dir has ended, as
// after a kill -9. One that does not answer in time is taken to be alive.
func Dead(dir string) bool {
	answer := make(chan error, 1)
	go func() {
		var s unix.Statfs_t
		answer <- unix.Statfs(dir, &s)
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-answer:
		return errors.Is(err, unix.ENOTCONN)
	case <-timer.C:
		return false
	}
}

// setReadAhead lets the kernel read that many KiB ahead in the mount on the
// given device. Only root may; others keep the kernel's 128.
func setReadAhead(device string, kib int) error {
	path := filepath.Join("/sys/class/bdi", device, "read_ahead_kb")
	return os.WriteFile(path, fmt.Append(nil, kib), 0)
}
