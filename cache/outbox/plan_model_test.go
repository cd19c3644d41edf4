package outbox

import (
	"fmt"
	"slices"
	"strings"
)

// modelObject is a file or folder at the model provider.
type modelObject struct {
	id, parent uint64
	name       string
	dir        bool
	version    int
	content    int
}

// modelProvider is a tree of objects by id. It refuses taken names, and moves
// of folders into themselves.
type modelProvider struct {
	objects map[uint64]*modelObject
	last    uint64
	version int
	folds   bool
}

func newModelProvider(folds bool) *modelProvider {
	root := &modelObject{id: 1, dir: true}
	return &modelProvider{objects: map[uint64]*modelObject{1: root}, last: 1, folds: folds}
}

// same tells whether two names are one name to the provider.
func (m *modelProvider) same(a, b string) bool {
	return a == b || (m.folds && strings.EqualFold(a, b))
}

// sorted returns all objects but the root by id.
func (m *modelProvider) sorted() []*modelObject {
	all := make([]*modelObject, 0, len(m.objects))
	for id := uint64(2); id <= m.last; id++ {
		if o := m.objects[id]; o != nil {
			all = append(all, o)
		}
	}
	return all
}

// in returns the entries of a folder.
func (m *modelProvider) in(folder uint64) []*modelObject {
	return slices.DeleteFunc(m.sorted(), func(o *modelObject) bool { return o.parent != folder })
}

// taken returns who has a name in a folder, nil if nobody.
func (m *modelProvider) taken(folder uint64, name string) *modelObject {
	for _, o := range m.objects {
		if o.parent == folder && m.same(o.name, name) {
			return o
		}
	}
	return nil
}

func (m *modelProvider) add(folder uint64, name string, dir bool, content int) *modelObject {
	m.last++
	o := &modelObject{id: m.last, parent: folder, name: name, dir: dir}
	m.objects[o.id] = o
	m.write(o, content)
	return o
}

func (m *modelProvider) write(o *modelObject, content int) {
	if !o.dir {
		m.version++
		o.version, o.content = m.version, content
	}
}

// below tells whether a folder is another one, or is in it.
func (m *modelProvider) below(folder, top uint64) bool {
	for ; folder != 0; folder = m.objects[folder].parent {
		if folder == top {
			return true
		}
	}
	return false
}

// place moves and renames an object. It returns who is in the way.
func (m *modelProvider) place(o *modelObject, folder uint64, name string) (*modelObject, error) {
	if m.objects[folder] == nil {
		return nil, fmt.Errorf("object %d goes to a folder that is not there", o.id)
	}
	if o.dir && m.below(folder, o.id) {
		return nil, fmt.Errorf("folder %d is moved into itself", o.id)
	}
	if other := m.taken(folder, name); other != nil && other != o {
		return other, nil
	}
	if other := m.taken(folder, name); other == o && o.name == name {
		return nil, fmt.Errorf("object %d is given the place it has", o.id)
	} else if other == o {
		return o, nil // a case-only rename is refused
	}
	o.parent, o.name = folder, name
	return nil, nil
}

// remove deletes an object, and of a folder all that is in it, and returns the
// ids of all that went.
func (m *modelProvider) remove(id uint64) []uint64 {
	gone := []uint64{id}
	for _, o := range m.in(id) {
		gone = append(gone, m.remove(o.id)...)
	}
	delete(m.objects, id)
	return gone
}
