package outbox

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

const (
	// archiveCalls is what an archive costs beside the listing that proves it
	// whole: to upload it, to unpack it, to move its top items into place, and
	// to delete what is left of it.
	archiveCalls = 4
	// archiveEntries is how many files and folders go into one archive at
	// most: the provider unpacks it within one request, which must not take
	// too long, and a failure must not bring everything back.
	archiveEntries = 10000
)

// batches is the work on what goes in archives. A candidate is a new node that
// can go in one; it is a top if the folder that it goes into is not itself a
// candidate.
type batches struct {
	p *planner
	// candidate, entries and bytes are per task; the latter are sums over the
	// candidate and all candidates below it, known once it was weighed.
	candidate []bool
	entries   []int
	bytes     []int64
	// kids are, per folder, the candidates that go into it.
	kids map[uint64][]int
	// firm remembers for folders whether they stay where they are.
	firm map[uint64]bool
}

// archive is one archive that is being filled.
type archive struct {
	folder uint64
	// tasks are what is in it, folders before what is in them.
	tasks []int
	tops  int
	bytes int64
	// rest is what would belong in it, below a folder that is in it, and is
	// too much for it.
	rest []int
}

// makeArchives makes archives of the new nodes of each folder, where that is
// cheaper than to send them one by one. What the actions of others wait for is
// then the archive.
func (p *planner) makeArchives() {
	c := p.in.Caps
	if !c.Archives || !c.UploadMakesParents || !c.RecursiveDelete || !c.TreeList {
		return
	}
	b := p.newBatches()
	for i := range p.tasks {
		folder := p.tasks[i].Local.Parent
		if !b.candidate[i] || b.isCandidate(folder) {
			continue
		}
		tops := b.kids[folder]
		delete(b.kids, folder) // so that a folder is done only once
		if len(tops) > 0 {
			b.doFolder(folder, tops)
		}
	}
}

func (p *planner) newBatches() *batches {
	n := len(p.tasks)
	b := &batches{
		p: p, candidate: make([]bool, n), entries: make([]int, n), bytes: make([]int64, n),
		kids: make(map[uint64][]int), firm: make(map[uint64]bool),
	}
	for i := range p.tasks {
		if t := &p.tasks[i]; p.archivable(t) {
			b.candidate[i] = true
			b.kids[t.Local.Parent] = append(b.kids[t.Local.Parent], i)
		}
	}
	return b
}

// archivable tells whether a node may go in an archive, as far as that depends
// on the node alone.
func (p *planner) archivable(t *task) bool {
	if t.wish != toCreate || t.blocked || t.Plain || t.Draft || t.occupant != none || t.copied {
		return false
	}
	return t.Dir || t.Size <= min(p.in.Caps.ArchiveFile, p.in.Caps.Archive)
}

func (b *batches) isCandidate(ino uint64) bool {
	i, ok := b.p.index[ino]
	return ok && b.candidate[i]
}

// doFolder makes the archives for one folder. They cannot be unpacked into a
// folder that is not there yet, or that moves meanwhile: what goes into such a
// folder is left for the next plan if it can wait.
func (b *batches) doFolder(folder uint64, tops []int) {
	if b.plain(folder) {
		return
	}
	for _, i := range tops {
		b.weigh(i)
	}
	worthwhile := slices.DeleteFunc(b.fill(folder, tops), func(a *archive) bool { return !b.pays(a) })
	switch {
	case len(worthwhile) == 0:
	case b.stays(folder):
		for _, a := range worthwhile {
			b.take(a)
		}
	case !b.neededElsewhere(tops):
		for _, a := range worthwhile {
			b.p.block(append(a.tasks, a.rest...))
		}
	}
}

// plain tells whether a folder, or a new one that it is in, is to be sent by
// itself: so is then what is in it.
func (b *batches) plain(folder uint64) bool {
	for t := b.p.task(folder); t != nil && t.wish == toCreate; t = b.p.task(t.Local.Parent) {
		if t.Plain {
			return true
		}
	}
	return false
}

// stays tells whether a folder is at the provider, and neither it nor any
// folder above it is moved, renamed or deleted by this plan.
func (b *batches) stays(folder uint64) bool {
	if t := b.p.task(folder); t != nil && !t.Remote.Exists {
		return false
	}
	var path []uint64
	firm := true
	for f := range b.p.upwards(folder) {
		if known, ok := b.firm[f]; ok {
			firm = known
			break
		}
		path = append(path, f)
		if t := b.p.task(f); t != nil && !t.blocked && (t.moves || t.goes()) {
			firm = false
			break
		}
	}
	for _, f := range path {
		b.firm[f] = firm
	}
	return firm
}

