package filescom

import (
	"context"
	"net/http"
	"strings"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// transfer is a move or copy that was checked.
type transfer struct {
	copy      bool
	from, to  string // account paths
	overwrite bool
}

// migration is a move or copy that goes on in the background. api.mu guards
// its fields.
type migration struct {
	transfer
	polls  int // until it is done
	status string
}

// move answers POST /file_actions/move/{path}.
func (a *api) move(w http.ResponseWriter, r *request) error { return a.startTransfer(w, r, false) }

// copy answers POST /file_actions/copy/{path}.
func (a *api) copy(w http.ResponseWriter, r *request) error { return a.startTransfer(w, r, true) }

func (a *api) startTransfer(w http.ResponseWriter, r *request, copied bool) error {
	if !r.has("destination") {
		return missing("destination")
	}
	to, err := cleanPath(r.text("destination"))
	if err != nil {
		return err
	}
	t := transfer{copied, r.path, a.home.Account(to), r.flag("overwrite")}
	if err := a.checkTransfer(t); err != nil {
		return err
	}
	if polls, ok := a.Switches.Number("migrations"); ok {
		id := a.Store.NewID()
		a.mu.Lock()
		a.migrations[id] = &migration{t, polls, "pending"}
		a.mu.Unlock()
		writeJSON(w, http.StatusCreated, map[string]any{"status": "pending", "file_migration_id": id})
		return nil
	}
	if err := a.carryOut(r.Request, t); err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, map[string]any{"status": "completed", "file_migration_id": nil})
	return nil
}

// checkTransfer refuses what the service refuses at once.
func (a *api) checkTransfer(t transfer) error {
	from, err := a.Store.Lookup(t.from)
	if err != nil {
		return err
	}
	switch {
	case from.Path == string(a.home):
		return invalid("The root folder cannot be moved or copied.")
	case t.from == t.to:
		return errSame
	case strings.HasPrefix(t.to, from.Path+"/"):
		return invalid("A folder cannot go into itself.")
	}
	if err := a.checkParent(t.to, false); err != nil {
		return err
	}
	to, err := a.Store.Lookup(t.to)
	if err == nil && (to.ID != from.ID || t.copy) && (!t.overwrite || to.Dir || from.Dir) {
		return errExists
	}
	return nil
}

// carryOut moves or copies.
func (a *api) carryOut(r *http.Request, t transfer) error {
	from, err := a.Store.Lookup(t.from)
	if err != nil {
		return err
	}
	dir, name := store.SplitPath(t.to)
	parent, err := a.Store.Lookup(dir)
	if err != nil {
		return err
	}
	taken := store.Refuse
	if t.overwrite {
		taken = store.Replace
	}
	var n store.Node
	op := store.OpMove
	if t.copy {
		op = store.OpCopy
		n, err = a.copyTo(r.Context(), from, parent, name, taken)
	} else {
		n, err = a.moveTo(from, parent, name, taken)
	}
	if err != nil {
		return err
	}
	a.note(r, store.Entry{Op: op, Path: n.Path, From: from.Path, Node: n})
	return a.arrived(n.Path)
}

func (a *api) moveTo(from, parent store.Node, name string, taken store.Taken) (store.Node, error) {
	f, err := a.facts(from)
	if err != nil {
		return from, err
	}
	n, err := a.Store.Move(from.ID, store.Move{
		Parent: parent.ID, Name: name, Taken: taken, Touch: a.Switches.Is("move-touches", "yes"),
	})
	if err != nil {
		return n, err
	}
	return n, a.keep(n, f)
}

// copyTo copies, with what is known about files.
func (a *api) copyTo(ctx context.Context, from, parent store.Node, name string, taken store.Taken) (store.Node, error) {
	before, err := a.Store.Walk(from.ID)
	if err != nil {
		return from, err
	}
	n, err := a.Store.CopyAs(ctx, from.ID, parent.ID, name, taken, a.Username)
	if err != nil {
		return n, err
	}
	known := map[string]facts{}
	for _, it := range before {
		if known[it.Rel], err = a.facts(it.Node); err != nil {
			return n, err
		}
	}
	after, err := a.Store.Walk(n.ID)
	if err != nil {
		return n, err
	}
	for _, it := range after {
		f, ok := known[it.Rel]
		if !ok || f.Size != it.Size {
			continue
		}
		f.Stored, f.Newest = a.Now(), a.Now()
		if err := a.keep(it.Node, f); err != nil {
			return n, err
		}
	}
	return n, nil
}

// getMigration answers GET /file_migrations/{id}.
func (a *api) getMigration(w http.ResponseWriter, r *request) error {
	id, err := r.id()
	if err != nil {
		return err
	}
	a.mu.Lock()
	m := a.migrations[id]
	due := false
	if m != nil && m.status == "pending" {
		m.polls--
		if due = m.polls <= 0; due {
			m.status = "processing" // no second poll carries it out again
		}
	}
	a.mu.Unlock()
	if m == nil {
		return errNotFound
	}
	if due {
		a.finish(r.Request, m)
	}
	writeJSON(w, http.StatusOK, a.migrationRecord(id, m))
	return nil
}

func (a *api) finish(r *http.Request, m *migration) {
	status := "failed"
	if a.Switches.Is("migrations-fail", "no") && a.carryOut(r, m.transfer) == nil {
		status = "completed"
	}
	a.mu.Lock()
	m.status = status
	a.mu.Unlock()
}

func (a *api) migrationRecord(id int64, m *migration) map[string]any {
	a.mu.Lock()
	defer a.mu.Unlock()
	op := "move"
	if m.copy {
		op = "copy"
	}
	return map[string]any{
		"id": id, "path": a.userPath(m.from), "dest_path": a.userPath(m.to), "files_moved": 0, "files_total": 0,
		"operation": op, "region": "us-east-1", "status": m.status, "log_url": nil,
	}
}
