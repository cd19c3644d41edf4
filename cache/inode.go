package cache

import (
	"sync"
	"sync/atomic"

	"github.com/frugalfs/frugalfs/cache/content"
	"github.com/frugalfs/frugalfs/cache/store"
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
	// retired are staged contents that somebody may still be reading.
	retired []*content.Staged
	// kept is the content of an object that is about to be deleted or
	// overwritten at the provider, nil if there is none.
	kept *content.File
	// lent is the file on disk that the kernel reads by itself, and lends how
	// many handles it does that for; see passthrough.go.
	lent  content.Identity
	lends int

	// epoch grows whenever readers must look for their content anew. It grows
	// under the database's lock, too, where mu cannot be taken.
	epoch atomic.Int64

	// Guarded by Namespace.openMu.
	handles, writers int
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
	gen := in.staged.Gen()
	err := in.ns.updateLazily(func(t txn) error {
		// Read here, so that of two that settle the later one is right.
		size, mtime := in.staged.Size(), in.staged.ModTime().UnixNano()
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
	err := in.ns.updateLazily(func(t txn) error {
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

// openAttr puts what only the staged file knows into a file's attributes; it
// tells whether there is one.
func (ns *Namespace) openAttr(ino uint64, a *Attr) bool {
	in := ns.openInode(ino)
	if in == nil {
		return false
	}
	in.mu.RLock()
	defer in.mu.RUnlock()
	st := in.staged
	if st == nil {
		return false
	}
	a.Size, a.Mtime, a.Atime = st.Size(), st.ModTime().UnixNano(), st.ModTime().UnixNano()
	a.Blocks = (a.Size + 511) / 512
	return true
}
