package outbox

import (
	"slices"
	"strconv"
)

// modelCopy says whose content a new node has: that of a file's object in one
// version, or of a folder all that is in it.
type modelCopy struct {
	source  uint64
	version string
}

// withCopies makes the provider one that copies.
func (w *world) withCopies() {
	w.caps.CopyBatch, w.caps.CopyRename = 1+w.roll(5), w.odds(3)
	w.caps.PageSize = max(w.caps.PageSize, 2)
}

// copyWithin copies a node of the mount to another place in it.
func (w *world) copyWithin(n *modelNode, parent uint64, name string) {
	if n == nil || w.find(parent, name) != nil || w.inside(parent, n) {
		return
	}
	made := w.make(parent, name, n.Dir)
	if !n.Dir {
		made.content, made.Size = n.content, n.Size
	}
	if w.clean(n) {
		made.copy = &modelCopy{source: n.Ino, version: n.Remote.Version}
	}
	for _, m := range w.all() {
		if m.Local.Exists && m.Local.Parent == n.Ino {
			w.copyWithin(m, made.Ino, m.Local.Name)
		}
	}
}

// clean tells whether a node is shown as the provider is known to have it.
func (w *world) clean(n *modelNode) bool {
	return n != nil && n.Local.Exists && n.Remote.Exists && !n.dirty()
}

// sourceOf returns the node whose object a new node is a copy of, nil if there is
// none any more.
func (w *world) sourceOf(n *modelNode) *modelNode {
	if n.copy == nil || n.Remote.Exists || !n.Local.Exists {
		return nil
	}
	from := w.nodes[n.copy.source]
	switch {
	case !w.clean(from) || from.Dir != n.Dir || from.Remote.Version != n.copy.version:
		return nil
	case n.Dir && (w.inside(n.Local.Parent, from) || !w.sameEntries(n, from)):
		return nil
	}
	return from
}

// sameEntries tells whether a new folder shows copies of all that another one
// holds, and nothing else.
func (w *world) sameEntries(dir, from *modelNode) bool {
	there := map[string]*modelNode{}
	for _, m := range w.all() {
		if m.Remote.Exists && m.Remote.Parent == from.Ino {
			there[m.Remote.Name] = m
		}
	}
	for _, m := range w.shownIn(dir.Ino) {
		source := w.sourceOf(m)
		if source == nil || source != there[m.Local.Name] {
			return false
		}
	}
	return w.complete[from.Ino] && len(there) == len(w.shownIn(dir.Ino)) && len(there) > 0
}

// shownIn returns what the mount shows in a folder.
func (w *world) shownIn(dir uint64) []*modelNode {
	return slices.DeleteFunc(w.all(), func(m *modelNode) bool { return !m.Local.Exists || m.Local.Parent != dir })
}

// nodeOf describes a node to the planner.
func (w *world) nodeOf(n *modelNode) Node {
	node := n.Node
	if from := w.sourceOf(n); from != nil && !n.noCopy {
		node.CopyOf, node.CopyName = from.Ino, from.Remote.Name
		node.CopyFree = w.complete[n.Local.Parent] && w.free(n, from.Remote.Name)
	}
	return node
}

// free tells whether nothing but a node is known to have a name in its folder.
func (w *world) free(n *modelNode, name string) bool {
	if here := w.find(n.Local.Parent, name); here != nil && here != n {
		return false
	}
	return !slices.ContainsFunc(w.all(), func(m *modelNode) bool {
		return m.Remote.Exists && m.Remote.Parent == n.Local.Parent && w.provider.same(m.Remote.Name, name)
	})
}

// writeOut gives copies a content of their own before a step needs that, or
// destroys what they are copies of. It tells whether there was any.
func (w *world) writeOut(s Step) (any bool) {
	sends := s.Op == Upload || s.Op == Archive
	if !sends && s.Op != Delete {
		return false
	}
	about := append(slices.Concat(s.Inos, s.Below), s.Over)
	for _, n := range w.all() {
		if n.Dir || n.copy == nil || n.Remote.Exists {
			continue
		}
		if (sends && slices.Contains(about, n.Ino)) || slices.Contains(about, n.copy.source) {
			n.copy, any = nil, true
			w.spent++ // its content is fetched
		}
	}
	return any
}

// copyAll carries out a Copy step.
func (w *world) copyAll(s Step) bool {
	folder := w.objectOf(s.Parent)
	if w.provider.objects[folder] == nil {
		w.failf("nodes %v are copied before their folder is there", s.Inos)
		return false
	}
	for _, ino := range s.Inos {
		if !w.copyOne(w.nodes[ino], s, folder) {
			return false
		}
	}
	return true
}

