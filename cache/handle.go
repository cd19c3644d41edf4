package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache/content"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// sizeUnknown stands in a node's row for the size of a file that is open for
// writing: the staged file knows it, also after a crash.
const sizeUnknown = -1

// inode is a file that somebody has open.
type inode struct {
	ns  *Namespace
	ino uint64

	// mu guards the fields below. It is taken before the database's lock.
	mu sync.RWMutex
	// staged is the content written here, nil while the provider's is shown.
	staged *content.Staged
	// epoch grows whenever readers must look for their content anew.
	epoch int
	// retired are staged contents that somebody may still be reading.
	retired []*content.Staged
	// kept is the content of an object that is about to be deleted or
	// overwritten at the provider, nil if there is none.
	kept *content.File

	// Guarded by Namespace.openMu.
	handles, writers int
}

// Handle is an open file.
type Handle struct {
	ns    *Namespace
	in    *inode
	write bool
	sync  bool
	keep  bool

	// mu guards file, the provider's content, and epoch, the inode's when it
	// was opened.
	mu    sync.Mutex
	file  *content.File
	epoch int
	old   []*content.File
}

// acquire returns the inode of a file and counts one more user.
func (ns *Namespace) acquire(ino uint64, writer bool) *inode {
	ns.openMu.Lock()
	defer ns.openMu.Unlock()
	in := ns.open[ino]
	if in == nil {
		in = &inode{ns: ns, ino: ino}
		ns.open[ino] = in
	}
	in.handles++
	if writer {
		in.writers++
	}
	return in
}

// openInode returns the inode of a file that somebody has open, nil otherwise.
func (ns *Namespace) openInode(ino uint64) *inode {
	ns.openMu.RLock()
	defer ns.openMu.RUnlock()
	return ns.open[ino]
}

func (ns *Namespace) isOpen(ino uint64) bool { return ns.openInode(ino) != nil }

// isWritten tells whether somebody has a file open for writing.
func (ns *Namespace) isWritten(ino uint64) bool {
	ns.openMu.RLock()
	defer ns.openMu.RUnlock()
	in := ns.open[ino]
	return in != nil && in.writers > 0
}

// release counts one user less. The last writer's size and time go into the
// node's row, and with the last user goes what was only kept for them.
func (in *inode) release(writer bool) {
	ns := in.ns
	ns.openMu.Lock()
	lastWriter := writer && in.writers == 1
	ns.openMu.Unlock()
	if lastWriter {
		in.settle()
	}
	ns.openMu.Lock()
	in.handles--
	if writer {
		in.writers--
	}
	last := in.handles == 0
	if last {
		delete(ns.open, in.ino)
	}
	ns.openMu.Unlock()
	if last {
		in.close()
	}
	ns.exec.Wake()
}

// settle records what the staged file knows: the commit may wait, as after a
// crash the staged file is asked again.
func (in *inode) settle() {
	in.mu.RLock()
	defer in.mu.RUnlock()
	if in.staged == nil {
		return
	}
	size, mtime := in.staged.Size(), in.staged.ModTime().UnixNano()
	gen := in.staged.Gen()
	err := in.ns.db.UpdateLazily(func(tx *store.Tx) error {
		t := txn{tx, in.ns}
		n, err := t.get(in.ino)
		if err != nil || n == nil || n.Gen != gen || (n.Size == size && n.Mtime == mtime) {
			return err
		}
		c := *n
		c.Size, c.Mtime = size, mtime
		if n.Dirty != nil {
			d := *n.Dirty
			d.Changed = in.ns.now()
			c.Dirty = &d
		}
		return t.put(&c)
	})
	if err != nil {
		in.ns.log.Error("recording the size of a written file", "err", err)
	}
}

