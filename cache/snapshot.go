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
	// longestGrowth is the same for what is new below one folder, as long as more
	// comes: a tree that is sent in two pieces costs twice.
	longestGrowth = 2 * longestSettle
	// snapshotAfter is how long a file may stay open for writing before a
	// stable snapshot of it is sent.
	snapshotAfter = 10 * time.Minute
	// hotMemory is how long it is remembered that something was sent to a
	// place; see heat.
	hotMemory = 2 * time.Minute
	// usualPage is the page size that costs are estimated with.
	usualPage = 1000
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

// settleOf is how long a node must be quiet.
func (t txn) settleOf(n *store.Node) time.Duration {
	settle := t.ns.opt.Settle
	if h := t.ns.hot[n.Place]; t.ns.now()-h.last < int64(hotMemory) {
		settle = min(settle<<min(h.sends, 5), max(longestSettle, settle))
	}
	return settle
}

// due is when a dirty node has settled, in nanoseconds since 1970: when it and
// the folders above it have been quiet for a while, so that what a program does
// to a tree is sent as one. Changes directly in the root do not count: they
// would delay everything.
func (s *snapshot) due(n *store.Node) (int64, error) {
	quiet := n.Dirty.Changed + int64(s.t.settleOf(n))
	for ino, depth := n.Parent, 0; ino != store.RootIno && depth < maxDepth; depth++ {
		p, err := s.t.get(ino)
		if err != nil || p == nil {
			return 0, err
		}
		quiet = max(quiet, p.Ctime+int64(s.t.ns.opt.Settle))
		ino = p.Parent
	}
	latest := n.Dirty.Since + int64(max(longestSettle, s.t.ns.opt.Settle))
	if g := s.groups[s.groupOf(n)]; g != nil {
		quiet = max(quiet, g.last+int64(s.t.ns.opt.Settle))
		cut := g.first + int64(longestGrowth)
		latest = max(latest, cut)
		switch {
		case s.beingFilled(n):
			// The rest of it would cost as much again: it waits for the whole.
			latest = max(latest, n.Dirty.Since+int64(longestGrowth))
		case g.first != 0 && s.t.ns.now() >= cut:
			quiet = cut // a tree that is still being made is sent in pieces
		}
	}
	return max(min(quiet, latest), n.Dirty.RetryAt), nil
}

// beingFilled tells whether a new node is a folder into which something has just
// come, or nothing yet, or is in such a folder.
func (s *snapshot) beingFilled(n *store.Node) bool {
	quietSince := s.t.ns.now() - int64(s.t.ns.opt.Settle)
	if n.Kind == Dir {
		return s.filled[n.Ino] == 0 || s.filled[n.Ino] > quietSince
	}
	return s.filled[n.Parent] > quietSince
}

// group is what is new below one folder that the provider has: it is sent as one.
type group struct {
	// first is when the first of its files changed, 0 if there is none, and last
	// when anything of it did. Folders do not count for first: they may have
	// been made long before they are filled.
	first, last int64
}

// groupOf is the folder at the provider below which a new node's chain of new
// folders begins; 0 for a node that the provider has, or whose own folder is no
// new one.
func (s *snapshot) groupOf(n *store.Node) uint64 {
	if n.Remote.Exists || !n.Exists || (n.Kind != Dir && !s.isNew(n.Parent)) {
		return 0
	}
	ino := n.Parent
	for range maxDepth {
		p, err := s.t.get(ino)
		if err != nil || p == nil {
			return 0
		}
		if p.Remote.Exists || ino == store.RootIno {
			return ino
		}
		ino = p.Parent
	}
	return 0
}

func (s *snapshot) isNew(ino uint64) bool {
	n, err := s.t.get(ino)
	return err == nil && n != nil && !n.Remote.Exists && ino != store.RootIno
}

