package outbox

// How a plan is made.
//
// Plan looks at every dirty node once and says what it wishes: to be settled,
// created, changed (in place or content) or removed. Then:
//
//  1. plan_place.go finds, for everything that goes to a place, who is there
//     now: a node that leaves must leave first, a deleted one is written over
//     or steps aside, anything else blocks the place.
//  2. plan_delete.go finds the topmost folders that go as a whole, and those
//     that must stay because something in them was not deleted here.
//  3. plan_block.go spreads what holds a node back (it is not ready, its
//     conflict is not resolved) to all that need it.
//  4. plan_evidence.go asks, for what is left, whether the evidence for its
//     destructive step is new enough. What lacks it is held back too, and the
//     cheapest listings and looks that bring it are planned instead.
//  5. plan_cycle.go breaks circles of nodes that wait for each other's places
//     with one temporary name each.
//  6. plan_copy.go lets the provider copy what it has already, and
//     plan_batch.go sends new nodes of one folder together, in an archive,
//     where that is cheaper than one by one. plan_parents.go leaves the making
//     of folders to uploads.
//  7. plan_action.go turns the rest into single calls and what they wait for,
//     and plan_schedule.go puts them in order and gathers moves and deletes
//     into batches. Deletes come last: nothing ever waits for one, except a
//     folder for its contents where a delete is not recursive.
//
// Everything is kept in slices in the order of inode numbers, and maps are
// only looked up, so the same outbox gives the same plan whatever the order
// of its nodes. The effort is O(n log n) for n nodes in trees of bounded
// depth.

import (
	"cmp"
	"iter"
	"slices"

	"github.com/frugalfs/frugalfs/remote"
)

// none is the index of no task and no action.
const none = -1

// wish is what a node needs at the provider.
type wish uint8

const (
	// disputed: both sides changed, and the namespace has not merged them.
	disputed wish = iota
	toSettle
	toCreate
	toChange
	toRemove
)

// task is a dirty node with what the planner found out about it. Indexes are
// into planner.tasks or, where it says so, planner.actions.
type task struct {
	Node
	wish wish
	// moves: the node goes to another place. sends: its content goes over its
	// own object.
	moves, sends bool
	// ready is Node.Ready, or true for a new folder that a ready node needs.
	ready bool
	// blocked: nothing is done about the node in this plan.
	blocked bool
	// rival: another node wants the same place.
	rival bool
	// kept: a deleted folder that stays, as it holds what was not deleted here.
	kept bool
	// postponed: a deleted folder that is not deleted in this plan, although
	// all that needs it goes on.
	postponed bool
	// copied: the provider copies the node.
	copied bool
	// occupant is who is where this node goes; successor is who goes where
	// this node is.
	occupant, successor int
	route               route
	// first, enter, arrive are the actions that leave the old place, that
	// enter the folder, and that reach the final place.
	first, enter, arrive int
}

// spot is a place that can be compared: names that are one name to the
// provider are equal in it.
type spot struct {
	parent uint64
	name   string
}

// planner holds the work on one plan.
type planner struct {
	in    Input
	tasks []task
	index map[uint64]int
	// kids are, per folder, the tasks whose objects are in it.
	kids map[uint64][]int
	// at says whose object is at a spot, wanted who is shown there here, and
	// passing who goes through it on the way.
	at, wanted map[spot]int
	passing    map[spot]bool
	// dependents are, per task, the tasks that cannot be done without it.
	dependents [][]int
	actions    []action
	steps      []Step
}

// Plan returns the calls that bring the provider closer to what the mount
// shows, in an order in which each step comes after those it waits for. A
// destructive step is in it only if the evidence for it is newer than the
// change it carries out; otherwise the observe steps that bring the evidence
// are, and the plan is to be made again after them. Nodes that cannot be sent
// now have no step. Costs are in transactions.
//
// Input.Nodes may hold clean nodes too: they stand for names that are taken
// (on the way of a node that changes folder and name) and are settled.
func Plan(in Input) []Step {
	p := newPlanner(in)
	p.findPlaces()
	p.keepFolders()
	p.findNeeds()
	p.holdBack()
	p.settle()
	p.observe()
	p.chooseRoutes()
	p.breakCycles()
	copies := p.chooseCopies()
	p.makeArchives()
	copies.act()
	p.makeParents()
	p.makeActions()
	copies.spareSources()
	p.schedule()
	p.scheduleDeletes()
	return p.steps
}

