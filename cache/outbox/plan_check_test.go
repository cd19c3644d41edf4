package outbox

import (
	"fmt"
	"reflect"
	"slices"
)

// check looks at a plan as such.
func (w *world) check(in Input, steps []Step) {
	before := make([]map[int]bool, len(steps))
	for i, s := range steps {
		before[i] = map[int]bool{}
		for _, a := range s.After {
			if a >= i || steps[a].Op.Observes() {
				w.failf("step %d comes before what it waits for: %+v", i, s)
				return
			}
			before[i][a] = true
			for b := range before[a] {
				before[i][b] = true
			}
		}
		w.checkTurns(steps[:i], s, before[i])
		w.checkStep(steps[:i], s, before[i])
	}
	if cost, naive := changeCost(steps)+fetches(in, steps), w.naiveCost(in, steps); cost > naive {
		w.failf("costs %d, naively %d:\n%s", cost, naive, Explain(steps, inoName))
	}
	w.checkArchives(in, steps)
	w.checkCopies(in, steps)
	if w.odds(8) {
		w.checkOrder(in, steps)
	}
}

// checkTurns checks that no two calls about one node are made at once.
func (w *world) checkTurns(earlier []Step, s Step, before map[int]bool) {
	for i, e := range earlier {
		for _, ino := range s.Inos {
			if !e.Op.Observes() && slices.Contains(e.Inos, ino) && !before[i] {
				w.failf("node %d is in two steps at once", ino)
			}
		}
	}
}

// checkStep checks that what is deleted is deleted last, and that a listing is
// cheaper than what it stands for.
func (w *world) checkStep(earlier []Step, s Step, before map[int]bool) {
	if s.Op == ListDir && s.Cost >= len(s.Inos) && w.caps.TreeList {
		w.failf("a listing costs more than looks: %+v", s)
	}
	for _, ino := range s.Inos {
		n := w.nodes[ino]
		if other := w.find(n.Remote.Parent, n.Remote.Name); s.Op == Delete && other != nil {
			if !comesBefore(earlier, other.Ino, before) {
				w.failf("node %d is deleted before node %d takes its place", ino, other.Ino)
			}
		}
	}
}

// comesBefore tells whether a node is in a step that another one waits for.
func comesBefore(earlier []Step, ino uint64, before map[int]bool) bool {
	for i := range before {
		if slices.Contains(earlier[i].Inos, ino) {
			return true
		}
	}
	return false
}

// checkOrder checks that the order of the nodes makes no difference.
func (w *world) checkOrder(in Input, steps []Step) {
	in.Nodes = slices.Clone(in.Nodes)
	slices.Reverse(in.Nodes)
	if n := len(in.Nodes); n > 1 {
		k := w.roll(n)
		in.Nodes[0], in.Nodes[k] = in.Nodes[k], in.Nodes[0]
	}
	if !reflect.DeepEqual(Plan(in), steps) {
		w.failf("another order of nodes gives another plan")
	}
}

func changeCost(steps []Step) int {
	return totalCost(slices.DeleteFunc(slices.Clone(steps), func(s Step) bool { return s.Op.Observes() }))
}

func inoName(ino uint64) string { return fmt.Sprintf("#%d", ino) }

// naiveCost is what the same changes cost one by one: a call for each, and
// whatever is in the way steps aside.
func (w *world) naiveCost(in Input, steps []Step) int {
	by := map[uint64]Node{}
	for _, n := range in.Nodes {
		by[n.Ino] = n
	}
	cost := 0
	counted := map[uint64]bool{}
	for _, s := range steps {
		if s.Op.Observes() || s.Op == Settle {
			continue
		}
		for _, ino := range append(slices.Clone(s.Inos), s.Below...) {
			if !counted[ino] {
				counted[ino] = true
				cost += w.naiveChange(in, by[ino], s)
			}
		}
	}
	return cost
}

func (w *world) naiveChange(in Input, n Node, s Step) int {
	switch {
	case !n.Remote.Exists:
		return naiveCopy(n, s, in.Caps)
	case !n.Local.Exists && w.comes(in, n):
		return 2
	case !n.Local.Exists:
		return 1
	}
	cost := w.naiveMove(in, n)
	if n.Content && in.Evidence.Object[n.Ino] > n.Changed {
		cost++
	}
	return cost
}

// naiveMove counts the calls that bring a node to its place.
func (w *world) naiveMove(in Input, n Node) int {
	moved, renamed := n.Local.Parent != n.Remote.Parent, n.Local.Name != n.Remote.Name
	recased := renamed && w.provider.same(n.Local.Name, n.Remote.Name)
	aside := w.comes(in, n) || (recased && (!moved || !w.caps.MoveRename))
	if moved && renamed && !w.caps.MoveRename {
		a := w.touched(in, n, n.Local.Parent, n.Remote.Name)
		b := w.touched(in, n, n.Remote.Parent, n.Local.Name)
		aside = aside || (a && b)
	}
	switch {
	case !moved && !renamed:
		return 0
	case moved && (renamed || aside) && !w.caps.MoveRename:
		return 2 + btoi(aside)
	}
	return 1 + btoi(aside)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// comes tells whether another node goes to where n is.
func (w *world) comes(in Input, n Node) bool {
	return slices.ContainsFunc(in.Nodes, func(o Node) bool {
		return o.Ino != n.Ino && o.Local.Exists && o.Local.Parent == n.Remote.Parent && w.provider.same(o.Local.Name, n.Remote.Name)
	})
}

// touched tells whether another node is at a place, goes there, or may go
// through it.
func (w *world) touched(in Input, n Node, parent uint64, name string) bool {
	return slices.ContainsFunc(in.Nodes, func(o Node) bool {
		near := o.Local.Parent == parent || (o.Remote.Exists && o.Remote.Parent == parent)
		named := w.provider.same(o.Local.Name, name) || w.provider.same(o.Remote.Name, name)
		return o.Ino != n.Ino && near && named
	})
}
