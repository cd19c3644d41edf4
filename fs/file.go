package fs

import (
	"context"
	"math"
	"os"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/hanwen/go-fuse/v2/splice"
	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
)

// Open opens a file. One that is truncated by it is changed by it, so that
// such an open is not given up half-way.
func (f *FS) Open(cancel <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	if input.Flags&syscall.O_TRUNC != 0 {
		cancel = nil
	}
	ctx := f.reading(cancel, &input.InHeader)
	defer ctx.end()
	h, err := f.ns.Open(ctx, input.NodeId, input.Flags)
	if err != nil {
		return f.answer("open", input.NodeId, err)
	}
	if err := f.opened(ctx, h, input.NodeId, input.Flags, out); err != nil {
		return f.answer("open", input.NodeId, err)
	}
	return fuse.OK
}

// opened gives h a number, and tells the kernel what it need not do: drop
// pages that are still right, and flush what could not be written to. Pages
// are not right if opening found that the file changed, and the word that
// tells the kernel so is still on its way.
func (f *FS) opened(ctx context.Context, h *cache.Handle, ino uint64, flags uint32, out *fuse.OpenOut) error {
	file, id := f.modes.enter(h, ino, flags)
	if file.through && flags&syscall.O_ACCMODE == syscall.O_RDWR {
		if err := h.Announce(ctx); err != nil {
			f.modes.release(file)
			return err
		}
	}
	out.Fh = f.files.add(file)
	if file.through {
		out.OpenFlags, out.BackingID = fuse.FOPEN_PASSTHROUGH, id
	}
	switch {
	case file.mode == ioThrough:
	case file.mode == ioDirect:
		out.OpenFlags |= fuse.FOPEN_DIRECT_IO
	case h.KeepCache() && !f.inval.pending(ino):
		out.OpenFlags = fuse.FOPEN_KEEP_CACHE
	}
	if unflushed(flags, h.Awaits()) {
		out.OpenFlags |= fuse.FOPEN_NOFLUSH
	}
	return nil
}

// unflushed tells whether a handle may be closed without a FLUSH, which whoever
// closes it waits for. One that awaits the provider may not, and neither may one
// whose mapping may have been stored to: the kernel keeps those stores until then.
func unflushed(flags uint32, awaits bool) bool {
	switch flags & syscall.O_ACCMODE {
	case syscall.O_RDONLY:
		return true
	case syscall.O_WRONLY: // cannot be mapped
		return !awaits
	}
	return false
}

// Release closes an open file. The kernel asks for it once, after the last
// request that uses the handle, and nobody hears the answer.
func (f *FS) Release(cancel <-chan struct{}, input *fuse.ReleaseIn) {
	if h, ok := f.files.remove(input.Fh); ok {
		f.modes.release(h)
	}
}

// Read reads from an open file. A reply that is shorter than what was asked
// for means the end of the file to the kernel, which fills the page with
// zeros; so a read that failed on its way is an error, whatever it got.
func (f *FS) Read(cancel <-chan struct{}, input *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	h, ok := f.files.get(input.Fh)
	if !ok {
		return nil, fuse.EBADF
	}
	if len(buf) >= spliceMin && len(buf) <= spliceMax {
		// The descriptor is good until Release, which comes after the reply.
		if fd, size, ok := h.ReadFd(int64(input.Offset), len(buf)); ok {
			return fuse.ReadResultFd(fd, int64(input.Offset), size), fuse.OK
		}
	}
	ctx := f.reading(cancel, &input.InHeader)
	defer ctx.end()
	n, err := h.ReadAt(ctx, buf, int64(input.Offset))
	if err != nil && !remote.AtEnd(err) {
		return nil, f.answer("read", input.NodeId, err)
	}
	return fuse.ReadResultData(buf[:n]), fuse.OK
}

// Write writes to an open file; go-fuse calls Writev instead.
func (f *FS) Write(cancel <-chan struct{}, input *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	return f.Writev(cancel, input, [][]byte{data})
}

