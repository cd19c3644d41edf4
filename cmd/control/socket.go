package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

// SocketName is the name of the socket in the state folder.
const SocketName = "control"

// ErrGone is the cause of a client's error when nobody listens: the mount's
// process has ended.
var ErrGone = errors.New("its process is gone")

// Listen makes the socket at path. An old one there is removed: the caller
// holds the lock of the folder, so nobody listens on it. Closing it leaves the
// file: whoever gives the folder free removes it before, and never the next
// one's.
func Listen(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, socketError("listen", path, err)
	}
	short, done, err := shorten(path)
	if err != nil {
		return nil, socketError("listen", path, err)
	}
	defer done()
	l, err := net.Listen("unix", short)
	if err != nil {
		return nil, socketError("listen", path, err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, socketError("listen", path, err)
	}
	return l, nil
}

// dial connects to the socket at path.
func dial(ctx context.Context, path string) (net.Conn, error) {
	short, done, err := shorten(path)
	if err != nil {
		return nil, socketError("connect to", path, err)
	}
	defer done()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", short)
	if err != nil {
		return nil, socketError("connect to", path, err)
	}
	return conn, nil
}

// shorten returns another path to a socket, good until done is called. The
// address of a socket has 108 bytes at most, and state folders may be deep.
func shorten(path string) (short string, done func(), err error) {
	dir, name := filepath.Split(path)
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", fd, name), func() { _ = unix.Close(fd) }, nil
}

// socketError gives an error its kind, and leaves the short path out.
func socketError(op, path string, err error) error {
	var number syscall.Errno
	if !errors.As(err, &number) {
		return remote.E(remote.KindOf(err), op, path, err)
	}
	kind := remote.Other
	var cause error = number
	switch number {
	case syscall.ENOENT, syscall.ECONNREFUSED:
		kind, cause = remote.Stale, ErrGone
	case syscall.EACCES, syscall.EPERM:
		kind = remote.Permission
	case syscall.ENOSPC, syscall.EDQUOT:
		kind = remote.NoSpace
	}
	return remote.E(kind, op, path, cause)
}
