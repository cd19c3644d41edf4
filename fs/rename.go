package fs

import (
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/frugalfs/frugalfs/cache"
)

// Unlink removes a name that is not a folder's.
func (f *FS) Unlink(cancel <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	ctx := f.changing(header)
	defer ctx.end()
	return f.answer("unlink", header.NodeId, f.ns.Unlink(ctx, header.NodeId, name))
}

// Rmdir removes an empty folder.
func (f *FS) Rmdir(cancel <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	ctx := f.changing(header)
	defer ctx.end()
	return f.answer("rmdir", header.NodeId, f.ns.Rmdir(ctx, header.NodeId, name))
}

// Rename gives a node another name or folder. RENAME_WHITEOUT, and whatever
// the kernel may think of next, is refused as renameat2(2) says.
func (f *FS) Rename(cancel <-chan struct{}, input *fuse.RenameIn, oldName, newName string) fuse.Status {
	switch input.Flags {
	case 0, cache.RenameNoReplace, cache.RenameExchange:
	default:
		return fuse.EINVAL
	}
	ctx := f.changing(&input.InHeader)
	defer ctx.end()
	err := f.ns.Rename(ctx, input.NodeId, oldName, input.Newdir, newName, input.Flags)
	return f.answer("rename", input.NodeId, err)
}
