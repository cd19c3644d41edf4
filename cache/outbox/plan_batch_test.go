package outbox

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// zipCaps is a provider that unpacks archives.
var zipCaps = changedCaps(func(c *Capabilities) {
	c.Archives, c.UploadMakesParents = true, true
	c.Archive, c.ArchiveFile = 1000, 100
})

func changedZip(change func(*Capabilities)) Capabilities {
	c := zipCaps
	change(&c)
	return c
}

// newFiles are n new files of one byte in a folder.
func newFiles(first, folder uint64, n int) []Node {
	nodes := make([]Node, n)
	for i := range nodes {
		ino := first + uint64(i)
		nodes[i] = sized(node(ino, "w", "", fmt.Sprintf("%d/f%d", folder, ino)), 1)
	}
	return nodes
}

// newTree is a new folder in the root with folders in it, and n files in each.
func newTree(top uint64, folders, n int) []Node {
	nodes := []Node{node(top, "d", "", fmt.Sprintf("1/d%d", top))}
	for d := range folders {
		dir := top + uint64(1+d*(n+1))
		nodes = append(nodes, node(dir, "d", "", fmt.Sprintf("%d/d%d", top, dir)))
		nodes = append(nodes, newFiles(dir+1, dir, n)...)
	}
	return nodes
}

func sized(n Node, size int64) Node { return changed(n, func(n *Node) { n.Size = size }) }

func plainNode(n Node) Node { return changed(n, func(n *Node) { n.Plain = true }) }

func join(nodes ...[]Node) []Node { return slices.Concat(nodes...) }

// TestPlanSend: a folder that is mailed is one step, which costs what it costs,
// and goes in no archive.
func TestPlanSend(t *testing.T) {
	draft := changed(node(30, "d", "", "9/d30"), func(n *Node) { n.Draft = true })
	waits := changed(node(31, "wd", "", "9/d31"), func(n *Node) { n.Draft, n.Ready = true, false })
	in := inputOf(zipCaps, append(newFiles(40, 9, 6), draft, waits)...)
	cost, sent := 0, 0
	for _, s := range Plan(in) {
		if s.Op == Send {
			sent++
			cost = s.Cost
		}
		if slices.Contains(s.Inos, 31) || s.Op != Send && slices.Contains(s.Inos, 30) {
			t.Errorf("%+v", s)
		}
	}
	if sent != 1 || cost != sendCalls {
		t.Errorf("%d steps, at %d requests", sent, cost)
	}
}

func TestPlanArchives(t *testing.T) {
	six := newFiles(30, 1, 6)
	runPlanCases(t, []planCase{
		{"too few files", inputOf(zipCaps, six[:5]...), uploads(30, 5)},
		{"enough files", inputOf(zipCaps, six...), "send as archive [30 31 32 33 34 35] in 1\n"},
		{"folders count", inputOf(zipCaps, newTree(30, 2, 2)...), "send as archive [30 31 32 33 34 35 36] in 1\n"},
		{"into a folder that exists", inputOf(zipCaps, newFiles(30, 9, 6)...), "send as archive [30 31 32 33 34 35] in 9\n"},
		{"folders before what is in them", inputOf(zipCaps, append(newFiles(30, 41, 5), node(40, "d", "", "1/d"), node(41, "d", "", "40/d"))...),
			"send as archive [40 41 30 31 32 33 34] in 1\n"},
		{"apart for each folder", inputOf(zipCaps, join(six, newFiles(40, 9, 6), newFiles(50, 8, 5))...), `
			send as archive [30 31 32 33 34 35] in 1
			send as archive [40 41 42 43 44 45] in 9
			` + uploads(50, 5)},
		{"nothing is unpacked", inputOf(changedZip(func(c *Capabilities) { c.Archives = false }), six...), uploads(30, 6)},
		{"no tree listings", inputOf(changedZip(func(c *Capabilities) { c.TreeList = false }), six...), uploads(30, 6)},
		{"small pages make the proof dear", inputOf(changedZip(func(c *Capabilities) { c.PageSize = 3 }), six...), uploads(30, 6)},
	})
}

