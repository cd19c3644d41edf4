package outbox

import (
	"fmt"
	"hash/fnv"
	"strconv"
)

// route is the way in which a node gets to another place.
type route uint8

const (
	// The zero route is that of a node that stays.
	// renames and enters change the name or the folder only; leaps does both
	// in one call.
	renames route = iota + 1
	enters
	leaps
	// entersThenRenames and renamesThenEnters go through a free place.
	entersThenRenames
	renamesThenEnters
	// stepsAside takes a temporary name first.
	stepsAside
)

// findPlaces notes whose object is where, who wants to be where, and who is
// in whose way.
func (p *planner) findPlaces() {
	for i := range p.tasks {
		if t := &p.tasks[i]; t.Remote.Exists {
			p.kids[t.Remote.Parent] = append(p.kids[t.Remote.Parent], i)
			p.occupy(i)
		}
	}
	for i := range p.tasks {
		if p.tasks[i].Local.Exists {
			p.claim(i)
		}
	}
	for i := range p.tasks {
		p.findOccupant(i)
	}
}

func (p *planner) occupy(i int) {
	s := p.spot(p.tasks[i].Remote.Parent, p.tasks[i].Remote.Name)
	if _, taken := p.at[s]; !taken {
		p.at[s] = i
	}
}

// claim notes that a node is shown at its local place. Of two that want one
// place (names that fold together), the one that is there has it.
func (p *planner) claim(i int) {
	t := &p.tasks[i]
	s := p.spot(t.Local.Parent, t.Local.Name)
	first, taken := p.wanted[s]
	switch {
	case !taken:
		p.wanted[s] = i
	case p.tasks[first].arrives() && !t.arrives():
		p.tasks[first].rival = true
		p.wanted[s] = i
	default:
		t.rival = true
	}
}

func (p *planner) findOccupant(i int) {
	t := &p.tasks[i]
	if !t.arrives() || t.rival {
		return
	}
	o, taken := p.at[p.spot(t.Local.Parent, t.Local.Name)]
	if taken && o != i {
		t.occupant = o
		p.tasks[o].successor = i
	}
}

// replaces tells whether the node is a new file that is uploaded over the
// deleted one at its place.
func (p *planner) replaces(t *task) bool {
	if t.wish != toCreate || t.Dir || t.occupant == none || !p.in.Caps.Overwrite {
		return false
	}
	o := &p.tasks[t.occupant]
	return o.wish == toRemove && !o.Dir && o.Remote.Name == t.Local.Name
}

// replaced tells whether the object of a deleted node is written over, and so
// needs no delete.
func (p *planner) replaced(t *task) bool {
	return t.successor != none && p.replaces(&p.tasks[t.successor])
}

// chooseRoutes decides how each node gets to its place.
func (p *planner) chooseRoutes() {
	for i := range p.tasks {
		if t := &p.tasks[i]; t.moves && !t.blocked {
			t.route = p.routeOf(i)
		}
	}
}

func (p *planner) routeOf(i int) route {
	t := &p.tasks[i]
	recased := t.Local.Name != t.Remote.Name && p.fold(t.Local.Name) == p.fold(t.Remote.Name)
	switch {
	case t.leaves() && t.Local.Name == t.Remote.Name:
		return enters
	case t.leaves() && p.in.Caps.MoveRename:
		return leaps
	case recased:
		return stepsAside
	case !t.leaves():
		return renames
	case p.pass(i, p.spot(t.Local.Parent, t.Remote.Name)):
		return entersThenRenames
	case p.pass(i, p.spot(t.Remote.Parent, t.Local.Name)):
		return renamesThenEnters
	}
	return stepsAside
}

// pass reserves a place that a node goes through, if nobody is there, wants
// to be there, or goes through it too.
func (p *planner) pass(i int, s spot) bool {
	if o, taken := p.at[s]; taken && o != i {
		return false
	}
	if o, taken := p.wanted[s]; taken && o != i {
		return false
	}
	if p.passing[s] {
		return false
	}
	p.passing[s] = true
	return true
}

// tempName returns the name a node has while it makes room. It is the same
// whenever the same change is planned.
func tempName(n *Node) string {
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%d\x00%s\x00%s\x00%d", n.Ino, n.Remote.Name, n.Local.Name, n.Changed)
	return TempPrefix + strconv.FormatUint(n.Ino, 36) + "-" + strconv.FormatUint(uint64(h.Sum32()), 36)
}