func newPlanner(in Input) *planner {
	in.Caps.DeleteBatch = max(in.Caps.DeleteBatch, 1)
	in.Caps.MoveBatch = max(in.Caps.MoveBatch, 1)
	in.Caps.PageSize = max(in.Caps.PageSize, 1)
	p := &planner{
		in:         in,
		tasks:      make([]task, len(in.Nodes)),
		index:      make(map[uint64]int, len(in.Nodes)),
		kids:       make(map[uint64][]int),
		at:         make(map[spot]int, len(in.Nodes)),
		wanted:     make(map[spot]int, len(in.Nodes)),
		passing:    make(map[spot]bool),
		dependents: make([][]int, len(in.Nodes)),
	}
	nodes := slices.Clone(in.Nodes)
	slices.SortFunc(nodes, func(a, b Node) int { return cmp.Compare(a.Ino, b.Ino) })
	for i, n := range nodes {
		p.tasks[i] = newTask(n)
		p.index[n.Ino] = i
	}
	return p
}

func newTask(n Node) task {
	t := task{
		Node: n, wish: wishOf(&n), ready: n.Ready,
		occupant: none, successor: none, first: none, enter: none, arrive: none,
	}
	if t.wish == toChange {
		t.moves, t.sends = displaced(&n), n.Content && !n.Dir
	}
	return t
}

// wishOf says what a node needs. Whatever would delete or overwrite an object
// that is not as it was when the node was changed here is disputed.
func wishOf(n *Node) wish {
	here, there := n.Local.Exists, n.Remote.Exists
	switch {
	case !here && !there:
		return toSettle
	case !here:
		return oneOf(untouched(n), toRemove)
	case !there:
		return oneOf(!n.Base.Exists, toCreate)
	case !n.Base.Exists:
		return disputed
	case n.Content && !n.Dir:
		return oneOf(untouched(n), toChange)
	case displaced(n):
		return toChange
	}
	return toSettle
}

func oneOf(ok bool, w wish) wish {
	if ok {
		return w
	}
	return disputed
}

// untouched tells whether the object is as it was when the node was first
// changed here.
func untouched(n *Node) bool {
	return n.Base.Exists && n.Remote.Place == n.Base.Place && n.Remote.Version == n.Base.Version
}

// displaced tells whether the node was given another place here, and is not
// there yet.
func displaced(n *Node) bool {
	return !samePlace(n.Local, n.Base.Place) && !samePlace(n.Local, n.Remote.Place)
}

func samePlace(a, b Place) bool { return a.Parent == b.Parent && a.Name == b.Name }

// fold returns what names that the provider takes for one have in common.
func (p *planner) fold(name string) string {
	if !p.in.Caps.CaseFolds {
		return name
	}
	return remote.FoldName(name)
}

func (p *planner) spot(parent uint64, name string) spot {
	return spot{parent, p.fold(name)}
}

// task returns the task of a node, nil if the node is clean.
func (p *planner) task(ino uint64) *task {
	if i, ok := p.index[ino]; ok {
		return &p.tasks[i]
	}
	return nil
}

// upwards yields a folder and all that it is in at the provider, and ends even
// if they are said to be in each other.
func (p *planner) upwards(ino uint64) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for range len(p.in.Parents) + 1 {
			if ino == 0 || !yield(ino) {
				return
			}
			ino = p.in.Parents[ino]
		}
	}
}

// settle ends what needs no request.
func (p *planner) settle() {
	var inos []uint64
	for i := range p.tasks {
		if t := &p.tasks[i]; t.wish == toSettle && t.Ready {
			inos = append(inos, t.Ino)
		}
	}
	if len(inos) > 0 {
		p.steps = append(p.steps, Step{Op: Settle, Inos: inos, Reason: "nothing left to send"})
	}
}

// leaves tells whether the node goes to another folder.
func (t *task) leaves() bool { return t.moves && t.Local.Parent != t.Remote.Parent }

// arrives tells whether the node comes to a place where it is not yet.
func (t *task) arrives() bool { return t.wish == toCreate || t.moves }

// goes tells whether the node is deleted with or without what is around it.
func (t *task) goes() bool { return t.wish == toRemove && !t.kept }
