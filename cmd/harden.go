package cmd

import (
	"errors"
	"log/slog"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

// harden keeps the memory of this process, with the secrets in it, from other
// processes of the same user and from core dumps (the environment that it was
// started with can be read in /proc otherwise), and what it writes from other
// users.
func harden() {
	unix.Umask(0o077)
	err := errors.Join(
		unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0),
		unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}),
	)
	if err != nil {
		slog.Warn("the memory of this process is not protected", "err", err)
	}
}

// diskError gives an error about a local file its kind.
func diskError(op, path string, err error) error {
	kind := remote.Other
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrNotExist):
		kind = remote.NotExist
	case errors.Is(err, os.ErrPermission):
		kind = remote.Permission
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		kind = remote.NoSpace
	}
	if e, ok := errors.AsType[*os.PathError](err); ok {
		err = e.Err // the path is named already
	}
	return remote.E(kind, op, path, err)
}