// close closes the contents of a file that nobody has open any more.
func (in *inode) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, st := range append(in.retired, in.staged) {
		if st != nil {
			_ = st.Close()
		}
	}
	if in.kept != nil {
		_ = in.kept.Close()
	}
	in.staged, in.retired, in.kept = nil, nil, nil
	err := in.ns.db.UpdateLazily(func(tx *store.Tx) error {
		t := txn{tx, in.ns}
		n, err := t.get(in.ino)
		if err != nil || n == nil || n.Exists {
			return err
		}
		return t.forgetDeleted(n)
	})
	if err != nil {
		in.ns.log.Error("forgetting a deleted file", "err", err)
	}
}

// forgetDeleted drops what is left of a deleted node that nobody has open.
func (t txn) forgetDeleted(n *store.Node) error {
	if t.ns.isOpen(n.Ino) || t.ns.inflight[n.Ino] > 0 {
		return nil
	}
	if !n.Remote.Exists {
		return t.linger(n)
	}
	t.ns.unused(n.Gen)
	if n.Gen == 0 {
		return nil
	}
	c := *n
	c.Gen = 0
	return t.put(&c)
}

// Create makes a file and opens it. A name that is taken is an error of kind
// Exist with O_EXCL, and otherwise opened.
func (ns *Namespace) Create(ctx context.Context, parent uint64, name string, mode, flags uint32) (Attr, *Handle, error) {
	if err := ns.prepare(ctx, "create", parent, name); err != nil {
		return Attr{}, nil, err
	}
	n, err := ns.childOf(parent, name)
	switch {
	case err != nil:
		return Attr{}, nil, err
	case n != nil && flags&unix.O_EXCL != 0:
		return Attr{}, nil, remote.E(remote.Exist, "create", name, nil)
	case n != nil:
		h, err := ns.Open(ctx, n.Ino, flags)
		if err != nil {
			return Attr{}, nil, err
		}
		a, err := h.Attr(ctx)
		return a, h, err
	}
	return ns.createNew(ctx, parent, name, mode, flags, true)
}

// Tmpfile makes a file that is in no folder, and opens it.
func (ns *Namespace) Tmpfile(ctx context.Context, parent uint64, mode, flags uint32) (Attr, *Handle, error) {
	if err := ns.writable("create", ""); err != nil {
		return Attr{}, nil, err
	}
	return ns.createNew(ctx, parent, ".tmpfile", mode, flags, false)
}

// createNew makes the node and its staged file together, so that the first
// write commits nothing.
func (ns *Namespace) createNew(ctx context.Context, parent uint64, name string, mode, flags uint32, shown bool) (Attr, *Handle, error) {
	var n *store.Node
	var ino uint64
	err := ns.update(func(t txn) (err error) {
		ino, err = t.newIno()
		return err
	})
	if err != nil {
		return Attr{}, nil, err
	}
	st, err := ns.content.Stage(ino, ns.pathOf(parent)+"/"+name)
	if err != nil {
		return Attr{}, nil, err
	}
	in := ns.acquire(ino, true)
	in.staged = st
	err = ns.update(func(t txn) error {
		if n, err = t.newFile(ctx, ino, st.Gen(), parent, name, mode, shown); err != nil {
			return err
		}
		if err := t.put(n); err != nil || !shown {
			return err
		}
		return t.stampParent(parent)
	})
	if err != nil {
		in.abandon(st.Gen())
		return Attr{}, nil, err
	}
	h := &Handle{ns: ns, in: in, write: true, sync: flags&(unix.O_SYNC|unix.O_DSYNC) != 0}
	return ns.attr(n), h, nil
}

// abandon undoes acquire and Stage for a file that could not be made.
func (in *inode) abandon(gen uint64) {
	in.release(true)
	in.ns.unused(gen)
}

func (t txn) newFile(ctx context.Context, ino, gen, parent uint64, name string, mode uint32, shown bool) (*store.Node, error) {
	if !shown {
		now, c := t.ns.now(), callerOf(ctx)
		return &store.Node{
			Ino: ino, Place: store.Place{Parent: parent, Name: name}, Mode: mode & permissionBits, UID: c.UID, GID: c.GID,
			Mtime: now, Ctime: now, Gen: gen, Size: sizeUnknown,
		}, nil
	}
	n, err := t.newNode(ctx, parent, name, File, mode)
	if err != nil {
		return nil, err
	}
	c := *n
	c.Ino, c.Gen, c.Size = ino, gen, sizeUnknown
	return &c, nil
}

