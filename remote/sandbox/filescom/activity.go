package filescom

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// opUpdate is a file that was overwritten, or whose time was set.
const opUpdate = store.Op("update")

// actions are the service's words for operations.
var actions = map[store.Op]string{
	store.OpUpload: "create", store.OpMkdir: "create", opUpdate: "update", store.OpDownload: "read",
	store.OpDelete: "destroy", store.OpMove: "move", store.OpRename: "move", store.OpCopy: "copy",
}

// logFilter is what a request asks of the log.
type logFilter struct {
	from, to  time.Time // zero: not asked for
	after     bool      // from itself is left out
	prefix    string    // of the path as the API writes it
	folder    string    // account path of what must be above, or the same
	ascending bool
}

// actionLogs answers GET /action_logs. Paths are the account's.
func (a *api) actionLogs(w http.ResponseWriter, r *request) error {
	f, err := a.readLogFilter(r)
	if err != nil {
		return err
	}
	return a.writeLog(w, r, f, func(e store.Entry) map[string]any { return a.logRecord(e) })
}

func (a *api) logRecord(e store.Entry) map[string]any {
	folder, _ := store.SplitPath(e.Path)
	source, destination := any(nil), any(nil)
	if e.From != "" {
		source, destination = bare(e.From), bare(e.Path)
	}
	return map[string]any{
		"id": e.ID, "path": bare(e.Path), "folder": bare(folder), "src": source, "destination": destination,
		"action": actions[e.Op], "interface": e.Protocol, "ip": e.IP, "user_id": userID, "username": e.User,
		"failure_type": "none", "created_at": stamp(e.At), "when": stamp(e.At),
	}
}

func bare(path string) string { return strings.TrimPrefix(path, "/") }

func (a *api) readLogFilter(r *request) (f logFilter, err error) {
	if f.ascending, err = a.logOrder(r.params); err != nil {
		return f, err
	}
	for _, family := range []string{"filter_gt", "filter_gteq", "filter_lt", "filter_lteq"} {
		for field := range r.within(family) {
			if field != "created_at" {
				return f, &apiError{http.StatusBadRequest, "bad-request/invalid-filter-field", "Filter field is not valid."}
			}
			at, err := r.moment(family + "[created_at]")
			switch {
			case err != nil:
				return f, err
			case strings.HasPrefix(family, "filter_g"):
				f.from, f.after = at, family == "filter_gt"
			case family == "filter_lt":
				f.to = at.Add(-time.Second)
			default:
				f.to = at
			}
		}
	}
	f.prefix = r.within("filter_prefix")["path"]
	return f, nil
}

func (a *api) logOrder(p params) (ascending bool, err error) {
	ascending = a.Switches.Is("activity-order", "oldest")
	for field, direction := range p.within("sort_by") {
		if field != "created_at" {
			return false, &apiError{http.StatusBadRequest, "bad-request/invalid-sort-field", "Sort field is not valid."}
		}
		ascending = direction == "asc"
	}
	return ascending, nil
}

// history answers GET /history and those of a file or folder, which reach back
// one day.
func (a *api) history(w http.ResponseWriter, r *request) error {
	f := logFilter{}
	var err error
	if f.ascending, err = a.logOrder(r.params); err != nil {
		return err
	}
	if f.from, err = r.moment("start_at"); err != nil {
		return err
	}
	if f.to, err = r.moment("end_at"); err != nil {
		return err
	}
	if day := a.Now().Add(-24 * time.Hour); f.from.Before(day) {
		f.from = day
	}
	if r.verb != "" {
		f.folder = a.home.Account(r.path)
	}
	return a.writeLog(w, r, f, func(e store.Entry) map[string]any {
		record := a.logRecord(e)
		record["source"], record["targets"], record["display"] = record["src"], []any{}, "full"
		return record
	})
}

func (f *logFilter) accepts(e store.Entry) bool {
	at := e.At.Truncate(time.Second)
	switch {
	case actions[e.Op] == "" || e.Failed:
		return false
	case f.after && !at.After(f.from), at.Before(f.from.Truncate(time.Second)):
		return false
	case !f.to.IsZero() && at.After(f.to):
		return false
	case f.folder != "" && !under(e.Path, f.folder) && !under(e.From, f.folder):
		return false
	}
	return strings.HasPrefix(bare(e.Path), f.prefix)
}

func under(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}

// writeLog answers a page of the log.
func (a *api) writeLog(w http.ResponseWriter, r *request, f logFilter, record func(store.Entry) map[string]any) error {
	if a.Switches.Is("activity", "forbidden") {
		return errForbidden
	}
	offset, limit, err := a.page(r.params)
	if err != nil {
		return err
	}
	a.Store.Sweep() // changes made by hand are in the log, too
	visible := a.Now().Add(-a.Switches.Duration("activity-lag"))
	entries := a.Store.Log(func(e store.Entry) bool { return !e.At.After(visible) && f.accepts(e) })
	if !f.ascending {
		slices.Reverse(entries)
	}
	total := len(entries)
	from := min(offset, total)
	out := []map[string]any{}
	for _, e := range entries[from:min(from+limit, total)] {
		out = append(out, record(e))
	}
	a.setCursor(w.Header(), offset, limit, total)
	writeJSON(w, http.StatusOK, out)
	return nil
}
