package outbox

import (
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	names := map[uint64]string{9: "/nine", 20: "/a", 21: "/b", 22: "/c", 23: "/d", 24: "/e"}
	steps := []Step{
		{Op: ListDir, Parent: 9, Cost: 2, Reason: "why"},
		{Op: Upload, Inos: []uint64{20}, Over: 21, Cost: 1, Reason: "why"},
		{Op: Rename, Inos: []uint64{20}, Name: "n", Cost: 1, Reason: "why", After: []int{0, 1}},
		{Op: Move, Inos: []uint64{20, 21, 22, 23, 24}, Parent: 9, Cost: 1, Reason: "why"},
		{Op: MoveRename, Inos: []uint64{20}, Parent: 9, Name: "n", Cost: 1, Reason: "why"},
		{Op: Delete, Inos: []uint64{20}, Below: []uint64{21, 22}, Cost: 1, Reason: "why"},
		{Op: Settle, Inos: []uint64{20}, Reason: "why"},
	}
	want := `1. list /nine (2 requests): why
2. upload /a over the deleted one (1 request): why
3. rename /a to "n" (1 request), after 1, 2: why
4. move /a, /b, /c and 2 more into /nine (1 request): why
5. move and rename /a into /nine as "n" (1 request): why
6. delete /a with the 2 below (1 request): why
7. settle /a (no request): why
7 requests in all
`
	if got := Explain(steps, func(ino uint64) string { return names[ino] }); got != want {
		t.Errorf("text is\n%swant\n%s", got, want)
	}
	if got := Explain(nil, nil); !strings.HasPrefix(got, "no request") {
		t.Errorf("text of no plan is %q", got)
	}
}
