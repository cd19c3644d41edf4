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
