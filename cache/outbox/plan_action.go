package outbox

// action is one call about one node, before moves are gathered into batches,
// or an archive.
type action struct {
	op  Op
	ino uint64
	// inos are, for an archive or a copy, all nodes that it is about, below what
	// is below them (of an upload, the folders that it makes), and cost what it
	// costs.
	inos   []uint64
	below  []uint64
	cost   int
	parent uint64
	name   string
	over   uint64
	reason string
	// needs are the actions that must have succeeded first.
	needs []int
	// step is the index of the step that the action became part of.
	step int
}

// makeActions makes the calls for everything that is not blocked, except
// deletes, and notes what they wait for.
func (p *planner) makeActions() {
	for i := range p.tasks {
		if t := &p.tasks[i]; !t.blocked {
			p.act(t)
		}
	}
	for i := range p.tasks {
		if t := &p.tasks[i]; !t.blocked && t.arrives() {
			p.order(t)
		}
	}
}

// add adds an action that comes after the given ones and returns its index.
func (p *planner) add(a action, after ...int) int {
	for _, n := range after {
		a.needs = p.with(a.needs, n)
	}
	p.actions = append(p.actions, a)
	return len(p.actions) - 1
}

func (p *planner) with(needs []int, n int) []int {
	if n == none {
		return needs
	}
	return append(needs, n)
}

func (p *planner) act(t *task) {
	switch {
	case t.wish == toCreate && t.arrive == none: // otherwise it goes with others
		p.actCreate(t)
	case t.wish == toChange:
		p.actMove(t)
		if t.sends {
			p.add(action{op: Upload, ino: t.Ino, reason: "its content changed here"}, t.arrive)
		}
	case t.goes() && t.successor != none && !p.replaced(t):
		t.first = p.add(action{op: Rename, ino: t.Ino, name: tempName(&t.Node), reason: "to make room; it is deleted last"})
	}
}

func (p *planner) actCreate(t *task) {
	a := action{op: Upload, ino: t.Ino, reason: "new here"}
	switch {
	case t.Draft:
		a.op, a.reason = Send, "put there to be sent to people"
	case t.Dir:
		a.op = Mkdir
	case p.replaces(t):
		a.over, a.reason = p.tasks[t.occupant].Ino, "takes the place of one deleted here"
	}
	t.arrive = p.add(a)
	t.enter = t.arrive
}

// actMove makes the calls that bring a node to its place, each after the one
// before.
func (p *planner) actMove(t *task) {
	to := t.Local
	rename := action{op: Rename, ino: t.Ino, name: to.Name, reason: "renamed here"}
	move := action{op: Move, ino: t.Ino, parent: to.Parent, reason: "moved here"}
	switch t.route {
	case renames:
		t.single(p.add(rename))
	case enters:
		t.single(p.add(move))
	case leaps:
		t.single(p.add(p.leap(t)))
	case entersThenRenames:
		t.first = p.add(move)
		t.enter = t.first
		t.arrive = p.add(rename, t.first)
	case renamesThenEnters:
		t.first = p.add(rename)
		t.enter = p.add(move, t.first)
		t.arrive = t.enter
	case stepsAside:
		p.actAside(t, rename, move)
	}
}

// single notes that one action is the whole way.
func (t *task) single(a int) { t.first, t.enter, t.arrive = a, a, a }

func (p *planner) leap(t *task) action {
	return action{op: MoveRename, ino: t.Ino, parent: t.Local.Parent, name: t.Local.Name, reason: "moved and renamed here"}
}

// actAside takes a temporary name first.
func (p *planner) actAside(t *task, rename, move action) {
	t.first = p.add(action{op: Rename, ino: t.Ino, name: tempName(&t.Node), reason: "to make room for another"})
	switch {
	case !t.leaves():
		t.arrive = p.add(rename, t.first)
	case p.in.Caps.MoveRename:
		t.enter = p.add(p.leap(t), t.first)
		t.arrive = t.enter
	default:
		t.enter = p.add(move, t.first)
		t.arrive = p.add(rename, t.enter)
	}
}

// order makes the actions of a node wait for those of others: for the folder
// that it goes to, for folders above that move, and for its place to be free.
func (p *planner) order(t *task) {
	if j := p.newParent(t); j != none {
		p.wait(t.enter, p.tasks[j].arrive)
	}
	if j := p.movedAbove(t); j != none {
		p.wait(t.enter, p.tasks[j].arrive)
	}
	if t.occupant != none {
		p.wait(t.arrive, p.tasks[t.occupant].first)
	}
}

func (p *planner) wait(a, n int) {
	if a != none && n != none && a != n {
		p.actions[a].needs = append(p.actions[a].needs, n)
	}
}
