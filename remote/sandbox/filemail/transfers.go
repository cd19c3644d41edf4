package filemail

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// metaKind is under what the store keeps what is known of transfers beside their
// files.
const metaKind = "filemail transfer"

// meta is what a folder cannot hold.
type meta struct {
	Key, Subject, Message string
	To                    []string
	Sent                  time.Time
}

// transfer is a folder that is one.
type transfer struct {
	store.Node
	meta
	box string // the folder that it is in
}

// transfers returns those in a folder, the newest first.
func (a *api) transfers(box string) ([]transfer, error) {
	dir, err := a.Store.Lookup(a.home.Account(box))
	if err != nil {
		return nil, err
	}
	page, err := a.Store.List(dir.ID, store.Query{Only: "dir", Limit: -1})
	if err != nil {
		return nil, err
	}
	metas := a.Store.Records(metaKind)
	out := make([]transfer, 0, len(page.Nodes))
	for _, n := range page.Nodes {
		out = append(out, a.transfer(n, box, metas[n.ID]))
	}
	slices.SortFunc(out, func(x, y transfer) int {
		return cmp.Or(y.Sent.Compare(x.Sent), cmp.Compare(y.ID, x.ID))
	})
	return out, nil
}

func (a *api) transfer(n store.Node, box string, raw json.RawMessage) transfer {
	t := transfer{Node: n, box: box, meta: meta{Subject: n.Name, Sent: n.Created}}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &t.meta); err != nil {
			a.Logger.Warn("sandbox: a transfer's record makes no sense", "transfer", n.Hash, "err", err)
		}
	}
	return t
}

// find finds a transfer by its id.
func (a *api) find(id string) (transfer, error) {
	n, err := a.Store.ByHash(id)
	if err != nil || !n.Dir {
		return transfer{}, errNotFound
	}
	for _, box := range []string{sentDir, receivedDir, openDir} {
		if dir, _ := store.SplitPath(a.home.User(n.Path)); dir == box {
			return a.transfer(n, box, a.Store.Records(metaKind)[n.ID]), nil
		}
	}
	return transfer{}, errNotFound
}

// files are the files of a transfer.
func (a *api) files(t transfer) ([]store.Item, error) {
	items, err := a.Store.Walk(t.ID)
	return slices.DeleteFunc(items, func(i store.Item) bool { return i.Dir }), err
}

// findFile finds a file of a transfer by its id.
func (a *api) findFile(id string) (store.Node, transfer, error) {
	n, err := a.Store.ByHash(id)
	if err != nil || n.Dir {
		return store.Node{}, transfer{}, errDeleted
	}
	box, rest, _ := strings.Cut(strings.TrimPrefix(a.home.User(n.Path), "/"), "/")
	name, _, inside := strings.Cut(rest, "/")
	if !inside {
		return n, transfer{}, errDeleted
	}
	dir, err := a.Store.Lookup(a.home.Account("/" + box + "/" + name))
	if err != nil {
		return n, transfer{}, err
	}
	t, err := a.find(dir.Hash)
	return n, t, err
}

// date is a time as the switch says.
func (a *api) date(t time.Time) any {
	if a.Switches.Is("dates", "milliseconds") {
		return a.number(t.UnixMilli())
	}
	return a.number(t.Unix())
}

// status is the text of a transfer's state.
func (a *api) status(t transfer) any {
	if t.box != openDir {
		return "STATUS_COMPLETE"
	}
	switch a.Switches.Get("status") {
	case "odd":
		return "STATUS_7"
	case "missing":
		return nil
	}
	return "STATUS_INITIALIZED"
}

// shape describes a transfer as a list does.
func (a *api) shape(t transfer) map[string]any {
	out := map[string]any{
		"id": t.Hash, "subject": t.Subject, "message": t.Message, "sentdate": a.date(t.Sent),
		"expiredate": a.date(t.Sent.AddDate(0, 0, 30)), "status": a.status(t), "size": a.number(t.Size), "days": a.number(30),
		"isexpired": false, "url": "https://www.filemail.com/d/" + t.Hash,
	}
	if t.box == sentDir {
		out["key"], out["from"], out["recipients"] = t.Key, a.Username, t.To
	}
	return out
}

// shapeFiles describes a transfer with its files.
func (a *api) shapeFiles(t transfer, host string) (map[string]any, error) {
	files, err := a.files(t)
	if err != nil {
		return nil, err
	}
	most, _ := a.Switches.Number("files-cap")
	out := a.shape(t)
	out["containsmorefiles"] = a.number(int64(max(len(files)-most, 0)))
	list := []map[string]any{}
	for _, f := range files[:min(most, len(files))] {
		name := strings.TrimPrefix(f.Path, t.Path+"/")
		if a.Switches.Is("slash", "yes") {
			name = "/" + name
		}
		list = append(list, map[string]any{
			"fileid": f.Hash, "filename": name, "filesize": a.number(f.Size),
			"downloadurl": a.links.give(host, f.Hash),
		})
	}
	out["files"] = list
	return out, nil
}

// page cuts a list as it was asked for.
func (a *api) page(all []transfer, p params) map[string]any {
	most, _ := a.Switches.Number("page-cap")
	from, n := 0, len(all)
	if a.Switches.Is("paging", "yes") {
		from, n = min(p.number("skip", 0), len(all)), p.number("limit", 1000)
	}
	list := []map[string]any{}
	for _, t := range all[from:min(from+min(n, most), len(all))] {
		list = append(list, a.shape(t))
	}
	return map[string]any{"transfers": list}
}
