package fs

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/frugalfs/frugalfs/cache"
)

// backer registers files that the kernel may read by itself; go-fuse's server
// is one.
type backer interface {
	RegisterBackingFd(*fuse.BackingMap) (int32, syscall.Errno)
	UnregisterBackingFd(int32) syscall.Errno
}

// ioMode is how the kernel uses the content of an open file.
type ioMode uint8

const (
	// ioCached keeps pages, and reads what they lack from us.
	ioCached ioMode = iota
	// ioThrough reads the file on our disk without asking (passthrough).
	ioThrough
	// ioDirect asks for every read and write, and keeps no pages. Such a handle
	// can be beside those of either other mode; beside passthrough its mappings
	// are those of the file on our disk.
	ioDirect
)

// ioModes decides how each open file is used. The kernel does not mix cached
// and passthrough handles of one node, and wants one file on disk for all of
// the latter; so the first handle decides for as long as one of its kind is
// open. A file that is open in passthrough is read so, or directly.
type ioModes struct {
	log *slog.Logger
	// kernel is nil where passthrough is not possible; set before the first
	// request.
	kernel backer
	// mapsDirect tells whether the kernel can map direct handles; set before
	// the first request.
	mapsDirect bool
	// off is set once the kernel refused to register a file.
	off atomic.Bool
	// opens counts the handles that were opened in passthrough.
	opens atomic.Uint64
	parts [shards]ioShard
}

type ioShard struct {
	// mu guards files. It is taken before the namespace's locks.
	mu    sync.Mutex
	files map[uint64]*ioFile
}

// ioFile is one open file.
type ioFile struct {
	cached, through int
	// id is what the kernel calls the file on disk that it reads, while through
	// is not 0.
	id int32
}

// openFile is an open handle and how the kernel uses it.
type openFile struct {
	*cache.Handle
	ino  uint64
	mode ioMode
	// cached and through tell which of the node's counts it is in.
	cached, through bool
}

func newIOModes(log *slog.Logger) *ioModes {
	m := &ioModes{log: log}
	for i := range m.parts {
		m.parts[i].files = map[uint64]*ioFile{}
	}
	return m
}

// start begins to use passthrough if the kernel has it and this process may.
func (m *ioModes) start(server *fuse.Server) {
	m.mapsDirect = server.KernelSettings().Flags64()&fuse.CAP_DIRECT_IO_ALLOW_MMAP != 0
	if server.KernelSettings().Flags64()&fuse.CAP_PASSTHROUGH != 0 && direct() {
		m.kernel = server
	}
}

// enter decides about a handle that was just opened. id is the number of the file
// on disk that the kernel reads for the node, 0 if there is none: then it must
// be told for every handle, also for those that ask us for everything.
func (m *ioModes) enter(h *cache.Handle, ino uint64, flags uint32) (f *openFile, id int32) {
	f = &openFile{Handle: h, ino: ino}
	p := &m.parts[ino%shards]
	p.mu.Lock()
	defer p.mu.Unlock()
	file := p.files[ino]
	if file == nil {
		file = &ioFile{}
	}
	m.choose(file, f, flags)
	switch {
	case f.cached:
		file.cached++
	case f.through:
		file.through++
		id = file.id
	default:
		return f, 0
	}
	p.files[ino] = file
	return f, id
}

// choose decides for one more handle of a file; the caller holds its shard.
func (m *ioModes) choose(file *ioFile, f *openFile, flags uint32) {
	switch {
	case file.through > 0:
		f.through = true
		if f.mode = ioDirect; m.wanted(flags) {
			if _, ok := f.Lend(); ok { // the same file, or it would not be lent
				f.mode = ioThrough
				m.opens.Add(1)
			}
		}
		f.Join()
	case m.produces(flags):
		// One that can be mapped must not meet passthrough.
		f.mode, f.cached = ioDirect, flags&syscall.O_ACCMODE == syscall.O_RDWR
	case file.cached == 0 && m.wanted(flags) && m.lend(file, f):
		f.mode, f.through = ioThrough, true
		m.opens.Add(1)
	default:
		f.mode, f.cached = ioCached, true
	}
}

// lend begins passthrough for a file, if it can be had.
func (m *ioModes) lend(file *ioFile, f *openFile) bool {
	fd, ok := f.Lend()
	if ok && m.register(file, fd) {
		return true
	}
	f.Return()
	return false
}

// produces tells whether a handle only writes, or writes a file from its
// beginning. The pages of such a file would be kept twice, by the mount and by
// the disk below it, and a write would wait for both copies.
func (m *ioModes) produces(flags uint32) bool {
	switch flags & syscall.O_ACCMODE {
	case syscall.O_WRONLY:
		return true
	case syscall.O_RDWR:
		return flags&syscall.O_TRUNC != 0 && m.mapsDirect
	}
	return false
}

// wanted tells whether a handle should be in passthrough. One that can write is
// not: a store through a shared mapping, which may outlive the handle, would
// reach the file without a word to us.
func (m *ioModes) wanted(flags uint32) bool {
	return m.kernel != nil && !m.off.Load() && flags&(syscall.O_ACCMODE|syscall.O_TRUNC) == syscall.O_RDONLY
}

// register tells the kernel about a file on disk. The first refusal is the last
// one: it is about rights or the file system, which do not change.
func (m *ioModes) register(file *ioFile, fd uintptr) bool {
	number, errno := m.kernel.RegisterBackingFd(&fuse.BackingMap{Fd: int32(fd)})
	if errno != 0 {
		if !m.off.Swap(true) {
			m.log.Info("files are read through this process: the kernel does not take them over", "err", errno)
		}
		return false
	}
	file.id = number
	return true
}

// leave ends what enter began. The kernel sends RELEASE after it stopped to use
// the handle, so that nothing is taken from it too early.
func (m *ioModes) leave(f *openFile) {
	if !f.cached && !f.through {
		return
	}
	p := &m.parts[f.ino%shards]
	p.mu.Lock()
	defer p.mu.Unlock()
	file := p.files[f.ino]
	if f.cached {
		file.cached--
	} else {
		file.through--
		f.Return()
		if file.through == 0 {
			_ = m.kernel.UnregisterBackingFd(file.id) // a number that it gave is good
		}
	}
	if file.cached+file.through == 0 {
		delete(p.files, f.ino)
	}
}

// release gives an open file up.
func (m *ioModes) release(f *openFile) {
	m.leave(f)
	f.Release()
}
