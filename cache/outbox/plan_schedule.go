package outbox

import (
	"cmp"
	"slices"
)

// sendCalls is what it costs to send a folder to people: to open a transfer, to
// compare it, to complete it, and to learn its name.
const sendCalls = 4

// schedule turns actions into steps, each after those it waits for. Moves are
// put off as long as anything else can be done, so that as many as possible
// of those into one folder are gathered into one step.
func (p *planner) schedule() {
	s := newSchedule(p)
	for s.round() {
	}
}

// schedule is the work on the order of the actions.
type schedule struct {
	p *planner
	// missing counts, per action, those it waits for that have no step yet;
	// waiters are those that wait for it.
	missing []int
	waiters [][]int
	// ready are the actions other than moves that wait for nothing any more,
	// in the order in which they became so.
	ready []int
	// targets are the folders that moves go to.
	targets map[uint64]*target
	// full are those all of whose moves are ready, open all with any ready
	// one, in the order in which they became so.
	full, open []*target
}

// target is a folder that moves go to.
type target struct {
	ready []int
	left  int
}

func newSchedule(p *planner) *schedule {
	s := &schedule{
		p:       p,
		missing: make([]int, len(p.actions)),
		waiters: make([][]int, len(p.actions)),
		targets: make(map[uint64]*target),
	}
	for i := range p.actions {
		s.count(i)
	}
	for i := range p.actions {
		if s.missing[i] == 0 {
			s.release(i)
		}
	}
	return s
}

func (s *schedule) count(i int) {
	a := &s.p.actions[i]
	s.missing[i] = len(a.needs)
	for _, n := range a.needs {
		s.waiters[n] = append(s.waiters[n], i)
	}
	if a.op != Move {
		return
	}
	if s.targets[a.parent] == nil {
		s.targets[a.parent] = &target{}
	}
	s.targets[a.parent].left++
}

// release notes that an action waits for nothing any more.
func (s *schedule) release(i int) {
	a := &s.p.actions[i]
	if a.op != Move {
		s.ready = append(s.ready, i)
		return
	}
	t := s.targets[a.parent]
	t.ready = append(t.ready, i)
	if len(t.ready) == 1 {
		s.open = append(s.open, t)
	}
	if len(t.ready) == t.left {
		s.full = append(s.full, t)
	}
}

// round adds all steps that can be added, or else one batch of moves, and
// tells whether there was anything to add.
func (s *schedule) round() bool {
	if len(s.ready) > 0 {
		i := s.ready[0]
		s.ready = s.ready[1:]
		s.emit(i)
		return true
	}
	t := s.nextTarget()
	if t == nil {
		return false
	}
	moves := t.ready
	t.ready, t.left = nil, t.left-len(moves)
	s.emitMoves(moves)
	return true
}

// nextTarget returns a folder to move to: one that no further move will go to
// if there is one.
func (s *schedule) nextTarget() *target {
	for _, queue := range []*[]*target{&s.full, &s.open} {
		for len(*queue) > 0 {
			t := (*queue)[0]
			*queue = (*queue)[1:]
			if len(t.ready) > 0 {
				return t
			}
		}
	}
	return nil
}

func (s *schedule) emit(i int) {
	a := &s.p.actions[i]
	step := Step{Op: a.op, Inos: []uint64{a.ino}, Name: a.name, Parent: a.parent, Over: a.over, Cost: 1, Reason: a.reason, Below: a.below}
	if a.op == Archive || a.op == Copy {
		step.Inos, step.Cost = a.inos, a.cost
	}
	if a.op == Send {
		step.Cost = sendCalls
	}
	s.append(step, []int{i})
}

func (s *schedule) emitMoves(moves []int) {
	for batch := range slices.Chunk(s.deepestFirst(moves), s.p.in.Caps.MoveBatch) {
		first := &s.p.actions[batch[0]]
		step := Step{Op: Move, Parent: first.parent, Cost: 1, Reason: first.reason}
		for _, i := range batch {
			step.Inos = append(step.Inos, s.p.actions[i].ino)
		}
		s.append(step, batch)
	}
}

// deepestFirst sorts moves so that what is in a folder that moves too comes
// before it: a provider that goes by paths then still finds both.
func (s *schedule) deepestFirst(moves []int) []int {
	depth := make(map[int]int, len(moves))
	for _, i := range moves {
		depth[i] = s.p.depth(s.p.actions[i].ino)
	}
	slices.SortFunc(moves, func(a, b int) int {
		if depth[a] != depth[b] {
			return depth[b] - depth[a]
		}
		return cmp.Compare(a, b)
	})
	return moves
}

// depth returns how many folders a node's object is in.
func (p *planner) depth(ino uint64) int {
	n := 0
	if t := p.task(ino); t != nil {
		for range p.upwards(t.Remote.Parent) {
			n++
		}
	}
	return n
}

// append adds the step that some actions became, and releases what waited for
// them.
func (s *schedule) append(step Step, actions []int) {
	for _, i := range actions {
		s.p.actions[i].step = len(s.p.steps)
		for _, n := range s.p.actions[i].needs {
			step.After = append(step.After, s.p.actions[n].step)
		}
	}
	step.After = distinct(step.After)
	s.p.steps = append(s.p.steps, step)
	for _, i := range actions {
		s.finish(i)
	}
}

func (s *schedule) finish(i int) {
	for _, w := range s.waiters[i] {
		if s.missing[w]--; s.missing[w] == 0 {
			s.release(w)
		}
	}
}

// distinct sorts and returns each number once.
func distinct(ns []int) []int {
	slices.Sort(ns)
	return slices.Compact(ns)
}
