package outbox

import "fmt"

// look observes one node.
func (w *world) look(n *modelNode) {
	w.seen[n.Ino] = w.tick()
	w.merge(n)
}

// listDir observes a folder.
func (w *world) listDir(ino uint64) {
	sent := w.tick()
	w.listed[ino], w.complete[ino] = sent, true
	folder := w.objectOf(ino)
	if folder == 0 {
		w.failf("folder %d is listed and does not exist", ino)
		return
	}
	for _, o := range w.provider.in(folder) {
		if w.owner[o.id] == 0 {
			w.adopt(o)
		}
	}
	for _, n := range w.all() {
		if n.Remote.Exists && n.Remote.Parent == ino {
			w.seen[n.Ino] = sent
			w.merge(n)
		}
	}
}

// listTree observes a folder with all that is below it.
func (w *world) listTree(ino uint64) {
	w.listDir(ino)
	for _, o := range w.provider.in(w.objectOf(ino)) {
		if o.dir {
			w.listTree(w.owner[o.id])
		}
	}
}

// merge brings in what others did to a node's object.
func (w *world) merge(n *modelNode) {
	o := w.provider.objects[n.object]
	if o == nil {
		w.mergeGone(n)
		return
	}
	now := w.known(o)
	if now == n.Remote {
		return
	}
	w.merged = true
	was := n.Base
	n.Remote, n.Base = now, now
	w.mergeContent(n, o, was)
	switch {
	case !n.Local.Exists:
		w.revive(n)
	case samePlace(n.Local, was.Place):
		n.Local = now.Place
	}
}

// mergeContent keeps both contents if both sides changed.
func (w *world) mergeContent(n *modelNode, o *modelObject, was Known) {
	if n.Remote.Version == was.Version && n.Content {
		return
	}
	if n.Content && n.Local.Exists {
		conflict := w.newNode(false)
		conflict.content, conflict.Content = n.content, true
		conflict.Local = Place{true, n.Local.Parent, w.freeName()}
		conflict.Changed = w.clock
	}
	n.content, n.Content = o.content, false
}

func (w *world) mergeGone(n *modelNode) {
	if !n.Remote.Exists {
		return
	}
	w.merged = true
	w.lose(n)
	n.Base.Exists = false
	if n.Local.Exists && !n.Content {
		n.Local.Exists = false
	}
}

// revive shows a deleted node again, and the folders it is in.
func (w *world) revive(n *modelNode) {
	if parent := w.nodes[n.Remote.Parent]; parent != nil && !parent.Local.Exists {
		w.revive(parent)
	}
	w.giveWay(n.Remote.Parent, n.Remote.Name)
	n.Local = n.Remote.Place
}

// freeName returns a name that nobody ever had.
func (w *world) freeName() string { return fmt.Sprintf("x%d", w.tick()) }

// giveWay renames whoever is shown at a place.
func (w *world) giveWay(parent uint64, name string) {
	if other := w.find(parent, name); other != nil {
		other.Local.Name = w.freeName()
		other.Changed = w.clock
	}
}

// adopt makes a node of an object that others made.
func (w *world) adopt(o *modelObject) {
	w.merged = true
	n := w.newNode(o.dir)
	n.content = o.content
	w.own(n, o)
	w.revive(n)
}

// inject lets somebody else change something at the provider. Evidence from
// before says nothing any more.
func (w *world) inject() {
	w.forget()
	all := w.provider.sorted()
	w.contents++
	o := &modelObject{id: 1, dir: true}
	if len(all) > 0 && !w.odds(3) {
		o = all[w.roll(len(all))]
	}
	switch {
	case o.dir:
		w.injectNew(o.id)
	case w.odds(3):
		w.provider.remove(o.id)
	case w.odds(2):
		o.name = fmt.Sprintf("f%d", w.contents)
	default:
		w.provider.write(o, w.contents)
	}
}

func (w *world) injectNew(folder uint64) {
	name := modelNames[w.roll(len(modelNames))]
	if w.provider.taken(folder, name) == nil {
		w.provider.add(folder, name, w.odds(4), w.contents)
	}
}
