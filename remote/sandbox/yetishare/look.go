package yetishare

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// folderListing answers /folder/listing.
func (a *api) folderListing(r *http.Request) (any, string, error) {
	dir, err := a.folderParam(r, "parent_folder_id")
	if err != nil && a.Switches.Is("list-missing", "empty") {
		return object{"folders": a.list(nil), "files": a.list(nil)}, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	page, err := a.Store.List(dir.ID, store.Query{Limit: -1, Sort: []store.Key{{Field: store.ByID}}})
	if err != nil {
		return nil, "", err
	}
	var folders, files []any
	for _, n := range page.Nodes {
		if n.Dir {
			folders = append(folders, a.folder(n))
		} else {
			files = append(files, a.file(n))
		}
	}
	for _, n := range a.removedIn(dir.ID) {
		files = append(files, a.removedFile(n))
	}
	return object{"folders": a.list(folders), "files": a.list(files)}, "", nil
}

// removedIn returns the removed files of a folder that still show.
func (a *api) removedIn(dir int64) []store.Node {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []store.Node
	for _, n := range a.removed {
		if n.ParentID == dir {
			all = append(all, n)
		}
	}
	slices.SortFunc(all, func(x, y store.Node) int { return int(x.ID - y.ID) })
	return all
}

func (a *api) removedFile(n store.Node) object {
	o := a.file(n)
	o["statusId"] = "2"
	return o
}

// folderInfo answers /folder/info, whose parameter is the folder's own number.
func (a *api) folderInfo(r *http.Request) (any, string, error) {
	n, err := a.someFolder(r, "parent_folder_id")
	if err != nil {
		return nil, "", err
	}
	return a.folder(n), "", nil
}

// fileInfo answers /file/info.
func (a *api) fileInfo(r *http.Request) (any, string, error) {
	n, err := a.fileParam(r)
	if err == nil {
		return a.shortFile(n), "", nil
	}
	id, _ := strconv.ParseInt(r.FormValue("file_id"), 10, 64) // 0 is no file's
	a.mu.Lock()
	gone, ok := a.removed[id]
	a.mu.Unlock()
	if ok {
		return a.removedFile(gone), "", nil
	}
	return nil, "", err
}
