package outbox

import "slices"

// keepFolders finds the deleted folders that must stay: those that hold
// something that was not deleted here, or not as it was when it was deleted.
// What was deleted in them goes by itself.
func (p *planner) keepFolders() {
	seen := make(map[uint64]bool)
	for i := range p.tasks {
		t := &p.tasks[i]
		if !t.Remote.Exists {
			continue
		}
		if t.wish != toRemove && !t.leaves() {
			p.keep(t.Remote.Parent)
		}
		p.keepUnknown(t.Remote.Parent, seen)
		if t.wish == toRemove && t.Dir && p.holdsMore(t.Ino) {
			p.keep(t.Ino)
		}
	}
}

// keep keeps a folder and the deleted folders that it is in.
func (p *planner) keep(ino uint64) {
	for t := p.task(ino); t != nil && t.Dir && t.wish == toRemove && !t.kept; t = p.task(t.Remote.Parent) {
		t.kept = true
	}
}

// keepUnknown keeps the deleted folder that a folder which is clean, and so
// exists here, turns out to be in.
func (p *planner) keepUnknown(ino uint64, seen map[uint64]bool) {
	for unknown := false; ino != 0 && !seen[ino]; ino = p.in.Parents[ino] {
		if p.task(ino) != nil {
			if unknown {
				p.keep(ino)
			}
			return
		}
		seen[ino], unknown = true, true
	}
}

// holdsMore tells whether more is known to be in a folder than the outbox
// accounts for. The number may be an estimate, but one that is too large costs
// a few requests, and one that is ignored may cost somebody's files.
func (p *planner) holdsMore(ino uint64) bool { return p.in.Children[ino] > len(p.kids[ino]) }

// topmost tells whether a node goes, but not the folder that it is in.
func (p *planner) topmost(t *task) bool {
	if !t.goes() {
		return false
	}
	parent := p.task(t.Remote.Parent)
	return parent == nil || !parent.goes()
}

// walk calls visit for the tasks in a deleted folder, and in the deleted
// folders in it, parents before their contents.
func (p *planner) walk(folder uint64, visit func(i int)) {
	for _, i := range p.kids[folder] {
		visit(i)
		if t := &p.tasks[i]; t.Dir && t.goes() {
			p.walk(t.Ino, visit)
		}
	}
}

// removal is one object that goes.
type removal struct {
	task int
	// below goes with it.
	below []uint64
	// needs are actions, after are steps that come first.
	needs, after []int
}

// scheduleDeletes adds the deletes, in as few calls as the provider allows.
func (p *planner) scheduleDeletes() {
	var roots []int
	for i := range p.tasks {
		if t := &p.tasks[i]; !t.blocked && !t.postponed && p.topmost(t) && !p.replaced(t) {
			roots = append(roots, i)
		}
	}
	if p.in.Caps.RecursiveDelete {
		p.deleteTrees(roots)
		return
	}
	p.deleteByHeight(roots)
}

func (p *planner) deleteTrees(roots []int) {
	removals := make([]removal, 0, len(roots))
	for _, i := range roots {
		r := p.newRemoval(i)
		p.walk(p.tasks[i].Ino, func(k int) {
			if t := &p.tasks[k]; t.wish == toRemove {
				r.below = append(r.below, t.Ino)
			} else {
				r.needs = p.with(r.needs, t.arrive)
			}
		})
		removals = append(removals, r)
	}
	p.deleteInBatches(removals)
}

// newRemoval makes the removal of one object, after the node that takes its
// place has arrived.
func (p *planner) newRemoval(i int) removal {
	r := removal{task: i}
	if s := p.tasks[i].successor; s != none {
		r.needs = p.with(r.needs, p.tasks[s].arrive)
	}
	return r
}

// deleteByHeight deletes files first, and then folders from the deepest up.
func (p *planner) deleteByHeight(roots []int) {
	var levels [][]int
	for _, i := range roots {
		p.addByHeight(i, &levels)
	}
	done := make(map[int]int)
	for _, level := range levels {
		removals := make([]removal, 0, len(level))
		for _, i := range level {
			removals = append(removals, p.emptied(i, done))
		}
		for i, step := range p.deleteInBatches(removals) {
			done[i] = step
		}
	}
}

// addByHeight puts a node, and what goes with it, into the levels by its
// height above its deepest content, and returns that height.
func (p *planner) addByHeight(i int, levels *[][]int) int {
	height := 0
	if t := &p.tasks[i]; t.Dir {
		height = 1
		for _, k := range p.kids[t.Ino] {
			if p.tasks[k].goes() {
				height = max(height, 1+p.addByHeight(k, levels))
			}
		}
	}
	for len(*levels) <= height {
		*levels = append(*levels, nil)
	}
	(*levels)[height] = append((*levels)[height], i)
	return height
}

// emptied makes the removal of a node after that of everything in it.
func (p *planner) emptied(i int, done map[int]int) removal {
	r := p.newRemoval(i)
	for _, k := range p.kids[p.tasks[i].Ino] {
		if step, ok := done[k]; ok {
			r.after = append(r.after, step)
		} else {
			r.needs = p.with(r.needs, p.tasks[k].arrive)
		}
	}
	return r
}

// deleteInBatches adds delete steps and returns which step each task is in.
// Those that wait for nothing share their steps with each other first.
func (p *planner) deleteInBatches(removals []removal) map[int]int {
	var free, waiting []removal
	for _, r := range removals {
		if len(r.needs)+len(r.after) == 0 {
			free = append(free, r)
		} else {
			waiting = append(waiting, r)
		}
	}
	steps := make(map[int]int, len(removals))
	for batch := range slices.Chunk(slices.Concat(free, waiting), p.in.Caps.DeleteBatch) {
		for _, r := range batch {
			steps[r.task] = len(p.steps)
		}
		p.steps = append(p.steps, p.deleteStep(batch))
	}
	return steps
}

func (p *planner) deleteStep(batch []removal) Step {
	s := Step{Op: Delete, Cost: 1, Reason: "deleted here"}
	for _, r := range batch {
		s.Inos = append(s.Inos, p.tasks[r.task].Ino)
		s.Below = append(s.Below, r.below...)
		s.After = append(s.After, r.after...)
		for _, a := range r.needs {
			s.After = append(s.After, p.actions[a].step)
		}
	}
	s.After = distinct(s.After)
	return s
}
