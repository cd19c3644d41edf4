package control

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

// Record is what the registry holds of one mount.
type Record struct {
	// Mountpoint is absolute and free of symlinks.
	Mountpoint string `json:"mountpoint"`
	// Socket is where the mount answers, StateDir its state folder.
	Socket   string `json:"socket"`
	StateDir string `json:"state_dir"`
	PID      int    `json:"pid"`
}

// Register enters a mount into the registry, and returns what takes it out
// again. An older record of that mount point is replaced.
func Register(r Record) (remove func(), err error) {
	for _, dir := range folders() {
		clean(dir, r.Mountpoint)
	}
	for _, dir := range folders() {
		if err = private(dir, true); err != nil {
			continue
		}
		file := filepath.Join(dir, fileName(r.Mountpoint))
		if err = write(file, r); err == nil {
			return func() { removeOwn(file, r) }, nil
		}
	}
	return nil, remote.E(remote.Other, "register the mount", r.Mountpoint, err)
}

// Lookup returns the record of a mount point, which must be resolved. ok does
// not mean that the mount still lives.
func Lookup(mountpoint string) (r Record, ok bool) {
	for _, dir := range folders() {
		if private(dir, false) != nil {
			continue
		}
		found, err := read(filepath.Join(dir, fileName(mountpoint)))
		if err != nil || found.Mountpoint != mountpoint {
			continue
		}
		if found.alive() {
			return found, true
		}
		r, ok = found, true
	}
	return r, ok
}

// clean removes the records of processes that were killed, and older ones of a
// mount point.
func clean(dir, mountpoint string) {
	if private(dir, false) != nil {
		return
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"+suffix)) // the pattern is right
	for _, file := range files {
		if r, err := read(file); err == nil && (r.Mountpoint == mountpoint || !r.alive()) {
			_ = os.Remove(file)
		}
	}
}

// alive tells whether there is a process of that number.
func (r Record) alive() bool { return !errors.Is(unix.Kill(r.PID, 0), unix.ESRCH) }

// folders are where records may be: the environment of a login session names
// the first one, and other programs of the same user (cron) lack it.
func folders() []string {
	uid := strconv.Itoa(os.Getuid())
	var dirs []string
	if run := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(run) {
		dirs = append(dirs, filepath.Join(run, "frugalfs-mounts"))
	}
	dirs = append(dirs, filepath.Join("/run/user", uid, "frugalfs-mounts"), filepath.Join("/tmp", "frugalfs-"+uid))
	return slices.Compact(dirs)
}

// private makes sure that nobody else can write into a folder: in /tmp anybody
// could have made it.
func private(dir string, create bool) error {
	if create {
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	var s unix.Stat_t
	if err := unix.Lstat(dir, &s); err != nil {
		return err
	}
	if s.Mode&unix.S_IFMT != unix.S_IFDIR || int(s.Uid) != os.Getuid() || s.Mode&0o077 != 0 {
		return fmt.Errorf("%s is not a private folder of this user", dir)
	}
	return nil
}

const suffix = ".json"

func fileName(mountpoint string) string {
	sum := sha256.Sum256([]byte(mountpoint))
	return hex.EncodeToString(sum[:8]) + suffix
}

// write puts a record in place at once, so that nobody reads half of it.
func write(file string, r Record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	part := file + "." + strconv.Itoa(os.Getpid())
	if err := os.WriteFile(part, text, 0o600); err != nil {
		return err
	}
	return os.Rename(part, file)
}

func read(file string) (r Record, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}

// removeOwn removes a record unless another mount has replaced it.
func removeOwn(file string, r Record) {
	if now, err := read(file); err == nil && now == r {
		_ = os.Remove(file)
	}
}
