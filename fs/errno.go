package fs

import (
	"context"
	"errors"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/frugalfs/frugalfs/remote"
)

// errnos is what programs see of each kind of error. The text behind a number
// is all that a desktop program shows, so it is chosen for what it reads as:
//
//   - no network is ENETUNREACH ("Network is unreachable"), while trouble that
//     may pass is EIO: EAGAIN would make programs spin on it;
//   - a spent transaction budget is EDQUOT ("Disk quota exceeded"), a full
//     account ENOSPC, like a full disk;
//   - a change that came in between is EBUSY rather than ESTALE, because the
//     kernel silently walks the path again after ESTALE.
var errnos = map[remote.Kind]syscall.Errno{
	remote.Other:        syscall.EIO,
	remote.NotExist:     syscall.ENOENT,
	remote.Exist:        syscall.EEXIST,
	remote.NotDir:       syscall.ENOTDIR,
	remote.IsDir:        syscall.EISDIR,
	remote.NotEmpty:     syscall.ENOTEMPTY,
	remote.Permission:   syscall.EACCES,
	remote.NotPermitted: syscall.EPERM,
	remote.Auth:         syscall.EACCES,
	remote.StorageFull:  syscall.ENOSPC,
	remote.NoSpace:      syscall.ENOSPC,
	remote.Budget:       syscall.EDQUOT,
	remote.TooLarge:     syscall.EFBIG,
	remote.NameTooLong:  syscall.ENAMETOOLONG,
	remote.InvalidName:  syscall.EINVAL,
	remote.Invalid:      syscall.EINVAL,
	remote.Conflict:     syscall.EBUSY,
	remote.Temporary:    syscall.EIO,
	remote.Offline:      syscall.ENETUNREACH,
	remote.Unsupported:  syscall.EOPNOTSUPP,
	remote.ReadOnly:     syscall.EROFS,
	remote.Corrupt:      syscall.EIO,
	remote.NoAttr:       syscall.ENODATA,
	remote.OutOfRange:   syscall.ENXIO,
	remote.Stale:        syscall.ESTALE,
	remote.Busy:         syscall.EBUSY,
	remote.Canceled:     syscall.EINTR,
	remote.CrossDevice:  syscall.EXDEV,
}

// errno returns what to answer for err: OK for nil, EIO for whatever is not in
// the table.
func errno(err error) fuse.Status {
	if err == nil {
		return fuse.OK
	}
	kind := remote.KindOf(err)
	if kind == remote.Canceled && errors.Is(err, context.DeadlineExceeded) {
		// Nobody interrupted the caller: it would only try again at once.
		kind = remote.Temporary
	}
	if no, ok := errnos[kind]; ok {
		return fuse.Status(no)
	}
	return fuse.EIO
}

// answer is errno for a request about ino, and logs what somebody will have
// to look into: errors that nobody foresaw, and damaged data.
func (f *FS) answer(op string, ino uint64, err error) fuse.Status {
	if err == nil {
		return fuse.OK
	}
	status := errno(err)
	if kind := remote.KindOf(err); status == fuse.EIO && (kind == remote.Other || kind == remote.Corrupt) {
		f.log.Warn("request failed", "op", op, "ino", ino, "err", err)
	}
	return status
}
