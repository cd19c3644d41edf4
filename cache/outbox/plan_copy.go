package outbox

import (
	"fmt"
	"slices"
)

// copies is the work on what the provider copies by itself.
type copies struct {
	p *planner
	// kids are, per folder, the new nodes that go into it.
	kids map[uint64][]int
	// groups are, per folder, what is copied into it under its old name, in
	// folders' order.
	groups  map[uint64][]int
	folders []uint64
	chosen  []copyCall
}

// copyCall is one call that copies tops into a folder. under is the name that the
// one top has at first, "" if it is the right one.
type copyCall struct {
	folder uint64
	tops   []int
	under  string
}

// chooseCopies chooses which new nodes are copied, as other objects have their
// contents, so that they do not go in archives.
func (p *planner) chooseCopies() *copies {
	c := &copies{p: p, kids: make(map[uint64][]int), groups: make(map[uint64][]int)}
	if p.in.Caps.CopyBatch < 1 {
		return c
	}
	for i := range p.tasks {
		if t := &p.tasks[i]; t.wish == toCreate {
			c.kids[t.Local.Parent] = append(c.kids[t.Local.Parent], i)
		}
	}
	for i := range p.tasks {
		if t := &p.tasks[i]; t.wish == toCreate && p.newParent(t) == none {
			c.visit(i)
		}
	}
	for _, folder := range c.folders {
		for batch := range slices.Chunk(c.groups[folder], p.in.Caps.CopyBatch) {
			c.choose(copyCall{folder: folder, tops: batch})
		}
	}
	return c
}

// choose notes a call, and what is copied by it.
func (c *copies) choose(call copyCall) {
	c.chosen = append(c.chosen, call)
	for _, i := range slices.Concat(call.tops, c.below(call.tops, nil)) {
		c.p.tasks[i].copied = true
	}
}

// act makes the actions of the copies. What the actions of others wait for is then
// the copy. What goes into a folder that waits for a later plan waits with it.
func (c *copies) act() {
	for _, call := range c.chosen {
		if !c.p.tasks[call.tops[0]].blocked {
			c.take(call)
		}
	}
}

// visit chooses how a new node, and what is below it, is copied.
func (c *copies) visit(i int) {
	t := &c.p.tasks[i]
	switch {
	case c.whole(i) && t.CopyName == t.Local.Name:
		if c.groups[t.Local.Parent] == nil {
			c.folders = append(c.folders, t.Local.Parent)
		}
		c.groups[t.Local.Parent] = append(c.groups[t.Local.Parent], i)
	case c.p.in.Caps.CopyRename && c.whole(i):
		c.choose(copyCall{folder: t.Local.Parent, tops: []int{i}})
	case t.Dir:
		for _, k := range c.kids[t.Ino] {
			c.visit(k)
		}
	case c.renamed(i):
		c.choose(copyCall{folder: t.Local.Parent, tops: []int{i}, under: t.CopyName})
	}
}

// whole tells whether a node is a copy, with all that is below it, and may be
// sent.
func (c *copies) whole(i int) bool {
	t := &c.p.tasks[i]
	if t.CopyOf == 0 || t.blocked || t.occupant != none {
		return false
	}
	return !t.Dir || c.ready(t.Ino)
}

func (c *copies) ready(folder uint64) bool {
	for _, k := range c.kids[folder] {
		if t := &c.p.tasks[k]; t.blocked || t.occupant != none || (t.Dir && !c.ready(t.Ino)) {
			return false
		}
	}
	return true
}

// renamed tells whether a file may be copied under its old name first, if nothing
// has that. To fetch and upload it takes two requests, so that the third must save a
// lot of bytes.
func (c *copies) renamed(i int) bool {
	t := &c.p.tasks[i]
	if !c.whole(i) || c.p.fold(t.CopyName) == c.p.fold(t.Local.Name) {
		return false // a provider that takes the names for one may refuse the rename
	}
	return t.CopyFree && t.Size > c.p.in.Caps.ArchiveFile && c.p.pass(i, c.p.spot(t.Local.Parent, t.CopyName))
}

// take makes the action of one call.
func (c *copies) take(call copyCall) {
	below := c.below(call.tops, nil)
	n := c.p.add(action{
		op: Copy, inos: c.p.inos(call.tops), below: c.p.inos(below), parent: call.folder, name: call.under,
		cost: c.cost(call.tops, below, call.under), reason: copyReason(len(call.tops), len(below)),
	})
	for _, i := range slices.Concat(call.tops, below) {
		c.p.tasks[i].single(n)
	}
}

// spareSources has what goes into folders that are copied whole wait for the copy,
// which would have more in it than it should otherwise. What the copy itself waits
// for cannot: then the folder is found changed, and the next plan copies what is
// in it one by one.
func (c *copies) spareSources() {
	p := c.p
	copying := make(map[uint64][]int)
	for _, call := range c.chosen {
		for _, i := range slices.Concat(call.tops, c.below(call.tops, nil)) {
			if t := &p.tasks[i]; t.Dir && !t.blocked {
				copying[t.CopyOf] = append(copying[t.CopyOf], t.arrive)
			}
		}
	}
	for i := range p.tasks {
		t := &p.tasks[i]
		if t.blocked || !t.arrives() {
			continue
		}
		for _, a := range copying[t.Local.Parent] {
			if !p.waitsFor(a, t.enter) {
				p.wait(t.enter, a)
			}
		}
	}
}

// waitsFor tells whether an action is another one, or comes after it.
func (p *planner) waitsFor(a, other int) bool {
	seen := map[int]bool{}
	queue := []int{a}
	for len(queue) > 0 {
		n := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if n == other {
			return true
		}
		if !seen[n] {
			seen[n] = true
			queue = append(queue, p.actions[n].needs...)
		}
	}
	return false
}

// below adds what is below the tops, folders before what is in them.
func (c *copies) below(tops, all []int) []int {
	for _, i := range tops {
		if t := &c.p.tasks[i]; t.Dir {
			kids := c.kids[t.Ino]
			all = c.below(kids, append(all, kids...))
		}
	}
	return all
}

// cost counts the copy, the request that proves the sources unchanged, the
// rename, and the listing that proves folders whole.
func (c *copies) cost(tops, below []int, under string) int {
	cost := 2
	if under != "" {
		cost++
	}
	if slices.ContainsFunc(tops, func(i int) bool { return c.p.tasks[i].Dir }) {
		cost += c.p.pages(len(tops) + len(below))
	}
	return cost
}

func copyReason(tops, below int) string {
	if below > 0 {
		return fmt.Sprintf("%s with the %d below, copied here: the provider has the content", plural(tops, "item"), below)
	}
	return plural(tops, "file") + " copied here: the provider has the content"
}
