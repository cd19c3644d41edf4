package fs

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// Access is left to the kernel, which checks modes and owners by itself
// (default_permissions) and asks no more after this answer.
func (f *FS) Access(cancel <-chan struct{}, input *fuse.AccessIn) fuse.Status {
	return fuse.ENOSYS
}

// Statx is left to GetAttr: the one thing it could add, a birth time, no
// provider tells. The kernel asks no more after this answer.
func (f *FS) Statx(cancel <-chan struct{}, input *fuse.StatxIn, out *fuse.StatxOut) fuse.Status {
	return fuse.ENOSYS
}

// Link refuses hard links, as vfat does: no provider has them.
func (f *FS) Link(cancel <-chan struct{}, input *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	return fuse.EPERM
}

// Ioctl knows no requests.
func (f *FS) Ioctl(cancel <-chan struct{}, input *fuse.IoctlIn, inbuf []byte, output *fuse.IoctlOut, outbuf []byte) fuse.Status {
	return fuse.Status(syscall.ENOTTY)
}

// GetLk is not sent: locks are kept by the kernel, on this machine.
func (f *FS) GetLk(cancel <-chan struct{}, input *fuse.LkIn, out *fuse.LkOut) fuse.Status {
	return fuse.ENOSYS
}

// SetLk is not sent; see GetLk.
func (f *FS) SetLk(cancel <-chan struct{}, input *fuse.LkIn) fuse.Status {
	return fuse.ENOSYS
}

// SetLkw is not sent; see GetLk.
func (f *FS) SetLkw(cancel <-chan struct{}, input *fuse.LkIn) fuse.Status {
	return fuse.ENOSYS
}
