package yetishare

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// stamp writes a time as the site does: in its own zone.
func (a *api) stamp(t time.Time) string {
	return t.UTC().Add(a.Switches.Duration("zone")).Format("2006-01-02 15:04:05")
}

// number writes an id or a size as the switch says.
func (a *api) number(n int64) any {
	if a.Switches.Is("numbers", "numbers") {
		return n
	}
	return strconv.FormatInt(n, 10)
}

// list writes a list as the switch says.
func (a *api) list(items []any) any {
	if a.Switches.Is("lists", "array") {
		if items == nil {
			return []any{}
		}
		return items
	}
	m := object{}
	for i, it := range items {
		m[strconv.Itoa(i)] = it
	}
	return m
}

// folderNumber is a folder's number. Folders are numbered as if they had a table
// of their own: many a file has the number of a folder.
func (a *api) folderNumber(id int64) int64 {
	if a.Switches.Is("numbering", "separate") {
		return id + 1
	}
	return id
}

// folderID is the reverse of folderNumber.
func (a *api) folderID(number int64) int64 {
	if a.Switches.Is("numbering", "separate") {
		return number - 1
	}
	return number
}

// extra is what the account's folder cannot keep of a file or folder.
type extra struct {
	// Named is true if Name, and not the name on disk, is the object's.
	Named bool   `json:"named,omitempty"`
	Name  string `json:"name,omitempty"`
	// Type is a file's type, if it was set.
	Type string `json:"type,omitempty"`
}

const extraKind = "yetishare"

func readExtras(s *store.Store) map[int64]extra {
	all := map[int64]extra{}
	for id, b := range s.Records(extraKind) {
		var e extra
		if json.Unmarshal(b, &e) == nil { // what cannot be read is not there
			all[id] = e
		}
	}
	return all
}

func (a *api) extra(id int64) extra {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.extras[id]
}

func (a *api) setExtra(id int64, e extra) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e == (extra{}) {
		if _, had := a.extras[id]; !had {
			return nil
		}
		delete(a.extras, id)
		return a.Store.PutRecord(extraKind, id, nil)
	}
	a.extras[id] = e
	return a.Store.PutRecord(extraKind, id, e)
}

// name is what the site calls an object.
func (a *api) name(n store.Node) string {
	if e := a.extra(n.ID); e.Named {
		return e.Name
	}
	return n.Name
}

// rename notes the name that an object shall have beside the one that it got on
// disk.
func (a *api) rename(n store.Node, name string) error {
	e := a.extra(n.ID)
	e.Named, e.Name = n.Name != name, ""
	if e.Named {
		e.Name = name
	}
	return a.setExtra(n.ID, e)
}

// diskName is a name that a file can have, as near as can be.
func diskName(name string) string {
	if store.CheckName(name) == nil {
		return name
	}
	name = strings.ToValidUTF8(strings.NewReplacer("/", "_", "\x00", "_").Replace(name), "_")
	for len(name) > store.MaxName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if store.CheckName(name) != nil {
		return "_" + name
	}
	return name
}

// file is a file record.
func (a *api) file(n store.Node) object {
	name := a.name(n)
	o := object{
		"id": a.number(n.ID), "filename": name, "shortUrl": short(n.ID), "fileType": a.fileType(n),
		"extension": strings.TrimPrefix(path.Ext(name), "."), "fileSize": a.number(n.Size), "statusId": "1", "downloads": "0",
		"folderId": a.parent(n), "keywords": strings.Join(strings.Fields(name), ","), "url_file": "http://yoursite.com/" + short(n.ID),
	}
	if a.Switches.Is("dates", "sent") {
		o["date_added"], o["date_updated"], o["file_status"] = a.stamp(n.Uploaded), nil, "active"
	}
	return o
}

// shortFile is a file record as it is answered about one file.
func (a *api) shortFile(n store.Node) object {
	o := a.file(n)
	if a.Switches.Is("records", "full") {
		return o
	}
	return object{"id": o["id"], "filename": o["filename"], "shortUrl": o["shortUrl"], "fileType": o["fileType"]}
}

func (a *api) fileType(n store.Node) string {
	if t := a.extra(n.ID).Type; t != "" {
		return t
	}
	if t := mime.TypeByExtension(path.Ext(a.name(n))); t != "" {
		return t
	}
	return "application/octet-stream"
}

func short(id int64) string { return strconv.FormatInt(id+1_000_000, 36) }

// folder is a folder record.
func (a *api) folder(n store.Node) object {
	number := a.folderNumber(n.ID)
	return object{
		"id": a.number(number), "parentId": a.parent(n), "folderName": a.name(n), "totalSize": a.number(n.Size),
		"isPublic": "0", "accessPassword": nil, "date_added": a.stamp(n.Created), "date_updated": nil,
		"url_folder": fmt.Sprintf("http://yoursite.com/folder/%d", number), "total_downloads": 0,
		"child_folder_count": 0, "file_count": n.Entries,
	}
}

// parent is the number of the folder that holds n; null for the root.
func (a *api) parent(n store.Node) any {
	if top, err := a.top(); err != nil || n.ParentID == top.ID {
		return nil
	}
	return a.number(a.folderNumber(n.ParentID))
}

// top is the folder that the user sees as the account's root.
func (a *api) top() (store.Node, error) { return a.Store.Lookup(a.home) }

// folderParam finds the folder that a parameter names, blank for the root.
func (a *api) folderParam(r *http.Request, name string) (store.Node, error) {
	return a.folderByNumber(r.FormValue(name))
}

func (a *api) folderByNumber(text string) (store.Node, error) {
	if text == "" {
		return a.top()
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return store.Node{}, errNoFolder
	}
	n, err := a.Store.ByID(a.folderID(number))
	if err != nil || !n.Dir {
		return store.Node{}, errNoFolder
	}
	return n, nil
}

// someFolder finds a folder that must not be the root.
func (a *api) someFolder(r *http.Request, name string) (store.Node, error) {
	if r.FormValue(name) == "" {
		return store.Node{}, missing(name)
	}
	return a.folderParam(r, name)
}

// target finds the folder that something is put into.
func (a *api) target(text string) (store.Node, error) {
	n, err := a.folderByNumber(text)
	if err != nil && a.Switches.Is("bad-parent", "root") {
		return a.top()
	}
	return n, err
}

// fileParam finds the file that file_id names.
func (a *api) fileParam(r *http.Request) (store.Node, error) {
	id, err := strconv.ParseInt(r.FormValue("file_id"), 10, 64)
	if err != nil {
		return store.Node{}, errNoFile
	}
	n, err := a.Store.ByID(id)
	if err != nil || n.Dir {
		return store.Node{}, errNoFile
	}
	return n, nil
}
