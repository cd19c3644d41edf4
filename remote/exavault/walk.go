package exavault

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// placement is where an entry is, seen from what was listed.
type placement uint8

const (
	inside placement = iota
	itself
	outside
)

// walk lists a folder or a tree.
type walk struct {
	c     *Client
	op    string
	dir   remote.Ref
	query url.Values
	tree  bool
	place func(remote.Object) placement
	hand  func([]remote.Object) error
	// own is true if nobody else writes to what is listed, so that pages need
	// no entry in common. enough, if not nil, is told what the first page said
	// the total is, after each page; it ends the listing by returning true.
	own    bool
	enough func(total int) bool
}

// call is the request for one page.
func (w *walk) call(offset, limit int64) call {
	q := maps.Clone(w.query)
	q.Set("offset", itoa(offset))
	q.Set("limit", itoa(limit))
	return call{op: w.op, about: w.dir.Path, method: http.MethodGet, path: "/resources/list", query: q}
}

// list runs over all pages, again if the listing changed meanwhile.
func (w *walk) list(ctx context.Context) (remote.Listing, error) {
	for i := 1; ; i++ {
		r := &run{w: w, seen: map[int64]struct{}{}, parents: map[string]struct{}{}}
		l, err := r.pages(ctx)
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
		"folder", clientkit.Clean(w.dir.Path), "impossible names", r.refused, "unreadable", r.unreadable)
}

// run is one run over all pages of a listing. One goroutine uses it.
type run struct {
	w       *walk
	total   int64              // what the first page said, -1 if nothing
	seen    map[int64]struct{} // ids
	last    int64              // id of the last entry so far
	batch   []remote.Object    // accepted, not yet handed over
	changed bool               // whether the listing changed between pages

	refused    int // entries that no file here can stand for
	unreadable int // entries that may hide a name

	// isFile is true if there was an entry for what is listed, and it was no
	// folder's. A file that is listed may be answered so.
	isFile bool

	// What is known of the tree, to find out whether the search really looked
	// below the first level.
	deeper  bool                // whether there was an entry below the first level
	parents map[string]struct{} // the folders in which there was an entry
	dirs    []folder

	// Of the page being read:
	entries int  // how many it had
	first   bool // whether it is the first
}

// folder is a folder in a tree listing and how many entries the provider says
// it has.
type folder struct {
	path  string
	count clientkit.Number
}

// pages reads page after page until all entries were seen or no progress is
// made. Each page but the first begins with the last entry of the one before:
// so nothing can have moved between them unseen. Where nobody else writes, as
// many distinct ids as the total prove it.
func (r *run) pages(ctx context.Context) (remote.Listing, error) {
	l := remote.Listing{Sent: now()}
	for offset := int64(0); ; {
		before := len(r.seen)
		if err := r.page(ctx, offset); err != nil {
			return l, err
		}
		l.Total = int(max(r.total, 0))
		progress := len(r.seen) > before
		switch {
		case r.changed:
			return l, nil
		case int64(len(r.seen)) == r.total:
			return r.end(l)
		case !progress, r.w.enough != nil && r.w.enough(l.Total):
			return l, nil
		}
		offset += int64(r.entries)
		if !r.w.own {
			offset--
		}
	}
}

// shared tells whether the entry being read is the one that the page has in
// common with the page before.
func (r *run) shared() bool { return r.entries == 1 && !r.first && !r.w.own }

// end judges a run that saw as many entries as there are.
func (r *run) end(l remote.Listing) (remote.Listing, error) {
	if r.isFile && r.total == 1 {
		return l, remote.E(remote.NotDir, r.w.op, r.w.dir.Path, nil)
	}
	l.Complete = r.unreadable == 0
	if !r.w.tree {
		return l, nil
	}
	empty, unknown := r.unvisited()
	switch {
	case empty && !r.deeper:
		return l, r.misbehaves("the search does not look into folders")
	case empty, unknown && !r.deeper:
		l.Complete = false
	}
	return l, nil
}

