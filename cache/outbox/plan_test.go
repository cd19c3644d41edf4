package outbox

import (
	"fmt"
	"strings"
	"testing"
)

// allCaps is a provider that can do everything but move and rename at once.
var allCaps = Capabilities{
	TreeList: true, RecursiveDelete: true, Overwrite: true, DeleteBatch: 100, MoveBatch: 100, PageSize: 100,
}

// at is a place in a folder.
func at(parent uint64, name string) Place { return Place{Exists: true, Parent: parent, Name: name} }

// node makes a ready node that changed at time 10. Places are "folder/name";
// "" is no place. What exists at the provider is version "1" there.
func node(ino uint64, kind, base, local string) Node {
	n := Node{Ino: ino, Dir: kind == "d", Content: kind == "w", Changed: 10, Ready: true}
	n.Local = parsePlace(local)
	n.Base.Place = parsePlace(base)
	if n.Base.Exists && !n.Dir {
		n.Base.Version = "1"
	}
	n.Remote = n.Base
	if !n.Local.Exists {
		n.Local.Parent, n.Local.Name = n.Base.Parent, n.Base.Name
	}
	return n
}

func parsePlace(s string) Place {
	var p Place
	if n, _ := fmt.Sscanf(strings.Replace(s, "/", " ", 1), "%d %s", &p.Parent, &p.Name); n == 2 {
		p.Exists = true
	}
	return p
}

// changed returns a node with something about it changed.
func changed(n Node, change func(*Node)) Node {
	change(&n)
	return n
}

func unready(n Node) Node { return changed(n, func(n *Node) { n.Ready = false }) }

// inputOf makes an input of nodes. All folders named by them that are not
// among them are in the root.
func inputOf(caps Capabilities, nodes ...Node) Input {
	in := Input{
		Nodes: nodes, Caps: caps, Parents: map[uint64]uint64{1: 0},
		Evidence: Evidence{Object: map[uint64]int64{}, Tree: map[uint64]int64{}}, Children: map[uint64]int{},
	}
	for _, n := range nodes {
		for _, p := range []uint64{n.Local.Parent, n.Remote.Parent} {
			if _, known := in.Parents[p]; p > 1 && !known {
				in.Parents[p] = 1
			}
		}
	}
	for _, n := range nodes {
		if n.Dir && n.Remote.Exists {
			in.Parents[n.Ino] = n.Remote.Parent
		} else if n.Dir {
			in.Parents[n.Ino] = n.Local.Parent
		}
	}
	return in
}

// seen adds evidence of nodes, trees of folders, from after any change.
func seen(in Input, inos ...uint64) Input {
	for _, i := range inos {
		in.Evidence.Object[i] = 20
		in.Evidence.Tree[i] = 20
	}
	return in
}

// short writes a plan in one line per step: operation, nodes, where to, and
// after which steps.
func short(steps []Step) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, "%s %v", s.Op, s.Inos)
		if s.Op == ListDir || s.Op == ListTree || s.Op == Move || s.Op == MoveRename || s.Op == Archive {
			fmt.Fprintf(&b, " in %d", s.Parent)
		}
		if s.Name != "" {
			fmt.Fprintf(&b, " as %s", strings.SplitN(s.Name, "-", 2)[0])
		}
		if s.Over != 0 {
			fmt.Fprintf(&b, " over %d", s.Over)
		}
		if len(s.Below) > 0 {
			fmt.Fprintf(&b, " with %v", s.Below)
		}
		if len(s.After) > 0 {
			fmt.Fprintf(&b, " after %v", s.After)
		}
		b.WriteString("\n")
	}
	return b.String()
}

type planCase struct {
	name string
	in   Input
	want string
}

func runPlanCases(t *testing.T, cases []planCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want := strings.ReplaceAll(strings.TrimLeft(c.want, "\n"), "\t", "")
			if got := short(Plan(c.in)); got != want {
				t.Errorf("plan is\n%swant\n%s", got, want)
			}
		})
	}
}

func TestPlanSettles(t *testing.T) {
	runPlanCases(t, []planCase{
		{"nothing to do", inputOf(allCaps), ""},
		{"made and deleted here", inputOf(allCaps, node(20, "w", "", "")), "settle [20]\n"},
		{"deleted here and there", inputOf(allCaps, changed(node(20, "f", "1/a", ""), func(n *Node) {
			n.Remote.Exists = false
		})), "settle [20]\n"},
		{"changed and changed back", inputOf(allCaps, node(20, "f", "1/a", "1/a"), node(21, "d", "1/b", "1/b")), "settle [20 21]\n"},
		{"renamed alike here and there", inputOf(allCaps, changed(node(20, "f", "1/a", "1/b"), func(n *Node) {
			n.Remote.Name = "b"
		})), "settle [20]\n"},
		{"changed there only", inputOf(allCaps, changed(node(20, "f", "1/a", "1/a"), func(n *Node) {
			n.Remote.Name, n.Remote.Version = "b", "2"
		})), "settle [20]\n"},
		{"not ready", inputOf(allCaps, unready(node(20, "f", "1/a", "1/a"))), ""},
	})
}

