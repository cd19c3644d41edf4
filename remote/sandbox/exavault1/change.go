package exavault1

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// takenWords are what the switches about taken names say.
var takenWords = map[string]store.Taken{"refuse": store.Refuse, "rename": store.PickName, "replace": store.Replace}

func (a *api) taken(name string) store.Taken { return takenWords[a.Switches.Get(name)] }

func (a *api) touches() bool { return a.Switches.Is("rename-touches", "yes") }

// mkdir answers createFolder.
func (a *api) mkdir(w http.ResponseWriter, r *http.Request, p url.Values) error {
	name := p.Get("folderName")
	if name == "" || !p.Has("path") {
		return &errMalformed{"folderName or path"}
	}
	dir, err := a.resolveDir(p.Get("path"))
	if err != nil {
		return err
	}
	if err := store.CheckName(name); err != nil {
		return err
	}
	target := store.JoinPath(dir.Path, name)
	if old, err := a.Store.Lookup(target); err == nil && (!old.Dir || a.Switches.Is("mkdir-existing", "refuse")) {
		a.note(r, store.Entry{Op: store.OpMkdir, Path: target, Failed: true})
		return errTaken
	}
	n, _, err := a.Store.MkdirAll(target, a.Username)
	if err != nil {
		return err
	}
	a.note(r, store.Entry{Op: store.OpMkdir, Path: target, Node: n})
	a.writeResults(w, 1, []any{})
	return nil
}

// rename answers renameResource.
func (a *api) rename(w http.ResponseWriter, r *http.Request, p url.Values) error {
	if p.Get("filePath") == "" || p.Get("newName") == "" {
		return &errMalformed{"filePath or newName"}
	}
	n, err := a.resolve(p.Get("filePath"))
	if err != nil {
		return err
	}
	if n.Path == string(a.home) {
		return about("The home folder cannot be renamed")
	}
	after, err := a.Store.Move(n.ID, store.Move{
		Parent: n.ParentID, Name: p.Get("newName"), Taken: a.taken("rename-taken"), Touch: a.touches(),
	})
	a.note(r, store.Entry{Op: store.OpRename, Path: after.Path, From: n.Path, Node: after, Failed: err != nil})
	if err != nil {
		return err
	}
	a.writeResults(w, 1, []any{})
	return nil
}

// one deals with one object of a batch. It returns where it is afterwards, and
// its size.
type one func(r *http.Request, n store.Node) (store.Node, error)

// move answers moveResources.
func (a *api) move(w http.ResponseWriter, r *http.Request, p url.Values) error {
	dir, err := a.destination(p)
	if err != nil {
		return err
	}
	return a.batch(w, r, p, &dir, func(r *http.Request, n store.Node) (store.Node, error) {
		after, err := a.Store.Move(n.ID, store.Move{Parent: dir.ID, Taken: a.taken("move-taken"), Touch: a.touches()})
		a.note(r, store.Entry{Op: store.OpMove, Path: after.Path, From: n.Path, Node: after, Failed: err != nil})
		return after, err
	})
}

// copy answers copyResources.
func (a *api) copy(w http.ResponseWriter, r *http.Request, p url.Values) error {
	dir, err := a.destination(p)
	if err != nil {
		return err
	}
	return a.batch(w, r, p, &dir, func(r *http.Request, n store.Node) (store.Node, error) {
		after, err := a.Store.Copy(r.Context(), n.ID, dir.ID, a.taken("copy-taken"), a.Username)
		a.note(r, store.Entry{Op: store.OpCopy, Path: after.Path, From: n.Path, Bytes: after.Size, Node: after, Failed: err != nil})
		return after, err
	})
}

// delete answers deleteResources.
func (a *api) delete(w http.ResponseWriter, r *http.Request, p url.Values) error {
	return a.batch(w, r, p, nil, func(r *http.Request, n store.Node) (store.Node, error) {
		was, err := a.Store.Delete(n.ID)
		a.note(r, store.Entry{Op: store.OpDelete, Path: n.Path, Node: n, Failed: err != nil})
		return was, err
	})
}

func (a *api) destination(p url.Values) (store.Node, error) {
	if !p.Has("destinationPath") {
		return store.Node{}, &errMalformed{"destinationPath"}
	}
	return a.resolveDir(p.Get("destinationPath"))
}

// batch deals with each object and answers what became of it.
func (a *api) batch(w http.ResponseWriter, r *http.Request, p url.Values, dir *store.Node, do one) error {
	files, err := paths(p, "filePaths")
	if err != nil {
		return err
	}
	results := []map[string]any{}
	var last error
	bad := 0
	for _, file := range files {
		n, err := a.resolve(file)
		if err == nil && n.Path == string(a.home) {
			err = about("The home folder stays where it is")
		}
		if err == nil {
			n, err = do(r, n)
		}
		if err != nil {
			last, bad = err, bad+1
		}
		results = append(results, a.result(file, n, dir, err == nil))
	}
	if bad == len(files) && (bad == 1 || a.Switches.Is("all-failed", "error")) {
		return last
	}
	if a.Switches.Is("batch-order", "reverse") {
		slices.Reverse(results)
	}
	a.writeResults(w, 1+min(bad, 1), results)
	return nil
}

// result tells what became of one object (the SDK, ModifiedResource and
// DeletedResource).
func (a *api) result(file string, n store.Node, dir *store.Node, good bool) map[string]any {
	item := map[string]any{"file": file, "size": a.number(n.Size), "success": good}
	switch {
	case dir == nil:
	case good && a.Switches.Is("destination", "full"):
		item["destination"] = a.home.User(n.Path)
	default:
		item["destination"] = a.home.User(dir.Path)
	}
	return item
}

// note adds an entry to the activity log; refused operations only if the switch
// says so.
func (a *api) note(r *http.Request, e store.Entry) {
	if e.Failed && a.Switches.Is("activity-failures", "no") {
		return
	}
	e.User, e.IP, e.Protocol, e.Session = a.Username, clientIP(r), "web", "1"
	if e.Failed && e.Path == "" {
		e.Path = e.From
	}
	a.Store.Record(e)
}
