package fs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

// unmountTime is how long fusermount3 may take.
const unmountTime = 30 * time.Second

// prepare finds out whether dir can be mounted on, and returns it resolved. A
// dead mount of ours is cleared away. Errors name the way out.
func prepare(dir string, opts Options) (string, error) {
	dir, err := Resolve(dir)
	if err != nil {
		return "", err
	}
	if err := clearDead(dir); err != nil {
		return "", err
	}
	if err := checkDir(dir); err != nil {
		return "", err
	}
	return dir, checkMachine(opts)
}

// clearDead unmounts what is left at dir of mounts whose program was killed.
// Any other mount there is an error.
func clearDead(dir string) error {
	for {
		m, ok, err := mountedAt(dir)
		switch {
		case err != nil:
			return err
		case !ok:
			return nil
		case !m.Ours():
			return failed(remote.Busy, dir, fmt.Sprintf("%s of type %s is mounted there; choose another folder", m.Source, m.Type))
		case !Dead(dir):
			return failed(remote.Busy, dir, "already a frugalfs mount; unmount it first with: frugalfs unmount "+dir)
		}
		if err := detach(dir, true); err != nil {
			return err
		}
	}
}

// checkDir finds out whether dir is an empty folder that may be mounted on.
func checkDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return unusable(dir, err)
	}
	defer func() { _ = d.Close() }()
	if info, err := d.Stat(); err != nil || !info.IsDir() {
		return failed(remote.NotDir, dir, "choose an empty folder")
	}
	if _, err := d.Readdirnames(1); err == nil {
		return failed(remote.NotEmpty, dir, "choose an empty folder: what is in this one would be hidden")
	} else if !errors.Is(err, io.EOF) {
		return unusable(dir, err)
	}
	if err := unix.Access(dir, unix.W_OK); err != nil && !errors.Is(err, unix.EROFS) {
		return failed(remote.Permission, dir, "choose a folder that you may write to")
	}
	return nil
}

// unusable explains why a folder cannot be opened.
func unusable(dir string, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return missing(dir)
	case errors.Is(err, os.ErrPermission):
		return failed(remote.Permission, dir, "choose a folder that you may read and write")
	}
	return remote.E(remote.Other, "mount", dir, err)
}

// missing is the error for a mount point that does not exist.
func missing(dir string) error {
	return failed(remote.NotExist, dir, "make it first with: mkdir -p "+dir)
}

// checkMachine finds out whether this machine can mount.
func checkMachine(opts Options) error {
	if _, err := os.Stat("/dev/fuse"); err != nil {
		return failed(remote.Unsupported, "/dev/fuse", "it is missing; load it with: modprobe fuse (in a container: start it with --device /dev/fuse)")
	}
	if direct() {
		return nil
	}
	if err := unix.Access("/dev/fuse", unix.R_OK|unix.W_OK); err != nil {
		return failed(remote.Permission, "/dev/fuse", "ask the administrator for: chmod 666 /dev/fuse")
	}
	if _, err := fusermount(); err != nil {
		return err
	}
	if opts.AllowOther && !othersAllowed("/etc/fuse.conf") {
		return failed(remote.NotPermitted, "allow_other", "add the line user_allow_other to /etc/fuse.conf")
	}
	return nil
}

// othersAllowed tells whether the administrator lets users give a mount to
// other users.
func othersAllowed(conf string) bool {
	text, err := os.ReadFile(conf)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if strings.TrimSpace(line) == "user_allow_other" {
			return true
		}
	}
	return false
}

// fusermount finds the helper that mounts for users other than root.
func fusermount() (string, error) {
	for _, name := range []string{"fusermount3", "/bin/fusermount3", "fusermount", "/bin/fusermount"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", failed(remote.Unsupported, "fusermount3", "it is missing; install the package fuse3")
}

// DetachLazily takes a mount away although it may be in use.
func DetachLazily(dir string) error { return detach(dir, true) }

// detach unmounts what is at dir; lazily, it goes out of sight at once and
// ends when nobody uses it any more.
func detach(dir string, lazy bool) error {
	if direct() {
		flags := unix.UMOUNT_NOFOLLOW
		if lazy {
			flags |= unix.MNT_DETACH
		}
		return unmountError(dir, unix.Unmount(dir, flags))
	}
	helper, err := fusermount()
	if err != nil {
		return err
	}
	args := []string{"-u"}
	if lazy {
		args = append(args, "-z")
	}
	return runHelper(helper, dir, append(args, "--", dir))
}

// runHelper runs fusermount3, whose exit code does not say why it failed. All
// that can keep a user from unmounting his own mount is that it is in use.
func runHelper(helper, dir string, args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), unmountTime)
	defer cancel()
	output, err := exec.CommandContext(ctx, helper, args...).CombinedOutput()
	if err == nil {
		return nil
	}
	if _, ok, _ := mountedAt(dir); !ok {
		return nil
	}
	return inUse(dir, errors.New(string(bytes.TrimSpace(output))))
}

func inUse(dir string, cause error) error {
	return &remote.Error{Kind: remote.Busy, Op: "unmount", Path: dir, Err: cause,
		Detail: "a program is using it; see which with: fuser -vm " + dir}
}

// unmountError explains why unmounting failed. Not to be mounted is no error:
// somebody else was quicker.
func unmountError(dir string, err error) error {
	switch {
	case err == nil, errors.Is(err, unix.EINVAL):
		return nil
	case errors.Is(err, unix.EBUSY):
		return inUse(dir, nil)
	case errors.Is(err, unix.EPERM):
		return &remote.Error{Kind: remote.NotPermitted, Op: "unmount", Path: dir, Detail: "only root and its owner may unmount it"}
	}
	return remote.E(remote.Other, "unmount", dir, err)
}

// failed is an error of mounting, with the way out.
func failed(kind remote.Kind, path, wayOut string) error {
	return &remote.Error{Kind: kind, Op: "mount", Path: path, Detail: wayOut}
}
