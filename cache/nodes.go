package cache

import (
	"fmt"
	"time"

	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// txn is the open transaction together with the caches that it keeps right.
// Whoever has one holds the database's lock.
type txn struct {
	*store.Tx
	ns *Namespace
}

// update runs f in a transaction and returns when it is committed.
func (ns *Namespace) update(f func(txn) error) error {
	return ns.db.Update(ns.inTxn(f))
}

// updateLazily is update that does not wait for the commit: for records whose
// loss a crash may cause.
func (ns *Namespace) updateLazily(f func(txn) error) error {
	return ns.db.UpdateLazily(ns.inTxn(f))
}

// inTxn lets f see the dirty nodes also after a transaction was rolled back: a
// node that is loaded without them counts as clean from then on.
func (ns *Namespace) inTxn(f func(txn) error) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		t := txn{tx, ns}
		if err := t.ensureDirty(); err != nil {
			return err
		}
		return f(t)
	}
}

// updateIf is update for what the answer to a question told, if it stands.
func (ns *Namespace) updateIf(q question, f func(txn) error) error {
	return ns.update(func(t txn) error {
		if err := t.stands(q); err != nil {
			return err
		}
		return f(t)
	})
}

// view runs f, which must not write.
func (ns *Namespace) view(f func(txn) error) error {
	return ns.db.View(ns.inTxn(f))
}

// ensureDirty loads the dirty nodes again after a transaction was rolled back.
func (t txn) ensureDirty() error {
	if t.ns.dirty != nil {
		return nil
	}
	dirty, err := t.Dirty()
	if err == nil {
		t.ns.dirty = dirty
	}
	return err
}

// get returns a node, nil if there is none.
func (t txn) get(ino uint64) (*store.Node, error) {
	if n, ok := t.ns.nodes.Get(ino); ok {
		return n, nil
	}
	n, err := t.Node(ino)
	return t.loaded(n), err
}

// loaded completes a node that was read from the database and caches it.
func (t txn) loaded(n *store.Node) *store.Node {
	if n == nil {
		return nil
	}
	if cached, ok := t.ns.nodes.Peek(n.Ino); ok {
		return cached
	}
	n.Dirty = t.ns.dirty[n.Ino]
	t.ns.nodes.Add(n.Ino, n)
	if n.Exists {
		t.ns.names.Add(t.ns.key(n.Place), n.Ino)
	}
	return n
}

// child returns the node shown under a name, nil if there is none.
func (t txn) child(parent uint64, name string) (*store.Node, error) {
	key := t.ns.key(store.Place{Parent: parent, Name: name})
	if ino, ok := t.ns.names.Get(key); ok {
		return t.get(ino)
	}
	n, err := t.Child(parent, name)
	return t.loaded(n), err
}

// children returns up to limit nodes shown in a folder after the number after.
func (t txn) children(parent, after uint64, limit int) ([]*store.Node, error) {
	nodes, err := t.Children(parent, after, limit)
	for i, n := range nodes {
		if cached, ok := t.ns.nodes.Peek(n.Ino); ok {
			nodes[i] = cached
		} else {
			n.Dirty = t.ns.dirty[n.Ino]
		}
	}
	return nodes, err
}

// dir returns a folder that is shown, or the error that says why not.
func (t txn) dir(ino uint64) (*store.Node, error) {
	n, err := t.get(ino)
	switch {
	case err != nil:
		return nil, err
	case n == nil:
		return nil, remote.E(remote.Stale, "open", "", fmt.Errorf("no inode %d", ino))
	case n.Kind != Dir:
		return nil, remote.E(remote.NotDir, "open", n.Name, nil)
	case !n.Exists:
		return nil, remote.E(remote.NotExist, "open", n.Name, nil)
	}
	return n, nil
}

// put stores a node whose Dirty part may have changed too. n must not be changed
// afterwards.
func (t txn) put(n *store.Node) error {
	old, err := t.get(n.Ino)
	if err != nil {
		return err
	}
	if err := t.PutNode(n); err != nil {
		return err
	}
	if old != nil && (old.Place != n.Place || !n.Exists) {
		t.forgetName(old)
	}
	if err := t.putDirty(n, old); err != nil {
		return err
	}
	t.noteDisplaced(old, n)
	t.ns.nodes.Add(n.Ino, n)
	if n.Exists {
		t.ns.names.Add(t.ns.key(n.Place), n.Ino)
	}
	if old != nil && n.Remote.Exists && n.Remote.ContentKey() != old.Remote.ContentKey() {
		t.ns.lookAnew(n.Ino)
	}
	return nil
}

// lookAnew has the readers of an open file look for its content anew, now that
// the provider has another. What is read through an old handle ends up in the
// pages that all readers share, so that it must not be of the old version.
func (ns *Namespace) lookAnew(ino uint64) {
	if in := ns.openInode(ino); in != nil {
		in.epoch.Add(1)
	}
}

// forgetName removes a node's entry from the cache of names, unless another
// node has the name by now.
func (t txn) forgetName(n *store.Node) {
	if key := t.ns.key(n.Place); t.nameIs(key, n.Ino) {
		t.ns.names.Remove(key)
	}
}

