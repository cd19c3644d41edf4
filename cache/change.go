package cache

import (
	"context"
	"fmt"

	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// permissionBits are the mode bits that are kept: set-id bits never are.
const permissionBits = 0o1777

// writable refuses changes of a read-only mount.
func (ns *Namespace) writable(op, name string) error {
	if ns.opt.ReadOnly {
		return remote.E(remote.ReadOnly, op, name, nil)
	}
	return nil
}

// prepare checks a name that is about to be used in a folder, and makes sure
// that it is known whether it is taken.
func (ns *Namespace) prepare(ctx context.Context, op string, parent uint64, name string) error {
	if err := ns.writable(op, name); err != nil {
		return err
	}
	if err := checkName(op, name); err != nil {
		return err
	}
	return ns.ensureListed(ctx, parent)
}

// newNode makes a node that is new here.
func (t txn) newNode(ctx context.Context, parent uint64, name string, kind Kind, mode uint32) (*store.Node, error) {
	if _, err := t.dir(parent); err != nil {
		return nil, err
	}
	if err := t.mayAdd("create", parent, name); err != nil {
		return nil, err
	}
	draft, err := t.isDraft(parent)
	if err != nil {
		return nil, err
	}
	if n, err := t.child(parent, name); err != nil || n != nil {
		if err == nil {
			err = remote.E(remote.Exist, "create", name, nil)
		}
		return nil, err
	}
	ino, err := t.newIno()
	if err != nil {
		return nil, err
	}
	now := t.ns.now()
	c := callerOf(ctx)
	n := &store.Node{
		Ino: ino, Kind: kind, Exists: true, Place: store.Place{Parent: parent, Name: name},
		Mode: mode & permissionBits, UID: c.UID, GID: c.GID, Mtime: now, Ctime: now,
		LocalOnly: draft || t.ns.staysLocal(kind, name),
	}
	if n.LocalOnly {
		return n, nil
	}
	return t.touch(n, func(c *store.Node) { c.Dirty.Content = kind == File }), nil
}

// staysLocal tells whether a node that never had a remote state is never sent.
func (ns *Namespace) staysLocal(kind Kind, name string) bool {
	switch kind {
	case Dir:
		return false
	case File:
		return ns.isLocalName(name)
	}
	return true
}

// stampParent records that a folder's entries changed here.
func (t txn) stampParent(parent uint64) error {
	n, err := t.get(parent)
	if err != nil || n == nil {
		return err
	}
	c := *n
	c.Mtime = t.ns.now()
	c.Ctime = c.Mtime
	return t.put(&c)
}

// make makes a node that has no content.
func (ns *Namespace) make(ctx context.Context, op string, parent uint64, name string, kind Kind, mode uint32, more func(*store.Node)) (Attr, error) {
	if err := ns.prepare(ctx, op, parent, name); err != nil {
		return Attr{}, err
	}
	var n *store.Node
	err := ns.update(func(t txn) (err error) {
		if n, err = t.newNode(ctx, parent, name, kind, mode); err != nil {
			return err
		}
		if more != nil {
			more(n)
		}
		if err := t.put(n); err != nil {
			return err
		}
		return t.stampParent(parent)
	})
	if err != nil {
		return Attr{}, err
	}
	ns.blame(ctx, n.Ino)
	ns.exec.Wake()
	return ns.attr(n), nil
}

// Mkdir makes a folder.
func (ns *Namespace) Mkdir(ctx context.Context, parent uint64, name string, mode uint32) (Attr, error) {
	return ns.make(ctx, "mkdir", parent, name, Dir, mode, nil)
}

// Symlink makes a symbolic link. It exists here only.
func (ns *Namespace) Symlink(ctx context.Context, parent uint64, name, target string) (Attr, error) {
	return ns.make(ctx, "symlink", parent, name, Symlink, 0o777, func(n *store.Node) { n.Target = target })
}

// Mknod makes an empty file, or a fifo, socket or device, which exist here only.
func (ns *Namespace) Mknod(ctx context.Context, parent uint64, name string, kind Kind, mode, rdev uint32) (Attr, error) {
	if kind == File {
		a, h, err := ns.Create(ctx, parent, name, mode, 0)
		if err == nil {
			h.Release()
		}
		return a, err
	}
	return ns.make(ctx, "mknod", parent, name, kind, mode, func(n *store.Node) { n.Rdev = rdev })
}

// Unlink removes a file. Open handles go on working.
func (ns *Namespace) Unlink(ctx context.Context, parent uint64, name string) error {
	if err := ns.writable("unlink", name); err != nil {
		return err
	}
	if err := ns.ensureListed(ctx, parent); err != nil {
		return err
	}
	var ino uint64
	err := ns.updateAtAnyCost(func(t txn) error {
		n, err := t.mustHave("unlink", parent, name)
		if err != nil {
			return err
		}
		ino = n.Ino
		if n.Kind == Dir {
			return remote.E(remote.IsDir, "unlink", name, nil)
		}
		if err := t.mayRemove("unlink", n); err != nil {
			return err
		}
		if err := t.remove(n); err != nil {
			return err
		}
		return t.stampParent(parent)
	})
	ns.blame(ctx, ino)
	ns.afterChange(err)
	if err == nil {
		ns.cool(ino)
	}
	return err
}

// coolFrom is the size in bytes from which the memory that a deleted file's
// content takes is worth freeing early.
const coolFrom = 1 << 20

// cool gives back the memory of a deleted file that nobody has open. Its
// content on disk goes a while later; until then its pages would push out
// others, and the next large file would be written to memory never used before.
func (ns *Namespace) cool(ino uint64) {
	n, err := ns.node(ino)
	if err == nil && !n.Exists && n.Gen != 0 && n.Size >= coolFrom && !ns.isOpen(ino) {
		ns.content.Cool(n.Gen)
	}
}

// afterChange tells the outbox that there may be something to send.
func (ns *Namespace) afterChange(err error) {
	if err == nil {
		ns.exec.Wake()
	}
}

// mustHave returns the node under a name.
func (t txn) mustHave(op string, parent uint64, name string) (*store.Node, error) {
	n, err := t.child(parent, name)
	switch {
	case err != nil:
		return nil, err
	case n == nil:
		return nil, remote.E(remote.NotExist, op, name, nil)
	case n.Name != name:
		t.ns.invalidateEntry(n.Place) // the kernel knows of the other name only
	}
	return n, nil
}

// Rmdir removes an empty folder.
func (ns *Namespace) Rmdir(ctx context.Context, parent uint64, name string) error {
	if err := ns.writable("rmdir", name); err != nil {
		return err
	}
	if err := ns.ensureListed(ctx, parent); err != nil {
		return err
	}
	n, err := ns.childOf(parent, name)
	if err == nil && n != nil && n.Kind == Dir {
		if err := ns.ensureListed(ctx, n.Ino); err != nil {
			return err
		}
	}
	err = ns.updateAtAnyCost(func(t txn) error { return t.rmdir(parent, name) })
	ns.afterChange(err)
	return err
}

func (t txn) rmdir(parent uint64, name string) error {
	n, err := t.mustHave("rmdir", parent, name)
	if err != nil {
		return err
	}
	if err := t.mustBeEmpty("rmdir", n); err != nil {
		return err
	}
	if err := t.mayRemove("rmdir", n); err != nil {
		return err
	}
	if err := t.remove(n); err != nil {
		return err
	}
	return t.stampParent(parent)
}

// mustBeEmpty refuses what is no folder or has entries.
func (t txn) mustBeEmpty(op string, n *store.Node) error {
	if n.Kind != Dir {
		return remote.E(remote.NotDir, op, n.Name, nil)
	}
	found, err := t.HasChildren(n.Ino)
	if err == nil && found {
		err = remote.E(remote.NotEmpty, op, n.Name, nil)
	}
	return err
}

// remove takes a node out of the tree. What the provider knows stays as a
// deleted node until the delete is sent, and what somebody has open until it is
// closed.
func (t txn) remove(n *store.Node) error {
	if n.Remote.Exists || t.ns.inflight[n.Ino] > 0 || t.ns.isOpen(n.Ino) {
		c := t.touch(n, func(c *store.Node) {
			c.Exists = false
			c.Ctime = t.ns.now()
			if c.Dirty.Base.Exists {
				c.Dirty.Content = false
			}
		})
		if c.Remote.Exists && !t.ns.isOpen(n.Ino) {
			t.ns.unused(c.Gen)
			c.Gen = 0
		}
		return t.put(c)
	}
	return t.linger(n)
}

// Rename moves a node to another place; flags are renameat2's.
func (ns *Namespace) Rename(ctx context.Context, parent uint64, name string, newParent uint64, newName string, flags uint32) error {
	if flags&^(RenameNoReplace|RenameExchange) != 0 || flags == RenameNoReplace|RenameExchange {
		return remote.E(remote.Invalid, "rename", name, fmt.Errorf("flags %#x", flags))
	}
	if err := ns.prepare(ctx, "rename", newParent, newName); err != nil {
		return err
	}
	if err := ns.ensureListed(ctx, parent); err != nil {
		return err
	}
	if err := ns.knowEntries(ctx, newParent, newName); err != nil {
		return err
	}
	from, to := store.Place{Parent: parent, Name: name}, store.Place{Parent: newParent, Name: newName}
	examined, err := ns.examine(from, to)
	if err == nil {
		err = ns.update(func(t txn) error {
			if flags == RenameExchange {
				return t.exchange(from, to)
			}
			return t.rename(from, to, flags == RenameNoReplace, examined)
		})
	}
	ns.noteRefusal(to, err)
	if n, e := ns.childOf(newParent, newName); err == nil && e == nil && n != nil {
		ns.blame(ctx, n.Ino)
	}
	ns.afterChange(err)
	return err
}

// knowEntries lists a folder that may be replaced: only an empty one may be.
func (ns *Namespace) knowEntries(ctx context.Context, parent uint64, name string) error {
	n, err := ns.childOf(parent, name)
	if err != nil || n == nil || n.Kind != Dir {
		return err
	}
	return ns.ensureListed(ctx, n.Ino)
}

func (t txn) rename(from, to store.Place, noReplace bool, examined *draft) error {
	n, err := t.movable(from, to)
	if err != nil {
		return err
	}
	passes, err := t.mayMove(n, to)
	if err != nil {
		return err
	}
	other, err := t.child(to.Parent, to.Name)
	switch {
	case err != nil:
		return err
	case other != nil && (noReplace || passes != stays):
		return remote.E(remote.Exist, "rename", to.Name, nil)
	case n.Place == to:
		return nil
	case other != nil && other.Ino != n.Ino:
		if err := t.replaceable(n, other); err != nil {
			return err
		}
		if err := t.mayRemove("rename", other); err != nil {
			return err
		}
		if other.Name != to.Name {
			t.ns.invalidateEntry(other.Place)
		}
		if err := t.remove(other); err != nil {
			return err
		}
	}
	c, err := t.passed(n, to, passes, examined)
	if err != nil {
		return err
	}
	if other != nil && other.Ino != n.Ino && other.Dirty != nil && c.Dirty != nil {
		// What is at the place waits for as long as what was there: a file that
		// is saved by rename again and again must not wait for ever.
		c.Dirty.Since = min(c.Dirty.Since, other.Dirty.Since)
	}
	if err := t.put(c); err != nil {
		return err
	}
	return t.stampBoth(from, to)
}

// passed is moved for a rename that may send a folder, or take that back.
func (t txn) passed(n *store.Node, to store.Place, p passage, examined *draft) (*store.Node, error) {
	c := t.moved(n, to)
	switch p {
	case sends:
		return c, t.dispatchDraft(c, examined)
	case withdraws:
		return c, t.recalled(n)
	}
	return c, nil
}

func (t txn) stampBoth(from, to store.Place) error {
	if err := t.stampParent(from.Parent); err != nil || from.Parent == to.Parent {
		return err
	}
	return t.stampParent(to.Parent)
}

// movable returns the node to be renamed, if it may go where it shall.
func (t txn) movable(from, to store.Place) (*store.Node, error) {
	n, err := t.mustHave("rename", from.Parent, from.Name)
	if err != nil {
		return nil, err
	}
	if _, err := t.dir(to.Parent); err != nil {
		return nil, err
	}
	if n.Kind == Dir {
		if inside, err := t.below(to.Parent, n.Ino); err != nil || inside {
			if err == nil {
				err = remote.E(remote.Invalid, "rename", from.Name, fmt.Errorf("into itself"))
			}
			return nil, err
		}
	}
	return n, nil
}

func (t txn) replaceable(n, other *store.Node) error {
	switch {
	case n.Kind == Dir:
		return t.mustBeEmpty("rename", other)
	case other.Kind == Dir:
		return remote.E(remote.IsDir, "rename", other.Name, nil)
	}
	return nil
}

// moved returns a node at a new place. A node that never had a remote state may
// begin or cease to be one that is never sent.
func (t txn) moved(n *store.Node, to store.Place) *store.Node {
	c := *n
	draft, err := t.isDraft(to.Parent)
	local := err == nil && draft || t.ns.staysLocal(c.Kind, to.Name)
	c.LocalOnly = !c.Remote.Exists && t.ns.inflight[c.Ino] == 0 && local
	if c.LocalOnly {
		c.Place, c.Dirty, c.Ctime = to, nil, t.ns.now()
		return &c
	}
	return t.touch(&c, func(c *store.Node) {
		c.Place, c.Ctime = to, t.ns.now()
		c.Dirty.Content = c.Dirty.Content || (c.Kind == File && !c.Dirty.Base.Exists)
	})
}

// exchange swaps two nodes.
func (t txn) exchange(from, to store.Place) error {
	a, err := t.movable(from, to)
	if err != nil {
		return err
	}
	b, err := t.movable(to, from)
	if err != nil {
		return err
	}
	if a.Ino == b.Ino {
		return nil
	}
	if err := t.mayExchange(a, b); err != nil {
		return err
	}
	aside := *a
	aside.Name = ".frugalfs-swap-" + formatIno(a.Ino)
	for _, n := range []*store.Node{&aside, t.moved(b, from), t.moved(a, to)} {
		if err := t.put(n); err != nil {
			return err
		}
	}
	return t.stampBoth(from, to)
}
