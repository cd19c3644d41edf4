package exavault

import (
	"net/http"
	"slices"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// item is what one resource of a batch came to.
type item struct {
	Status int         `json:"responseStatus"`
	Data   any         `json:"data,omitempty"`
	Meta   any         `json:"meta,omitempty"`
	Errors []errorBody `json:"errors,omitempty"`
}

// deleted is the schema ResourceDelete.
type deleted struct {
	record
	Meta map[string]any `json:"meta"`
}

// deleteMany answers DELETE /resources.
func (a *api) deleteMany(w http.ResponseWriter, r *http.Request) error {
	var body struct{ Resources []string }
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	if len(body.Resources) == 0 {
		return missing("resources")
	}
	if len(body.Resources) == 1 {
		if _, err := a.delete(r, body.Resources[0]); err != nil {
			return err
		}
		writeEmpty(w)
		return nil
	}
	var items []item
	for _, ident := range body.Resources {
		n, err := a.delete(r, ident)
		if err != nil {
			items = append(items, a.failed(err, map[string]any{"path": ident}))
			continue
		}
		items = append(items, item{Status: http.StatusOK, Data: deleted{
			record{n.ID, "resource"}, map[string]any{"path": a.userPath(n.Path)},
		}})
	}
	a.writeItems(w, items)
	return nil
}

// transfer moves or copies one resource into a folder.
type transfer func(r *http.Request, n, dir store.Node) (store.Node, error)

// move answers POST /resources/move.
func (a *api) move(w http.ResponseWriter, r *http.Request) error {
	return a.transferAll(w, r, a.moveOne)
}

// copy answers POST /resources/copy.
func (a *api) copy(w http.ResponseWriter, r *http.Request) error {
	return a.transferAll(w, r, a.copyOne)
}

var takenWords = map[string]store.Taken{"400": store.Refuse, "rename": store.PickName, "replace": store.Replace}

func (a *api) moveOne(r *http.Request, n, dir store.Node) (store.Node, error) {
	after, err := a.Store.Move(n.ID, store.Move{
		Parent: dir.ID, Taken: takenWords[a.Switches.Get("move-taken")], Touch: a.touches(),
	})
	a.note(r, store.Entry{Op: store.OpMove, Path: after.Path, From: n.Path, Node: after, Failed: err != nil})
	return after, err
}

func (a *api) copyOne(r *http.Request, n, dir store.Node) (store.Node, error) {
	after, err := a.Store.Copy(r.Context(), n.ID, dir.ID, takenWords[a.Switches.Get("copy-taken")], a.Username)
	a.note(r, store.Entry{Op: store.OpCopy, Path: after.Path, From: n.Path, Bytes: after.Size, Node: after, Failed: err != nil})
	return after, err
}

func (a *api) transferAll(w http.ResponseWriter, r *http.Request, do transfer) error {
	var body struct {
		Resources      []string
		ParentResource string
	}
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	if len(body.Resources) == 0 {
		return missing("resources")
	}
	if body.ParentResource == "" {
		return missing("parentResource")
	}
	dir, err := a.resolveDir(body.ParentResource)
	if err != nil {
		return err
	}
	if len(body.Resources) == 1 {
		it, err := a.transferOne(r, body.Resources[0], dir, do)
		if err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, it)
		return nil
	}
	var items []item
	for _, ident := range body.Resources {
		it, err := a.transferOne(r, ident, dir, do)
		if err != nil {
			it = a.failed(err, it.Meta.(map[string]any))
		}
		items = append(items, it)
	}
	a.writeItems(w, items)
	return nil
}

// transferOne moves or copies one resource; the item has its meta in any case.
func (a *api) transferOne(r *http.Request, ident string, dir store.Node, do transfer) (item, error) {
	meta := map[string]any{"path": ident, "destinationPath": a.userPath(dir.Path)}
	it := item{Status: http.StatusOK, Meta: meta}
	n, err := a.resolve(ident)
	if err != nil {
		return it, err
	}
	meta["path"] = a.userPath(n.Path)
	if n.Path == a.home {
		return it, invalid("The home folder stays where it is.")
	}
	after, err := do(r, n, dir)
	it.Data = a.shape(after)
	return it, err
}

// failed is the item of a resource that failed.
func (a *api) failed(err error, meta map[string]any) item {
	e := asAPIError(err)
	body := errorBody{Meta: meta}
	if a.Switches.Is("batch-errors", "full") {
		body.Code, body.Detail = &e.code, &e.detail
	}
	return item{Status: e.status, Errors: []errorBody{body}}
}

func (a *api) writeItems(w http.ResponseWriter, items []item) {
	status := http.StatusMultiStatus
	good := !slices.ContainsFunc(items, func(it item) bool { return it.Status != http.StatusOK })
	if good && a.Switches.Is("batch-status", "200") {
		status = http.StatusOK
	}
	if a.Switches.Is("batch-order", "reverse") {
		slices.Reverse(items)
	}
	writeJSON(w, status, map[string]any{"responses": items})
}
