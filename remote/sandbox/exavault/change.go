package exavault

import (
	"net/http"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// mkdir answers POST /resources.
func (a *api) mkdir(w http.ResponseWriter, r *http.Request) error {
	var body struct{ Path, Name, ParentResource string }
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	target, err := a.mkdirTarget(body.Path, body.Name, body.ParentResource)
	if err != nil {
		return err
	}
	n, err := a.makeFolder(r, target)
	if err != nil {
		a.note(r, store.Entry{Op: store.OpMkdir, Path: target, Failed: true})
		return err
	}
	a.writeSingle(w, r, http.StatusCreated, a.shape(n), n)
	return nil
}

// mkdirTarget returns the account path of the folder to make.
func (a *api) mkdirTarget(path, name, parent string) (string, error) {
	if path != "" {
		return a.cleanPath(path)
	}
	if name == "" || parent == "" {
		return "", invalid("Either path, or name and parentResource are required.")
	}
	dir, err := a.resolveDir(parent)
	if err != nil {
		return "", err
	}
	if err := store.CheckName(name); err != nil {
		return "", err
	}
	return store.JoinPath(dir.Path, name), nil
}

// makeFolder makes a folder and what is missing above it.
func (a *api) makeFolder(r *http.Request, target string) (store.Node, error) {
	if old, err := a.Store.Lookup(target); err == nil {
		switch {
		case old.Dir && a.Switches.Is("mkdir-existing", "existing"):
			return old, nil
		case !a.Switches.Is("mkdir-existing", "rename") || target == a.home:
			return old, invalid("A resource with this name already exists.")
		}
		if target, err = a.Store.FreeName(target); err != nil {
			return old, err
		}
	}
	n, made, err := a.Store.MkdirAll(target, a.Username)
	if err != nil {
		return n, err
	}
	a.noteParents(r, made[:max(len(made)-1, 0)])
	a.note(r, store.Entry{Op: store.OpMkdir, Path: n.Path, Node: n})
	return n, nil
}

// rename answers PATCH /resources/{id}.
func (a *api) rename(w http.ResponseWriter, r *http.Request) error {
	n, err := a.byID(r.PathValue("id"))
	if err != nil {
		return err
	}
	var body struct{ Name string }
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	if body.Name == "" {
		return missing("name")
	}
	if n.Path == a.home {
		return invalid("The home folder cannot be renamed.")
	}
	taken := map[string]store.Taken{"400": store.Refuse, "rename": store.PickName}[a.Switches.Get("rename-taken")]
	after, err := a.Store.Move(n.ID, store.Move{Parent: n.ParentID, Name: body.Name, Taken: taken, Touch: a.touches()})
	a.note(r, store.Entry{Op: store.OpRename, Path: after.Path, From: n.Path, Node: after, Failed: err != nil})
	if err != nil {
		return err
	}
	a.writeSingle(w, r, http.StatusOK, a.shape(after), after)
	return nil
}

func (a *api) touches() bool { return a.Switches.Is("rename-touches-updatedAt", "yes") }

// delete removes one resource.
func (a *api) delete(r *http.Request, ident string) (store.Node, error) {
	n, err := a.resolve(ident)
	if err != nil {
		return n, err
	}
	if n.Path == a.home {
		return n, invalid("The home folder cannot be deleted.")
	}
	was, err := a.Store.Delete(n.ID)
	a.note(r, store.Entry{Op: store.OpDelete, Path: n.Path, Node: n, Failed: err != nil})
	return was, err
}

// deleteByID answers DELETE /resources/{id}.
func (a *api) deleteByID(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.delete(r, "id:"+r.PathValue("id")); err != nil {
		return err
	}
	writeEmpty(w)
	return nil
}

// writeEmpty answers the schema EmptyResponse.
func writeEmpty(w http.ResponseWriter) {
	writeJSON(w, http.StatusOK, map[string]any{"responseStatus": http.StatusOK, "data": []any{}})
}

// protocol is what the log shows for requests of the API. The documents do not
// tell; their examples show "web".
const protocol = "web"

// note adds an entry to the activity log; refused operations only if the
// switch says so.
func (a *api) note(r *http.Request, e store.Entry) {
	if e.Failed && a.Switches.Is("activity-failures", "no") {
		return
	}
	e.User, e.IP, e.Protocol, e.Session = a.Username, clientIP(r), protocol, sessionID
	if e.Failed && e.Path == "" {
		e.Path = e.From
	}
	a.Store.Record(e)
}

// noteParents logs folders that were made on the way, if the switch says so.
func (a *api) noteParents(r *http.Request, made []store.Node) {
	if a.Switches.Is("activity-parents", "no") {
		return
	}
	for _, n := range made {
		a.note(r, store.Entry{Op: store.OpMkdir, Path: n.Path, Node: n})
	}
}
