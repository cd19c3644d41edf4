package outbox

// findNeeds notes which tasks cannot be done without which others.
func (p *planner) findNeeds() {
	for i := range p.tasks {
		t := &p.tasks[i]
		if t.arrives() {
			p.arrivalNeeds(i)
		}
		if t.goes() {
			p.removalNeeds(i)
		}
	}
}

func (p *planner) need(i, j int) { p.dependents[j] = append(p.dependents[j], i) }

func (p *planner) arrivalNeeds(i int) {
	t := &p.tasks[i]
	if t.occupant != none {
		p.need(i, t.occupant)
	}
	if j := p.newParent(t); j != none {
		p.need(i, j)
	}
	if j := p.movedAbove(t); j != none {
		p.need(i, j)
	}
}

// removalNeeds: a folder goes only when all that is in it goes or leaves, and
// what has a successor only when that comes.
func (p *planner) removalNeeds(i int) {
	t := &p.tasks[i]
	if t.successor != none {
		p.need(i, t.successor)
	}
	if !t.Dir {
		return
	}
	for _, k := range p.kids[t.Ino] {
		p.need(i, k)
	}
}

// newParent returns the task of the folder that a node goes to if that folder
// must be made first.
func (p *planner) newParent(t *task) int {
	j, ok := p.index[t.Local.Parent]
	if ok && p.tasks[j].wish == toCreate {
		return j
	}
	return none
}

// movedAbove returns, for a folder that goes to another folder, the nearest
// folder above its new place that goes to another folder too. It goes first:
// when all that will be above a folder is in place, the folder cannot be moved
// into itself.
func (p *planner) movedAbove(t *task) int {
	if !t.Dir || !t.leaves() {
		return none
	}
	ino := t.Local.Parent
	for range len(p.in.Parents) + len(p.tasks) {
		if j, ok := p.index[ino]; !ok {
			ino = p.in.Parents[ino]
		} else if p.tasks[j].leaves() {
			return j
		} else {
			ino = p.tasks[j].Local.Parent
		}
		if ino == 0 || ino == t.Ino {
			break
		}
	}
	return none
}

// holdBack blocks what must not be sent, and all that needs it.
func (p *planner) holdBack() {
	for i := range p.tasks {
		p.wakeParents(i)
	}
	var held []int
	for i := range p.tasks {
		if p.stuck(&p.tasks[i]) {
			held = append(held, i)
		}
	}
	p.block(held)
}

// wakeParents lets new folders be made although they may still change, if
// something that is ready goes into them.
func (p *planner) wakeParents(i int) {
	t := &p.tasks[i]
	if !t.Ready || !t.arrives() {
		return
	}
	for j := p.newParent(t); j != none && !p.tasks[j].ready; j = p.newParent(&p.tasks[j]) {
		p.tasks[j].ready = true
	}
}

// stuck tells whether a node cannot be sent for a reason of its own.
func (p *planner) stuck(t *task) bool {
	if !t.ready || t.rival || t.kept || t.wish == disputed {
		return true
	}
	return t.arrives() && (p.parentless(t) || p.obstructed(t))
}

// parentless tells whether the folder that a node goes to is not there and
// will not be made.
func (p *planner) parentless(t *task) bool {
	parent := p.task(t.Local.Parent)
	if parent == nil {
		return false
	}
	return !parent.Local.Exists || (!parent.Remote.Exists && parent.wish != toCreate)
}

// obstructed tells whether the place that a node goes to is held by a node
// that does not leave it.
func (p *planner) obstructed(t *task) bool {
	if t.occupant == none {
		return false
	}
	o := &p.tasks[t.occupant]
	return !o.moves && !o.goes()
}

// block blocks tasks and, in turn, all that need them.
func (p *planner) block(held []int) {
	for len(held) > 0 {
		i := held[len(held)-1]
		held = held[:len(held)-1]
		if p.tasks[i].blocked {
			continue
		}
		p.tasks[i].blocked = true
		held = append(held, p.dependents[i]...)
	}
}