// weigh adds up what is in a candidate.
func (b *batches) weigh(i int) {
	t := &b.p.tasks[i]
	b.entries[i], b.bytes[i] = 1, 0
	if !t.Dir {
		b.bytes[i] = max(t.Size, 0)
		return
	}
	for _, k := range b.kids[t.Ino] {
		b.weigh(k)
		b.entries[i] += b.entries[k]
		b.bytes[i] += b.bytes[k]
	}
	slices.SortFunc(b.kids[t.Ino], b.denser)
}

// denser orders candidates by how many bytes they bring per entry: many small
// files save the most, and few large ones must not take their room.
func (b *batches) denser(i, j int) int {
	x := float64(b.bytes[i]) / float64(b.entries[i])
	y := float64(b.bytes[j]) / float64(b.entries[j])
	return cmp.Or(cmp.Compare(x, y), cmp.Compare(i, j))
}

// fill spreads the tops of a folder over archives.
func (b *batches) fill(folder uint64, tops []int) []*archive {
	slices.SortFunc(tops, b.denser)
	var all []*archive
	a := &archive{}
	for _, i := range tops {
		if len(all) == 0 || a.tops == b.p.in.Caps.MoveBatch || !b.fits(a, i) {
			a = &archive{folder: folder}
			all = append(all, a)
		}
		a.tops++
		b.put(a, i)
	}
	return all
}

// fits tells whether there is room for a candidate with all that is below it.
func (b *batches) fits(a *archive, i int) bool {
	return len(a.tasks)+b.entries[i] <= archiveEntries && b.bytes[i] <= b.p.in.Caps.Archive-a.bytes
}

// put puts a candidate into an archive, with as much of what is below it as
// there is room for: whatever is too large for any archive is split, and what
// is not waits for another.
func (b *batches) put(a *archive, i int) {
	t := &b.p.tasks[i]
	whole := b.fits(a, i)
	switch {
	case !whole && (!t.Dir || b.fits(&archive{}, i) || len(a.tasks) >= archiveEntries):
		a.rest = append(a.rest, i)
		return
	case !t.Dir:
		a.bytes += b.bytes[i]
	}
	a.tasks = append(a.tasks, i)
	for _, k := range b.kids[t.Ino] {
		b.put(a, k)
	}
}

// cost returns how many requests an archive needs. The listing shows the
// folder that it was unpacked into, too.
func (b *batches) cost(a *archive) int {
	size := b.p.in.Caps.PageSize
	return archiveCalls + (len(a.tasks)+size)/size
}

// pays tells whether an archive is cheaper than a call for each node in it.
func (b *batches) pays(a *archive) bool { return b.cost(a) < len(a.tasks) }

// neededElsewhere tells whether anything but new nodes in them waits for some
// new nodes, such as what is moved into a new folder.
func (b *batches) neededElsewhere(tasks []int) bool {
	for _, i := range tasks {
		t := &b.p.tasks[i]
		if !t.blocked && (t.wish != toCreate || b.neededElsewhere(b.p.dependents[i])) {
			return true
		}
	}
	return false
}

// take makes the action of an archive. What did not go in goes with a later
// plan, when the folder that it is in will be there.
func (b *batches) take(a *archive) {
	n := b.p.add(action{
		op: Archive, inos: b.p.inos(a.tasks), parent: a.folder, cost: b.cost(a), reason: b.reason(a),
	})
	for _, i := range a.tasks {
		b.p.tasks[i].single(n)
	}
	b.p.block(a.rest)
}

func (b *batches) reason(a *archive) string {
	folders := 0
	for _, i := range a.tasks {
		if b.p.tasks[i].Dir {
			folders++
		}
	}
	files := len(a.tasks) - folders
	switch {
	case folders == 0:
		return fmt.Sprintf("%s in one archive", plural(files, "new file"))
	case files == 0:
		return fmt.Sprintf("%s in one archive", plural(folders, "new folder"))
	}
	return fmt.Sprintf("%s and %s in one archive", plural(files, "new file"), plural(folders, "folder"))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
