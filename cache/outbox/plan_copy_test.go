package outbox

import (
	"slices"
	"testing"
)

// copied is a new node whose content the object named from has.
func copied(ino, parent uint64, name, from string, size int64) Node {
	return Node{
		Ino: ino, Local: Place{true, parent, name}, Content: true, Size: size, Changed: 5, Ready: true,
		CopyOf: 900 + ino, CopyName: from, CopyFree: true,
	}
}

func folderOf(n Node) Node {
	n.Dir, n.Content, n.Size = true, false, 0
	return n
}

func copyInput(nodes ...Node) Input {
	return Input{
		Nodes: nodes, Parents: map[uint64]uint64{1: 0, 20: 1, 21: 20},
		Caps: Capabilities{
			TreeList: true, RecursiveDelete: true, UploadMakesParents: true, Overwrite: true, Archives: true,
			Archive: 100, ArchiveFile: 10, CopyBatch: 3, MoveBatch: 10, DeleteBatch: 10, PageSize: 100,
		},
	}
}

func opsOf(steps []Step) (ops []Op, cost int) {
	for _, s := range steps {
		ops = append(ops, s.Op)
		cost += s.Cost
	}
	return ops, cost
}

func TestCopyPlans(t *testing.T) {
	busy := copied(30, 1, "b", "a", 50)
	busy.CopyFree = false
	waiting := copied(31, 21, "w", "w", 1)
	waiting.Ready = false
	plain := copied(32, 1, "x", "x", 50)
	plain.CopyOf = 0
	oneCall := copyInput(busy)
	oneCall.Caps.CopyRename = true
	wholeFolder := copyInput(folderOf(copied(20, 1, "d", "e", 0)), copied(30, 20, "a", "a", 5))
	wholeFolder.Caps.CopyRename = true
	recased := copyInput(copied(30, 1, "A", "a", 50))
	recased.Caps.CaseFolds = true
	none := copyInput(copied(30, 1, "a", "a", 50))
	none.Caps.CopyBatch = 0
	for name, c := range map[string]struct {
		in   Input
		ops  []Op
		cost int
	}{
		"another name, worth it":     {copyInput(copied(30, 1, "b", "a", 50)), []Op{Copy}, 3},
		"another name, small":        {copyInput(copied(30, 1, "b", "a", 5)), []Op{Upload}, 1},
		"another name, taken":        {copyInput(busy), []Op{Upload}, 1},
		"another name, in one call":  {oneCall, []Op{Copy}, 2},
		"another case, that folds":   {recased, []Op{Upload}, 1},
		"the same name":              {copyInput(copied(30, 1, "a", "a", 5)), []Op{Copy}, 2},
		"a provider without copies":  {none, []Op{Upload}, 1},
		"a batch":                    {copyInput(copied(30, 1, "a", "a", 5), copied(31, 1, "b", "b", 5)), []Op{Copy}, 2},
		"two through one name":       {copyInput(copied(30, 1, "b", "a", 50), copied(31, 1, "c", "a", 50)), []Op{Copy, Upload}, 4},
		"a name that another wants":  {copyInput(copied(30, 1, "b", "x", 50), plain), []Op{Upload, Upload}, 2},
		"a folder under its name":    {copyInput(folderOf(copied(20, 1, "d", "d", 0)), copied(30, 20, "a", "a", 5)), []Op{Copy}, 3},
		"a folder under another one": {copyInput(folderOf(copied(20, 1, "d", "e", 0)), copied(30, 20, "a", "a", 5)), []Op{Mkdir, Copy}, 3},
		"a folder in one call":       {wholeFolder, []Op{Copy}, 3},
		"a folder that still grows": {
			copyInput(folderOf(copied(20, 1, "d", "d", 0)), folderOf(copied(21, 20, "s", "s", 0)), waiting), []Op{Mkdir, Mkdir}, 2,
		},
	} {
		ops, cost := opsOf(Plan(c.in))
		slices.Sort(ops)
		want := slices.Sorted(slices.Values(c.ops))
		if !slices.Equal(ops, want) || cost != c.cost {
			t.Errorf("%s: %v for %d, want %v for %d", name, ops, cost, c.ops, c.cost)
		}
	}
}

// TestCopyComesAfterItsFolder: what is copied into a new folder waits for it, and
// everything below a copied folder goes with it.
func TestCopyComesAfterItsFolder(t *testing.T) {
	steps := Plan(copyInput(
		folderOf(copied(20, 1, "d", "e", 0)), folderOf(copied(21, 20, "s", "s", 0)), copied(30, 21, "a", "a", 5), copied(31, 20, "b", "b", 5),
	))
	if len(steps) != 2 || steps[0].Op != Mkdir || steps[1].Op != Copy {
		t.Fatalf("%+v", steps)
	}
	s := steps[1]
	if !slices.Equal(s.After, []int{0}) || !slices.Equal(s.Inos, []uint64{21, 31}) || !slices.Equal(s.Below, []uint64{30}) || s.Parent != 20 {
		t.Errorf("%+v", s)
	}
}

// TestCopiedFoldersAreSpared: what goes into a folder that is copied whole waits for
// the copy, which would have more in it otherwise.
func TestCopiedFoldersAreSpared(t *testing.T) {
	late := copied(32, 920, "late", "late", 5)
	late.CopyOf = 0
	in := copyInput(folderOf(copied(20, 1, "d", "d", 0)), copied(30, 20, "a", "a", 5), late)
	in.Parents[920] = 1
	steps := Plan(in)
	if len(steps) != 2 || steps[0].Op != Copy || steps[1].Op != Upload || !slices.Equal(steps[1].After, []int{0}) {
		t.Errorf("%+v", steps)
	}
}

// TestCopiesWaitWithTheirFolder: where a new folder is left for a later plan, so is
// what would be copied into it.
func TestCopiesWaitWithTheirFolder(t *testing.T) {
	d := folderOf(copied(20, 21, "d", "d", 0))
	d.CopyOf = 0
	moved := folderOf(Node{Ino: 21, Local: Place{true, 1, "to"}, Changed: 5, Ready: true})
	moved.Base = Known{Place: Place{true, 1, "from"}}
	moved.Remote = moved.Base
	nodes := []Node{d, moved, copied(30, 20, "a", "a", 5)}
	for ino := uint64(40); ino < 60; ino++ {
		n := copied(ino, 20, string(rune('a'+ino)), "", 1)
		n.CopyOf = 0
		nodes = append(nodes, n)
	}
	in := copyInput(nodes...)
	in.Parents = map[uint64]uint64{1: 0, 21: 1, 20: 21}
	steps := Plan(in)
	if len(steps) != 1 || steps[0].Op != Rename {
		t.Errorf("%+v", steps)
	}
}