// pathOf is a node's path in the mount.
func (ns *Namespace) pathOf(ino uint64) (path string) {
	_ = ns.view(func(t txn) error {
		path = t.path(ino)
		return nil
	})
	return path
}

// Open opens a file; flags are open(2)'s. O_TRUNC fetches nothing.
func (ns *Namespace) Open(ctx context.Context, ino uint64, flags uint32) (*Handle, error) {
	write := flags&unix.O_ACCMODE != unix.O_RDONLY
	// Acquired before anything is looked at: from here on a node that is
	// deleted keeps its row.
	h := &Handle{
		ns: ns, in: ns.acquire(ino, write), write: write,
		sync: flags&(unix.O_SYNC|unix.O_DSYNC) != 0, keep: true,
	}
	if err := h.open(ctx, flags); err != nil {
		h.Release()
		return nil, err
	}
	return h, nil
}

func (h *Handle) open(ctx context.Context, flags uint32) error {
	var n *store.Node
	// Under the lock, so that a delete under way has either seen the handle or
	// removed the node.
	err := h.ns.view(func(t txn) (err error) {
		if n, err = t.get(h.in.ino); err == nil && n == nil {
			err = staleOr(nil, h.in.ino)
		}
		return err
	})
	if err != nil {
		return err
	}
	if n.Kind == Dir {
		return remote.E(remote.IsDir, "open", n.Name, nil)
	}
	if h.write || flags&unix.O_TRUNC != 0 {
		if err := h.ns.writable("open", n.Name); err != nil {
			return err
		}
	}
	if n.Remote.Exists && n.Dirty == nil {
		h.ns.refresh(ctx, n)
	}
	if err := h.in.openStaged(); err != nil || flags&unix.O_TRUNC == 0 {
		return err
	}
	return h.in.truncate(ctx, 0)
}

// openStaged opens the content that an earlier user left behind.
func (in *inode) openStaged() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	n, err := in.ns.node(in.ino)
	if err != nil || n.Gen == 0 || in.staged != nil {
		return err
	}
	in.staged, err = in.ns.content.OpenStaged(n.Gen)
	return err
}

// KeepCache tells whether the pages that the kernel has of the file are still
// right. They are: what changes a file from outside tells the kernel so.
func (h *Handle) KeepCache() bool { return h.keep }

// Attr returns the attributes of the open file.
func (h *Handle) Attr(_ context.Context) (Attr, error) {
	n, err := h.ns.node(h.in.ino)
	if err != nil {
		return Attr{}, err
	}
	return h.ns.attr(n), nil
}

// openAttr puts what only the staged file knows into a file's attributes.
func (ns *Namespace) openAttr(ino uint64, a *Attr) {
	in := ns.openInode(ino)
	if in != nil {
		in.mu.RLock()
		if st := in.staged; st != nil {
			a.Size, a.Mtime, a.Atime = st.Size(), st.ModTime().UnixNano(), st.ModTime().UnixNano()
		}
		in.mu.RUnlock()
	}
	a.Size = max(a.Size, 0)
}

// source returns what to read from: the staged content, or the provider's.
func (h *Handle) source(ctx context.Context) (*content.Staged, *content.File, error) {
	h.in.mu.RLock()
	st, epoch, kept := h.in.staged, h.in.epoch, h.in.kept
	h.in.mu.RUnlock()
	if st != nil {
		return st, nil, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file != nil && h.epoch == epoch {
		return nil, h.file, nil
	}
	f, err := h.ns.cached(ctx, h.in.ino)
	if err != nil {
		return nil, nil, err
	}
	if f == nil && kept != nil {
		return nil, kept, nil
	}
	if h.file != nil {
		h.old = append(h.old, h.file)
	}
	h.file, h.epoch = f, epoch
	return nil, f, nil
}

// ReadAt is like io.ReaderAt.
func (h *Handle) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	st, f, err := h.source(ctx)
	switch {
	case err != nil:
		return 0, err
	case st != nil:
		return st.ReadAt(p, off)
	case f == nil:
		return 0, io.EOF
	}
	return f.ReadAt(ctx, p, off)
}