func (t txn) putDirty(n, old *store.Node) error {
	switch {
	case n.Dirty != nil && (old == nil || old.Dirty != n.Dirty):
		t.ns.dirty[n.Ino] = n.Dirty
		return t.PutDirty(n.Ino, n.Dirty)
	case n.Dirty == nil && t.ns.dirty[n.Ino] != nil:
		delete(t.ns.dirty, n.Ino)
		delete(t.ns.causes, n.Ino)
		return t.DropDirty(n.Ino)
	}
	return nil
}

func (t txn) nameIs(key store.Place, ino uint64) bool {
	known, ok := t.ns.names.Peek(key)
	return ok && known == ino
}

// drop removes a node from the namespace.
func (t txn) drop(n *store.Node) error {
	if err := t.DropNode(n.Ino); err != nil {
		return err
	}
	t.forgetName(n)
	t.noteDisplaced(n, nil)
	t.ns.nodes.Remove(n.Ino)
	t.ns.listings.Remove(n.Ino)
	delete(t.ns.dirty, n.Ino)
	delete(t.ns.causes, n.Ino)
	delete(t.ns.plain, n.Ino)
	delete(t.ns.noCopy, n.Ino)
	delete(t.ns.doubted, n.Ino)
	delete(t.ns.trees, n.Ino)
	return nil
}

// lingering is how long a deleted node keeps its row when nothing needs it any
// more: the kernel may be about to open what it has just looked up.
const lingering = 10 * time.Second

// linger keeps the row of a deleted node that neither the provider knows nor
// anybody has open, for a while.
func (t txn) linger(n *store.Node) error {
	c := *n
	c.Exists, c.Remote, c.Dirty = false, store.State{}, nil
	if !t.ns.isOpen(n.Ino) {
		c.Copy = nil
	}
	t.ns.lingering[n.Ino] = t.ns.now()
	return t.put(&c)
}

// dropLingering drops deleted nodes whose time has come.
func (ns *Namespace) dropLingering() error {
	return ns.update(func(t txn) error {
		for ino, at := range ns.lingering {
			if ns.now()-at < int64(lingering) {
				continue
			}
			delete(ns.lingering, ino)
			n, err := t.get(ino)
			if err != nil {
				return err
			}
			if n == nil || n.Exists || n.Remote.Exists || ns.inflight[ino] > 0 || ns.isOpen(ino) {
				continue // its last close, or its call, drops it
			}
			ns.unused(n.Gen)
			if err := t.drop(n); err != nil {
				return err
			}
		}
		return nil
	})
}

// newIno gives out a number.
func (t txn) newIno() (uint64, error) { return t.ns.inos.Next(t.Tx) }

// listing returns what is known of a folder's entries.
func (t txn) listing(ino uint64) (store.Listing, error) {
	if l, ok := t.ns.listings.Get(ino); ok {
		return l, nil
	}
	l, err := t.Listing(ino)
	if err == nil {
		t.ns.listings.Add(ino, l)
	}
	return l, err
}

func (t txn) putListing(ino uint64, l store.Listing) error {
	if err := t.PutListing(ino, l); err != nil {
		return err
	}
	t.ns.listings.Add(ino, l)
	return nil
}

// touch returns a copy of n, changed by change, with its base fixed if this is
// its first difference and its Dirty part dropped if none is left.
func (t txn) touch(n *store.Node, change func(*store.Node)) *store.Node {
	c := *n
	d := store.Dirty{Base: n.Remote, Since: t.ns.now()}
	if n.Dirty != nil {
		d = *n.Dirty
	}
	d.Changed, d.Failed, d.FailKind, d.RetryAt, d.Tries = t.ns.now(), "", 0, 0, 0
	c.Dirty = &d
	change(&c)
	if !differs(&c) {
		c.Dirty = nil
	}
	return &c
}

// differs tells whether a node's local state is not its base.
func differs(n *store.Node) bool {
	d := n.Dirty
	switch {
	case d == nil || n.LocalOnly:
		return false
	case n.Exists != d.Base.Exists:
		return true
	case !n.Exists:
		return false
	}
	return d.Content || n.Place != d.Base.Place
}

// path returns a node's path in the mount, for messages and records.
func (t txn) path(ino uint64) string {
	return t.walk(ino, func(n *store.Node) store.Place { return n.Place })
}

// remotePath returns a node's path at the provider, relative to the mount's
// root.
func (t txn) remotePath(ino uint64) string {
	return t.walk(ino, func(n *store.Node) store.Place {
		if n.Remote.Exists {
			return n.Remote.Place
		}
		return n.Place
	})
}

// maxDepth bounds walks towards the root: paths are at most 4096 bytes, and
// damaged data must not make a loop.
const maxDepth = 4096

func (t txn) walk(ino uint64, place func(*store.Node) store.Place) string {
	path := ""
	for range maxDepth {
		if ino == RootIno {
			break
		}
		n, err := t.get(ino)
		if err != nil || n == nil {
			break
		}
		p := place(n)
		path = "/" + p.Name + path
		ino = p.Parent
	}
	if path == "" {
		return "/"
	}
	return path
}

// ref addresses a node's object at the provider.
func (t txn) ref(n *store.Node) remote.Ref {
	return remote.Ref{ID: n.Remote.ID, Path: t.ns.rootedPath(t.remotePath(n.Ino))}
}

// rootedPath turns a path relative to the mount's root into one relative to
// the account's.
func (ns *Namespace) rootedPath(path string) string {
	switch {
	case ns.opt.Root == "/":
		return path
	case path == "/":
		return ns.opt.Root
	}
	return ns.opt.Root + path
}
