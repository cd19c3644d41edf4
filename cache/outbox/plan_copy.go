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
}

// makeCopies makes the actions of new nodes whose contents other objects have.
// What the actions of others wait for is then the copy.
func (p *planner) makeCopies() {
	if p.in.Caps.CopyBatch < 1 {
		return
	}
	c := &copies{p: p, kids: make(map[uint64][]int), groups: make(map[uint64][]int)}
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
			c.take(folder, batch, "")
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
		c.take(t.Local.Parent, []int{i}, "")
	case t.Dir:
		for _, k := range c.kids[t.Ino] {
			c.visit(k)
		}
	case c.renamed(i):
		c.take(t.Local.Parent, []int{i}, t.CopyName)
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
	return c.whole(i) && t.CopyFree && t.Size > c.p.in.Caps.ArchiveFile && c.p.pass(i, c.p.spot(t.Local.Parent, t.CopyName))
}

// take makes the action of one copy. under is the name that it has at first, ""
// if it is the right one.
func (c *copies) take(folder uint64, tops []int, under string) {
	below := c.below(tops, nil)
	n := c.p.add(action{
		op: Copy, inos: c.p.inos(tops), below: c.p.inos(below), parent: folder, name: under,
		cost: c.cost(tops, below, under), reason: copyReason(len(tops), len(below)),
	})
	for _, i := range slices.Concat(tops, below) {
		c.p.tasks[i].single(n)
	}
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
