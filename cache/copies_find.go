package cache

import (
	"strings"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
)

// addCopy tells the planner what a new node is a copy of.
func (s *snapshot) addCopy(n *store.Node, node *outbox.Node) error {
	if len(s.sources) == 0 || n.Remote.Exists || !n.Exists || s.t.ns.noCopy[n.Ino] {
		return nil
	}
	from, err := s.t.copySource(n)
	if err != nil || from == nil {
		return err
	}
	node.CopyOf, node.CopyName = from.Ino, from.Remote.Name
	if node.CopyName == n.Name {
		return nil // nothing has the name but this
	}
	node.CopyFree, err = s.t.freeAt(store.Place{Parent: n.Parent, Name: from.Remote.Name}, n.Ino)
	return err
}

// freeAt tells whether nothing but one node is known to have a place, here or at
// the provider. A server may well replace what has a name that it copies to.
func (t txn) freeAt(p store.Place, but uint64) (bool, error) {
	l, err := t.listing(p.Parent)
	if err != nil || !l.Complete {
		return false, err
	}
	here, err := t.child(p.Parent, p.Name)
	if err != nil || (here != nil && here.Ino != but) {
		return false, err
	}
	there, err := t.RemoteChildren(p.Parent)
	for _, n := range there {
		if n.Remote.Name == p.Name || (t.ns.caps.CaseFolds && strings.EqualFold(n.Remote.Name, p.Name)) {
			return false, nil
		}
	}
	return err == nil, err
}

// copySource returns the clean node whose object, with all that is in it, a new
// node is a copy of; nil if there is none.
func (t txn) copySource(n *store.Node) (*store.Node, error) {
	if n.Kind == Dir {
		return t.copiedFolder(n)
	}
	if n.Copy == nil {
		return nil, nil
	}
	from, err := t.source(n.Copy)
	if err != nil || from == nil || from.Dirty != nil || !from.Exists {
		return nil, err
	}
	return from, nil
}

// copiedFolder returns the folder that a new folder is a copy of, in every entry.
func (t txn) copiedFolder(n *store.Node) (*store.Node, error) {
	ino, err := t.guessSource(n.Ino, 0)
	if err != nil || ino == 0 || ino == RootIno {
		return nil, err
	}
	if inside, err := t.below(n.Ino, ino); err != nil || inside {
		return nil, err
	}
	from, err := t.get(ino)
	if err != nil || from == nil {
		return nil, err
	}
	if same, err := t.sameEntries(n.Ino, from, 0); err != nil || !same {
		return nil, err
	}
	return from, nil
}

// guessSource finds, by the first copied file below a folder, the folder that it
// can only be a copy of; 0 if there is none.
func (t txn) guessSource(dir uint64, depth int) (uint64, error) {
	nodes, err := t.allChildren(dir)
	if err != nil || depth > maxDepth {
		return 0, err
	}
	for _, c := range nodes {
		var from uint64
		switch {
		case c.Copy != nil:
			from = c.Copy.Source
		case c.Kind == Dir && !c.Remote.Exists:
			if from, err = t.guessSource(c.Ino, depth+1); err != nil {
				return 0, err
			}
		default:
			return 0, nil
		}
		if n, err := t.get(from); from != 0 && (err != nil || n != nil) {
			if err != nil {
				return 0, err
			}
			return n.Remote.Parent, nil
		}
	}
	return 0, nil
}

// allChildren returns what the mount shows in a folder and is not local.
func (t txn) allChildren(dir uint64) (all []*store.Node, err error) {
	after := uint64(0)
	for {
		nodes, err := t.children(dir, after, 500)
		if err != nil || len(nodes) == 0 {
			return all, err
		}
		for _, n := range nodes {
			if after = n.Ino; !n.LocalOnly {
				all = append(all, n)
			}
		}
	}
}

// sameEntries tells whether a new folder holds copies of all that a clean folder
// holds, and nothing else.
func (t txn) sameEntries(dir uint64, from *store.Node, depth int) (bool, error) {
	l, err := t.listing(from.Ino)
	if err != nil || !l.Complete || l.Stale || from.Kind != Dir || !from.Exists || from.Dirty != nil || depth > maxDepth {
		return false, err
	}
	nodes, err := t.allChildren(dir)
	if err != nil {
		return false, err
	}
	there, err := t.RemoteChildren(from.Ino)
	if err != nil || len(there) != len(nodes) {
		return false, err
	}
	byName := make(map[string]*store.Node, len(there))
	for _, n := range there {
		n = t.loaded(n)
		byName[n.Remote.Name] = n
	}
	for _, n := range nodes {
		if same, err := t.sameEntry(n, byName[n.Name], depth); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

func (t txn) sameEntry(n, from *store.Node, depth int) (bool, error) {
	switch {
	case from == nil || from.Kind != n.Kind || from.Dirty != nil || !from.Exists || n.Remote.Exists:
		return false, nil
	case n.Kind == Dir:
		return t.sameEntries(n.Ino, from, depth+1)
	case n.Copy == nil || n.Copy.Source != from.Ino:
		return false, nil
	}
	valid, err := t.source(n.Copy)
	return valid != nil, err
}