// ReadFd returns a descriptor from which a range can be spliced, and how much
// of it there is; ok is false if it is not all on disk. The descriptor is good
// until the handle is released.
func (h *Handle) ReadFd(off int64, n int) (fd uintptr, size int, ok bool) {
	st, f, err := h.source(context.Background())
	if err != nil || (st == nil && f == nil) {
		return 0, 0, false
	}
	var length int64
	if st != nil {
		fd, length = st.Fd(), st.Size()
	} else {
		if fd, ok = f.Fd(); !ok {
			return 0, 0, false
		}
		length = f.Key().Size
	}
	return fd, int(min(int64(n), max(length-off, 0))), true
}

// cached opens the provider's content of a file, nil if it has none.
func (ns *Namespace) cached(ctx context.Context, ino uint64) (*content.File, error) {
	n, err := ns.node(ino)
	if err != nil {
		return nil, err
	}
	if !n.Remote.Exists {
		return nil, nil
	}
	return ns.content.Read(keyOf(n), ns.fetcher(ctx, ino, n.Remote))
}

func keyOf(n *store.Node) content.Key {
	return content.Key{Ino: n.Ino, Version: n.Remote.ContentKey(), Size: n.Remote.Size}
}

// fetcher fetches one version of a file's content, on behalf of whoever made
// the system call of ctx.
func (ns *Namespace) fetcher(ctx context.Context, ino uint64, want store.State) content.Fetch {
	caller := callerOf(ctx)
	class := ledger.ClassOf(ctx)
	return func(ctx context.Context, offset, length int64) (*remote.Download, error) {
		var ref remote.Ref
		err := ns.view(func(t txn) error {
			n, err := t.get(ino)
			if err != nil || n == nil {
				return staleOr(err, ino)
			}
			if !n.Remote.SameContent(want) {
				return remote.E(remote.Conflict, "read", t.path(ino), fmt.Errorf("it changed at the provider while it was read"))
			}
			ref = t.ref(n)
			return nil
		})
		if err != nil {
			return nil, err
		}
		ctx = context.WithValue(ledger.WithClass(ctx, class), CallerKey{}, caller)
		d, err := ns.remote.Download(ns.withCause(ctx, ino), ref, offset, length)
		ns.health.note(err, ns.opt.Now())
		return d, err
	}
}

// Release ends the use of the handle.
func (h *Handle) Release() {
	h.mu.Lock()
	for _, f := range append(h.old, h.file) {
		if f != nil {
			_ = f.Close()
		}
	}
	h.file, h.old = nil, nil
	h.mu.Unlock()
	h.in.release(h.write)
}

// Seek is lseek(2) for SEEK_DATA and SEEK_HOLE.
func (h *Handle) Seek(ctx context.Context, off int64, whence uint32) (int64, error) {
	st, _, err := h.source(ctx)
	if err != nil {
		return 0, err
	}
	if st != nil {
		return seekStaged(st, off, whence)
	}
	a, err := h.Attr(ctx)
	switch {
	case err != nil:
		return 0, err
	case off < 0 || off >= a.Size:
		return 0, remote.E(remote.OutOfRange, "lseek", "", nil)
	case whence == unix.SEEK_DATA:
		return off, nil
	}
	return a.Size, nil
}

func seekStaged(st *content.Staged, off int64, whence uint32) (int64, error) {
	switch whence {
	case unix.SEEK_DATA:
		return st.SeekData(off)
	case unix.SEEK_HOLE:
		return st.SeekHole(off)
	}
	return 0, remote.E(remote.Invalid, "lseek", "", nil)
}

// errSealed tells whether a write met content that is being sent.
func errSealed(err error) bool { return errors.Is(err, content.ErrSealed) }