// Writev writes pieces that follow each other to an open file. What was
// written before an error counts: the program writes the rest again and gets
// the error then.
func (f *FS) Writev(cancel <-chan struct{}, input *fuse.WriteIn, data [][]byte) (written uint32, code fuse.Status) {
	h, ok := f.files.get(input.Fh)
	if !ok {
		return 0, fuse.EBADF
	}
	ctx := f.changing(&input.InHeader)
	defer ctx.end()
	for _, piece := range data {
		n, err := h.WriteAt(ctx, piece, int64(input.Offset)+int64(written))
		written += uint32(n)
		if err != nil && written == 0 {
			return 0, f.answer("write", input.NodeId, err)
		}
		if err != nil {
			break
		}
	}
	return written, fuse.OK
}

// Flush is sent at each close of a file that can be written to.
func (f *FS) Flush(cancel <-chan struct{}, input *fuse.FlushIn) fuse.Status {
	h, ok := f.files.get(input.Fh)
	if !ok {
		return fuse.EBADF
	}
	ctx := f.reading(cancel, &input.InHeader)
	defer ctx.end()
	return f.answer("flush", input.NodeId, h.Flush(ctx))
}

// Fsync makes a file's content durable.
func (f *FS) Fsync(cancel <-chan struct{}, input *fuse.FsyncIn) fuse.Status {
	h, ok := f.files.get(input.Fh)
	if !ok {
		return fuse.EBADF
	}
	ctx := f.reading(cancel, &input.InHeader)
	defer ctx.end()
	return f.answer("fsync", input.NodeId, h.Fsync(ctx))
}

// Fallocate reserves space, punches holes or zeroes ranges.
func (f *FS) Fallocate(cancel <-chan struct{}, input *fuse.FallocateIn) fuse.Status {
	h, ok := f.files.get(input.Fh)
	if !ok {
		return fuse.EBADF
	}
	ctx := f.changing(&input.InHeader)
	defer ctx.end()
	err := h.Fallocate(ctx, input.Mode, int64(input.Offset), int64(input.Length))
	return f.answer("fallocate", input.NodeId, err)
}

// Lseek finds the next data or hole; the kernel does the rest of lseek itself.
func (f *FS) Lseek(cancel <-chan struct{}, in *fuse.LseekIn, out *fuse.LseekOut) fuse.Status {
	h, ok := f.files.get(in.Fh)
	if !ok {
		return fuse.EBADF
	}
	if in.Whence != unix.SEEK_DATA && in.Whence != unix.SEEK_HOLE {
		return fuse.EINVAL
	}
	ctx := f.reading(cancel, &in.InHeader)
	defer ctx.end()
	off, err := h.Seek(ctx, int64(in.Offset), in.Whence)
	out.Offset = uint64(off)
	return f.answer("lseek", in.NodeId, err)
}

// Reads of these lengths are moved from a file on disk to the kernel through
// a pipe, without a copy in this process. A shorter one does not earn back the
// four system calls of the pipe; a longer one does not fit it.
const spliceMin = 32 << 10

var spliceMax = splice.MaxPipeSize() - 2*os.Getpagesize()

// maxCopied is the largest answer to COPY_FILE_RANGE, in whole pages. The
// kernel asks for no more in this form (it tries a form with 64-bit lengths
// once, which go-fuse refuses).
var maxCopied = int64(math.MaxUint32) &^ int64(os.Getpagesize()-1)

// CopyFileRange copies between two open files.
func (f *FS) CopyFileRange(cancel <-chan struct{}, input *fuse.CopyFileRangeIn) (uint32, fuse.Status) {
	src, ok := f.files.get(input.FhIn)
	dst, ok2 := f.files.get(input.FhOut)
	if !ok || !ok2 {
		return 0, fuse.EBADF
	}
	ctx := f.changing(&input.InHeader)
	defer ctx.end()
	length := int64(min(input.Len, uint64(maxCopied)))
	n, err := f.ns.CopyRange(ctx, src.Handle, int64(input.OffIn), dst.Handle, int64(input.OffOut), length)
	if err != nil && n == 0 {
		return 0, f.answer("copy_file_range", input.NodeId, err)
	}
	return uint32(n), fuse.OK
}
