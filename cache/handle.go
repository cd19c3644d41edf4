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
	epoch int64
	old   []*content.File

	// lent, guarded by in.mu, tells whether the kernel reads the file by itself
	// for this handle.
	lent bool
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
		if err := h.ns.view(func(t txn) error { return t.mayWrite(n) }); err != nil {
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

// source returns what to read from: the staged content, or the provider's.
func (h *Handle) source(ctx context.Context) (*content.Staged, *content.File, error) {
	h.in.mu.RLock()
	st, epoch, kept := h.in.staged, h.in.epoch.Load(), h.in.kept
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
	if n, ok, err := f.Peek(p, off); ok {
		return n, err
	}
	return h.fetchAt(ctx, f, p, off)
}

// fetchAt is ReadAt for what may have to be fetched.
func (h *Handle) fetchAt(ctx context.Context, f *content.File, p []byte, off int64) (int, error) {
	if err := h.ns.refuseIndexer(ctx, "read"); err != nil {
		return 0, err
	}
	waiting, stop := h.ns.patient(ctx, unknownPatience)
	defer stop()
	n, err := f.ReadAt(waiting, p, off)
	if err != nil && !remote.AtEnd(err) {
		err = h.ns.impatient(waiting, err, "read", h.ns.pathOf(h.in.ino))
	}
	return n, err
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
	if n.Copy != nil {
		return ns.copied(ctx, n)
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
		download := func() (*remote.Download, error) {
			if err := ns.health.refuses(ns.now()); err != nil {
				return nil, err
			}
			d, err := ns.remote.Download(ns.withCause(ctx, ino), ref, offset, length)
			ns.health.note(err, ns.opt.Now())
			if err == nil {
				d.ReadCloser = liveBody{d.ReadCloser, &ns.health}
			}
			return d, err
		}
		switch {
		case offset != 0 || length >= 0:
			return download()
		case want.Size <= batchFile:
			return ns.fetchSmall(ctx, ino, want, download)
		case want.Size <= verifiedWhole:
			return ns.verified(want, download)
		}
		return ns.streamed(want, download)
	}
}

// Release ends the use of the handle.
func (h *Handle) Release() {
	h.Return()
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
