package exavault

import (
	"errors"
	"net/http"
	"os"
	"strings"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// compress answers POST /resources/compress.
func (a *api) compress(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Resources                   []string
		ParentResource, ArchiveName string
	}
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	if len(body.Resources) == 0 {
		return missing("resources")
	}
	var nodes []store.Node
	for _, ident := range body.Resources {
		n, err := a.resolve(ident)
		if err != nil {
			return err
		}
		nodes = append(nodes, n)
	}
	target, err := a.archivePath(nodes[0], body.ParentResource, body.ArchiveName)
	if err != nil {
		return err
	}
	n, err := a.storeZip(r, nodes, target)
	if err != nil {
		return err
	}
	a.note(r, store.Entry{Op: store.OpCompress, Path: n.Path, Bytes: n.Size, Node: n})
	writeJSON(w, http.StatusCreated, map[string]any{"responseStatus": http.StatusCreated, "data": a.shape(n)})
	return nil
}

// archivePath returns where a new zip goes: into parent, or beside the first
// of the resources. "If left blank, current date will be used" as its name.
func (a *api) archivePath(first store.Node, parent, name string) (string, error) {
	dir, _ := store.SplitPath(first.Path)
	if first.Path == a.home {
		dir = a.home
	}
	if parent != "" {
		n, err := a.resolveDir(parent)
		if err != nil {
			return "", err
		}
		dir = n.Path
	}
	if name == "" {
		name = a.Now().In(zone).Format("2006-01-02")
	}
	name = withZip(name)
	return store.JoinPath(dir, name), store.CheckName(name)
}

func (a *api) storeZip(r *http.Request, nodes []store.Node, target string) (store.Node, error) {
	staged, err := a.Store.Stage()
	if err != nil {
		return store.Node{}, err
	}
	defer a.discard(staged)
	if err := a.zip(r.Context(), staged, nodes); err != nil {
		return store.Node{}, err
	}
	done, err := a.Store.Put(staged, store.Put{Path: target, Taken: store.PickName, By: a.Username})
	return done.Node, err
}

// extract answers POST /resources/extract. The archive is unpacked and checked
// beside the account first, so that a damaged one changes nothing.
func (a *api) extract(w http.ResponseWriter, r *http.Request) error {
	var body struct{ Resource, ParentResource string }
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	if body.Resource == "" {
		return missing("resource")
	}
	if body.ParentResource == "" {
		return missing("parentResource")
	}
	archive, err := a.resolve(body.Resource)
	if err != nil {
		return err
	}
	dir, err := a.extractTarget(body.ParentResource)
	if err != nil {
		return err
	}
	nodes, err := a.unpack(r, archive, dir)
	if err != nil {
		a.note(r, store.Entry{Op: store.OpExtract, Path: dir.Path, From: archive.Path, Failed: true})
		return err
	}
	a.note(r, store.Entry{Op: store.OpExtract, Path: dir.Path, From: archive.Path, Bytes: archive.Size, Node: dir})
	a.writeExtracted(w, dir, nodes)
	return nil
}

func (a *api) extractTarget(ident string) (store.Node, error) {
	dir, err := a.resolveDir(ident)
	if err == nil || a.Switches.Is("extract-parents", "404") || asAPIError(err) != errNotFound {
		return dir, err
	}
	p, err := a.cleanPath(ident)
	if err != nil {
		return dir, err
	}
	dir, _, err = a.Store.MkdirAll(p, a.Username)
	return dir, err
}

func (a *api) unpack(r *http.Request, archive, into store.Node) ([]store.Node, error) {
	f, n, err := a.Store.Open(archive.ID)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	tmp, err := a.Store.StageDir()
	if err != nil {
		return nil, err
	}
	var nodes []store.Node
	if err = unzip(r.Context(), f, n.Size, tmp); err == nil {
		taken := map[string]store.Taken{"overwrite": store.Replace, "refuse": store.Refuse, "rename": store.PickName}
		nodes, err = a.Store.Merge(tmp, into.ID, store.Put{
			Taken: taken[a.Switches.Get("extract")], By: a.Username, NewID: a.Switches.Is("upload-keeps-id", "no"),
		})
	}
	return nodes, errors.Join(err, os.RemoveAll(tmp))
}

// writeExtracted lists what was extracted, as much of it as the switch says.
func (a *api) writeExtracted(w http.ResponseWriter, dir store.Node, nodes []store.Node) {
	data := []resource{}
	for _, n := range nodes {
		top := !strings.Contains(strings.TrimPrefix(strings.TrimPrefix(n.Path, dir.Path), "/"), "/")
		if a.Switches.Is("extract-lists", "all") || top && a.Switches.Is("extract-lists", "top") {
			if now, err := a.Store.ByID(n.ID); err == nil {
				n = now // a folder's size and number of entries are complete only now
			}
			data = append(data, a.shapeTimed(n))
		}
	}
	writeJSON(w, http.StatusCreated, map[string]any{
		"responseStatus": http.StatusCreated, "data": data, "returnedResults": len(data), "totalResults": len(data),
	})
}