// uploads are the uploads of n files that wait for nothing.
func uploads(first, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "upload [%d]\n", first+i)
	}
	return b.String()
}

func TestPlanArchiveCandidates(t *testing.T) {
	six := newFiles(30, 1, 6)
	tree := newTree(30, 0, 0)
	inside := newFiles(31, 30, 6)
	runPlanCases(t, []planCase{
		{"a plain one", inputOf(zipCaps, append(slices.Clone(six), plainNode(newFiles(40, 1, 1)[0]))...), `
			send as archive [30 31 32 33 34 35] in 1
			upload [40]
		`},
		{"below a plain folder", inputOf(zipCaps, append(newFiles(31, 30, 6), plainNode(tree[0]))...), `
			make folder [30]
			upload [31] after [0]
			upload [32] after [0]
			upload [33] after [0]
			upload [34] after [0]
			upload [35] after [0]
			upload [36] after [0]
		`},
		{"a plain folder in one that is not", inputOf(zipCaps, join(tree, inside, []Node{
			plainNode(node(40, "d", "", "30/p")), node(41, "w", "", "40/x")})...), `
			send as archive [30 31 32 33 34 35 36] in 1
			make folder [40] after [0]
			upload [41] after [1]
		`},
		{"a large file", inputOf(zipCaps, join(tree, inside, []Node{sized(node(40, "w", "", "30/x"), 101)})...), `
			send as archive [30 31 32 33 34 35 36] in 1
			upload [40] after [0]
		`},
		{"a file that is not ready", inputOf(zipCaps, join(tree, inside, []Node{unready(node(40, "w", "", "30/x"))})...),
			"send as archive [30 31 32 33 34 35 36] in 1\n"},
		{"a folder that is not ready", inputOf(zipCaps, append(newFiles(31, 30, 6), unready(tree[0]))...),
			"send as archive [30 31 32 33 34 35 36] in 1\n"},
		{"moved into a new folder", inputOf(zipCaps, join(tree, inside, []Node{node(40, "f", "1/x", "30/x")})...), `
			send as archive [30 31 32 33 34 35 36] in 1
			move [40] in 30 after [0]
		`},
		{"saved by rename", seen(inputOf(zipCaps, append(slices.Clone(six), node(40, "f", "1/x", ""), node(41, "w", "", "1/x"))...), 40), `
			send as archive [30 31 32 33 34 35] in 1
			upload [41] over 40
		`},
	})
}

func TestPlanArchivesWait(t *testing.T) {
	inside := newFiles(31, 30, 6)
	runPlanCases(t, []planCase{
		{"for a folder that moves", inputOf(zipCaps, append(inside, node(30, "d", "1/d", "9/d"))...), "move [30] in 9\n"},
		{"for a folder above that is renamed", inputOf(zipCaps, append(inside, node(30, "d", "28/d", "28/d"), node(28, "d", "1/a", "1/b"))...), `
			settle [30]
			rename [28] as b
		`},
		{"for a folder that takes another's place", seen(inputOf(zipCaps, append(inside, node(29, "d", "1/d", ""), node(30, "d", "", "1/d"))...), 29), `
			rename [29] as .frugalfs
			make folder [30] after [0]
			delete [29] after [1]
		`},
		{"unless others wait for them", seen(inputOf(zipCaps, join(inside[:5], []Node{
			node(29, "d", "1/d", ""), node(30, "d", "", "1/d"), node(40, "d", "", "30/x"), node(41, "f", "1/y", "40/y")})...), 29), `
			rename [29] as .frugalfs
			make folder [30] after [0]
			upload [31] after [1]
			upload [32] after [1]
			upload [33] after [1]
			upload [34] after [1]
			upload [35] after [1]
			make folder [40] after [1]
			move [41] in 40 after [7]
			delete [29] after [1]
		`},
		{"not for a folder that cannot move yet", inputOf(zipCaps, append(inside, unready(node(30, "d", "1/d", "9/d")))...),
			"send as archive [31 32 33 34 35 36] in 30\n"},
		{"not for few files", inputOf(zipCaps, append(inside[:2:2], node(30, "d", "1/d", "9/d"))...), `
			upload [31]
			upload [32]
			move [30] in 9
		`},
	})
}

