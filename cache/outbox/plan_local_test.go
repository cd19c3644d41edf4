package outbox

// modelNames are few, so that names are often taken.
var modelNames = []string{"a", "b", "c", "A", "B"}

// act does one random thing in the mount.
func (w *world) act() {
	parent, name := w.someFolder(), modelNames[w.roll(len(modelNames))]
	there := w.find(parent, name)
	switch w.roll(13) {
	case 0, 1:
		if there == nil {
			w.make(parent, name, false)
		}
	case 2:
		if there == nil {
			w.make(parent, name, true)
		}
	case 3, 4:
		w.write(w.someNode())
	case 5:
		w.unlink(w.someNode())
	case 6:
		w.unlinkTree(w.someNode())
	case 7:
		w.exchange(w.someNode(), w.someNode())
	case 8:
		w.saveByRename(w.someNode())
	case 9:
		w.copyIn(parent, name, 2)
	case 12:
		w.copyWithin(w.someNode(), parent, name)
	default:
		w.rename(w.someNode(), parent, name)
	}
}

// someNode returns a node that the mount shows, nil if there is none.
func (w *world) someNode() *modelNode {
	var live []*modelNode
	for _, n := range w.all() {
		if n.Local.Exists {
			live = append(live, n)
		}
	}
	if len(live) == 0 {
		return nil
	}
	return live[w.roll(len(live))]
}

// someFolder returns a folder that the mount shows.
func (w *world) someFolder() uint64 {
	folders := []uint64{1}
	for _, n := range w.all() {
		if n.Local.Exists && n.Dir {
			folders = append(folders, n.Ino)
		}
	}
	return folders[w.roll(len(folders))]
}

func (w *world) make(parent uint64, name string, dir bool) *modelNode {
	n := w.newNode(dir)
	n.Local = Place{Exists: true, Parent: parent, Name: name}
	n.Content = !dir
	if !dir && (w.caps.Archives || w.caps.CopyBatch > 0) {
		n.Size = int64(w.roll(10))
	}
	n.Changed = w.tick()
	return n
}

func (w *world) write(n *modelNode) {
	if n != nil && !n.Dir {
		w.contents++
		n.content, n.Content, n.copy = w.contents, true, nil
		n.Changed = w.tick()
	}
}

func (w *world) empty(n *modelNode) bool {
	for _, m := range w.nodes {
		if m.Local.Exists && m.Local.Parent == n.Ino {
			return false
		}
	}
	return true
}

func (w *world) unlink(n *modelNode) {
	if n != nil && w.empty(n) {
		n.Local.Exists, n.Content = false, false
		n.Changed = w.tick()
	}
}

func (w *world) unlinkTree(n *modelNode) {
	if n == nil {
		return
	}
	for _, m := range w.all() {
		if m.Local.Exists && m.Local.Parent == n.Ino {
			w.unlinkTree(m)
		}
	}
	w.unlink(n)
}

// inside tells whether a folder is n, or is shown in it.
func (w *world) inside(folder uint64, n *modelNode) bool {
	for folder != 1 && folder != n.Ino {
		folder = w.nodes[folder].Local.Parent
	}
	return folder == n.Ino
}

// rename moves a node, over what is there if POSIX allows that.
func (w *world) rename(n *modelNode, parent uint64, name string) {
	if n == nil || w.inside(parent, n) {
		return
	}
	if over := w.find(parent, name); over != nil && over != n {
		if over.Dir != n.Dir || !w.empty(over) {
			return
		}
		w.unlink(over)
	}
	n.Local.Parent, n.Local.Name = parent, name
	n.Changed = w.tick()
}

func (w *world) exchange(a, b *modelNode) {
	if a == nil || b == nil || a == b || w.inside(a.Local.Parent, b) || w.inside(b.Local.Parent, a) {
		return
	}
	a.Local, b.Local = b.Local, a.Local
	a.Changed = w.tick()
	b.Changed = a.Changed
}

// saveByRename does what editors do.
func (w *world) saveByRename(n *modelNode) {
	if n == nil || n.Dir || w.find(n.Local.Parent, "tmp") != nil {
		return
	}
	w.rename(w.make(n.Local.Parent, "tmp", false), n.Local.Parent, n.Local.Name)
}

// copyIn makes a folder with files and folders in it.
func (w *world) copyIn(parent uint64, name string, depth int) {
	if w.find(parent, name) != nil {
		return
	}
	dir := w.make(parent, name, true)
	for range w.roll(6) {
		child := modelNames[w.roll(len(modelNames))]
		if depth > 0 && w.odds(3) {
			w.copyIn(dir.Ino, child, depth-1)
		} else if w.find(dir.Ino, child) == nil {
			w.make(dir.Ino, child, false)
		}
	}
}

// publish makes the provider hold what the mount shows.
func (w *world) publish() {
	for range 20 {
		for _, n := range w.all() {
			if folder := w.objectOf(n.Local.Parent); n.Local.Exists && n.object == 0 && folder != 0 {
				w.own(n, w.provider.add(folder, n.Local.Name, n.Dir, n.content))
				n.Content, n.copy = false, nil
			}
		}
	}
	w.complete[1] = true
	for _, n := range w.all() {
		if !n.Local.Exists {
			delete(w.nodes, n.Ino)
		}
		w.complete[n.Ino] = n.Dir
	}
}