// group takes a dirty node into account before anything is said to be ready.
func (s *snapshot) group(ino uint64) error {
	n, err := s.t.get(ino)
	if err != nil || n == nil || n.Dirty == nil {
		return err
	}
	key := s.groupOf(n)
	if key == 0 {
		return nil
	}
	g := s.groups[key]
	if g == nil {
		g = &group{}
		s.groups[key] = g
	}
	if n.Kind != Dir && (g.first == 0 || n.Dirty.Since < g.first) {
		g.first = n.Dirty.Since
	}
	g.last = max(g.last, n.Dirty.Changed)
	if n.Kind == Dir {
		// What goes into it waits for this, too: so all that goes with it does.
		g.last = max(g.last, n.Ctime)
	}
	s.filled[n.Parent] = max(s.filled[n.Parent], n.Dirty.Changed)
	return nil
}

// Snapshot implements outbox.Tree.
func (tr *tree) Snapshot(force bool) (in outbox.Input, next time.Time, err error) {
	s := snapshot{in: outbox.Input{
		Parents: map[uint64]uint64{store.RootIno: 0}, Children: map[uint64]int{},
		Evidence: outbox.Evidence{Object: map[uint64]int64{}, Tree: map[uint64]int64{}},
		Caps:     tr.capabilities(),
	}, force: force, added: map[uint64]bool{}, groups: map[uint64]*group{}, filled: map[uint64]int64{}}
	err = tr.ns.view(func(t txn) error {
		s.t = t
		if s.sources, err = t.CopySources(); err != nil {
			return err
		}
		for ino := range tr.ns.dirty {
			if err := s.group(ino); err != nil {
				return err
			}
		}
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
	copyBatch := 0
	if tr.ns.copies() {
		copyBatch = max(c.CopyBatch, 1)
	}
	_, copyRename := tr.ns.remote.(remote.CopyRenamer)
	_, extracts := tr.ns.remote.(remote.Extractor)
	return outbox.Capabilities{
		TreeList: treeList && tr.ns.now() >= tr.ns.noTreesUntil.Load(), MoveRename: moveRename && c.MoveRenames,
		CopyBatch: copyBatch, CopyRename: copyRename,
		Archives: extracts && c.UploadMakesParents, Archive: archiveLimit, ArchiveFile: archiveFileLimit,
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
	// added are the clean nodes in the input.
	added map[uint64]bool
	// groups are the trees that are new, by the folder that they are in, and
	// filled when something last came into a folder.
	groups map[uint64]*group
	filled map[uint64]int64
	// sources are the nodes whose contents are still to be copied.
	sources map[uint64]bool
}

func (s *snapshot) add(ino uint64) error {
	n, err := s.t.get(ino)
	if err != nil || n == nil || n.Dirty == nil || s.t.ns.restsHere(n) {
		return err
	}
	d := n.Dirty
	node := outbox.Node{
		Ino: ino, Dir: n.Kind == Dir, Local: outbox.Place{Exists: n.Exists, Parent: n.Parent, Name: n.Name},
		Base: known(d.Base), Remote: known(n.Remote), Content: d.Content && !s.t.ns.keptHere(n), Size: max(n.Size, 0),
		Draft: s.t.outgoing(n), Changed: d.Changed, Ready: s.ready(n), Plain: s.t.ns.plain[ino] >= plainAfter || !fitsArchive(n.Name),
	}
	if err := s.addCopy(n, &node); err != nil {
		return err
	}
	if node.ByUpload, err = s.byUpload(n); err != nil {
		return err
	}
	s.in.Nodes = append(s.in.Nodes, node)
	if _, doubted := s.t.ns.doubted[ino]; n.Remote.Seen != 0 && !doubted {
		s.in.Evidence.Object[ino] = n.Remote.Seen
	}
	for _, p := range []uint64{n.Parent, d.Base.Parent, n.Remote.Parent} {
		if err := s.addParents(p); err != nil {
			return err
		}
	}
	if n.Kind == Dir && !n.Exists {
		if err := s.addDeleted(n); err != nil {
			return err
		}
	}
	return s.addInTheWay(n)
}

// addDeleted adds what a recursive delete of a folder depends on: how many
// objects are known in it, and when all below it was last listed.
func (s *snapshot) addDeleted(n *store.Node) error {
	count, err := s.t.CountRemote(n.Ino)
	if err != nil {
		return err
	}
	s.in.Children[n.Ino] = count
	if at := s.t.ns.trees[n.Ino]; at != 0 {
		s.in.Evidence.Tree[n.Ino] = at
	}
	if s.in.Caps.TreeList {
		return nil
	}
	at, err := s.oldestListing(n.Ino, 0)
	if err == nil && at != 0 {
		s.in.Evidence.Tree[n.Ino] = at
	}
	return err
}

// oldestListing is when a folder and all folders below it had been listed, 0 if
// one of them never was.
func (s *snapshot) oldestListing(ino uint64, depth int) (int64, error) {
	l, err := s.t.listing(ino)
	if err != nil || !l.Complete || depth > maxDepth {
		return 0, err
	}
	oldest := l.Sent
	nodes, err := s.t.RemoteChildren(ino)
	if err != nil {
		return 0, err
	}
	for _, c := range nodes {
		if c.Kind != Dir {
			continue
		}
		at, err := s.oldestListing(c.Ino, depth+1)
		if err != nil || at == 0 {
			return 0, err
		}
		oldest = min(oldest, at)
	}
	return oldest, nil
}

// addInTheWay adds the clean nodes that a move and a rename, one after the
// other, would meet in the place between.
func (s *snapshot) addInTheWay(n *store.Node) error {
	if !n.Exists || !n.Remote.Exists || n.Parent == n.Remote.Parent || n.Name == n.Remote.Name {
		return nil
	}
	for _, p := range []store.Place{{Parent: n.Parent, Name: n.Remote.Name}, {Parent: n.Remote.Parent, Name: n.Name}} {
		other, err := s.t.child(p.Parent, p.Name)
		if err != nil {
			return err
		}
		if other == nil || other.Dirty != nil || !other.Remote.Exists || s.added[other.Ino] {
			continue
		}
		s.added[other.Ino] = true
		r := known(other.Remote)
		s.in.Nodes = append(s.in.Nodes, outbox.Node{
			Ino: other.Ino, Dir: other.Kind == Dir, Local: r.Place, Base: r, Remote: r, Size: r.Size,
		})
	}
	return nil
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
	if ns.opt.ReadOnly || s.stuck(n) || s.parentStuck(n) {
		return false
	}
	if n.Kind == File && n.Exists && ns.hurried[n.Ino] == 0 && ns.isWritten(n.Ino) {
		s.wait(d.Since + int64(snapshotAfter))
		return ns.now() >= d.Since+int64(snapshotAfter)
	}
	if s.force {
		return true
	}
	if s.sources[n.Ino] && (!n.Exists || d.Content) {
		// What is copied from it goes first, but not for ever.
		until := d.Since + int64(longestSettle)
		s.wait(until)
		if ns.now() < until {
			return false
		}
	}
	due, err := s.due(n)
	s.wait(due)
	return err == nil && ns.now() >= due
}

// stuck tells whether a node is in flight, was given up, or waits after a
// failure.
func (s *snapshot) stuck(n *store.Node) bool {
	if s.t.ns.inflight[n.Ino] > 0 || n.Dirty.Failed != "" {
		return true
	}
	s.wait(n.Dirty.RetryAt)
	return n.Dirty.RetryAt > s.t.ns.now()
}

// parentStuck tells whether a folder that is new here, and that a node needs, is
// stuck.
func (s *snapshot) parentStuck(n *store.Node) bool {
	for range maxDepth {
		p, err := s.t.get(n.Parent)
		if err != nil || p == nil || p.Dirty == nil || p.Remote.Exists {
			return err != nil
		}
		if s.stuck(p) {
			return true
		}
		n = p
	}
	return true
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
