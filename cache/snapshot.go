package cache

import (
	"sort"
	"time"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// tree is the namespace as the outbox's executor sees it.
type tree struct{ ns *Namespace }

var _ outbox.Tree = (*tree)(nil)

const (
	// longestSettle is how long after its first change a node is sent at the
	// latest, if it can be.
	longestSettle = 30 * time.Second
	// snapshotAfter is how long a file may stay open for writing before a
	// stable snapshot of it is sent.
	snapshotAfter = 10 * time.Minute
	// hotMemory is how long it is remembered that something was sent to a
	// place; see heat.
	hotMemory = 2 * time.Minute
	// usualPage is the page size that costs are estimated with.
	usualPage = 100
)

// heat counts how often a place was sent to lately. Files that are saved again
// and again settle longer each time, up to longestSettle: editors that save
// every few seconds cost one upload per half a minute, not one per save. Places
// and not nodes are counted, as a save by rename makes a new node each time.
type heat struct {
	sends int
	last  int64
}

// heated notes that something was sent to a place.
func (t txn) heated(p store.Place) {
	now := t.ns.now()
	if len(t.ns.hot) > 10000 {
		for place, h := range t.ns.hot {
			if now-h.last > int64(hotMemory) {
				delete(t.ns.hot, place)
			}
		}
	}
	h := t.ns.hot[p]
	if now-h.last > int64(hotMemory) {
		h.sends = 0
	}
	t.ns.hot[p] = heat{h.sends + 1, now}
}

// due is when a dirty node has settled, in nanoseconds since 1970.
func (t txn) due(n *store.Node) int64 {
	settle := t.ns.opt.Settle
	if h := t.ns.hot[n.Place]; t.ns.now()-h.last < int64(hotMemory) {
		settle = min(settle<<min(h.sends, 5), max(longestSettle, settle))
	}
	latest := n.Dirty.Since + int64(max(longestSettle, t.ns.opt.Settle))
	return max(min(n.Dirty.Changed+int64(settle), latest), n.Dirty.RetryAt)
}

// Snapshot implements outbox.Tree.
func (tr *tree) Snapshot(force bool) (in outbox.Input, next time.Time, err error) {
	s := snapshot{in: outbox.Input{
		Parents: map[uint64]uint64{store.RootIno: 0}, Children: map[uint64]int{},
		Evidence: outbox.Evidence{Object: map[uint64]int64{}, Tree: map[uint64]int64{}},
		Caps:     tr.capabilities(),
	}, force: force}
	err = tr.ns.view(func(t txn) error {
		s.t = t
		for ino := range tr.ns.dirty {
			if err := s.add(ino); err != nil {
				return err
			}
		}
		return nil
	})
	sort.Slice(s.in.Nodes, func(i, j int) bool { return s.in.Nodes[i].Ino < s.in.Nodes[j].Ino })
	if s.next != 0 {
		next = time.Unix(0, s.next)
	}
	return s.in, next, err
}

func (tr *tree) capabilities() outbox.Capabilities {
	c := tr.ns.caps
	_, treeList := tr.ns.remote.(remote.TreeLister)
	_, moveRename := tr.ns.remote.(remote.MoveRenamer)
	return outbox.Capabilities{
		TreeList: treeList && !tr.ns.noTrees.Load(), MoveRename: moveRename && c.MoveRenames,
		RecursiveDelete: c.RecursiveDelete, UploadMakesParents: c.UploadMakesParents, Overwrite: true,
		DeleteBatch: max(c.DeleteBatch, 1), MoveBatch: max(c.MoveBatch, 1), CaseFolds: c.CaseFolds, PageSize: usualPage,
	}
}

// snapshot collects the input of a plan.
type snapshot struct {
	t     txn
	in    outbox.Input
	force bool
	next  int64
}

func (s *snapshot) add(ino uint64) error {
	n, err := s.t.get(ino)
	if err != nil || n == nil || n.Dirty == nil {
		return err
	}
	d := n.Dirty
	s.in.Nodes = append(s.in.Nodes, outbox.Node{
		Ino: ino, Dir: n.Kind == Dir, Local: outbox.Place{Exists: n.Exists, Parent: n.Parent, Name: n.Name},
		Base: known(d.Base), Remote: known(n.Remote), Content: d.Content, Size: max(n.Size, 0),
		Changed: d.Changed, Ready: s.ready(n),
	})
	if n.Remote.Seen != 0 {
		s.in.Evidence.Object[ino] = n.Remote.Seen
	}
	for _, p := range []uint64{n.Parent, d.Base.Parent, n.Remote.Parent} {
		if err := s.addParents(p); err != nil {
			return err
		}
	}
	return s.addFolder(ino)
}

func known(s store.State) outbox.Known {
	return outbox.Known{
		Place:   outbox.Place{Exists: s.Exists, Parent: s.Parent, Name: s.Name},
		Version: s.Version, Size: s.Size,
	}
}

// addParents adds a folder and all folders above it.
func (s *snapshot) addParents(ino uint64) error {
	for range maxDepth {
		if _, ok := s.in.Parents[ino]; ok || ino == 0 {
			return nil
		}
		n, err := s.t.get(ino)
		if err != nil || n == nil {
			return err
		}
		parent := n.Parent
		if n.Remote.Exists {
			parent = n.Remote.Parent
		}
		s.in.Parents[ino] = parent
		if err := s.addFolder(ino); err != nil {
			return err
		}
		ino = parent
	}
	return nil
}

func (s *snapshot) addFolder(ino uint64) error {
	if at := s.t.ns.trees[ino]; at != 0 {
		s.in.Evidence.Tree[ino] = at
	}
	l, err := s.t.listing(ino)
	if err == nil && l.Complete {
		s.in.Children[ino] = l.Entries
	}
	return err
}

// ready tells whether a node may be sent now, and notes when it will be.
func (s *snapshot) ready(n *store.Node) bool {
	ns, d := s.t.ns, n.Dirty
	if ns.inflight[n.Ino] > 0 || d.Failed != "" || ns.opt.ReadOnly {
		return false
	}
	if n.Kind == File && n.Exists && ns.isWritten(n.Ino) {
		s.wait(d.Since + int64(snapshotAfter))
		return ns.now() >= d.Since+int64(snapshotAfter)
	}
	due := s.t.due(n)
	if s.force && d.RetryAt <= ns.now() {
		return true
	}
	s.wait(due)
	return ns.now() >= due
}

// wait notes a time at which a node becomes ready.
func (s *snapshot) wait(at int64) {
	if at > s.t.ns.now() && (s.next == 0 || at < s.next) {
		s.next = at
	}
}

// find returns a node of a plan's input.
func find(in *outbox.Input, ino uint64) *outbox.Node {
	i := sort.Search(len(in.Nodes), func(i int) bool { return in.Nodes[i].Ino >= ino })
	if i < len(in.Nodes) && in.Nodes[i].Ino == ino {
		return &in.Nodes[i]
	}
	return nil
}