func (w *world) copyOne(n *modelNode, s Step, folder uint64) bool {
	from := w.sourceOf(n)
	if from == nil && n.Dir && n.copy != nil {
		return false // an earlier step changed it, as it had to come first
	}
	if from == nil || n.object != 0 {
		w.failf("node %d is copied, and is no copy", n.Ino)
		return false
	}
	o := w.provider.objects[from.object]
	if o == nil {
		w.merge(from)
		return false
	}
	name := o.name
	if w.caps.CopyRename && len(s.Inos) == 1 {
		name = n.Local.Name
	}
	if other := w.provider.taken(folder, name); other != nil {
		return w.refused(other)
	}
	made := w.provider.copyTo(o, folder, name)
	w.observe(from)
	if w.sourceOf(n) != from || !w.sameBelow(n, made) {
		w.provider.remove(made.id)
		n.noCopy = true
		return false
	}
	if name != n.Local.Name {
		if other, err := w.provider.place(made, folder, n.Local.Name); other != nil || err != nil {
			w.provider.remove(made.id)
			return w.refused(other)
		}
	}
	w.ownAll(n, made)
	return true
}

// observe looks at what was copied.
func (w *world) observe(from *modelNode) {
	if !from.Dir {
		w.look(from)
		return
	}
	w.look(from)
	if from.object != 0 {
		w.listTree(from.Ino)
	}
}

// sameBelow tells whether what was copied is what a node shows.
func (w *world) sameBelow(n *modelNode, o *modelObject) bool {
	if !n.Dir {
		return o.content == n.content
	}
	there := w.provider.in(o.id)
	return len(there) == len(w.shownIn(n.Ino)) && !slices.ContainsFunc(there, func(each *modelObject) bool {
		m := w.find(n.Ino, each.name)
		return m == nil || m.Dir != each.dir || !w.sameBelow(m, each)
	})
}

// ownAll gives a node, and all that is below it, its copied objects.
func (w *world) ownAll(n *modelNode, o *modelObject) {
	w.made(n, o)
	for _, each := range w.provider.in(o.id) {
		w.ownAll(w.find(n.Ino, each.name), each)
	}
}

// copyTo copies an object with all that is below it.
func (m *modelProvider) copyTo(o *modelObject, folder uint64, name string) *modelObject {
	below := m.in(o.id)
	made := m.add(folder, name, o.dir, o.content)
	for _, each := range below {
		m.copyTo(each, made.id, each.name)
	}
	return made
}

// checkCopies checks that what is copied are copies, that the folders among them
// are whole, and what the calls cost.
func (w *world) checkCopies(in Input, steps []Step) {
	by := map[uint64]Node{}
	for _, n := range in.Nodes {
		by[n.Ino] = n
	}
	for _, s := range steps {
		if s.Op == Copy {
			w.checkCopy(s, by)
		}
	}
}

func (w *world) checkCopy(s Step, by map[uint64]Node) {
	var below []uint64
	dirs := 0
	for _, ino := range s.Inos {
		n := by[ino]
		below = w.belowOf(ino, below)
		dirs += btoi(n.Dir)
		named := s.Name == "" && (n.CopyName == n.Local.Name || (w.caps.CopyRename && len(s.Inos) == 1))
		passes := !n.Dir && len(s.Inos) == 1 && s.Name == n.CopyName && n.CopyFree
		if n.CopyOf == 0 || n.Local.Parent != s.Parent || (!n.Ready && !n.Dir) || (!named && !passes) {
			w.failf("node %+v is copied by %+v", n, s)
		}
	}
	for _, ino := range below {
		if n := by[ino]; !n.Ready && !n.Dir {
			w.failf("node %d is copied and not ready", ino)
		}
	}
	want := 2 + btoi(s.Name != "" && !w.caps.CopyRename)
	if dirs > 0 {
		want += pagesOf(len(s.Inos)+len(below), w.caps.PageSize)
	}
	if !slices.Equal(slices.Sorted(slices.Values(below)), slices.Sorted(slices.Values(s.Below))) || s.Cost != want || len(s.Inos) > w.caps.CopyBatch {
		w.failf("copy with %v below, for %d: %+v", below, want, s)
	}
}

// belowOf adds all that the mount shows below a node.
func (w *world) belowOf(ino uint64, all []uint64) []uint64 {
	for _, m := range w.shownIn(ino) {
		all = w.belowOf(m.Ino, append(all, m.Ino))
	}
	return all
}

// pagesOf is how many pages a listing has, of which two share one entry.
func pagesOf(entries, size int) int {
	pages := 1
	for seen := size; seen < entries; seen += size - 1 {
		pages++
	}
	return pages
}

// fetches counts the files whose contents a plan needs here before it can send
// them, although the provider has them.
func fetches(in Input, steps []Step) (count int) {
	sent := map[uint64]bool{}
	for _, s := range steps {
		if s.Op == Upload || s.Op == Archive {
			for _, ino := range s.Inos {
				sent[ino] = true
			}
		}
	}
	for _, n := range in.Nodes {
		count += btoi(sent[n.Ino] && n.CopyOf != 0 && !n.Dir)
	}
	return count
}

// naiveCopy is what a new node costs by itself: a file that the provider has is
// fetched and sent, or, if it is too large for that, copied and renamed.
func naiveCopy(n Node, s Step, caps Capabilities) int {
	switch {
	case n.Dir || n.CopyOf == 0:
		return 1
	case s.Op == Copy && s.Name != "" && !caps.CopyRename && n.Size > caps.ArchiveFile:
		return 3
	}
	return 2
}

// versionOf is a version as observations show it.
func versionOf(o *modelObject) string { return strconv.Itoa(o.version) }
