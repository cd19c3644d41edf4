package fs

import (
	"slices"
	"sync"
	"testing"
)

func TestTable(t *testing.T) {
	table := newTable[string]()
	a, b := table.add("a"), table.add("b")
	if a == 0 || b == 0 || a == b {
		t.Fatalf("numbers %d and %d", a, b)
	}
	if v, ok := table.get(a); !ok || v != "a" {
		t.Errorf("get: %q, %v", v, ok)
	}
	if v, ok := table.remove(a); !ok || v != "a" {
		t.Errorf("remove: %q, %v", v, ok)
	}
	for _, fh := range []uint64{a, 0, 12345} {
		if _, ok := table.get(fh); ok {
			t.Errorf("%d is still known", fh)
		}
		if _, ok := table.remove(fh); ok {
			t.Errorf("%d could be removed", fh)
		}
	}
	if c := table.add("c"); c <= b {
		t.Errorf("number %d is used again", c)
	}
	left := table.drain()
	slices.Sort(left)
	if !slices.Equal(left, []string{"b", "c"}) || len(table.drain()) != 0 {
		t.Errorf("drained %v", left)
	}
}

func TestTableManyAtOnce(t *testing.T) {
	table := newTable[int]()
	seen := make(chan uint64, 8*1000)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 1000 {
				fh := table.add(i)
				seen <- fh
				if v, ok := table.get(fh); !ok || v != i {
					t.Errorf("handle %d holds %d, %v", fh, v, ok)
				}
				if i%2 == 0 {
					table.remove(fh)
				}
			}
		})
	}
	wg.Wait()
	close(seen)
	unique := map[uint64]bool{}
	for fh := range seen {
		unique[fh] = true
	}
	if len(unique) != 8000 || len(table.drain()) != 4000 {
		t.Errorf("%d numbers given", len(unique))
	}
}
