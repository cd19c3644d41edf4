package exavault

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// collection is the schema ResourceCollectionResponse.
type collection struct {
	Status   int        `json:"responseStatus"`
	Data     []resource `json:"data"`
	Included []any      `json:"included"`
	Returned *int       `json:"returnedResults,omitempty"`
	Total    *int       `json:"totalResults,omitempty"`
}

// list answers GET /resources/list.
func (a *api) list(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if !q.Has("resource") {
		return missing("resource")
	}
	dir, err := a.resolve(q.Get("resource"))
	if err != nil {
		return err
	}
	pageCap, ok := a.Switches.Number("page-cap")
	if !ok {
		pageCap = -1
	}
	return a.listDir(w, r, dir, pageCap, q.Get("name"))
}

// listByID answers GET /resources/list/{id}, whose limit "cannot be set higher
// than 100".
func (a *api) listByID(w http.ResponseWriter, r *http.Request) error {
	dir, err := a.byID(r.PathValue("id"))
	if err != nil {
		return err
	}
	return a.listDir(w, r, dir, 100, "")
}

func (a *api) listDir(w http.ResponseWriter, r *http.Request, dir store.Node, pageCap int, pattern string) error {
	if !dir.Dir {
		if a.Switches.Is("list-file", "404") {
			return errNotFound
		}
		return invalid("Resource must be a folder.")
	}
	q, err := a.listQuery(r.URL.Query(), pageCap, pattern)
	if err != nil {
		return err
	}
	page, err := a.Store.List(dir.ID, q)
	if err != nil {
		return err
	}
	a.writeCollection(w, r, http.StatusOK, a.shapes(page.Nodes), page)
	return nil
}

// listQuery reads the parameters of a listing.
func (a *api) listQuery(v url.Values, pageCap int, pattern string) (store.Query, error) {
	q := store.Query{Only: v.Get("type"), Pattern: pattern}
	if pattern != "" {
		// Search mode: "the `type` parameter will be ignored by the server".
		q.Only, q.Tree = "", !a.Switches.Is("search", "flat")
		if a.Switches.Is("search", "400") {
			return q, invalid("Parameter name is not valid.")
		}
	}
	var err error
	if q.Sort, err = a.sortKeys(v.Get("sort")); err != nil {
		return q, err
	}
	if q.Offset, err = number(v, "offset", 0, 0); err != nil {
		return q, err
	}
	q.Limit, err = a.limit(v, pageCap)
	return q, err
}

// limit reads the page size; pageCap < 0 is no cap.
func (a *api) limit(v url.Values, pageCap int) (int, error) {
	standard, ok := a.Switches.Number("default-limit")
	if !ok {
		standard = -1
	}
	limit, err := number(v, "limit", standard, 1)
	if err != nil || pageCap < 0 {
		return limit, err
	}
	if limit > pageCap && a.Switches.Is("over-cap", "400") && v.Get("limit") != "" {
		return 0, invalid("Parameter limit cannot be higher than " + strconv.Itoa(pageCap) + ".")
	}
	if limit < 0 || limit > pageCap {
		limit = pageCap
	}
	return limit, nil
}

// number reads a whole number that is at least least.
func number(v url.Values, name string, standard, least int) (int, error) {
	text := v.Get(name)
	if text == "" {
		return standard, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		return 0, invalid("Parameter " + name + " is not valid.")
	}
	return n, nil
}

// sortFields are the sort fields; the documents name only "name" and, for the
// log, "date".
var sortFields = map[string]store.Field{
	"name": store.ByName, "size": store.BySize, "type": store.ByType, "date": store.ByUpdated, "id": store.ByID,
	"createdAt": store.ByCreated, "updatedAt": store.ByUpdated, "accessedAt": store.ByAccessed, "uploadDate": store.ByUploaded,
}

func (a *api) sortKeys(sort string) ([]store.Key, error) {
	if sort == "" {
		return map[string][]store.Key{
			"name":   {{Field: store.ByName}},
			"newest": {{Field: store.ByUpdated, Desc: true}},
			"path":   {{Field: store.ByPath}},
			"id":     {{Field: store.ByID}},
		}[a.Switches.Get("default-order")], nil
	}
	var keys []store.Key
	for name := range strings.SplitSeq(sort, ",") {
		name, desc := strings.CutPrefix(strings.TrimSpace(name), "-")
		field, ok := sortFields[name]
		if !ok {
			return nil, invalid("Parameter sort is not valid.")
		}
		keys = append(keys, store.Key{Field: field, Desc: desc})
	}
	return keys, nil
}

func (a *api) writeCollection(w http.ResponseWriter, r *http.Request, status int, data []resource, page store.Page) {
	returned, total := len(data), page.Total
	c := collection{Status: status, Data: data, Included: a.include(r, page.Nodes...), Returned: &returned, Total: &total}
	switch a.Switches.Get("totals") {
	case "zero":
		total = 0
	case "missing":
		c.Total = nil
	}
	if a.Switches.Is("returned", "missing") {
		c.Returned = nil
	}
	writeJSON(w, status, c)
}

// info answers GET /resources.
func (a *api) info(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if !q.Has("resource") {
		return missing("resource")
	}
	n, err := a.resolve(q.Get("resource"))
	if err != nil {
		return err
	}
	a.writeSingle(w, r, http.StatusOK, a.shape(n), n)
	return nil
}

// infoByID answers GET /resources/{id}.
func (a *api) infoByID(w http.ResponseWriter, r *http.Request) error {
	n, err := a.byID(r.PathValue("id"))
	if err != nil {
		return err
	}
	a.writeSingle(w, r, http.StatusOK, a.shape(n), n)
	return nil
}

// preview answers GET /resources/preview: no file here has one.
func (a *api) preview(_ http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if !q.Has("resource") {
		return missing("resource")
	}
	if size := q.Get("size"); size != "small" && size != "medium" && size != "large" {
		return invalid("Parameter size is not valid.")
	}
	if _, err := a.resolve(q.Get("resource")); err != nil {
		return err
	}
	return &apiError{http.StatusNotFound, "ERROR_PREVIEW_NOT_FOUND", "Preview is not available"}
}
