package cache

import (
	"context"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/cache/content"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// WriteAt writes to the staged content. The first write to a file commits that
// it differs; later ones go to the staged file only.
func (h *Handle) WriteAt(ctx context.Context, p []byte, off int64) (int, error) {
	var n int
	err := h.in.withStaged(ctx, func(st *content.Staged) (err error) {
		n, err = st.WriteAt(p, off)
		return err
	})
	if err == nil && h.sync {
		err = h.Fsync(ctx)
	}
	return n, err
}

// Fallocate is fallocate(2).
func (h *Handle) Fallocate(ctx context.Context, mode uint32, off, n int64) error {
	return h.in.withStaged(ctx, func(st *content.Staged) error { return st.Allocate(mode, off, n) })
}

// withStaged runs a change on the staged content, which is made if there is
// none, and made anew if it is being sent.
func (in *inode) withStaged(ctx context.Context, change func(*content.Staged) error) error {
	for {
		st, err := in.changeStaged(change)
		if st != nil && !errSealed(err) {
			return err
		}
		if err := in.stage(ctx, st); err != nil {
			return err
		}
	}
}

// changeStaged runs a change on the staged content, if there is any, and returns
// it. The lock is kept meanwhile: a change between the making of a copy and its
// use would be lost.
func (in *inode) changeStaged(change func(*content.Staged) error) (*content.Staged, error) {
	in.mu.RLock()
	defer in.mu.RUnlock()
	if in.staged == nil {
		return nil, nil
	}
	return in.staged, change(in.staged)
}

// stage makes staged content that may be written to, in the place of old.
func (in *inode) stage(ctx context.Context, old *content.Staged) error {
	if old == nil {
		// Fetch before any lock is taken.
		if err := in.fetchAll(ctx); err != nil {
			return err
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.staged != old {
		return nil // somebody else was faster
	}
	st, err := in.copyStaged(ctx, old)
	if err != nil {
		return err
	}
	if err := in.use(st); err != nil {
		return err
	}
	in.ns.blame(ctx, in.ino)
	return nil
}

// fetchAll makes sure that the provider's content is complete on disk.
func (in *inode) fetchAll(ctx context.Context) error {
	n, err := in.ns.node(in.ino)
	if err != nil || n.Kind != File || n.Gen != 0 {
		return err
	}
	if n.Copy != nil {
		return in.ns.fetchCopied(ctx, n)
	}
	if !n.Remote.Exists {
		return nil
	}
	return in.ns.content.Ensure(ctx, keyOf(n), in.ns.fetcher(ctx, in.ino, n.Remote))
}

// keep fetches the provider's content and holds it for those who have the file
// open: the object is about to go.
func (in *inode) keep(ctx context.Context) error {
	if err := in.fetchAll(ctx); err != nil {
		return err
	}
	n, err := in.ns.node(in.ino)
	if err != nil || n.Kind != File {
		return err
	}
	f, err := in.ns.cached(ctx, in.ino)
	if err != nil || f == nil {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.kept != nil {
		return f.Close()
	}
	in.kept = f
	return nil
}

// copyStaged copies what the file holds now into a new generation.
func (in *inode) copyStaged(ctx context.Context, old *content.Staged) (*content.Staged, error) {
	ns, path := in.ns, in.ns.pathOf(in.ino)
	if old != nil {
		return in.stageFrom(ctx, old, old.Fd(), path)
	}
	f, err := ns.cached(ctx, in.ino)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return ns.content.Stage(in.ino, path)
	}
	defer func() { _ = f.Close() }()
	fd, _ := f.Fd()
	return in.stageFrom(ctx, f, fd, path)
}

// use makes st the file's content: the commit comes before the first byte of a
// change. The caller holds in.mu.
func (in *inode) use(st *content.Staged) error {
	ns := in.ns
	err := ns.update(func(t txn) error {
		n, err := t.get(in.ino)
		if err != nil || n == nil {
			return staleOr(err, in.ino)
		}
		t.ns.unused(n.Gen)
		return t.put(t.written(n, st.Gen()))
	})
	if err != nil {
		_ = st.Close()
		ns.unused(st.Gen())
		return err
	}
	if in.staged != nil {
		in.retired = append(in.retired, in.staged)
	}
	in.staged = st
	in.epoch.Add(1)
	return nil
}

// written is a node whose content is a new generation. Deleted files that
// somebody has open, and local ones, are written too, but never sent.
func (t txn) written(n *store.Node, gen uint64) *store.Node {
	if !n.Exists || n.LocalOnly {
		c := *n
		c.Copy = nil
		c.Gen, c.Size, c.Ctime = gen, sizeUnknown, t.ns.now()
		return &c
	}
	return t.touch(n, func(c *store.Node) {
		c.Copy = nil
		c.Gen, c.Size, c.Ctime, c.Dirty.Content = gen, sizeUnknown, t.ns.now(), true
	})
}

// truncate sets the file's length. To zero, it fetches nothing.
func (in *inode) truncate(ctx context.Context, size int64) error {
	n, err := in.ns.node(in.ino)
	if err != nil {
		return err
	}
	if in.ns.attr(n).Size == size {
		return nil
	}
	if size == 0 {
		if done, err := in.truncateToNothing(); done || err != nil {
			return err
		}
	}
	return in.withStaged(ctx, func(st *content.Staged) error { return st.Truncate(size) })
}

// truncateToNothing begins a new generation if there is no staged content.
func (in *inode) truncateToNothing() (done bool, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.staged != nil && in.staged.Truncate(0) == nil {
		return true, nil
	}
	if in.lends > 0 {
		return false, nil // the kernel's file may be the one to shorten
	}
	st, err := in.ns.content.Stage(in.ino, in.ns.pathOf(in.ino))
	if err != nil {
		return false, err
	}
	return true, in.use(st)
}

// truncate sets the length of a file, open or not.
func (ns *Namespace) truncate(ctx context.Context, ino uint64, size int64, h *Handle) error {
	if size < 0 {
		return remote.E(remote.Invalid, "truncate", "", nil)
	}
	n, err := ns.node(ino)
	if err != nil {
		return err
	}
	if n.Kind == Dir {
		return remote.E(remote.IsDir, "truncate", n.Name, nil)
	}
	if h != nil {
		return h.in.truncate(ctx, size)
	}
	if err := ns.view(func(t txn) error { return t.mayWrite(n) }); err != nil {
		return err
	}
	in := ns.acquire(ino, true)
	defer in.release(true)
	if err := in.openStaged(); err != nil {
		return err
	}
	return in.truncate(ctx, size)
}

// setContentTime gives a file's staged content its time: the staged file has the
// last word on size and time, also after a crash.
func (ns *Namespace) setContentTime(ino uint64, mtime int64) error {
	in := ns.acquire(ino, false)
	defer in.release(false)
	if err := in.openStaged(); err != nil {
		return err
	}
	in.mu.RLock()
	defer in.mu.RUnlock()
	if in.staged == nil {
		return nil
	}
	return in.staged.SetModTime(time.Unix(0, mtime))
}

// Awaits tells whether closing a descriptor waits for the provider; if not, Flush
// has nothing to do.
func (h *Handle) Awaits() bool { return h.write && h.ns.opt.SyncClose }

// Flush is called by each close of a descriptor. The file is queued already;
// with SyncClose it returns when the provider has it.
func (h *Handle) Flush(ctx context.Context) error {
	if !h.Awaits() {
		return nil
	}
	return h.ns.sendNow(ctx, h.in.ino)
}

// Fsync makes what was written survive a power failure: the staged file, its
// folder if it is new, and the commits that name it.
func (h *Handle) Fsync(ctx context.Context) error {
	h.in.mu.RLock()
	st := h.in.staged
	h.in.mu.RUnlock()
	if st != nil {
		if err := st.Sync(ctx); err != nil {
			return err
		}
	}
	if err := h.ns.db.Sync(); err != nil {
		return err
	}
	if h.Awaits() {
		return h.ns.sendNow(ctx, h.in.ino)
	}
	return nil
}

// SyncDir makes a folder's entries survive a power failure.
func (ns *Namespace) SyncDir(_ context.Context, _ uint64) error { return ns.db.Sync() }

// copyPiece is how much one call of CopyRange copies at most; the kernel asks
// again for the rest, so that a copy can be interrupted.
const copyPiece = 32 << 20

// CopyRange copies between two open files. A whole file whose content is not on
// disk is copied by noting whose content it has. Other content that is not on disk is left
// to the kernel to read and write (kind Unsupported).
func (ns *Namespace) CopyRange(ctx context.Context, src *Handle, srcOff int64, dst *Handle, dstOff, n int64) (int64, error) {
	if srcOff == 0 && dstOff == 0 {
		if size, ok := ns.noteCopy(ctx, src, dst, n); ok {
			return size, nil
		}
	}
	if _, _, ok := src.ReadFd(srcOff, 1); !ok {
		return 0, remote.E(remote.Unsupported, "copy_file_range", "", nil)
	}
	buf := make([]byte, min(n, 1<<20))
	var copied int64
	for n = min(n, copyPiece); copied < n; {
		got, err := src.ReadAt(ctx, buf[:min(int64(len(buf)), n-copied)], srcOff+copied)
		if got > 0 {
			if _, err := dst.WriteAt(ctx, buf[:got], dstOff+copied); err != nil {
				return copied, err
			}
			copied += int64(got)
		}
		if remote.AtEnd(err) {
			break
		}
		if err != nil {
			return copied, err
		}
	}
	return copied, nil
}

// garbage collects generations that nobody needs once what was committed is
// durable.
type garbage struct {
	// mu guards gens. It is the innermost lock.
	mu   sync.Mutex
	gens []uint64
}

// unused notes that a generation is needed no more once the open transaction,
// if there is one, is durable. A transaction that fails leaves the generation
// referenced, which collect sees.
func (ns *Namespace) unused(gen uint64) {
	if gen != 0 {
		ns.garbage.mu.Lock()
		ns.garbage.gens = append(ns.garbage.gens, gen)
		ns.garbage.mu.Unlock()
	}
}

// syncInterval is how old what was not fsynced may be at most when the power
// fails.
const syncInterval = 5 * time.Second

// syncRegularly makes what was written survive a power failure, and removes the
// staged files that the synced commits made unused.
func (ns *Namespace) syncRegularly(ctx context.Context) {
	tick := time.NewTicker(syncInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := ns.syncAll(ctx); err != nil {
			ns.log.Error("syncing the state folder", "err", err)
		}
	}
}

func (ns *Namespace) syncAll(ctx context.Context) error {
	ns.state.fillBallast()
	if err := ns.state.journal.flush(); err != nil {
		return err
	}
	if err := ns.content.SyncDirty(ctx); err != nil {
		return err
	}
	if err := ns.dropLingering(); err != nil {
		return err
	}
	return ns.collect()
}

// collect drops unused generations, after the commits that made them so are
// durable.
func (ns *Namespace) collect() error {
	ns.garbage.mu.Lock()
	gens := ns.garbage.gens
	ns.garbage.gens = nil
	ns.garbage.mu.Unlock()
	if err := ns.db.Sync(); err != nil {
		return err
	}
	for _, gen := range gens {
		if used, err := ns.genInUse(gen); used || err != nil {
			ns.unused(gen) // an intent still needs it: ask again next time
			continue
		}
		if err := ns.content.Drop(gen); err != nil {
			ns.log.Error("removing content that is not needed", "gen", gen, "err", err)
		}
		if err := ns.db.UpdateLazily(func(tx *store.Tx) error { return forgetResumptions(tx, []uint64{gen}) }); err != nil {
			return err
		}
	}
	return nil
}

// genInUse tells whether a node still refers to a generation.
func (ns *Namespace) genInUse(gen uint64) (used bool, err error) {
	err = ns.view(func(t txn) error {
		used, err = t.GenInUse(gen)
		return err
	})
	return used, err
}
