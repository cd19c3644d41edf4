package filescom

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// list answers GET /folders/{path}.
func (a *api) list(w http.ResponseWriter, r *request) error {
	dir, err := a.Store.Lookup(r.path)
	if err != nil {
		return err
	}
	if !dir.Dir {
		return errIsFile
	}
	q, err := a.listQuery(r.params)
	if err != nil {
		return err
	}
	page, err := a.Store.List(dir.ID, q)
	if err != nil {
		return err
	}
	entries, err := a.describeAll(page.Nodes)
	if err != nil {
		return err
	}
	a.setCursor(w.Header(), q.Offset, q.Limit, page.Total)
	writeJSON(w, http.StatusOK, entries)
	return nil
}

// sortFields are what sort_by takes.
var sortFields = map[string]store.Field{
	"path": store.ByName, "size": store.BySize, "modified_at_datetime": store.ByUpdated,
	"provided_modified_at": store.ByUpdated, "display_name": store.ByName, "modified_at": store.ByUpdated,
}

func (a *api) listQuery(p params) (store.Query, error) {
	q := store.Query{Sort: []store.Key{{Field: store.ByType}, {Field: store.ByName}}}
	if kind := p.text("type"); kind != "" {
		q.Only = map[string]string{"folder": "dir", "file": "file"}[kind]
	}
	if p.has("filter") {
		q.Pattern = "*" + p.text("filter") + "*"
	}
	if p.has("search") {
		q.Pattern, q.Tree = "*"+p.text("search")+"*", true
	}
	sorted, err := a.sortBy(&q, p)
	if err == nil && p.flag("recursive") {
		err = a.recursive(&q, sorted)
	}
	if err == nil {
		q.Offset, q.Limit, err = a.page(p)
	}
	return q, err
}

func (a *api) sortBy(q *store.Query, p params) (sorted bool, err error) {
	for name, direction := range p.within("sort_by") {
		field, ok := sortFields[name]
		if !ok || sorted {
			return true, &apiError{http.StatusBadRequest, "bad-request/invalid-sort-field", "Sort field is not valid."}
		}
		q.Sort = []store.Key{{Field: field, Desc: direction == "desc"}}
		sorted = true
	}
	return sorted, nil
}

// recursive makes a query one for the whole tree, which can be neither sorted
// nor searched.
func (a *api) recursive(q *store.Query, sorted bool) error {
	switch a.Switches.Get("recursive") {
	case "ignored":
		return nil
	case "400":
		return invalid("recursive is not valid.")
	}
	if sorted || q.Pattern != "" {
		return &apiError{http.StatusBadRequest, "bad-request/does-not-support-sorting", "Recursive listings cannot be sorted or searched."}
	}
	q.Tree = true
	q.Sort = map[string][]store.Key{
		"path": {{Field: store.ByPath}}, "id": nil, "newest": {{Field: store.ByUpdated, Desc: true}},
	}[a.Switches.Get("recursive-order")]
	return nil
}

// page reads where a page begins and how long it may be: by cursor, or by
// number as in 2020.
func (a *api) page(p params) (offset, limit int, err error) {
	standard, _ := a.Switches.Number("default-page")
	most, _ := a.Switches.Number("page-cap")
	per, err := p.number("per_page", int64(standard), 1)
	if err != nil {
		return 0, 0, err
	}
	limit = int(min(per, int64(most)))
	if cursor := p.text("cursor"); cursor != "" {
		offset, err = readCursor(cursor)
		return offset, limit, err
	}
	number, err := p.number("page", 1, 1)
	if number > 1<<30 {
		return 0, 0, invalid("page is not valid.")
	}
	return int(number-1) * limit, limit, err
}

// cursorPrefix is how cursors begin in recordings.
const cursorPrefix = "c2:next:"

func (a *api) setCursor(h http.Header, offset, limit, total int) {
	next := offset + limit
	if next >= total && (a.Switches.Is("last-cursor", "none") || offset >= total) {
		return
	}
	cursor := cursorPrefix + base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(next)))
	name := a.Switches.Get("cursor-header")
	if name == "both" {
		h.Set("X-Files-Cursor", cursor)
		name = "X-Files-Cursor-Next"
	}
	h.Set(name, cursor)
}

func readCursor(cursor string) (int, error) {
	text, ok := strings.CutPrefix(cursor, cursorPrefix)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if !ok || err != nil {
		return 0, errCursor
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < 0 {
		return 0, errCursor
	}
	return n, nil
}
