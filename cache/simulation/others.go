package simulation

import "github.com/frugalfs/frugalfs/remote"

// The methods of this file change the account as others do. They tell whether
// they could.

// OtherWrites stores a file, over one of that name. It returns what was there.
func (a *Account) OtherWrites(parent, name, content string) (old Object, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if dir := a.objects[parent]; dir == nil || !dir.dir {
		return old, false
	}
	o := a.child(parent, name)
	switch {
	case o != nil && o.dir:
		return old, false
	case o != nil:
		old = a.view(o)
		a.fill(o, content)
	default:
		o = a.add(parent, name, false, content)
	}
	a.log(remote.Changed, a.pathOf(o), "")
	return old, true
}

// OtherMakes makes a folder.
func (a *Account) OtherMakes(parent, name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if dir := a.objects[parent]; dir == nil || !dir.dir || a.child(parent, name) != nil {
		return false
	}
	o := a.add(parent, name, true, "")
	a.log(remote.MadeDir, a.pathOf(o), "")
	return true
}

// OtherMoves gives an object another place, which must be free.
func (a *Account) OtherMoves(id, parent, name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	o, dir := a.objects[id], a.objects[parent]
	if o == nil || dir == nil || !dir.dir || a.child(parent, name) != nil || a.inside(dir, id) {
		return false
	}
	from := a.pathOf(o)
	for _, each := range append(a.below(id), o) {
		a.host.Strays(a.view(each))
	}
	o.parent, o.name = parent, name
	a.log(remote.Moved, a.pathOf(o), from)
	return true
}

// OtherDeletes deletes an object with what is below it, and returns the files
// that went.
func (a *Account) OtherDeletes(id string) (gone []Object, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.objects[id]
	if o == nil || id == RootID {
		return nil, false
	}
	a.log(remote.Deleted, a.pathOf(o), "")
	for _, each := range append(a.below(id), o) {
		gone = append(gone, a.view(each))
	}
	for _, each := range gone {
		delete(a.objects, each.ID)
	}
	return gone, true
}
