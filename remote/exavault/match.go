package exavault

import (
	"strconv"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// match finds the item that belongs to each ref: for each ref the index in
// items, or -1. The reference does not say that items come in the order of the
// request, so they are matched by id (where keepsID says that objects keep
// theirs) and by path. What is left over is matched by order only if the order
// makes no difference.
func match(items []item, refs []remote.Ref, keepsID bool) []int {
	m := matcher{items: items, of: make([]int, len(refs)), used: make([]bool, len(items))}
	for i := range m.of {
		m.of[i] = -1
	}
	if keepsID {
		m.by(itemIDs, func(i int) string { return refs[i].ID })
	}
	m.by(itemPaths, func(i int) string { return refs[i].Path })
	m.by(itemPaths, func(i int) string { return prefixed("id:", refs[i].ID) })
	m.rest()
	return m.of
}

type matcher struct {
	items []item
	of    []int  // by ref: the index of its item, -1 while unknown
	used  []bool // by item: whether it belongs to a ref
}

// by matches the refs and items that have a key in common which no other ref
// or item has.
func (m *matcher) by(keys func(*item) []string, want func(ref int) string) {
	const many = -2
	at := map[string]int{}
	for j := range m.items {
		for _, key := range keys(&m.items[j]) {
			if old, ok := at[key]; ok && old != j {
				at[key] = many
				continue
			}
			at[key] = j
		}
	}
	for i := range m.of {
		if j, ok := at[want(i)]; ok && want(i) != "" && j != many && m.of[i] < 0 && !m.used[j] {
			m.of[i], m.used[j] = j, true
		}
	}
}

// rest matches what is left in order, provided that there is one item for each
// ref and that they all tell the same outcome and nothing else.
func (m *matcher) rest() {
	var left []int
	for j, used := range m.used {
		if !used {
			left = append(left, j)
		}
	}
	missing := 0
	for _, j := range m.of {
		if j < 0 {
			missing++
		}
	}
	if len(left) != missing || !m.alike(left) {
		return
	}
	for i := range m.of {
		if m.of[i] < 0 {
			m.of[i], left = left[0], left[1:]
		}
	}
}

// alike tells whether it makes no difference which item is whose: there is one
// only, or all have the same status and describe no object.
func (m *matcher) alike(items []int) bool {
	for _, j := range items {
		if m.items[j].Status != m.items[items[0]].Status {
			return false
		}
		if len(items) > 1 && len(resources(m.items[j].Data)) > 0 {
			return false
		}
	}
	return true
}

// itemIDs returns the ids that an item is about.
func itemIDs(it *item) []string {
	ids := []clientkit.Number{it.ID, it.Meta.ID}
	for _, r := range resources(it.Data) {
		ids = append(ids, r.ID, r.Meta.ID)
	}
	for _, e := range it.Errors {
		ids = append(ids, e.Meta.ID)
	}
	var keys []string
	for _, id := range ids {
		if id.OK {
			keys = append(keys, strconv.FormatInt(id.N, 10))
		}
	}
	return keys
}

// itemPaths returns the paths that an item is about: where its object was.
func itemPaths(it *item) []string {
	paths := []clientkit.Text{it.Meta.Path}
	for _, r := range resources(it.Data) {
		paths = append(paths, r.Meta.Path)
	}
	for _, e := range it.Errors {
		paths = append(paths, e.Meta.Path)
	}
	var keys []string
	for _, p := range paths {
		if p.S != "" {
			keys = append(keys, p.S)
		}
	}
	return keys
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}
