package yetishare

import (
	"errors"
	"net/http"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// folderCreate answers /folder/create. It never says that a name is taken.
func (a *api) folderCreate(r *http.Request) (any, string, error) {
	name := r.FormValue("folder_name")
	if name == "" {
		return nil, "", missing("folder_name")
	}
	dir, err := a.target(r.FormValue("parent_id"))
	if err != nil {
		return nil, "", err
	}
	a.change.Lock()
	defer a.change.Unlock()
	path, err := a.free(store.JoinPath(dir.Path, diskName(name)))
	if err != nil {
		return nil, "", err
	}
	n, _, err := a.Store.MkdirAll(path, a.Username)
	if err != nil {
		return nil, "", err
	}
	a.note(store.OpMkdir, n, "")
	return a.folder(n), "Folder successfully created.", a.rename(n, name)
}

// free returns the path itself if nothing is there, and one beside it otherwise.
// change is held.
func (a *api) free(path string) (string, error) {
	if _, err := a.Store.Lookup(path); err != nil {
		return path, nil
	}
	return a.Store.FreeName(path)
}

// place moves and renames an object; name "" keeps the name.
func (a *api) place(n store.Node, dir int64, name string) (store.Node, error) {
	if name == "" {
		name = a.name(n)
	}
	a.change.Lock()
	defer a.change.Unlock()
	after, err := a.Store.Move(n.ID, store.Move{Parent: dir, Name: diskName(name), Taken: store.PickName})
	if err != nil {
		return after, err
	}
	a.note(store.OpMove, after, n.Path)
	return after, a.rename(after, name)
}

// folderEdit answers /folder/edit.
func (a *api) folderEdit(r *http.Request) (any, string, error) {
	n, err := a.someFolder(r, "folder_id")
	if err != nil {
		return nil, "", err
	}
	dir := n.ParentID
	if to := r.FormValue("parent_id"); to != "" {
		target, err := a.target(to)
		if err != nil {
			return nil, "", err
		}
		dir = target.ID
	}
	if n, err = a.place(n, dir, r.FormValue("folder_name")); err != nil {
		return nil, "", err
	}
	return a.folder(n), "Folder successfully updated.", nil
}

// folderMove answers /folder/move; a blank target is the root.
func (a *api) folderMove(r *http.Request) (any, string, error) {
	n, err := a.someFolder(r, "folder_id")
	if err != nil {
		return nil, "", err
	}
	dir, err := a.target(r.FormValue("new_parent_folder_id"))
	if err != nil {
		return nil, "", err
	}
	if n, err = a.place(n, dir.ID, ""); err != nil {
		return nil, "", err
	}
	return a.folder(n), "Folder successfully moved.", nil
}

// folderDelete answers /folder/delete: with all in it, or that goes to the root.
func (a *api) folderDelete(r *http.Request) (any, string, error) {
	n, err := a.someFolder(r, "folder_id")
	if err != nil {
		return nil, "", err
	}
	if a.Switches.Is("folder-delete", "root") {
		if err := a.empty(n); err != nil {
			return nil, "", err
		}
	}
	a.change.Lock()
	defer a.change.Unlock()
	if _, err := a.Store.Delete(n.ID); err != nil {
		return nil, "", err
	}
	a.note(store.OpDelete, n, "")
	return nil, "Folder successfully set as deleted.", nil
}

// empty moves what is in a folder to the root.
func (a *api) empty(dir store.Node) error {
	top, err := a.top()
	if err != nil {
		return err
	}
	page, err := a.Store.List(dir.ID, store.Query{Limit: -1})
	for _, n := range page.Nodes {
		_, e := a.place(n, top.ID, "")
		err = errors.Join(err, e)
	}
	return err
}

// fileEdit answers /file/edit; what is blank stays.
func (a *api) fileEdit(r *http.Request) (any, string, error) {
	n, err := a.fileParam(r)
	if err != nil {
		return nil, "", err
	}
	dir := n.ParentID
	if to := r.FormValue("folder_id"); to != "" {
		target, err := a.target(to)
		if err != nil {
			return nil, "", err
		}
		dir = target.ID
	}
	if t := r.FormValue("fileType"); t != "" {
		e := a.extra(n.ID)
		e.Type = t
		if err := a.setExtra(n.ID, e); err != nil {
			return nil, "", err
		}
	}
	if n, err = a.place(n, dir, r.FormValue("filename")); err != nil {
		return nil, "", err
	}
	return a.shortFile(n), "File successfully updated.", nil
}

// fileMove answers /file/move, which newer sites have.
func (a *api) fileMove(r *http.Request) (any, string, error) {
	n, err := a.fileParam(r)
	if err != nil {
		return nil, "", err
	}
	dir, err := a.target(r.FormValue("new_parent_folder_id"))
	if err != nil {
		return nil, "", err
	}
	if n, err = a.place(n, dir.ID, ""); err != nil {
		return nil, "", err
	}
	return a.file(n), "File successfully moved.", nil
}

// copied is what file/copy answers, beside "data".
type copied struct{ from, to object }

// fileCopy answers /file/copy, which newer sites have.
func (a *api) fileCopy(r *http.Request) (any, string, error) {
	n, err := a.fileParam(r)
	if err != nil {
		return nil, "", err
	}
	dir, err := a.target(r.FormValue("copy_to_folder_id"))
	if err != nil {
		return nil, "", err
	}
	a.change.Lock()
	defer a.change.Unlock()
	to, err := a.Store.Copy(r.Context(), n.ID, dir.ID, store.PickName, a.Username)
	if err != nil {
		return nil, "", err
	}
	if err := a.setExtra(to.ID, extra{Type: a.extra(n.ID).Type}); err != nil {
		return nil, "", err
	}
	if err := a.rename(to, a.name(n)); err != nil {
		return nil, "", err
	}
	a.note(store.OpCopy, to, n.Path)
	return copied{a.file(n), a.file(to)}, "File successfully copied.", nil
}

// fileDelete answers /file/delete.
func (a *api) fileDelete(r *http.Request) (any, string, error) {
	n, err := a.fileParam(r)
	if err != nil {
		return nil, "", err
	}
	record := a.removedFile(n)
	a.change.Lock()
	defer a.change.Unlock()
	if _, err := a.Store.Delete(n.ID); err != nil {
		return nil, "", err
	}
	a.note(store.OpDelete, n, "")
	if a.Switches.Is("removed", "shown") {
		a.mu.Lock()
		a.removed[n.ID] = n
		a.mu.Unlock()
		return record, "File successfully set as deleted.", nil
	}
	return record, "File successfully set as deleted.", a.setExtra(n.ID, extra{})
}
