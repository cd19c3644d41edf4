package outbox

import "fmt"

// modelNode is a node as the namespace would keep it.
type modelNode struct {
	Node
	// content tells local contents apart, object is the id at the provider.
	content int
	object  uint64
	// copy says whose content the node has, nil if it has one of its own; noCopy
	// is set once copying it failed.
	copy   *modelCopy
	noCopy bool
}

// world is a model of the namespace, the executor and the provider together.
type world struct {
	dice
	provider *modelProvider
	caps     Capabilities
	nodes    map[uint64]*modelNode
	owner    map[uint64]uint64
	last     uint64
	clock    int64
	contents int
	seen     map[uint64]int64
	listed   map[uint64]int64
	// complete are the folders whose entries are all known.
	complete map[uint64]bool
	// merged is set when an observation or a refusal changed any node.
	merged bool
	// torn: the provider fails to unpack some archives.
	torn bool
	// spent counts the requests of what was executed.
	spent int
	// byUpload: uploads make new folders.
	byUpload bool
	fault    error
}

func newWorld(d dice) *world {
	w := &world{
		dice:  d,
		nodes: map[uint64]*modelNode{}, owner: map[uint64]uint64{1: 1}, last: 15,
	}
	w.caps = Capabilities{
		TreeList: w.odds(2), MoveRename: w.odds(3), RecursiveDelete: w.odds(2), CaseFolds: w.odds(4), Overwrite: !w.odds(8),
		DeleteBatch: 1 + w.roll(4)*w.roll(4), MoveBatch: 1 + w.roll(4)*w.roll(4), PageSize: 1 + w.roll(6),
	}
	if w.odds(2) {
		w.withArchives()
	} else {
		w.byUpload = w.odds(2)
	}
	if w.odds(2) {
		w.withCopies()
	}
	w.provider = newModelProvider(w.caps.CaseFolds)
	w.forget()
	return w
}

func (w *world) failf(format string, args ...any) {
	if w.fault == nil {
		w.fault = fmt.Errorf(format, args...)
	}
}

func (w *world) tick() int64 { w.clock++; return w.clock }

// forget drops all evidence.
func (w *world) forget() {
	w.seen, w.listed, w.complete = map[uint64]int64{}, map[uint64]int64{}, map[uint64]bool{}
}

// all returns the nodes by inode number.
func (w *world) all() []*modelNode {
	nodes := make([]*modelNode, 0, len(w.nodes))
	for ino := uint64(16); ino <= w.last; ino++ {
		if n := w.nodes[ino]; n != nil {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// newNode makes a node that neither side has yet.
func (w *world) newNode(dir bool) *modelNode {
	w.last++
	w.contents++
	n := &modelNode{Node: Node{Ino: w.last, Dir: dir, Ready: true, ByUpload: dir && w.byUpload && !w.odds(4)}, content: w.contents}
	w.nodes[n.Ino] = n
	return n
}

// find returns the node that the mount shows at a place.
func (w *world) find(parent uint64, name string) *modelNode {
	for _, n := range w.nodes {
		if n.Local.Exists && n.Local.Parent == parent && w.provider.same(n.Local.Name, name) {
			return n
		}
	}
	return nil
}

func (w *world) objectOf(ino uint64) uint64 {
	if ino == 1 {
		return 1
	}
	if n := w.nodes[ino]; n != nil {
		return n.object
	}
	return 0
}

// known describes an object as an observation does.
func (w *world) known(o *modelObject) Known {
	k := Known{Place: Place{Exists: true, Parent: w.owner[o.parent], Name: o.name}}
	if !o.dir {
		k.Version = versionOf(o)
	}
	return k
}

// own makes an object a node's, in agreement with its remote state.
func (w *world) own(n *modelNode, o *modelObject) {
	n.object, w.owner[o.id] = o.id, n.Ino
	n.Remote = w.known(o)
	n.Base = n.Remote
}

// made notes that an object was made for a new node. Nothing is in a folder that
// was made just now but what comes from here, which is as good as a listing.
func (w *world) made(n *modelNode, o *modelObject) {
	w.own(n, o)
	n.Content, n.copy = false, nil
	if n.Dir {
		w.listed[n.Ino], w.complete[n.Ino] = w.tick(), true
	}
}

// lose notes that a node's object is gone.
func (w *world) lose(n *modelNode) {
	delete(w.owner, n.object)
	n.object, n.Remote.Exists = 0, false
}

func (n *modelNode) dirty() bool {
	return !n.Local.Exists || !n.Remote.Exists || n.Content || !samePlace(n.Local, n.Remote.Place)
}

// unsent counts the nodes that differ.
func (w *world) unsent() int {
	count := 0
	for _, n := range w.nodes {
		if n.dirty() {
			count++
		}
	}
	return count
}

// input makes the planner's input: dirty nodes, the clean ones that hold a
// name on a dirty one's way, and some others.
func (w *world) input() Input {
	in := Input{
		Parents: map[uint64]uint64{1: 0}, Children: map[uint64]int{}, Caps: w.caps,
		Evidence: Evidence{Object: w.seen, Tree: map[uint64]int64{}},
	}
	ways := w.ways()
	for _, n := range w.all() {
		if n.dirty() || ways[n.Remote.Place] || w.odds(8) {
			in.Nodes = append(in.Nodes, w.nodeOf(n))
		}
		if n.Dir {
			in.Parents[n.Ino] = n.parent()
		}
		if n.Remote.Exists {
			in.Children[n.Remote.Parent]++
		}
	}
	for _, n := range w.all() {
		if n.Dir && n.Remote.Exists {
			in.Evidence.Tree[n.Ino] = w.treeSeen(n.Ino)
		}
	}
	return in
}

// parent returns a folder's parent as Input.Parents has it.
func (n *modelNode) parent() uint64 {
	if n.Remote.Exists {
		return n.Remote.Parent
	}
	return n.Local.Parent
}

// ways returns the places that nodes may go through.
func (w *world) ways() map[Place]bool {
	ways := map[Place]bool{}
	for _, n := range w.nodes {
		if n.Local.Exists && n.Remote.Exists && !samePlace(n.Local, n.Remote.Place) {
			w.addWay(ways, n.Local.Parent, n.Remote.Name)
			w.addWay(ways, n.Remote.Parent, n.Local.Name)
		}
	}
	return ways
}

func (w *world) addWay(ways map[Place]bool, parent uint64, name string) {
	for _, n := range w.nodes {
		if n.Remote.Exists && n.Remote.Parent == parent && w.provider.same(n.Remote.Name, name) {
			ways[n.Remote.Place] = true
		}
	}
}

// treeSeen returns when a folder was last known with all that is below it.
func (w *world) treeSeen(ino uint64) int64 {
	at := w.listed[ino]
	for _, n := range w.nodes {
		if n.Dir && n.Remote.Exists && n.Remote.Parent == ino {
			at = min(at, w.treeSeen(n.Ino))
		}
	}
	return at
}
