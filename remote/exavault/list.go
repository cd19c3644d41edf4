package exavault

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
)

// The operations as the ledger and errors name them.
const (
	opList     = "list"
	opTree     = "tree"
	opInfo     = "info"
	opMkdir    = "mkdir"
	opUpload   = "upload"
	opDownload = "download"
	opArchive  = "archive"
	opMove     = "move"
	opCopy     = "copy"
	opRename   = "rename"
	opDelete   = "delete"
	opExtract  = "extract"
	opAccount  = "account"
	opActivity = "activity"
)

const (
	// listLimit is how many entries to ask for. The reference, "GET
	// /resources/list", states no maximum.
	listLimit = 10_000
	// feedLimit is the same for the activity log.
	feedLimit = 1000
	// listRuns is how often a listing is begun when it keeps changing.
	listRuns = 3
	// handOver is how many entries are handed to the caller at once.
	handOver = 1000
)

// Stat describes one object (the reference, "GET /resources").
func (c *Client) Stat(ctx context.Context, ref remote.Ref) (remote.Object, error) {
	id, err := identifier(opInfo, ref)
	if err != nil {
		return remote.Object{}, err
	}
	k := call{op: opInfo, about: ref.Path, method: http.MethodGet, path: "/resources", query: url.Values{"resource": {id}}}
	a, err := c.ask(ctx, k)
	if err != nil {
		return remote.Object{}, err
	}
	o, err := k.resource(a)
	if err == nil && ref.ID != "" && o.ID != ref.ID {
		return remote.Object{}, k.corrupt(a.http, "the answer is about another resource", nil)
	}
	return o, err
}

// pathOf returns the path of ref, asking for it if only the id is known.
func (c *Client) pathOf(ctx context.Context, ref remote.Ref) (string, error) {
	if ref.Path != "" {
		return ref.Path, nil
	}
	o, err := c.Stat(ctx, ref)
	return o.Path, err
}

// List lists a folder (the reference, "GET /resources/list"; it has no stated
// limit to a page, which "GET /resources/list/{id}" has).
func (c *Client) List(ctx context.Context, dir remote.Ref, page func([]remote.Object) error) (remote.Listing, error) {
	id, err := identifier(opList, dir)
	if err != nil {
		return remote.Listing{}, err
	}
	w := &walk{c: c, op: opList, dir: dir, hand: page, query: url.Values{"resource": {id}, "sort": {"name"}}}
	w.place = w.inFolder
	return w.list(ctx)
}

// inFolder judges an entry of a folder's listing.
func (w *walk) inFolder(o remote.Object) placement {
	switch {
	case o.Path == w.dir.Path, w.dir.ID != "" && o.ID == w.dir.ID:
		return itself
	case w.dir.ID != "" && o.ParentID == w.dir.ID:
		return inside // whatever its path: the folder may have been moved
	case path.Dir(o.Path) == w.dir.Path, w.dir.Path == "" && o.ParentID == "":
		return inside
	}
	return outside
}

// ListTree lists everything below a folder in search mode (the reference,
// "GET /resources/list", "Searching for Files and Folders"). A server whose
// search does not do what is said there gets an error of kind Unsupported.
func (c *Client) ListTree(ctx context.Context, dir remote.Ref, page func([]remote.Object) error) (remote.Listing, error) {
	return c.listTree(ctx, &walk{op: opTree, dir: dir, hand: page}, "name")
}

// ListOwnTree is ListTree without an entry in common between two pages, files
// first. Search mode ignores the parameter "type" (the reference), so files alone
// cannot be asked for; that one may sort by type is likely, and not stated: a
// server that refuses it is not asked again.
func (c *Client) ListOwnTree(ctx context.Context, dir remote.Ref, page func([]remote.Object) error, enough func(total int) bool) (remote.Listing, error) {
	list := func(sort string) (remote.Listing, error) {
		return c.listTree(ctx, &walk{op: opTree, dir: dir, hand: page, own: true, enough: enough}, sort)
	}
	if !c.noTypeSort.Load() {
		l, err := list("-type,-name")
		if !isStatus(err, http.StatusBadRequest) {
			return l, err
		}
		c.noTypeSort.Store(true)
	}
	return list("name")
}

func (c *Client) listTree(ctx context.Context, w *walk, sort string) (remote.Listing, error) {
	dir := w.dir
	id, err := identifier(opTree, dir)
	if err != nil {
		return remote.Listing{}, err
	}
	if dir.Path, err = c.pathOf(ctx, dir); err != nil {
		return remote.Listing{}, err
	}
	w.c, w.dir, w.place, w.tree = c, dir, w.inTree, true
	w.query = url.Values{"resource": {id}, "name": {"*"}, "sort": {sort}}
	return w.list(ctx)
}

func (w *walk) inTree(o remote.Object) placement {
	below := strings.TrimSuffix(w.dir.Path, "/") + "/"
	switch {
	case o.Path == w.dir.Path, w.dir.ID != "" && o.ID == w.dir.ID:
		return itself
	case strings.HasPrefix(o.Path, below):
		return inside
	}
	return outside
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
