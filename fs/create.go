package fs

import (
	"context"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/frugalfs/frugalfs/cache"
)

// Create makes a file and opens it. The kernel has applied the umask to the
// mode; O_EXCL and O_TRUNC are in the flags.
func (f *FS) Create(cancel <-chan struct{}, input *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	ctx := f.changing(&input.InHeader)
	defer ctx.end()
	a, h, err := f.ns.Create(ctx, input.NodeId, name, input.Mode&01777, input.Flags)
	return f.created(ctx, "create", input, a, h, err, out)
}

// Tmpfile makes and opens a file without a name.
func (f *FS) Tmpfile(cancel <-chan struct{}, input *fuse.CreateIn, out *fuse.CreateOut) fuse.Status {
	ctx := f.changing(&input.InHeader)
	defer ctx.end()
	a, h, err := f.ns.Tmpfile(ctx, input.NodeId, input.Mode&01777, input.Flags)
	return f.created(ctx, "tmpfile", input, a, h, err, out)
}

// created ends a request that made and opened a file.
func (f *FS) created(ctx context.Context, op string, input *fuse.CreateIn, a cache.Attr, h *cache.Handle, err error, out *fuse.CreateOut) fuse.Status {
	if status := f.entry(op, &input.InHeader, a, err, &out.EntryOut); status != fuse.OK {
		return status
	}
	if err := f.opened(ctx, h, a.Ino, input.Flags, &out.OpenOut); err != nil {
		return f.answer(op, a.Ino, err)
	}
	return fuse.OK
}

// Mknod makes an empty file, or a fifo, socket or device that exists on this
// machine only.
func (f *FS) Mknod(cancel <-chan struct{}, input *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	kind, ok := kindOf(input.Mode)
	if !ok || kind == cache.Dir || kind == cache.Symlink {
		return fuse.EINVAL
	}
	ctx := f.changing(&input.InHeader)
	defer ctx.end()
	a, err := f.ns.Mknod(ctx, input.NodeId, name, kind, input.Mode&01777, input.Rdev)
	return f.entry("mknod", &input.InHeader, a, err, out)
}

// Mkdir makes a folder.
func (f *FS) Mkdir(cancel <-chan struct{}, input *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	ctx := f.changing(&input.InHeader)
	defer ctx.end()
	a, err := f.ns.Mkdir(ctx, input.NodeId, name, input.Mode&01777)
	return f.entry("mkdir", &input.InHeader, a, err, out)
}

// Symlink makes a symlink called name that leads to target.
func (f *FS) Symlink(cancel <-chan struct{}, header *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	ctx := f.changing(header)
	defer ctx.end()
	a, err := f.ns.Symlink(ctx, header.NodeId, name, target)
	return f.entry("symlink", header, a, err, out)
}
