package fs

import (
	"log/slog"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/frugalfs/frugalfs/cache"
)

// FS answers the kernel's requests from a namespace. It is safe for use by
// many goroutines at once.
type FS struct {
	ns  *cache.Namespace
	log *slog.Logger
	// files and dirs hold what the kernel has open, by handle number.
	files *table[*openFile]
	dirs  *table[*cache.DirHandle]
	// modes says how the kernel uses each open file.
	modes *ioModes
	// inval tells the kernel what to forget.
	inval *invalidator
	// gone is closed when the mount ends by our own hand, so that nobody is
	// waited for any more.
	gone chan struct{}
	// now is the clock behind "set this time to now".
	now func() time.Time
}

var _ fuse.RawFileSystem = (*FS)(nil)

// newFS returns the layer above ns. Nothing is invalidated before Init.
func newFS(ns *cache.Namespace, log *slog.Logger) *FS {
	return &FS{
		ns:    ns,
		log:   log,
		files: newTable[*openFile](),
		dirs:  newTable[*cache.DirHandle](),
		modes: newIOModes(log),
		inval: newInvalidator(locator{ns}, log),
		gone:  make(chan struct{}),
		now:   time.Now,
	}
}

// String names the file system for go-fuse.
func (f *FS) String() string { return typeName }

// SetDebug does nothing: debugging is an option of the mount.
func (f *FS) SetDebug(bool) {}

// Init is called when the kernel has agreed to the mount, before the first
// request: from here on notifications reach somebody.
func (f *FS) Init(server *fuse.Server) {
	f.modes.start(server)
	f.inval.start(server)
	f.ns.SetInvalidator(f.inval)
}

// OnUnmount is called after the last request: there is nobody left to notify,
// and what is still open will never be released by the kernel.
func (f *FS) OnUnmount() {
	f.inval.stop()
	for _, h := range f.files.drain() {
		f.modes.release(h)
	}
	for _, d := range f.dirs.drain() {
		d.Close()
	}
}

// Forget has nothing to do: the kernel's references are not counted.
func (f *FS) Forget(nodeid, nlookup uint64) {}
