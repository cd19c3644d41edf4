package outbox

import "testing"

// deletedFiles are n files in a folder, deleted here.
func deletedFiles(first, folder uint64, n int) []Node {
	var nodes []Node
	for i := range n {
		nodes = append(nodes, node(first+uint64(i), "f", "1/"+string(rune('a'+i)), ""))
		nodes[i].Local.Parent, nodes[i].Base.Parent, nodes[i].Remote.Parent = folder, folder, folder
	}
	return nodes
}

func withChildren(in Input, folder uint64, n int) Input {
	in.Children[folder] = n
	return in
}

func TestPlanObserves(t *testing.T) {
	paged := changedCaps(func(c *Capabilities) { c.PageSize = 4 })
	single := changedCaps(func(c *Capabilities) { c.TreeList = false })
	two := append(deletedTree(), node(30, "d", "1/x", ""), node(31, "f", "1/y", ""))
	runPlanCases(t, []planCase{
		{"two in one folder", inputOf(allCaps, deletedFiles(20, 9, 2)...), "list [20 21] in 9\n"},
		{"contents and deletes together", inputOf(allCaps, append(deletedFiles(20, 9, 1), node(30, "w", "9/x", "9/x"))...), "list [20 30] in 9\n"},
		{"a long folder", withChildren(inputOf(paged, deletedFiles(20, 9, 2)...), 9, 5), "look [20]\nlook [21]\n"},
		{"many in a long folder", withChildren(inputOf(paged, deletedFiles(20, 9, 3)...), 9, 7), "list [20 21 22] in 9\n"},
		{"a tree without tree listings", inputOf(single, deletedTree()...), "list [20] in 20\nlist [22] in 22\n"},
		{"several trees", inputOf(allCaps, two...), "look [31]\nlist tree [20] in 20\nlist tree [30] in 30\n"},
		{"everything in a folder", withChildren(inputOf(allCaps, two...), 1, 3), "list tree [31 20 30] in 1\n"},
		{"everything but one in a folder", withChildren(inputOf(allCaps, two...), 1, 4), "look [31]\nlist tree [20] in 20\nlist tree [30] in 30\n"},
		{"what a tree listing shows anyway", inputOf(allCaps, append(deletedTree(), node(30, "w", "20/x", "1/x"))...), `
			list tree [20] in 20
			move [30] in 1
		`},
	})
}

func TestPlanPages(t *testing.T) {
	for _, c := range []struct{ entries, size, want int }{
		{0, 100, 1}, {100, 100, 1}, {101, 100, 2}, {199, 100, 2}, {200, 100, 3}, {3, 1, 3},
	} {
		p := newPlanner(Input{Caps: Capabilities{PageSize: c.size}})
		if got := p.pages(c.entries); got != c.want {
			t.Errorf("%d entries in pages of %d are %d requests, want %d", c.entries, c.size, got, c.want)
		}
	}
}
