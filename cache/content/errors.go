package content

import (
	"context"
	"errors"
	"os"
	"syscall"

	"github.com/frugalfs/frugalfs/remote"
)

// ErrSealed is returned by writes to a generation that is being sent, or that
// became a cached one: the caller makes a new generation with
// [Store.StageCopy] and writes there.
var ErrSealed error = remote.E(remote.Busy, "write", "", errors.New("generation is sealed"))

// errCut is the cause when bodies kept ending early.
var errCut = errors.New("body ended early")

// localKinds is what the errors of the local file system mean.
var localKinds = []struct {
	err  error
	kind remote.Kind
}{
	{syscall.ENOSPC, remote.NoSpace},
	{syscall.EDQUOT, remote.NoSpace},
	{syscall.EFBIG, remote.TooLarge},
	{syscall.EOPNOTSUPP, remote.Unsupported},
	{syscall.EINVAL, remote.Invalid},
	{syscall.ENXIO, remote.OutOfRange},
	{os.ErrClosed, remote.Stale},
	{os.ErrNotExist, remote.Stale},
}

// local wraps an error of the local file system; nil and io.EOF stay as they
// are.
func local(op string, err error) error {
	var e *remote.Error
	if err == nil || remote.AtEnd(err) || errors.As(err, &e) {
		return err
	}
	for _, k := range localKinds {
		if errors.Is(err, k.err) {
			return remote.E(k.kind, op, "", err)
		}
	}
	return remote.E(remote.Other, op, "", err)
}

// fetching wraps an error that came from the network side.
func fetching(err error) error {
	var e *remote.Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return remote.E(remote.Canceled, "read", "", err)
	}
	return remote.E(remote.Temporary, "read", "", err)
}

func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
