package outbox

import "testing"

func TestPlanPlaces(t *testing.T) {
	both := changedCaps(func(c *Capabilities) { c.MoveRename = true })
	fold := changedCaps(func(c *Capabilities) { c.CaseFolds = true })
	runPlanCases(t, []planCase{
		{"name", inputOf(allCaps, node(20, "f", "1/a", "1/b")), "rename [20] as b\n"},
		{"folder", inputOf(allCaps, node(20, "f", "1/a", "9/a"), node(21, "f", "8/b", "9/b")), "move [21 20] in 9\n"},
		{"batches", inputOf(changedCaps(func(c *Capabilities) { c.MoveBatch = 2 }),
			node(20, "f", "1/a", "9/a"), node(21, "f", "8/b", "9/b"), node(22, "f", "8/c", "9/c")), `
			move [21 22] in 9
			move [20] in 9
		`},
		{"both in one call", inputOf(both, node(20, "f", "1/a", "9/b")), "move and rename [20] in 9 as b\n"},
		{"both in two", inputOf(allCaps, node(20, "f", "1/a", "9/b"), node(21, "f", "1/c", "9/d")), `
			move [20 21] in 9
			rename [20] as b after [0]
			rename [21] as d after [0]
		`},
		{"both, the name is taken there", inputOf(allCaps, node(20, "f", "1/a", "9/b"), node(21, "f", "9/a", "9/a")), `
			settle [21]
			rename [20] as b
			move [20] in 9 after [1]
		`},
		{"both, the name is taken there and here", inputOf(allCaps,
			node(20, "f", "1/a", "9/b"), node(21, "f", "9/a", "9/a"), node(22, "w", "", "1/b")), `
			settle [21]
			rename [20] as .frugalfs
			upload [22]
			move [20] in 9 after [1]
			rename [20] as b after [3]
		`},
		{"two through one name", inputOf(allCaps, node(20, "f", "1/a", "9/b"), node(21, "f", "8/a", "9/c")), `
			rename [21] as c
			move [21 20] in 9 after [0]
			rename [20] as b after [1]
		`},
		{"into a new folder", inputOf(allCaps, node(20, "f", "1/a", "21/a"), node(21, "d", "", "1/d")), `
			make folder [21]
			move [20] in 21 after [0]
		`},
		{"shift", inputOf(allCaps, node(20, "f", "1/a", "1/b"), node(21, "f", "1/b", "1/c")), `
			rename [21] as c
			rename [20] as b after [0]
		`},
		{"swap of names", inputOf(allCaps, node(20, "f", "1/a", "1/b"), node(21, "f", "1/b", "1/a")), `
			rename [20] as .frugalfs
			rename [21] as a after [0]
			rename [20] as b after [0 1]
		`},
		{"swap of folders", inputOf(both, node(20, "f", "1/a", "9/a"), node(21, "f", "9/a", "1/a")), `
			rename [20] as .frugalfs
			move [21] in 1 after [0]
			move and rename [20] in 9 as a after [0 1]
		`},
		{"circle of three", inputOf(allCaps, node(20, "f", "1/a", "1/b"), node(21, "f", "1/b", "1/c"), node(22, "f", "1/c", "1/a")), `
			rename [20] as .frugalfs
			rename [22] as a after [0]
			rename [21] as c after [1]
			rename [20] as b after [0 2]
		`},
		{"inside out", inputOf(both, node(20, "d", "1/a", "21/b"), node(21, "d", "20/b", "1/a")), `
			rename [20] as .frugalfs
			move and rename [21] in 1 as a after [0]
			move and rename [20] in 21 as b after [0 1]
		`},
		{"below what moves first", inputOf(allCaps,
			node(20, "d", "1/n", "21/n"), node(21, "d", "22/p", "1/p"), node(22, "d", "1/q", "20/q")), `
			move [21] in 1
			move [20] in 21 after [0]
			move [22] in 20 after [1]
		`},
		{"folder and its content go to one folder", inputOf(allCaps, node(20, "d", "1/d", "9/d"), node(21, "f", "20/a", "9/a")), "move [21 20] in 9\n"},
		{"over a deleted one, not seen", inputOf(allCaps, node(20, "f", "1/a", "1/b"), node(21, "f", "1/b", "")), "look [21]\n"},
		{"over a deleted one", seen(inputOf(allCaps, node(20, "f", "1/a", "1/b"), node(21, "f", "1/b", "")), 21), `
			rename [21] as .frugalfs
			rename [20] as b after [0]
			delete [21] after [1]
		`},
		{"over one that is not ready", seen(inputOf(allCaps, node(20, "f", "1/a", "1/b"), unready(node(21, "f", "1/b", ""))), 21), ""},
		{"over one that stays", inputOf(allCaps, node(20, "f", "1/a", "1/b"), node(21, "f", "1/b", "1/b")), "settle [21]\n"},
		{"after one that cannot leave", inputOf(allCaps,
			node(20, "f", "1/a", "1/b"), node(21, "f", "1/b", "1/c"), unready(node(22, "f", "1/c", "1/d"))), ""},
		{"moved there too", inputOf(allCaps, changed(node(20, "f", "1/a", "1/b"), func(n *Node) { n.Remote.Parent = 9 })), `
			move [20] in 1
			rename [20] as b after [0]
		`},
		{"case only", inputOf(fold, node(20, "f", "1/a", "1/A")), `
			rename [20] as .frugalfs
			rename [20] as A after [0]
		`},
		{"case and folder", inputOf(fold, node(20, "f", "1/a", "9/A")), `
			rename [20] as .frugalfs
			move [20] in 9 after [0]
			rename [20] as A after [1]
		`},
		{"names that fold together are one place", inputOf(fold, node(20, "f", "1/a", "1/B"), node(21, "f", "1/b", "1/c")), `
			rename [21] as c
			rename [20] as B after [0]
		`},
		{"another case of a deleted name", seen(inputOf(fold, node(20, "f", "1/a", ""), node(21, "w", "", "1/A")), 20), `
			rename [20] as .frugalfs
			upload [21] after [0]
			delete [20] after [1]
		`},
		{"two want one place", inputOf(fold, node(20, "w", "", "1/a"), node(21, "w", "", "1/A")), "upload [20]\n"},
		{"one is where another wants to be", inputOf(fold, node(20, "w", "", "1/a"), node(21, "f", "1/A", "1/A")), "settle [21]\n"},
		{"no possible tree", inputOf(allCaps, node(20, "d", "", "21/a"), node(21, "d", "", "20/b"), node(22, "w", "", "1/c")), "upload [22]\n"},
	})
}

// TestPlanTempNames checks that a temporary name is the same in the next plan
// of the same change, and tells nodes apart.
func TestPlanTempNames(t *testing.T) {
	a, b := node(20, "f", "1/a", "1/b"), node(21, "f", "1/a", "1/b")
	again := a
	if tempName(&a) != tempName(&again) || tempName(&a) == tempName(&b) {
		t.Errorf("names are %q, %q and %q", tempName(&a), tempName(&again), tempName(&b))
	}
	if want := TempPrefix + "k-"; tempName(&a)[:len(want)] != want {
		t.Errorf("name is %q, want %q first", tempName(&a), want)
	}
}
