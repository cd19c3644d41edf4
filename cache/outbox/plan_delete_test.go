package outbox

import "testing"

// deletedTree is a folder 20 with a file 21 and a folder 22 that holds a file
// 23, all deleted here.
func deletedTree() []Node {
	return []Node{node(20, "d", "1/d", ""), node(21, "f", "20/a", ""), node(22, "d", "20/e", ""), node(23, "f", "22/b", "")}
}

func TestPlanDeletes(t *testing.T) {
	two := changedCaps(func(c *Capabilities) { c.DeleteBatch = 2 })
	runPlanCases(t, []planCase{
		{"file, not seen", inputOf(allCaps, node(20, "f", "1/a", "")), "look [20]\n"},
		{"file", seen(inputOf(allCaps, node(20, "f", "1/a", "")), 20), "delete [20]\n"},
		{"file that others changed", seen(inputOf(allCaps, changed(node(20, "f", "1/a", ""), func(n *Node) { n.Remote.Version = "2" })), 20), ""},
		{"file that others moved", seen(inputOf(allCaps, changed(node(20, "f", "1/a", ""), func(n *Node) { n.Remote.Parent = 9 })), 20), ""},
		{"batches", seen(inputOf(two, node(20, "f", "1/a", ""), node(21, "f", "9/b", ""), node(22, "f", "9/c", "")), 20, 21, 22), `
			delete [20 21]
			delete [22]
		`},
		{"one is seen, one is not", seen(inputOf(allCaps, node(20, "f", "1/a", ""), node(21, "f", "9/b", "")), 20), `
			look [21]
			delete [20]
		`},
		{"tree, not seen", inputOf(allCaps, deletedTree()...), "list tree [20] in 20\n"},
		{"tree", seen(inputOf(allCaps, deletedTree()...), 20), "delete [20] with [21 22 23]\n"},
		{"tree, seen from above", seen(inputOf(allCaps, deletedTree()...), 1), "delete [20] with [21 22 23]\n"},
		{"tree, seen before its last change", seen(inputOf(allCaps, append(deletedTree(),
			changed(node(24, "f", "22/c", ""), func(n *Node) { n.Changed = 20 }))...), 20), "list tree [20] in 20\n"},
		{"tree with something not ready", seen(inputOf(allCaps, append(deletedTree(), unready(node(24, "f", "22/c", "")))...), 20), ""},
		{"tree with what others changed", seen(inputOf(allCaps, append(deletedTree(),
			changed(node(24, "f", "22/c", ""), func(n *Node) { n.Remote.Version = "2" }))...), 20, 21, 23), "delete [21 23]\n"},
		{"tree with something that stays", seen(inputOf(allCaps, append(deletedTree(), node(24, "f", "20/c", "20/c"))...), 21, 22), `
			settle [24]
			delete [21 22] with [23]
		`},
		{"tree with a file that leaves", seen(inputOf(allCaps, append(deletedTree(), node(24, "f", "22/c", "1/c"))...), 20), `
			move [24] in 1
			delete [20] with [21 22 23] after [0]
		`},
		{"tree with a folder that leaves", inputOf(allCaps, append(deletedTree(), node(24, "d", "22/c", "1/c"))...), "move [24] in 1\n"},
		{"folder that leaves to the place of its own", seen(inputOf(allCaps, node(20, "d", "1/d", ""), node(21, "d", "20/d", "1/d")), 20), `
			rename [20] as .frugalfs
			move [21] in 1 after [0]
			delete [20] after [1]
		`},
		{"several trees and files in one call", seen(inputOf(allCaps, append(deletedTree(), node(30, "d", "1/x", ""), node(31, "f", "1/y", ""))...), 20, 30, 31),
			"delete [20 30 31] with [21 22 23]\n"},
		{"in a live folder that leaves a deleted one", seen(inputOf(allCaps,
			node(20, "d", "1/d", ""), node(21, "d", "20/e", "1/e"), node(22, "f", "21/a", "")), 20, 22), `
			move [21] in 1
			delete [22 20] after [0]
		`},
	})
}

func TestPlanDeletesOneByOne(t *testing.T) {
	flat := changedCaps(func(c *Capabilities) { c.RecursiveDelete = false })
	runPlanCases(t, []planCase{
		{"files first", seen(inputOf(flat, deletedTree()...), 20), `
			delete [21 23]
			delete [22] after [0]
			delete [20] after [0 1]
		`},
		{"with a file that leaves", seen(inputOf(flat, node(20, "d", "1/d", ""), node(21, "f", "20/a", "1/a")), 20), `
			move [21] in 1
			delete [20] after [0]
		`},
	})
}

// TestPlanKeepsUnknown checks that a deleted folder stays when there is a sign
// of anything in it that was not deleted here.
func TestPlanKeepsUnknown(t *testing.T) {
	more := seen(inputOf(allCaps, deletedTree()...), 20, 21, 23)
	more.Children[22] = 2
	clean := seen(inputOf(allCaps, append(deletedTree(), node(24, "f", "40/a", "1/a"))...), 20, 21, 23)
	clean.Parents[40], clean.Parents[41] = 41, 22
	runPlanCases(t, []planCase{
		{"more entries", more, "delete [21 23]\n"},
		{"a clean folder", clean, `
			move [24] in 1
			delete [21 23]
		`},
	})
}
