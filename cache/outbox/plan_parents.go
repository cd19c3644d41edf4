package outbox

import "slices"

// parents is the work on new folders that uploads make by the way.
type parents struct {
	p *planner
	// kids are, per folder, the new nodes that go into it.
	kids map[uint64][]int
	// holds remembers for folders whether a file will be uploaded to them, or
	// below them through nothing but folders that uploads may make.
	holds map[int]bool
}

// makeParents lets the first upload to each new folder make it, with those above it
// that are new, where the provider does that: what goes there then waits for that
// upload.
func (p *planner) makeParents() {
	c := &parents{p: p, kids: make(map[uint64][]int), holds: make(map[int]bool)}
	for i := range p.tasks {
		if t := &p.tasks[i]; c.plain(t) {
			c.kids[t.Local.Parent] = append(c.kids[t.Local.Parent], i)
		}
	}
	for i := range p.tasks {
		if t := &p.tasks[i]; c.plain(t) && t.Dir && p.newParent(t) == none {
			c.visit(i, nil)
		}
	}
}

// plain tells whether a new node is to be sent by a call of its own.
func (c *parents) plain(t *task) bool {
	return t.wish == toCreate && !t.blocked && t.arrive == none && t.occupant == none
}

// filled tells whether an upload can make a folder.
func (c *parents) filled(i int) bool {
	if known, ok := c.holds[i]; ok {
		return known
	}
	t := &c.p.tasks[i]
	found := false
	if t.ByUpload {
		for _, k := range c.kids[t.Ino] {
			found = found || !c.p.tasks[k].Dir || c.filled(k)
		}
	}
	c.holds[i] = found
	return found
}

// visit chooses the upload that makes a folder, together with the folders above it
// that have none yet, and does the same for what is in it.
func (c *parents) visit(i int, above []int) {
	t := &c.p.tasks[i]
	chain := append(slices.Clone(above), i)
	if !c.filled(i) {
		chain = nil // it is made by a call of its own
	}
	if first := c.smallest(t.Ino); chain != nil && first != none {
		c.take(first, chain)
		chain = nil
	}
	for _, k := range c.kids[t.Ino] {
		if !c.p.tasks[k].Dir {
			continue
		}
		if chain != nil && c.filled(k) {
			c.visit(k, chain)
			chain = nil
			continue
		}
		c.visit(k, nil)
	}
}

// smallest returns the smallest new file that goes into a folder: the others wait
// for it.
func (c *parents) smallest(folder uint64) int {
	best := none
	for _, k := range c.kids[folder] {
		if t := &c.p.tasks[k]; !t.Dir && (best == none || t.Size < c.p.tasks[best].Size) {
			best = k
		}
	}
	return best
}

// take makes the upload of a file that makes folders.
func (c *parents) take(file int, folders []int) {
	n := c.p.add(action{
		op: Upload, ino: c.p.tasks[file].Ino, below: c.p.inos(folders),
		reason: "new here; it makes " + plural(len(folders), "folder"),
	})
	c.p.tasks[file].single(n)
	for _, i := range folders {
		c.p.tasks[i].single(n)
	}
}
