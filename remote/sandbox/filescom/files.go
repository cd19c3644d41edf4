package filescom

import (
	"net"
	"net/http"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// metadata answers GET /file_actions/metadata/{path}.
func (a *api) metadata(w http.ResponseWriter, r *request) error {
	if r.path == string(a.home) && a.Switches.Is("root-metadata", "404") {
		return errNotFound
	}
	return a.writeEntry(w, http.StatusOK, r.path)
}

func (a *api) writeEntry(w http.ResponseWriter, status int, path string) error {
	n, err := a.Store.Lookup(path)
	if err != nil {
		return err
	}
	e, err := a.describe(n)
	if err != nil {
		return err
	}
	writeJSON(w, status, e)
	return nil
}

// getFile answers GET /files/{path}: the entry with an address of the content;
// with action=stat without it, with action=redirect by going there.
func (a *api) getFile(w http.ResponseWriter, r *request) error {
	action := r.text("action")
	if action == "stat" {
		return a.writeEntry(w, http.StatusOK, r.path)
	}
	n, err := a.Store.Lookup(r.path)
	if err != nil {
		return err
	}
	if n.Dir {
		return errIsFolder
	}
	e, err := a.describe(n)
	if err != nil {
		return err
	}
	e.DownloadURI = a.downloadURI(r.Request, n)
	if action == "redirect" {
		w.Header().Set("Location", e.DownloadURI)
		w.WriteHeader(http.StatusFound)
		return nil
	}
	writeJSON(w, http.StatusOK, e)
	return nil
}

// patchFile answers PATCH /files/{path}.
func (a *api) patchFile(w http.ResponseWriter, r *request) error {
	n, err := a.Store.Lookup(r.path)
	if err != nil {
		return err
	}
	f, err := a.facts(n)
	if err != nil {
		return err
	}
	at, err := r.moment("provided_mtime")
	if err != nil {
		return err
	}
	if !at.IsZero() {
		f.Provided = &at
	}
	if r.has("priority_color") {
		f.Color = r.text("priority_color")
	}
	if err := a.keep(n, f); err != nil {
		return err
	}
	a.note(r.Request, store.Entry{Op: opUpdate, Path: n.Path, Node: n})
	return a.writeEntry(w, http.StatusOK, r.path)
}

// deleteFile answers DELETE /files/{path}.
func (a *api) deleteFile(w http.ResponseWriter, r *request) error {
	n, err := a.Store.Lookup(r.path)
	if err != nil {
		return err
	}
	if n.Path == string(a.home) {
		return invalid("The root folder cannot be deleted.")
	}
	if n.Dir && n.Entries > 0 && !r.flag("recursive") {
		return errNotEmpty
	}
	if _, err := a.Store.Delete(n.ID); err != nil {
		return err
	}
	a.note(r.Request, store.Entry{Op: store.OpDelete, Path: n.Path, Node: n})
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// mkdir answers POST /folders/{path}.
func (a *api) mkdir(w http.ResponseWriter, r *request) error {
	if _, err := a.Store.Lookup(r.path); err == nil {
		return errExists
	}
	at, err := r.moment("provided_mtime")
	if err != nil {
		return err
	}
	if err := a.checkParent(r.path, a.makesParents(r.params, false)); err != nil {
		return err
	}
	n, made, err := a.Store.MkdirAll(r.path, a.Username)
	if err != nil {
		return err
	}
	for _, dir := range made {
		a.note(r.Request, store.Entry{Op: store.OpMkdir, Path: dir.Path, Node: dir})
	}
	if err := a.provide(n, at); err != nil {
		return err
	}
	if a.Switches.Is("mkdir-answer", "full") {
		return a.writeEntry(w, http.StatusCreated, n.Path)
	}
	writeJSON(w, http.StatusCreated, map[string]any{
		"display_name": n.Name, "type": "directory", "size": nil, "created_at": stamp(n.Created),
		"crc32": nil, "md5": nil, "subfolders_locked?": false, "is_locked": false,
	})
	return nil
}

// provide keeps the time that a client gave for a new folder.
func (a *api) provide(n store.Node, at time.Time) error {
	if at.IsZero() {
		return nil
	}
	return a.keep(n, facts{Provided: &at})
}

// makesParents tells whether a request makes missing folders; standard is what
// holds if it does not say.
func (a *api) makesParents(p params, standard bool) bool {
	if !a.Switches.Is("upload-parents", "flag") {
		return a.Switches.Is("upload-parents", "yes")
	}
	return p.flag("mkdir_parents") || standard && !p.has("mkdir_parents")
}

// checkParent refuses a new path whose folder is missing, unless it is made.
func (a *api) checkParent(path string, made bool) error {
	dir, _ := store.SplitPath(path)
	n, err := a.Store.Lookup(dir)
	switch {
	case err == nil && !n.Dir:
		return errParentIsFile
	case remote.IsKind(err, remote.NotExist) && made:
		return nil
	case remote.IsKind(err, remote.NotExist):
		return errNoParent
	}
	return err
}

// note adds an entry to the log.
func (a *api) note(r *http.Request, e store.Entry) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	e.User, e.IP, e.Protocol = a.Username, host, "restapi"
	a.Store.Record(e)
}
