package cache

import (
	"context"
	"os"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// cause says on whose behalf a request about a node is made.
func (ns *Namespace) cause(ctx context.Context, ino uint64) ledger.Cause {
	c := ledger.CauseOf(ctx)
	if c.Path != "" {
		return c
	}
	c.Program = ns.program(ctx)
	_ = ns.view(func(t txn) error {
		c.Path = t.path(ino)
		return nil
	})
	return c
}

// program is the executable behind a system call, not the process's own name,
// which anybody can set and the kernel truncates.
func (ns *Namespace) program(ctx context.Context) string {
	pid := callerOf(ctx).PID
	if pid == 0 {
		return ""
	}
	exe, err := os.Readlink("/proc/" + strconv.FormatUint(uint64(pid), 10) + "/exe")
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(exe, " (deleted)")
}

// blame remembers which program changed a node, for the ledger's record of the
// request that will send it.
func (ns *Namespace) blame(ctx context.Context, ino uint64) {
	program := ns.program(ctx)
	if program == "" {
		return
	}
	_ = ns.view(func(txn) error {
		if ns.dirty[ino] != nil {
			ns.causes[ino] = program
		}
		return nil
	})
}

// Lookup finds a name in a folder. NotExist means that the name is proven not
// to be there.
func (ns *Namespace) Lookup(ctx context.Context, parent uint64, name string) (Attr, error) {
	if len(name) > MaxName {
		return Attr{}, remote.E(remote.NameTooLong, "lookup", name[:40]+"…", nil)
	}
	if strings.HasPrefix(name, outbox.TempPrefix) {
		return Attr{}, remote.E(remote.NotExist, "lookup", name, nil)
	}
	if err := ns.ensureListed(ctx, parent); err != nil {
		return ns.lookupAnyway(parent, name, err)
	}
	n, err := ns.childOf(parent, name)
	if err != nil {
		return Attr{}, err
	}
	if n == nil {
		return Attr{}, remote.E(remote.NotExist, "lookup", name, nil)
	}
	return ns.found(n, name), nil
}

// found is what is told of a node that was found by a name.
func (ns *Namespace) found(n *store.Node, name string) Attr {
	a := ns.attr(n)
	a.Alias = n.Name != name
	return a
}

// lookupAnyway answers for a name that is known although its folder cannot be
// listed now.
func (ns *Namespace) lookupAnyway(parent uint64, name string, cause error) (Attr, error) {
	n, err := ns.childOf(parent, name)
	if err != nil || n == nil {
		return Attr{}, cause
	}
	return ns.found(n, name), nil
}

func (ns *Namespace) childOf(parent uint64, name string) (n *store.Node, err error) {
	place := store.Place{Parent: parent, Name: name}
	if ino, ok := ns.names.Get(ns.key(place)); ok {
		if n, ok := ns.nodes.Get(ino); ok && n.Exists && ns.samePlace(n.Place, place) {
			return n, nil
		}
	}
	err = ns.view(func(t txn) error {
		n, err = t.child(parent, name)
		return err
	})
	return n, err
}

// node returns a node by its number.
func (ns *Namespace) node(ino uint64) (n *store.Node, err error) {
	if n, ok := ns.nodes.Get(ino); ok {
		return n, nil
	}
	err = ns.view(func(t txn) error {
		n, err = t.get(ino)
		return err
	})
	if err == nil && n == nil {
		err = remote.E(remote.Stale, "open", "inode "+strconv.FormatUint(ino, 10), nil)
	}
	return n, err
}

// Getattr returns a node's attributes.
func (ns *Namespace) Getattr(ctx context.Context, ino uint64) (Attr, error) {
	n, err := ns.node(ino)
	if err != nil {
		return Attr{}, err
	}
	if n.Remote.Exists && n.Dirty == nil && ino != RootIno {
		ns.refresh(ctx, n)
	}
	if n, err = ns.node(ino); err != nil {
		return Attr{}, err
	}
	return ns.attr(n), nil
}

// refresh brings a node up to date if its folder is no longer fresh. What fails
// is no error here: the node is known.
func (ns *Namespace) refresh(ctx context.Context, n *store.Node) {
	if l, ok := ns.listings.Get(n.Parent); ok && l.Complete && !l.Stale && ns.now()-l.Sent < int64(ns.opt.MaxAge) {
		return
	}
	_ = ns.ensureListed(ctx, n.Parent)
}

// attr is what stat(2) shows of a node. It must not be called under the
// database's lock.
func (ns *Namespace) attr(n *store.Node) Attr {
	a := attrOf(n)
	if n.Kind != File || ns.openAttr(n.Ino, &a) {
		return a
	}
	// Nobody has it open, so its row is right by now: the last close records
	// what it knows before it goes.
	if latest, err := ns.node(n.Ino); err == nil && latest != n {
		a = attrOf(latest)
	}
	return a
}

// attrOf is what a node's row tells.
func attrOf(n *store.Node) Attr {
	a := Attr{
		Ino: n.Ino, Kind: n.Kind, Mode: n.Mode, UID: n.UID, GID: n.GID, Nlink: 1,
		Size: max(n.Size, 0), Atime: n.Mtime, Mtime: n.Mtime, Ctime: n.Ctime, Rdev: n.Rdev,
	}
	switch {
	case !n.Exists:
		a.Nlink = 0
	case n.Kind == Dir:
		a.Size = 4096 // and Nlink 1: how many folders are in it is not counted
	}
	if n.Kind == Symlink {
		a.Size = int64(len(n.Target))
	}
	a.Blocks = (a.Size + 511) / 512
	return a
}

// Readlink returns where a symlink points.
func (ns *Namespace) Readlink(_ context.Context, ino uint64) (string, error) {
	n, err := ns.node(ino)
	if err != nil {
		return "", err
	}
	if n.Kind != Symlink {
		return "", remote.E(remote.Invalid, "readlink", n.Name, nil)
	}
	return n.Target, nil
}

// DirHandle is an open folder.
type DirHandle struct {
	ns     *Namespace
	ino    uint64
	parent uint64
	// in keeps the folder's row while it is open.
	in *inode
}

// OpenDir opens a folder whose entries are known when it returns.
func (ns *Namespace) OpenDir(ctx context.Context, ino uint64) (*DirHandle, error) {
	n, err := ns.node(ino)
	if err != nil {
		return nil, err
	}
	if n.Kind != Dir {
		return nil, remote.E(remote.NotDir, "open", n.Name, nil)
	}
	d := &DirHandle{ns: ns, ino: ino, parent: n.Parent, in: ns.acquire(ino, false)}
	if ino == RootIno {
		d.parent = RootIno
	}
	if !n.Exists {
		return d, nil // deleted while somebody is in it: empty
	}
	if err := ns.ensureWalked(ctx, ino); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Parent is the number behind "..".
func (d *DirHandle) Parent() uint64 { return d.parent }

// Close ends the use of the handle.
func (d *DirHandle) Close() { d.in.release(false) }

// Next returns up to n entries after a cookie, 0 for the first, without "." and
// "..". Entries come in the order of their numbers, which never change, so a
// listing goes on rightly whatever is made or removed meanwhile.
func (d *DirHandle) Next(_ context.Context, cookie uint64, n int) ([]Entry, error) {
	var shown []*store.Node
	err := d.ns.view(func(t txn) error {
		for {
			nodes, err := t.children(d.ino, cookie, n)
			if err != nil {
				return err
			}
			for _, c := range nodes {
				cookie = c.Ino
				if !strings.HasPrefix(c.Name, outbox.TempPrefix) {
					shown = append(shown, c)
				}
			}
			if len(shown) > 0 || len(nodes) < n {
				return nil
			}
		}
	})
	// Attributes may need an inode's lock, which comes before the database's.
	entries := make([]Entry, len(shown))
	for i, c := range shown {
		entries[i] = Entry{Attr: d.ns.attr(c), Name: c.Name, Cookie: c.Ino}
	}
	return entries, err
}