func TestPlanCreates(t *testing.T) {
	runPlanCases(t, []planCase{
		{"file", inputOf(allCaps, node(20, "w", "", "1/a")), "upload [20]\n"},
		{"folders before what is in them", inputOf(allCaps,
			node(20, "w", "", "21/a"), node(21, "d", "", "22/b"), node(22, "d", "", "1/c")), `
			make folder [22]
			make folder [21] after [0]
			upload [20] after [1]
		`},
		{"file over a deleted one, not seen", inputOf(allCaps,
			node(20, "f", "1/a", ""), node(21, "w", "", "1/a")), "look [20]\n"},
		{"file over a deleted one", seen(inputOf(allCaps,
			node(20, "f", "1/a", ""), node(21, "w", "", "1/a")), 20), "upload [21] over 20\n"},
		{"file over a deleted one, seen before the new one changed", seen(inputOf(allCaps,
			node(20, "f", "1/a", ""), changed(node(21, "w", "", "1/a"), func(n *Node) { n.Changed = 20 })), 20), "look [20]\n"},
		{"file over a deleted one that others changed", seen(inputOf(allCaps,
			changed(node(20, "f", "1/a", ""), func(n *Node) { n.Remote.Version = "2" }), node(21, "w", "", "1/a")), 20), ""},
		{"file over a deleted one without overwriting", seen(inputOf(changedCaps(func(c *Capabilities) { c.Overwrite = false }),
			node(20, "f", "1/a", ""), node(21, "w", "", "1/a")), 20), `
			rename [20] as .frugalfs
			upload [21] after [0]
			delete [20] after [1]
		`},
		{"file at the place of a deleted folder", seen(inputOf(allCaps,
			node(20, "d", "1/a", ""), node(21, "w", "", "1/a")), 20), `
			rename [20] as .frugalfs
			upload [21] after [0]
			delete [20] after [1]
		`},
		{"new folder not ready, its file is", inputOf(allCaps,
			unready(node(20, "d", "", "1/d")), unready(node(21, "d", "", "20/d")), node(22, "w", "", "21/a")), `
			make folder [20]
			make folder [21] after [0]
			upload [22] after [1]
		`},
		{"new folder not ready, nor is its file", inputOf(allCaps,
			unready(node(20, "d", "", "1/d")), unready(node(21, "w", "", "20/a"))), ""},
		{"in a deleted folder", inputOf(allCaps, changed(node(20, "d", "1/d", ""), func(n *Node) { n.Remote.Exists = false }),
			node(21, "w", "", "20/a")), "settle [20]\n"},
		{"deleted there, changed here, not merged", inputOf(allCaps, changed(node(20, "w", "1/a", "1/a"), func(n *Node) {
			n.Remote.Exists = false
		})), ""},
		{"appeared there, not merged", inputOf(allCaps, changed(node(20, "w", "", "1/a"), func(n *Node) {
			n.Remote.Place = at(1, "a")
		})), ""},
	})
}

func changedCaps(change func(*Capabilities)) Capabilities {
	c := allCaps
	change(&c)
	return c
}

func TestPlanContents(t *testing.T) {
	runPlanCases(t, []planCase{
		{"not seen", inputOf(allCaps, node(20, "w", "1/a", "1/a")), "look [20]\n"},
		{"seen", seen(inputOf(allCaps, node(20, "w", "1/a", "1/a")), 20), "upload [20]\n"},
		{"seen too early", seen(inputOf(allCaps, changed(node(20, "w", "1/a", "1/a"), func(n *Node) { n.Changed = 20 })), 20), "look [20]\n"},
		{"changed there too", seen(inputOf(allCaps, changed(node(20, "w", "1/a", "1/a"), func(n *Node) { n.Remote.Version = "2" })), 20), ""},
		{"renamed there", seen(inputOf(allCaps, changed(node(20, "w", "1/a", "1/a"), func(n *Node) { n.Remote.Name = "b" })), 20), ""},
		{"and place", seen(inputOf(allCaps, node(20, "w", "1/a", "1/b")), 20), `
			rename [20] as b
			upload [20] after [0]
		`},
		{"not seen, and place", inputOf(allCaps, node(20, "w", "1/a", "1/b")), `
			look [20]
			rename [20] as b
		`},
	})
}
