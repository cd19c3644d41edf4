package cache

import (
	"context"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

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
		a.Alias = n.Name != name
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
	ns.blame(ctx, ino)
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
