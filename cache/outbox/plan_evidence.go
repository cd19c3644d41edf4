package outbox

import "slices"

// view is what evidence is lacking in one folder.
type view struct {
	folder uint64
	// files are tasks whose objects must be seen, trees deleted folders whose
	// whole contents must be.
	files, trees []int
}

// observe plans the observations that are lacking, and holds back what cannot
// be done without them.
func (p *planner) observe() {
	var lacking, held []int
	for i := range p.tasks {
		t := &p.tasks[i]
		if t.blocked || p.proven(i) {
			continue
		}
		if t.postponed = t.wish == toRemove && p.tooEarly(t); t.postponed {
			continue
		}
		lacking = append(lacking, i)
		if t.wish == toRemove {
			held = append(held, i)
		} else {
			t.sends = false
		}
	}
	p.block(held)
	p.addObservations(p.cheapest(p.views(lacking)))
}

// proven tells whether there is evidence enough for the destructive step of a
// task, or none is needed.
func (p *planner) proven(i int) bool {
	t := &p.tasks[i]
	switch {
	case t.sends:
		return p.in.Evidence.Object[t.Ino] > t.Changed
	case !p.topmost(t):
		return true
	case t.Dir:
		return p.treeSeen(t.Ino, p.lastChange(t))
	case p.replaced(t):
		return p.in.Evidence.Object[t.Ino] > max(t.Changed, p.tasks[t.successor].Changed)
	}
	return p.in.Evidence.Object[t.Ino] > t.Changed
}

// tooEarly tells whether a deleted folder is better listed after the folders
// that leave it are out: a listing would have to go through them too. Where
// there are no tree listings this cannot even be asked for, as their contents
// are not in the outbox; then what takes the deleted folder's place does not
// wait for the evidence.
func (p *planner) tooEarly(t *task) bool {
	if !t.Dir || (t.successor != none && p.in.Caps.TreeList) {
		return false
	}
	early := false
	p.walk(t.Ino, func(i int) { early = early || (p.tasks[i].Dir && p.tasks[i].leaves()) })
	return early
}

// lastChange returns when a deleted folder, or anything deleted in it, last
// changed here.
func (p *planner) lastChange(t *task) int64 {
	last := t.Changed
	p.walk(t.Ino, func(i int) {
		if p.tasks[i].wish == toRemove {
			last = max(last, p.tasks[i].Changed)
		}
	})
	return last
}

// treeSeen tells whether the folder, or a folder that it is in, was listed
// with all that is below it after a time.
func (p *planner) treeSeen(ino uint64, since int64) bool {
	for f := range p.upwards(ino) {
		if p.in.Evidence.Tree[f] > since {
			return true
		}
	}
	return false
}

// views groups tasks by the folder that they are in.
func (p *planner) views(lacking []int) []view {
	byFolder := make(map[uint64]int)
	var views []view
	for _, i := range lacking {
		t := &p.tasks[i]
		v, ok := byFolder[t.Remote.Parent]
		if !ok {
			v = len(views)
			byFolder[t.Remote.Parent] = v
			views = append(views, view{folder: t.Remote.Parent})
		}
		if t.Dir {
			views[v].trees = append(views[v].trees, i)
		} else {
			views[v].files = append(views[v].files, i)
		}
	}
	return views
}

// cheapest chooses the observations for all views: per folder, looks or one
// listing for the files, a tree listing for each deleted folder, or one tree
// listing for everything.
func (p *planner) cheapest(views []view) []Step {
	var steps []Step
	for _, v := range views {
		apart := p.viewFiles(v)
		for _, i := range v.trees {
			apart = append(apart, p.viewTree(i)...)
		}
		whole, ok := p.viewWhole(v)
		if ok && whole.Cost < totalCost(apart) {
			apart = []Step{whole}
		}
		steps = append(steps, apart...)
	}
	return steps
}

func totalCost(steps []Step) int {
	cost := 0
	for _, s := range steps {
		cost += s.Cost
	}
	return cost
}

