package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// TestScripts runs every workload's script on a plain folder: what they measure
// must at least work there, and twice the same way.
func TestScripts(t *testing.T) {
	dir := t.TempDir()
	b := &bench{ctx: t.Context(), dir: dir, src: filepath.Join(dir, "src"), model: filepath.Join(dir, "model")}
	if err := seedSources(b.src, 1<<20, 1); err != nil {
		t.Fatal(err)
	}
	if err := seedTree(b.model, 1<<20, 1); err != nil {
		t.Fatal(err)
	}
	for _, w := range workloads(1) {
		if w.seed == nil {
			continue
		}
		if err := w.seed(b.model); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range workloads(1) {
		for _, st := range w.steps {
			if st.script == "" {
				continue
			}
			if err := b.script(b.model, st.script); err != nil {
				t.Errorf("%s %s %s: %v", w.name, w.title, st.title, err)
			}
		}
	}
	tree, err := rig.ReadTree(b.model, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"cp/d19/f019", "paced/d00/f000", "slow/tar/d00/f000", "rsync/d00/f000",
		"new.bin", "copy.bin", "within-copy/d00/f000", "archive/f199", "free-clone/d01/f001"} {
		if _, ok := tree[path]; !ok {
			t.Errorf("%s is missing", path)
		}
	}
	if _, err := os.Stat(filepath.Join(b.model, "doomed")); err == nil {
		t.Error("doomed is still there")
	}
}

func TestLimits(t *testing.T) {
	c := counts{entries: 3606, page: 100}
	for _, test := range []struct {
		name      string
		got, want int
	}{
		{"pages", c.pages(3606), 37},
		{"no entries", c.pages(0), 0},
		{"W8", perPage(4, 500)(c), 9},
		{"W8 with large pages", perPage(4, 500)(counts{page: 1000}), 5},
		{"number", number("W19"), 19},
	} {
		if test.got != test.want {
			t.Errorf("%s: %d, not %d", test.name, test.got, test.want)
		}
	}
}
