package fs

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/frugalfs/frugalfs/cache"
)

// The offsets of the two entries that every folder has. Those of the others
// are their cookies, which are larger.
const (
	afterSelf   = 1
	afterParent = 2
)

// direntBytes is about what one entry takes in a READDIRPLUS reply.
const direntBytes = 176

// OpenDir makes sure that the folder's listing is known. The kernel keeps the
// listing it made of it, across opens, until the folder changes through this
// mount or it is told to forget.
func (f *FS) OpenDir(cancel <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	ctx := f.reading(cancel, &input.InHeader)
	defer ctx.end()
	d, err := f.ns.OpenDir(ctx, input.NodeId)
	if err != nil {
		return f.answer("opendir", input.NodeId, err)
	}
	out.Fh = f.dirs.add(d)
	out.OpenFlags = fuse.FOPEN_CACHE_DIR
	if !f.inval.pending(input.NodeId) { // as in opened
		out.OpenFlags |= fuse.FOPEN_KEEP_CACHE
	}
	return fuse.OK
}

// ReleaseDir closes what OpenDir opened.
func (f *FS) ReleaseDir(input *fuse.ReleaseIn) {
	if d, ok := f.dirs.remove(input.Fh); ok {
		d.Close()
	}
}

// FsyncDir makes a folder's entries durable on this machine.
func (f *FS) FsyncDir(cancel <-chan struct{}, input *fuse.FsyncIn) fuse.Status {
	ctx := f.reading(cancel, &input.InHeader)
	defer ctx.end()
	return f.answer("fsyncdir", input.NodeId, f.ns.SyncDir(ctx, input.NodeId))
}

// ReadDir lists names.
func (f *FS) ReadDir(cancel <-chan struct{}, input *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return f.readDir(cancel, input, func(e *fuse.DirEntry, _ *cache.Attr) bool {
		return out.AddDirEntry(*e)
	})
}

// ReadDirPlus lists names with their attributes. "." and ".." go without: an
// entry without a node is not looked up by it.
func (f *FS) ReadDirPlus(cancel <-chan struct{}, input *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return f.readDir(cancel, input, func(e *fuse.DirEntry, a *cache.Attr) bool {
		entry := out.AddDirLookupEntry(*e)
		if entry != nil && a != nil {
			f.fillEntry(entry, a)
		}
		return entry != nil
	})
}

// readDir hands the entries after input.Offset to add until it says that no
// more fit. An error after the first of them is left to the next request.
func (f *FS) readDir(cancel <-chan struct{}, input *fuse.ReadIn, add func(*fuse.DirEntry, *cache.Attr) bool) fuse.Status {
	d, ok := f.dirs.get(input.Fh)
	if !ok {
		return fuse.EBADF
	}
	ctx := f.reading(cancel, &input.InHeader)
	defer ctx.end()
	cookie, some, full := input.Offset, input.Offset < afterParent, false
	if cookie <= afterParent {
		cookie, full = 0, !addDots(input, d, add)
	}
	for !full {
		entries, err := d.Next(ctx, cookie, int(input.Size)/direntBytes+1)
		if err != nil && !some {
			return f.answer("readdir", input.NodeId, err)
		}
		if len(entries) == 0 {
			break
		}
		cookie, full = addAll(entries, cookie, add)
		some = true
	}
	return fuse.OK
}

// addDots adds those of "." and ".." that come after input.Offset.
func addDots(input *fuse.ReadIn, d *cache.DirHandle, add func(*fuse.DirEntry, *cache.Attr) bool) bool {
	self := fuse.DirEntry{Name: ".", Ino: input.NodeId, Off: afterSelf, Mode: syscall.S_IFDIR}
	if input.Offset < afterSelf && !add(&self, nil) {
		return false
	}
	parent := fuse.DirEntry{Name: "..", Ino: d.Parent(), Off: afterParent, Mode: syscall.S_IFDIR}
	return input.Offset >= afterParent || add(&parent, nil)
}

// addAll adds entries until one does not fit, and returns the cookie of the
// last that did.
func addAll(entries []cache.Entry, cookie uint64, add func(*fuse.DirEntry, *cache.Attr) bool) (last uint64, full bool) {
	for i := range entries {
		e := &entries[i]
		if !add(&fuse.DirEntry{Name: e.Name, Ino: e.Ino, Off: e.Cookie, Mode: types[e.Kind]}, &e.Attr) {
			return cookie, true
		}
		cookie = e.Cookie
	}
	return cookie, false
}