func TestPlanArchiveLimits(t *testing.T) {
	small := changedZip(func(c *Capabilities) { c.Archive = 14 })
	batch := changedZip(func(c *Capabilities) { c.MoveBatch = 7 })
	large := join(newFiles(30, 1, 6), []Node{sized(node(20, "w", "", "1/x"), 9), sized(node(21, "w", "", "1/y"), 9)})
	runPlanCases(t, []planCase{
		{"as many as are moved at once", inputOf(batch, newFiles(30, 1, 15)...), `
			send as archive [30 31 32 33 34 35 36] in 1
			send as archive [37 38 39 40 41 42 43] in 1
			upload [44]
		`},
		{"what is large comes last", inputOf(small, large...), `
			send as archive [30 31 32 33 34 35] in 1
			upload [20]
			upload [21]
		`},
		{"two trees", inputOf(small, join(newTree(30, 1, 12), newTree(60, 1, 12))...), `
			send as archive [30 31 32 33 34 35 36 37 38 39 40 41 42 43] in 1
			send as archive [60 61 62 63 64 65 66 67 68 69 70 71 72 73] in 1
		`},
		{"a tree that is too large", inputOf(small, newTree(30, 2, 12)...),
			"send as archive [30 31 32 33 34 35 36 37 38 39 40 41 42 43] in 1\n"},
		{"a folder that is too large, with a large file", inputOf(small, join(newTree(30, 1, 16), []Node{sized(node(60, "w", "", "31/x"), 200)})...), `
			send as archive [30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45] in 1
			upload [60] after [0]
		`},
	})
}

// stepSizes lists the archives of a plan as entries and cost, and how many
// other steps there are.
func stepSizes(steps []Step) string {
	var b strings.Builder
	others := 0
	for _, s := range steps {
		if s.Op == Archive {
			fmt.Fprintf(&b, "%d for %d, ", len(s.Inos), s.Cost)
		} else {
			others++
		}
	}
	fmt.Fprintf(&b, "%d others", others)
	return b.String()
}

// TestPlanWorkloads plans what the workloads of copied trees need: at most
// four requests and one for each page of the proof.
func TestPlanWorkloads(t *testing.T) {
	huge := newTree(100, 1, 10005)
	for _, c := range []struct {
		name  string
		nodes []Node
		page  int
		want  string
	}{
		{"500 files, 20 folders", newTree(100, 20, 25)[1:], 1000, "520 for 5, 0 others"},
		{"500 files, 20 folders, small pages", newTree(100, 20, 25)[1:], 100, "520 for 10, 0 others"},
		{"300 files", newFiles(100, 1, 300), 1000, "300 for 5, 0 others"},
		{"300 files, small pages", newFiles(100, 1, 300), 100, "300 for 8, 0 others"},
		{"300 files in a folder", newTree(100, 1, 300), 1000, "302 for 5, 0 others"},
		{"300 files in a folder, small pages", newTree(100, 1, 300), 100, "302 for 8, 0 others"},
		{"more than one archive holds", huge, 1000, "10000 for 15, 0 others"},
	} {
		t.Run(c.name, func(t *testing.T) {
			caps := changedZip(func(cs *Capabilities) { cs.PageSize, cs.MoveBatch, cs.Archive = c.page, 1000, 1<<20 })
			in := inputOf(caps, c.nodes...)
			in.Parents[100] = 1
			if got := stepSizes(Plan(in)); got != c.want {
				t.Errorf("plan is %q, want %q", got, c.want)
			}
		})
	}
}

// arrived returns a node as it is when it was sent.
func arrived(n Node) Node {
	return changed(n, func(n *Node) { n.Base.Place, n.Remote.Place, n.Content = n.Local, n.Local, false })
}

