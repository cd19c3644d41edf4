package outbox

// Whether nodes wait for each other in a circle is seen on two events per
// task: it departs from where it is, and it arrives where it goes. An event
// is numbered 2*task for the departure and 2*task+1 for the arrival.

func departure(task int) int { return 2 * task }
func arrival(task int) int   { return 2*task + 1 }

// circles works through the events in the order in which they can happen.
type circles struct {
	p *planner
	// missing counts, per event, those that must happen first and have not;
	// waiters are those that wait for it.
	missing []int
	waiters [][]int
	done    []bool
	queue   []int
}

// breakCycles makes nodes step aside where a circle of nodes wait for each
// other's places. Each circle has such a node in it: if nobody waited for a
// place, all would only wait for folders above them.
func (p *planner) breakCycles() {
	c := &circles{
		p:       p,
		missing: make([]int, 2*len(p.tasks)),
		waiters: make([][]int, 2*len(p.tasks)),
		done:    make([]bool, 2*len(p.tasks)),
	}
	for e := range c.done {
		c.count(e)
	}
	var broken []int
	c.run()
	for e := range c.done {
		for !c.done[e] {
			broken = append(broken, c.breakOne(e)...)
			c.run()
		}
	}
	p.block(broken)
}

// needs returns the events that must happen before e, at most four.
func (c *circles) needs(e int) []int {
	i := e / 2
	t := &c.p.tasks[i]
	if t.blocked || !t.arrives() {
		return nil
	}
	if e == departure(i) {
		return c.departureNeeds(i)
	}
	needs := c.folderNeeds(t)
	if t.route >= entersThenRenames {
		needs = append(needs, departure(i))
	}
	if t.occupant != none && c.p.tasks[t.occupant].moves {
		needs = append(needs, departure(t.occupant))
	}
	return needs
}

func (c *circles) departureNeeds(i int) []int {
	t := &c.p.tasks[i]
	switch t.route {
	case renames, enters, leaps:
		return []int{arrival(i)}
	case entersThenRenames:
		return c.folderNeeds(t)
	}
	return nil
}

func (c *circles) folderNeeds(t *task) []int {
	needs := make([]int, 0, 4)
	if j := c.p.newParent(t); j != none {
		needs = append(needs, arrival(j))
	}
	if j := c.p.movedAbove(t); j != none {
		needs = append(needs, arrival(j))
	}
	return needs
}

func (c *circles) count(e int) {
	needs := c.needs(e)
	c.missing[e] = len(needs)
	for _, n := range needs {
		c.waiters[n] = append(c.waiters[n], e)
	}
	if len(needs) == 0 {
		c.happen(e)
	}
}

func (c *circles) happen(e int) {
	if !c.done[e] {
		c.done[e] = true
		c.queue = append(c.queue, e)
	}
}

// run lets everything happen that can.
func (c *circles) run() {
	for len(c.queue) > 0 {
		e := c.queue[len(c.queue)-1]
		c.queue = c.queue[:len(c.queue)-1]
		for _, w := range c.waiters[e] {
			if c.missing[w]--; c.missing[w] == 0 {
				c.happen(w)
			}
		}
	}
}

// breakOne breaks the circle that e is in, or waits for, where that is
// cheapest. A circle without a place to free is no possible tree; its tasks
// are returned, to be left out.
func (c *circles) breakOne(e int) []int {
	circle := c.circle(e)
	best := none
	for k, e := range circle {
		if i := e / 2; c.waitsForPlace(circle, k) && (best == none || c.dearer(best, i)) {
			best = i
		}
	}
	if best != none {
		c.p.tasks[best].route = stepsAside
		c.happen(departure(best))
		return nil
	}
	var broken []int
	for _, e := range circle {
		broken = append(broken, e/2)
		c.happen(e)
	}
	return broken
}

// circle follows what e waits for until it meets itself.
func (c *circles) circle(e int) []int {
	at := make(map[int]int)
	var path []int
	for {
		if k, met := at[e]; met {
			return path[k:]
		}
		at[e] = len(path)
		path = append(path, e)
		e = c.missed(e)
	}
}

// missed returns the first event that e still waits for. There is one for
// every event that has not happened.
func (c *circles) missed(e int) int {
	for _, n := range c.needs(e) {
		if !c.done[n] {
			return n
		}
	}
	return e
}

// waitsForPlace tells whether the k-th event of a circle is a departure that
// the one before it waits for to get its place.
func (c *circles) waitsForPlace(circle []int, k int) bool {
	e, before := circle[k], circle[(k+len(circle)-1)%len(circle)]
	return e == departure(e/2) && c.p.tasks[before/2].occupant == e/2
}

// dearer tells whether stepping aside costs more for task i than for task j.
func (c *circles) dearer(i, j int) bool {
	a, b := c.asideCost(i), c.asideCost(j)
	return a > b || (a == b && i > j)
}

// asideCost returns how many calls it adds to give a task a temporary name.
func (c *circles) asideCost(i int) int {
	if c.p.tasks[i].route == enters && !c.p.in.Caps.MoveRename {
		return 2
	}
	return 1
}
