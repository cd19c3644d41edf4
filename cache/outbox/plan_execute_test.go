package outbox

import "slices"

// execute carries out one step literally. It returns false if the provider
// refused any of it.
func (w *world) execute(s Step) bool {
	if w.writeOut(s) {
		return false
	}
	switch s.Op {
	case Look:
		w.look(w.nodes[s.Inos[0]])
	case ListDir:
		w.listDir(s.Parent)
	case ListTree:
		w.listTree(s.Parent)
	case Settle:
		w.settle(s.Inos)
	case Mkdir, Upload:
		return w.store(w.nodes[s.Inos[0]], s)
	case Rename:
		n := w.nodes[s.Inos[0]]
		return w.relocate(n, n.Remote.Parent, s.Name)
	case MoveRename:
		return w.relocate(w.nodes[s.Inos[0]], s.Parent, s.Name)
	case Move:
		return w.moveAll(s)
	case Delete:
		w.removeAll(s)
	case Archive:
		return w.unpack(s)
	case Copy:
		return w.copyAll(s)
	}
	return true
}

func (w *world) settle(inos []uint64) {
	for _, ino := range inos {
		n := w.nodes[ino]
		if n.dirty() && (n.Local.Exists || n.Remote.Exists) {
			w.failf("node %d is settled and differs", ino)
		}
		if !n.Local.Exists {
			delete(w.nodes, ino)
		}
	}
}

// store makes a folder or uploads a file.
func (w *world) store(n *modelNode, s Step) bool {
	if n.object != 0 {
		w.uploadOver(n, n)
		return true
	}
	if s.Over != 0 {
		w.uploadOver(n, w.nodes[s.Over])
		return true
	}
	if !w.makeFolders(n, s.Below) {
		return false
	}
	folder := w.objectOf(n.Local.Parent)
	if w.provider.objects[folder] == nil {
		w.failf("node %d is sent before its folder", n.Ino)
		return false
	}
	if other := w.provider.taken(folder, n.Local.Name); other != nil {
		return w.refused(other)
	}
	w.made(n, w.provider.add(folder, n.Local.Name, n.Dir, n.content))
	return true
}

// makeFolders makes the folders that an upload makes, the topmost first.
func (w *world) makeFolders(n *modelNode, inos []uint64) bool {
	if len(inos) > 0 && inos[len(inos)-1] != n.Local.Parent {
		w.failf("the upload of node %d makes folders that it is not in", n.Ino)
	}
	for _, ino := range inos {
		f := w.nodes[ino]
		if f.object != 0 || !f.ByUpload {
			w.failf("the upload of node %d makes folder %d", n.Ino, ino)
			return false
		}
		if !w.store(f, Step{Op: Mkdir, Inos: []uint64{ino}}) {
			return false
		}
	}
	return true
}

// uploadOver sends n's content over the object of old, which is n itself or
// was deleted here.
func (w *world) uploadOver(n, old *modelNode) {
	o := w.provider.objects[old.object]
	switch {
	case o == nil || w.known(o) != old.Base:
		w.failf("node %d is sent over an object that others changed", n.Ino)
		return
	case n != old && (old.Local.Exists || !samePlace(n.Local, old.Remote.Place)):
		w.failf("node %d is sent over node %d", n.Ino, old.Ino)
	case n == old && !n.Content:
		w.failf("node %d is sent and has no new content", n.Ino)
	}
	w.provider.write(o, n.content)
	if n != old {
		w.lose(old)
	}
	w.own(n, o)
	n.Content = false
}

func (w *world) relocate(n *modelNode, parent uint64, name string) bool {
	o := w.provider.objects[n.object]
	if o == nil {
		w.merge(n)
		return false
	}
	other, err := w.provider.place(o, w.objectOf(parent), name)
	if err != nil {
		w.failf("node %d: %w", n.Ino, err)
	}
	if other != nil || err != nil {
		return w.refused(other)
	}
	was := n.Base
	n.Remote = w.known(o)
	n.Base = n.Remote
	w.mergeContent(n, o, was)
	return true
}

// refused notes that a name was taken, which must be news.
func (w *world) refused(other *modelObject) bool {
	if other == nil {
		return false
	}
	n := w.nodes[w.owner[other.id]]
	if n != nil && n.Remote == w.known(other) {
		w.failf("node %d is in the way of a call", n.Ino)
		return false
	}
	w.listDir(w.owner[other.parent])
	if n != nil {
		w.merge(n)
	}
	return false
}

func (w *world) moveAll(s Step) bool {
	if len(s.Inos) > w.caps.MoveBatch {
		w.failf("too many moves in one call")
	}
	ok := true
	for _, ino := range s.Inos {
		n := w.nodes[ino]
		ok = w.relocate(n, s.Parent, n.Remote.Name) && ok
	}
	return ok
}

func (w *world) removeAll(s Step) {
	if len(s.Inos) > w.caps.DeleteBatch {
		w.failf("too many deletes in one call")
	}
	for _, ino := range s.Inos {
		n := w.nodes[ino]
		if w.provider.objects[n.object] == nil {
			w.merge(n)
			continue
		}
		if !w.caps.RecursiveDelete && len(w.provider.in(n.object)) > 0 {
			w.failf("folder %d is deleted and not empty", ino)
		}
		w.removeOne(n, s)
	}
}

func (w *world) removeOne(n *modelNode, s Step) {
	var going []*modelObject
	for _, o := range w.provider.sorted() {
		if w.provider.below(o.id, n.object) {
			going = append(going, o)
		}
	}
	for _, o := range going {
		g := w.nodes[w.owner[o.id]]
		switch {
		case g == nil || w.known(o) != g.Base:
			w.failf("object %d of somebody else is deleted", o.id)
		case g.Local.Exists:
			w.failf("node %d is deleted and was not deleted here", g.Ino)
		case g != n && !slices.Contains(s.Below, g.Ino):
			w.failf("node %d is deleted and no step names it", g.Ino)
		}
	}
	for _, id := range w.provider.remove(n.object) {
		if g := w.nodes[w.owner[id]]; g != nil {
			w.lose(g)
		}
	}
}
