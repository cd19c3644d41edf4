package exavault1

import (
	"net"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// zone is that of times that have none: nobody knows which it is.
var zone = time.FixedZone("", -7*60*60)

// stamp writes a time as the switch says.
func (a *api) stamp(t time.Time, z *time.Location) any {
	switch a.Switches.Get("dates") {
	case "iso":
		return t.In(z).Format("2006-01-02T15:04:05-07:00")
	case "unix":
		return a.number(t.Unix())
	}
	return t.In(z).Format(time.DateTime)
}

// shape describes a node as the service does (the SDK, ResourceProperty).
func (a *api) shape(n store.Node) map[string]any {
	date := n.Updated
	if a.Switches.Is("upload-date", "create") {
		date = n.Uploaded
	}
	p := a.home.User(n.Path)
	out := map[string]any{
		"name": n.Name, "path": p, "parent": path.Dir(p), "type": "file", "size": a.number(n.Size),
		"uploadDate": a.stamp(date, zone), "createdBy": n.By, "previewable": false,
		"shares": []any{}, "notificationSettings": nil, "directFile": nil,
	}
	if !n.Dir {
		out["extension"] = strings.TrimPrefix(path.Ext(n.Name), ".")
		return out
	}
	if p == "/" {
		out["name"] = ""
	}
	a.shapeDir(out, n)
	return out
}

func (a *api) shapeDir(out map[string]any, n store.Node) {
	switch kind := a.Switches.Get("folder-type"); kind {
	case "missing":
		delete(out, "type")
		out["fileCount"] = a.number(int64(n.Entries))
	default:
		out["type"] = kind
	}
	if a.Switches.Is("file-count", "files") {
		out["fileCount"] = a.number(int64(a.files(n)))
	}
}

// files counts the files in a folder.
func (a *api) files(n store.Node) int {
	page, err := a.Store.List(n.ID, store.Query{Only: "file", Limit: 0})
	if err != nil {
		return 0 // it is gone just now
	}
	return page.Total
}

func (a *api) shapes(nodes []store.Node) []map[string]any {
	out := make([]map[string]any, 0, len(nodes))
	for _, n := range nodes {
		out = append(out, a.shape(n))
	}
	return out
}

// resolve finds what is at a path that a request names.
func (a *api) resolve(p string) (store.Node, error) {
	clean, err := store.CleanPath(p)
	if err != nil {
		return store.Node{}, err
	}
	return a.Store.Lookup(a.home.Account(clean))
}

// resolveDir is resolve for a folder.
func (a *api) resolveDir(p string) (store.Node, error) {
	n, err := a.resolve(p)
	if err == nil && !n.Dir {
		err = about("This is not a folder")
	}
	return n, err
}

// paths returns the values of an array, also written with indexes or without
// brackets.
func paths(p url.Values, name string) ([]string, error) {
	out := p[name+"[]"]
	for i := 0; p.Has(name + "[" + strconv.Itoa(i) + "]"); i++ {
		out = append(out, p.Get(name+"["+strconv.Itoa(i)+"]"))
	}
	if len(out) == 0 {
		out = p[name]
	}
	if len(out) == 0 {
		return nil, &errMalformed{name}
	}
	return out, nil
}

// whole reads a whole number that is not negative.
func whole(p url.Values, name string, standard int64) (int64, error) {
	text := p.Get(name)
	if text == "" {
		return standard, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, &errMalformed{name}
	}
	return n, nil
}

// boolean reads a yes or no.
func boolean(p url.Values, name string, standard bool) (bool, error) {
	switch strings.ToLower(p.Get(name)) {
	case "":
		return standard, nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, &errMalformed{name}
}

func clientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