// unvisited tells whether there is a folder that has entries by the provider's
// word and none in the listing, and whether there is one of which that is not
// known.
func (r *run) unvisited() (empty, unknown bool) {
	for _, d := range r.dirs {
		if _, ok := r.parents[d.path]; !ok {
			empty = empty || d.count.N > 0
			unknown = unknown || !d.count.OK
		}
	}
	return empty, unknown
}

func (r *run) misbehaves(detail string) error {
	return &remote.Error{Kind: remote.Unsupported, Op: r.w.op, Path: r.w.dir.Path, Detail: detail}
}

// page reads one page, with a smaller limit if the server refuses this one.
func (r *run) page(ctx context.Context, offset int64) error {
	always := func(*remote.Error) bool { return true }
	resp, err := r.w.c.page(ctx, &r.w.c.pages, always, func(limit int64) call { return r.w.call(offset, limit) })
	if err != nil {
		return err
	}
	defer finish(resp)
	r.entries, r.first = 0, offset == 0 && len(r.seen) == 0
	page, err := r.w.call(offset, 0).collect(resp, r.element)
	if err != nil {
		return err
	}
	r.count(page.total)
	if err := r.flush(); err != nil || !r.first || r.total < 0 {
		return err
	}
	return remote.ShowFirstPage(ctx, remote.FirstPage{Entries: r.entries, Total: int(r.total)})
}

// count compares the totals of all pages.
func (r *run) count(total clientkit.Number) {
	n := total.N
	if !total.OK || n < 0 {
		n = -1
	}
	if !r.first && n != r.total || n >= 0 && int64(len(r.seen)) > n {
		r.changed = true
	}
	r.total = n
}

// element takes one entry of a page.
func (r *run) element(dec *json.Decoder) error {
	var w resource
	if err := clientkit.Lenient(dec.Decode(&w)); err != nil {
		return r.w.call(0, 0).corrupt(http.StatusOK, "an entry cannot be read", eofIsShort(err))
	}
	r.entries++
	switch {
	case !w.ID.OK:
		r.unreadable++
		return nil
	case r.shared():
		r.changed = r.changed || w.ID.N != r.last
	default:
		r.note(w.ID.N)
	}
	return r.take(&w)
}

// note records an id; a second entry with it means that the listing shifted.
func (r *run) note(id int64) {
	_, twice := r.seen[id]
	r.changed = r.changed || twice
	r.seen[id] = struct{}{}
	r.last = id
}

// take hands an entry on if it can be used. The entry that two pages share was
// handed over with the first of them.
func (r *run) take(w *resource) error {
	if r.changed || r.shared() {
		return nil
	}
	dir := ""
	if !r.w.tree {
		dir = r.w.dir.Path
	}
	o, f := w.object(dir)
	switch f {
	case badName:
		r.refused++
		return nil
	case unreadable:
		r.unreadable++
		return nil
	}
	return r.accept(o, w.Attributes.FileCount)
}

func (r *run) accept(o remote.Object, count clientkit.Number) error {
	switch r.w.place(o) {
	case itself:
		r.isFile = !o.Dir
		return nil
	case outside:
		if r.w.tree {
			return r.misbehaves("the search finds what is not below the folder")
		}
		r.unreadable++
		return nil
	}
	r.survey(o, count)
	r.batch = append(r.batch, o)
	if len(r.batch) >= handOver {
		return r.flush()
	}
	return nil
}

// survey remembers what end needs to know about a tree.
func (r *run) survey(o remote.Object, count clientkit.Number) {
	if !r.w.tree {
		return
	}
	parent := path.Dir(o.Path)
	r.parents[parent] = struct{}{}
	r.deeper = r.deeper || strings.TrimSuffix(parent, "/") != strings.TrimSuffix(r.w.dir.Path, "/")
	if o.Dir {
		r.dirs = append(r.dirs, folder{o.Path, count})
	}
}

func (r *run) flush() error {
	if len(r.batch) == 0 {
		return nil
	}
	batch := r.batch
	r.batch = nil
	return r.w.hand(batch)
}
