package cache

import "github.com/frugalfs/frugalfs/cache/store"

// keptHere tells whether what is new in a node exists here only: an empty file,
// where the provider stores none. It is sent once something is in it. What the
// provider has of the file stays as it is until then.
func (ns *Namespace) keptHere(n *store.Node) bool {
	return !ns.caps.EmptyFiles && n.Kind == File && n.Exists && n.Size == 0 && n.Dirty != nil && n.Dirty.Content
}

// nothingElse tells whether a node that is kept here differs in its content
// only.
func nothingElse(n *store.Node) bool {
	return !n.Dirty.Base.Exists || n.Place == n.Dirty.Base.Place
}

// restsHere tells whether a node is done with although it differs: nothing of it
// can be sent.
func (ns *Namespace) restsHere(n *store.Node) bool { return ns.keptHere(n) && nothingElse(n) }
