package fs

import (
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
)

// Lookup finds a name in a folder. That a name does not exist is an answer
// like any other: node 0, and how long that holds. ENOENT would be asked
// again every time.
func (f *FS) Lookup(cancel <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	ctx := f.reading(cancel, header)
	defer ctx.end()
	a, err := f.ns.Lookup(ctx, header.NodeId, name)
	if remote.IsKind(err, remote.NotExist) {
		if !f.ns.FoldsNames() { // else it may come to be under another name
			out.SetEntryTimeout(f.ns.Timeout())
		}
		return fuse.OK
	}
	return f.entry("lookup", header, a, err, out)
}

// Readlink returns a symlink's target.
func (f *FS) Readlink(cancel <-chan struct{}, header *fuse.InHeader) ([]byte, fuse.Status) {
	ctx := f.reading(cancel, header)
	defer ctx.end()
	target, err := f.ns.Readlink(ctx, header.NodeId)
	return []byte(target), f.answer("readlink", header.NodeId, err)
}

// entry ends a request that returns a name's node.
func (f *FS) entry(op string, header *fuse.InHeader, a cache.Attr, err error, out *fuse.EntryOut) fuse.Status {
	if err != nil {
		return f.answer(op, header.NodeId, err)
	}
	f.fillEntry(out, &a)
	return fuse.OK
}