func (p *planner) viewFiles(v view) []Step {
	n := len(v.files)
	listing := p.pages(p.entries(v.folder, n))
	if n >= 2 && listing < n {
		return []Step{{
			Op: ListDir, Parent: v.folder, Inos: p.inos(v.files), Cost: listing,
			Reason: "to see that nobody else changed what goes",
		}}
	}
	steps := make([]Step, 0, n)
	for _, i := range v.files {
		t := &p.tasks[i]
		steps = append(steps, Step{
			Op: Look, Inos: []uint64{t.Ino}, Parent: t.Remote.Parent, Cost: 1,
			Reason: "to see that nobody else changed it",
		})
	}
	return steps
}

// viewTree observes everything in a deleted folder. Without tree listings, the
// evidence for a folder is as old as the oldest listing in it.
func (p *planner) viewTree(i int) []Step {
	const reason = "to see that nobody else put something there"
	t := &p.tasks[i]
	if p.in.Caps.TreeList {
		return []Step{{
			Op: ListTree, Parent: t.Ino, Inos: []uint64{t.Ino}, Cost: p.pages(p.treeEntries(t.Ino)), Reason: reason,
		}}
	}
	var steps []Step
	since := p.lastChange(t)
	list := func(i int) {
		f := &p.tasks[i]
		if f.Dir && f.goes() && p.in.Evidence.Tree[f.Ino] <= since {
			steps = append(steps, Step{
				Op: ListDir, Parent: f.Ino, Inos: []uint64{f.Ino}, Reason: reason,
				Cost: p.pages(p.entries(f.Ino, len(p.kids[f.Ino]))),
			})
		}
	}
	list(i)
	p.walk(t.Ino, list)
	return steps
}

// viewWhole observes a folder with all that is below it, if it is known that
// this is no more than what is in the outbox.
func (p *planner) viewWhole(v view) (Step, bool) {
	known, ok := p.in.Children[v.folder]
	if !p.in.Caps.TreeList || len(v.trees) == 0 || !ok || known > len(p.kids[v.folder]) {
		return Step{}, false
	}
	entries := known
	for _, i := range p.kids[v.folder] {
		if t := &p.tasks[i]; t.Dir && !t.goes() {
			return Step{}, false
		} else if t.Dir {
			entries += p.treeEntries(t.Ino)
		}
	}
	return Step{
		Op: ListTree, Parent: v.folder, Inos: p.inos(append(slices.Clone(v.files), v.trees...)), Cost: p.pages(entries),
		Reason: "to see that nobody else changed what goes",
	}, true
}

// treeEntries estimates how many entries are below a deleted folder.
func (p *planner) treeEntries(ino uint64) int {
	n := p.entries(ino, len(p.kids[ino]))
	p.walk(ino, func(i int) {
		if t := &p.tasks[i]; t.Dir && t.goes() {
			n += p.entries(t.Ino, len(p.kids[t.Ino]))
		}
	})
	return n
}

// entries estimates how many entries are in a folder: at least those that the
// outbox knows of.
func (p *planner) entries(folder uint64, known int) int {
	return max(p.in.Children[folder], known)
}

// pages returns how many requests a listing of so many entries needs. Between
// two pages one entry is asked for twice.
func (p *planner) pages(entries int) int {
	size := p.in.Caps.PageSize
	if entries <= size {
		return 1
	}
	fresh := max(size-1, 1)
	return 1 + (entries-size+fresh-1)/fresh
}

func (p *planner) inos(tasks []int) []uint64 {
	inos := make([]uint64, len(tasks))
	for k, i := range tasks {
		inos[k] = p.tasks[i].Ino
	}
	return inos
}

// addObservations adds those steps that no tree listing makes needless.
func (p *planner) addObservations(steps []Step) {
	trees := make(map[uint64]bool)
	for _, s := range steps {
		if s.Op == ListTree {
			trees[s.Parent] = true
		}
	}
	for _, s := range steps {
		if !p.covered(s, trees) {
			p.steps = append(p.steps, s)
		}
	}
}

// covered tells whether what a step shows is below a tree that is listed. A
// tree listing is not below itself.
func (p *planner) covered(s Step, trees map[uint64]bool) bool {
	from := s.Parent
	if s.Op == ListTree {
		from = p.in.Parents[from]
	}
	for f := range p.upwards(from) {
		if trees[f] {
			return true
		}
	}
	return false
}
