package fs

import (
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/frugalfs/frugalfs/cache"
)

// blockSize is the size that programs are told to read and write in. Each
// write is one request, since the kernel does not collect them for us; so
// stdio and its like should buffer more than a page.
const blockSize = 128 << 10

// types maps kinds of nodes to the type bits of a mode.
var types = map[cache.Kind]uint32{
	cache.File:        syscall.S_IFREG,
	cache.Dir:         syscall.S_IFDIR,
	cache.Symlink:     syscall.S_IFLNK,
	cache.Fifo:        syscall.S_IFIFO,
	cache.Socket:      syscall.S_IFSOCK,
	cache.CharDevice:  syscall.S_IFCHR,
	cache.BlockDevice: syscall.S_IFBLK,
}

// kindOf is the reverse of types.
func kindOf(mode uint32) (cache.Kind, bool) {
	for kind, bits := range types {
		if mode&syscall.S_IFMT == bits {
			return kind, true
		}
	}
	return 0, false
}

// fill writes a into out.
func fill(out *fuse.Attr, a *cache.Attr) {
	out.Ino = a.Ino
	out.Size = uint64(a.Size)
	out.Blocks = uint64(a.Blocks)
	out.Atime, out.Atimensec = split(a.Atime)
	out.Mtime, out.Mtimensec = split(a.Mtime)
	out.Ctime, out.Ctimensec = split(a.Ctime)
	out.Mode = types[a.Kind] | a.Mode&01777
	out.Nlink = a.Nlink
	out.Uid, out.Gid = a.UID, a.GID
	out.Rdev = a.Rdev
	out.Blksize = blockSize
}

// split takes nanoseconds since 1970 apart. Seconds before 1970 are the
// two's complement of their number, as the kernel wants them.
func split(ns int64) (sec uint64, nsec uint32) {
	t := time.Unix(0, ns)
	return uint64(t.Unix()), uint32(t.Nanosecond())
}

// join is the reverse of split.
func join(sec uint64, nsec uint32) int64 {
	return time.Unix(int64(sec), int64(nsec)).UnixNano()
}

// fillAttr writes a reply that holds attributes, and how long they hold.
func (f *FS) fillAttr(out *fuse.AttrOut, a *cache.Attr) {
	fill(&out.Attr, a)
	out.SetTimeout(f.ns.Timeout())
}

// fillEntry writes a reply that holds a name's node, and how long it holds.
// The generation stays 0: numbers are never used for another node.
func (f *FS) fillEntry(out *fuse.EntryOut, a *cache.Attr) {
	out.NodeId = a.Ino
	fill(&out.Attr, a)
	timeout := f.ns.Timeout()
	if !a.Alias {
		out.SetEntryTimeout(timeout)
	}
	out.SetAttrTimeout(timeout)
}

// GetAttr answers stat and fstat.
func (f *FS) GetAttr(cancel <-chan struct{}, input *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	ctx := f.reading(cancel, &input.InHeader)
	defer ctx.end()
	a, err := f.getAttr(ctx, input)
	if err != nil {
		return f.answer("getattr", input.NodeId, err)
	}
	f.fillAttr(out, &a)
	return fuse.OK
}

func (f *FS) getAttr(ctx *request, input *fuse.GetAttrIn) (cache.Attr, error) {
	if input.Flags()&fuse.FUSE_GETATTR_FH != 0 {
		if h, ok := f.files.get(input.Fh()); ok {
			return h.Attr(ctx)
		}
	}
	return f.ns.Getattr(ctx, input.NodeId)
}

// SetAttr answers chmod, chown, truncate and utimens. The requests to clear
// set-id bits that come with HANDLE_KILLPRIV_V2 need no answer: there are none
// to clear.
func (f *FS) SetAttr(cancel <-chan struct{}, input *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	ctx := f.changing(&input.InHeader)
	defer ctx.end()
	set, status := f.changes(input)
	if status != fuse.OK {
		return status
	}
	a, err := f.ns.Setattr(ctx, input.NodeId, set)
	if err != nil {
		return f.answer("setattr", input.NodeId, err)
	}
	f.fillAttr(out, &a)
	return fuse.OK
}

// changes reads what a SETATTR request asks for.
func (f *FS) changes(input *fuse.SetAttrIn) (set cache.Set, status fuse.Status) {
	if mode, ok := input.GetMode(); ok {
		mode &= 01777
		set.Mode = &mode
	}
	if uid, ok := input.GetUID(); ok {
		set.UID = &uid
	}
	if gid, ok := input.GetGID(); ok {
		set.GID = &gid
	}
	if n, ok := input.GetSize(); ok {
		size := int64(n)
		if size < 0 {
			return set, fuse.Status(syscall.EFBIG)
		}
		set.Size = &size
	}
	if fh, ok := input.GetFh(); ok {
		if h, ok := f.files.get(fh); ok {
			set.File = h.Handle
		}
	}
	set.Atime = f.stamp(input.Valid, fuse.FATTR_ATIME, fuse.FATTR_ATIME_NOW, input.Atime, input.Atimensec)
	set.Mtime = f.stamp(input.Valid, fuse.FATTR_MTIME, fuse.FATTR_MTIME_NOW, input.Mtime, input.Mtimensec)
	return set, fuse.OK
}

// stamp returns one time of a SETATTR request: nil if the bit given is not in
// valid, the present if the bit present is.
func (f *FS) stamp(valid, given, present uint32, sec uint64, nsec uint32) *int64 {
	if valid&given == 0 {
		return nil
	}
	ns := join(sec, nsec)
	if valid&present != 0 {
		ns = f.now().UnixNano()
	}
	return &ns
}

// StatFs answers df. Files that are free are told as plenty: providers limit
// bytes, not files.
func (f *FS) StatFs(cancel <-chan struct{}, input *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	ctx := f.reading(cancel, input)
	defer ctx.end()
	s, err := f.ns.Statfs(ctx)
	if err != nil {
		return f.answer("statfs", input.NodeId, err)
	}
	const unit = 4096
	*out = fuse.StatfsOut{
		Blocks: uint64(s.Total) / unit, Bfree: uint64(s.Free) / unit, Bavail: uint64(s.Free) / unit,
		Files: uint64(s.Files) + manyFiles, Ffree: manyFiles,
		Bsize: unit, Frsize: unit, NameLen: s.MaxName,
	}
	return fuse.OK
}

// manyFiles is the number of files that df -i shows as free.
const manyFiles = 1 << 30
