package exavault1

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// listRuns is how often a listing is begun when it keeps changing.
const listRuns = 3

// everything is the pattern of a search for all names, a regular expression (the
// SDK, getResourceList).
const everything = ".*"

// List lists a folder (the SDK, getResourceList).
func (c *Client) List(ctx context.Context, dir remote.Ref, page func([]remote.Object) error) (remote.Listing, error) {
	return c.walk(ctx, &walk{c: c, op: opList, hand: page}, dir)
}

// ListTree lists everything below a folder with a search. No document says that
// a search looks into folders, nor that it finds folders: a server whose search
// does not gets an error of kind Unsupported, and a tree in which nothing shows
// whether it did is not complete.
func (c *Client) ListTree(ctx context.Context, dir remote.Ref, page func([]remote.Object) error) (remote.Listing, error) {
	return c.walk(ctx, &walk{c: c, op: opTree, hand: page, tree: true}, dir)
}

func (c *Client) walk(ctx context.Context, w *walk, dir remote.Ref) (remote.Listing, error) {
	var err error
	if w.dir, err = pathOf(w.op, dir); err != nil {
		return remote.Listing{}, err
	}
	w.dir = "/" + strings.Trim(w.dir, "/")
	l, err := w.list(ctx)
	if definite(err) && remote.KindOf(err) != remote.NotDir {
		err = c.explain(ctx, err, place{w.dir, aFolder})
		if w.tree && definite(err) && !remote.IsKind(err, remote.NotExist) && !remote.IsKind(err, remote.NotDir) {
			err = w.misbehaves(err.Error())
		}
	}
	return l, err
}

// walk lists a folder or a tree.
type walk struct {
	c    *Client
	op   string
	dir  string
	tree bool
	hand func([]remote.Object) error
}

// listCall is the request for one page.
func listCall(op, dir string, offset, limit int, detailed bool) call {
	return call{op: op, about: dir, name: "getResourceList", form: url.Values{
		"path": {dir}, "sortBy": {"sort_files_name"}, "sortOrder": {"asc"},
		"offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(limit)}, "detailed": {strconv.FormatBool(detailed)},
	}}
}

// list runs over all pages, again if the listing changed meanwhile, and once
// more with all details if the server leaves out what is needed otherwise.
func (w *walk) list(ctx context.Context) (remote.Listing, error) {
	for i := 1; ; i++ {
		r := &run{w: w, detailed: w.c.detailed.Load(), seen: map[string]struct{}{}, parents: map[string]struct{}{}, dirs: map[string]clientkit.Number{}}
		l, err := r.pages(ctx)
		if r.bare > 0 && !r.detailed && err == nil {
			w.c.detailed.Store(true)
			i--
			continue
		}
		w.report(r)
		if err != nil || l.Complete || !r.changed || r.unreadable > 0 || i == listRuns {
			return l, err
		}
	}
}

// report logs what was left out of a run: as a warning the first time.
func (w *walk) report(r *run) {
	if r.refused == 0 && r.unreadable == 0 {
		return
	}
	level := slog.LevelDebug
	if !w.c.warned.Swap(true) {
		level = slog.LevelWarn
	}
	w.c.log.Log(context.Background(), level, "left out entries that the provider listed",
		"folder", clientkit.Clean(w.dir), "impossible names", r.refused, "unreadable", r.unreadable)
}

func (w *walk) misbehaves(detail string) error {
	return &remote.Error{Kind: remote.Unsupported, Op: w.op, Path: w.dir, Detail: clientkit.Clean(detail)}
}

// place is where an object is, seen from what was listed.
func (w *walk) inside(o remote.Object) bool {
	if w.tree {
		return strings.HasPrefix(o.Path, strings.TrimSuffix(w.dir, "/")+"/")
	}
	return o.Path != "/" && path.Dir(o.Path) == w.dir
}

// listing is a page on the wire (the SDK, ResourceResponse).
type listing struct {
	Total     clientkit.Number `json:"totalFiles"`
	Resources []resource       `json:"resources"`
}

// page reads one page.
func (w *walk) page(ctx context.Context, offset int, detailed bool) (*listing, error) {
	k := listCall(w.op, w.dir, offset, w.c.pageSize, detailed)
	if w.tree {
		k.form.Set("pattern", everything)
	}
	a, err := w.c.ask(ctx, k)
	if err != nil {
		return nil, err
	}
	p := &listing{}
	if err := clientkit.Lenient(json.Unmarshal(a.Results, p)); err != nil || p.Resources == nil {
		// PHP writes an empty list as null or {} at times; neither shows that
		// there are no entries.
		return nil, k.corrupt("the answer has no listing", err)
	}
	return p, nil
}
