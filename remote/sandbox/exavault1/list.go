package exavault1

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// sortFields are the values of sortBy.
var sortFields = map[string]store.Field{
	"": store.ByName, "sort_files_name": store.ByName, "sort_files_size": store.BySize,
	"sort_files_date": store.ByUpdated, "sort_files_type": store.ByType, "sort_files_timeline": store.ByUpdated,
}

// list answers getResourceList.
func (a *api) list(w http.ResponseWriter, _ *http.Request, p url.Values) error {
	q, err := a.listQuery(p)
	if err != nil {
		return err
	}
	dir, err := a.resolve(p.Get("path"))
	if err != nil {
		return err
	}
	detailed, err := boolean(p, "detailed", false)
	if err != nil {
		return err
	}
	page, err := a.page(dir, q, p.Get("pattern"))
	if err != nil {
		return err
	}
	resources := a.shapes(page.Nodes)
	if !detailed && a.Switches.Is("undetailed", "bare") {
		for _, r := range resources {
			delete(r, "size")
			delete(r, "uploadDate")
		}
	}
	results := map[string]any{
		"totalFiles": a.number(int64(page.Total)), "resources": resources,
		"inheritedShares": []any{}, "inheritedNotifications": []any{}, "inheritedDirectFiles": []any{},
	}
	if a.Switches.Is("total-files", "missing") {
		delete(results, "totalFiles")
	}
	a.writeResults(w, 1, results)
	return nil
}

// listQuery reads the parameters of a listing. A page has 50 entries if nothing
// is asked for.
func (a *api) listQuery(p url.Values) (store.Query, error) {
	if !p.Has("path") {
		return store.Query{}, &errMalformed{"path"}
	}
	field, ok := sortFields[p.Get("sortBy")]
	if !ok {
		return store.Query{}, &errMalformed{"sortBy"}
	}
	offset, err := whole(p, "offset", 0)
	if err != nil {
		return store.Query{}, err
	}
	limit, err := whole(p, "limit", 50)
	if err != nil {
		return store.Query{}, err
	}
	most, _ := a.Switches.Number("page-cap")
	return store.Query{
		Sort:   []store.Key{{Field: field, Desc: p.Get("sortOrder") == "desc"}},
		Offset: int(offset), Limit: min(int(limit), most, 100),
	}, nil
}

// page cuts a page out of a listing, or out of what a search finds.
func (a *api) page(dir store.Node, q store.Query, pattern string) (store.Page, error) {
	if !dir.Dir {
		if a.Switches.Is("list-file", "itself") {
			return store.Page{Nodes: []store.Node{dir}, Total: 1}, nil
		}
		return store.Page{}, about("This is not a folder")
	}
	all := q
	all.Offset, all.Limit, all.Tree = 0, -1, false
	match := func(store.Node) bool { return true }
	if pattern != "" {
		expression, err := regexp.Compile("(?i)" + pattern)
		if err != nil || a.Switches.Is("search", "refused") {
			return store.Page{}, about("This pattern cannot be searched for")
		}
		all.Tree = !a.Switches.Is("search", "flat")
		files := a.Switches.Is("search", "files")
		match = func(n store.Node) bool { return expression.MatchString(n.Name) && (!n.Dir || !files) }
	}
	page, err := a.Store.List(dir.ID, all)
	if err != nil {
		return page, err
	}
	return a.cut(slices.DeleteFunc(page.Nodes, func(n store.Node) bool { return !match(n) }), q), nil
}

// cut cuts a page out of all entries and counts them as the switch says.
func (a *api) cut(nodes []store.Node, q store.Query) store.Page {
	page := store.Page{Total: len(nodes)}
	if a.Switches.Is("total-files", "files") {
		page.Total = 0
		for _, n := range nodes {
			if !n.Dir {
				page.Total++
			}
		}
	}
	from := min(q.Offset, len(nodes))
	page.Nodes = nodes[from:min(from+q.Limit, len(nodes))]
	return page
}

// folders answers getFolders.
func (a *api) folders(w http.ResponseWriter, _ *http.Request, p url.Values) error {
	if !p.Has("path") {
		return &errMalformed{"path"}
	}
	dir, err := a.resolveDir(p.Get("path"))
	if err != nil {
		return err
	}
	page, err := a.Store.List(dir.ID, store.Query{Only: "dir", Limit: -1})
	if err != nil {
		return err
	}
	a.writeResults(w, 1, a.shapes(page.Nodes))
	return nil
}

// properties answers getResourceProperties.
func (a *api) properties(w http.ResponseWriter, _ *http.Request, p url.Values) error {
	files, err := paths(p, "filePaths")
	if err != nil {
		return err
	}
	out := []map[string]any{}
	for _, file := range files {
		n, err := a.resolve(file)
		if err == nil {
			out = append(out, a.shape(n))
		} else if a.Switches.Is("properties-missing", "fail") {
			return err
		}
	}
	a.writeResults(w, 1, out)
	return nil
}

// check answers checkFilesExist.
func (a *api) check(w http.ResponseWriter, _ *http.Request, p url.Values) error {
	files, err := paths(p, "filePaths")
	if err != nil {
		return err
	}
	out := []map[string]any{}
	for _, file := range files {
		n, err := a.resolve(file)
		item := map[string]any{"exists": err == nil, "resource": nil}
		if err == nil && a.Switches.Is("exists-resource", "yes") {
			item["resource"] = a.shape(n)
		}
		if file == "/" && a.Switches.Is("exists-root", "no") {
			item = map[string]any{"exists": false, "resource": nil}
		}
		out = append(out, item)
	}
	if a.Switches.Is("exists-order", "reverse") {
		slices.Reverse(out)
	}
	a.writeResults(w, 1, out)
	return nil
}

// preview answers previewFile: no file here has one.
func (a *api) preview(_ http.ResponseWriter, _ *http.Request, p url.Values) error {
	if !p.Has("path") {
		return &errMalformed{"path"}
	}
	if _, err := a.resolve(p.Get("path")); err != nil {
		return err
	}
	return about("A preview of this file cannot be made")
}
