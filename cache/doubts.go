package cache

import (
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// recognised is a node that differs here with its object's version as the provider
// tells it now, if it only had no digest of the same content before: that is no
// change by anybody. A clean node follows as ever: its object may have been replaced
// in the second of its time stamp, so that what is cached of it proves nothing.
func recognised(n *store.Node, o remote.Object) *store.Node {
	if n.Dirty == nil || o.Former == "" || n.Remote.Version != o.Former || n.Remote.Size != o.Size {
		return n
	}
	c, d := *n, *n.Dirty
	if d.Base.Version == n.Remote.Version && d.Base.Size == o.Size {
		d.Base.Version, d.Base.Hash = o.Version, o.Hash
	}
	c.Remote.Version, c.Remote.Hash = o.Version, o.Hash
	c.Dirty = &d
	return &c
}

// doubt notes what was seen of a node while a call about it was under way, if that
// is news: what the call's answer tells may be older.
func (t txn) doubt(n *store.Node, s store.State) {
	if n.Remote.Seen <= s.Seen && !sameObject(n, s) {
		t.ns.doubted[n.Ino] = s
	}
}

// sameObject tells whether a node is known to be as it was seen.
func sameObject(n *store.Node, s store.State) bool {
	r := n.Remote
	return r.ID == s.ID && r.Place == s.Place && (n.Kind == Dir || s.SameContent(r))
}

// settleDoubts ends calls about nodes. What was seen meanwhile, and is not what
// the calls did, is asked for again.
func (t txn) settleDoubts(inos []uint64) error {
	for _, ino := range inos {
		s, ok := t.ns.doubted[ino]
		if !ok {
			continue
		}
		n, err := t.get(ino)
		if err != nil {
			return err
		}
		if n == nil || sameObject(n, s) {
			delete(t.ns.doubted, ino)
		}
		if n == nil || !sameObject(n, s) {
			if err := t.staleListing(s.Parent); err != nil {
				return err
			}
		}
	}
	return nil
}