// TestPlanPacedCopy sends a tree of which only a part is there at first: 300
// files and half of a folder, then the rest of that folder and others.
func TestPlanPacedCopy(t *testing.T) {
	for _, c := range []struct {
		half int
		want string
	}{
		{24, "182 for 5, 1 others"},
		{20, "182 for 5, 5 others"},
		{19, "6 for 5, 182 for 5, 0 others"},
		{10, "15 for 5, 182 for 5, 0 others"},
	} {
		t.Run(fmt.Sprint(c.half), func(t *testing.T) {
			nodes := newTree(100, 20, 25)
			caps := changedZip(func(cs *Capabilities) { cs.PageSize = 1000 })
			first := 1 + 12*26 + 1 + c.half
			for i := first; i < len(nodes); i++ {
				nodes[i].Ready = false
			}
			steps := Plan(inputOf(caps, nodes...))
			if got, want := stepSizes(steps), fmt.Sprintf("%d for 5, 0 others", first); got != want {
				t.Fatalf("first plan is %q, want %q", got, want)
			}
			for i := range nodes {
				nodes[i].Ready = true
				if i < first {
					nodes[i] = arrived(nodes[i])
				}
			}
			rest := Plan(inputOf(caps, append(nodes[first:], nodes[0], nodes[1+12*26])...))
			rest = slices.DeleteFunc(rest, func(s Step) bool { return s.Op == Settle })
			if got := stepSizes(rest); got != c.want {
				t.Errorf("second plan is %q, want %q", got, c.want)
			}
		})
	}
}

// TestPlanArchiveRounds plans again and again until a tree that no archive
// holds is sent.
func TestPlanArchiveRounds(t *testing.T) {
	caps := changedZip(func(cs *Capabilities) { cs.Archive = 40 })
	left := newTree(100, 6, 25)
	cost := 0
	for round := 0; len(left) > 0; round++ {
		steps := Plan(inputOf(caps, left...))
		if len(steps) == 0 || round > 10 {
			t.Fatalf("round %d: %d nodes are left", round, len(left))
		}
		cost += totalCost(steps)
		sent := map[uint64]bool{}
		for _, s := range steps {
			for _, ino := range s.Inos {
				sent[ino] = true
			}
		}
		left = slices.DeleteFunc(left, func(n Node) bool { return sent[n.Ino] })
	}
	if want := 6 * 5; cost != want {
		t.Errorf("all archives cost %d, want %d", cost, want)
	}
}

func TestPlanArchiveReason(t *testing.T) {
	folders := make([]Node, 6)
	for i := range folders {
		folders[i] = node(uint64(30+i), "d", "", fmt.Sprintf("1/d%d", i))
	}
	for _, c := range []struct {
		nodes []Node
		want  string
	}{
		{newTree(30, 19, 25), "475 new files and 20 folders in one archive"},
		{newFiles(30, 1, 6), "6 new files in one archive"},
		{folders, "6 new folders in one archive"},
		{newTree(30, 0, 0), "new here"},
		{join(newFiles(31, 30, 6), newTree(30, 0, 0)), "6 new files and 1 folder in one archive"},
	} {
		if got := Plan(inputOf(zipCaps, c.nodes...))[0].Reason; got != c.want {
			t.Errorf("reason is %q, want %q", got, c.want)
		}
	}
	steps := Plan(inputOf(zipCaps, folders...))
	want := "1. send as archive #30, #31, #32 and 3 more into #1 (5 requests): 6 new folders in one archive\n5 requests in all\n"
	if got := Explain(steps, inoName); got != want {
		t.Errorf("explained as %q, want %q", got, want)
	}
}

// TestPlanArchivesAnyOrder checks that the order of the nodes is of no
// importance.
func TestPlanArchivesAnyOrder(t *testing.T) {
	nodes := newTree(100, 20, 25)
	in := inputOf(zipCaps, nodes...)
	want := Plan(in)
	in.Nodes = slices.Clone(nodes)
	slices.Reverse(in.Nodes)
	if !reflect.DeepEqual(Plan(in), want) {
		t.Error("another order of nodes gives another plan")
	}
}
