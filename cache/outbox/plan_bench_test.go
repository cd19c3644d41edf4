package outbox

import (
	"fmt"
	"testing"
)

// largeInput is 100,000 nodes in 1,000 folders: a fifth each new, rewritten,
// renamed, moved and deleted with its folder.
func largeInput() Input {
	const folders, files = 1000, 99
	var nodes []Node
	for f := range folders {
		dir := uint64(1000 + f*(files+1))
		kind := f % 5
		base, local := [5]string{"", "1/d%d", "1/d%d", "1/d%d", "1/d%d"}[kind], [5]string{"1/d%d", "1/d%d", "1/d%d", "1/d%d", ""}[kind]
		nodes = append(nodes, node(dir, "d", sprint(base, f), sprint(local, f)))
		for i := range files {
			nodes = append(nodes, largeNode(kind, dir, uint64(i)))
		}
	}
	in := inputOf(allCaps, nodes...)
	for _, n := range nodes {
		in.Evidence.Object[n.Ino], in.Evidence.Tree[n.Ino] = 20, 20
	}
	return in
}

func sprint(format string, n int) string {
	if format == "" {
		return ""
	}
	return fmt.Sprintf(format, n)
}

func largeNode(kind int, dir, i uint64) Node {
	here := fmt.Sprintf("%d/f%d", dir, i)
	switch kind {
	case 0:
		return node(dir+1+i, "w", "", here)
	case 1:
		return node(dir+1+i, "w", here, here)
	case 2:
		return node(dir+1+i, "f", here, fmt.Sprintf("%d/f%d", dir, (i+1)%99))
	case 3:
		return node(dir+1+i, "f", here, fmt.Sprintf("9/f%d-%d", dir, i))
	}
	return node(dir+1+i, "f", here, "")
}

func BenchmarkPlan(b *testing.B) {
	in := largeInput()
	b.ReportAllocs()
	for b.Loop() {
		if len(Plan(in)) == 0 {
			b.Fatal("nothing planned")
		}
	}
	b.ReportMetric(float64(len(in.Nodes)), "nodes")
}

func BenchmarkPlanNoEvidence(b *testing.B) {
	in := largeInput()
	in.Evidence = Evidence{}
	for b.Loop() {
		if len(Plan(in)) == 0 {
			b.Fatal("nothing planned")
		}
	}
}

// BenchmarkPlanNew plans 100,000 new nodes, in folders three levels deep, for
// a provider that unpacks archives.
func BenchmarkPlanNew(b *testing.B) {
	var nodes []Node
	for t := range uint64(10) {
		nodes = append(nodes, newTree(1000+t*20000, 100, 99)...)
	}
	caps := changedZip(func(c *Capabilities) { c.PageSize, c.Archive = 1000, 5000 })
	in := inputOf(caps, nodes...)
	for b.Loop() {
		if steps := Plan(in); len(steps) != 10 {
			b.Fatalf("%d steps", len(steps))
		}
	}
	b.ReportMetric(float64(len(in.Nodes)), "nodes")
}
