package filescom

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strconv"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

const (
	// listRuns is how often a listing is begun when it keeps changing.
	listRuns = 3
	// maxPages bounds the pages of one run.
	maxPages = 100_000
)

// Stat describes one object (the SDK, "find"; the reference, "Download file",
// with the action stat). The root, which the service does not describe, is
// proven to be there by a listing of one entry.
func (c *Client) Stat(ctx context.Context, ref remote.Ref) (remote.Object, error) {
	full, err := pathOf(opInfo, ref)
	if err != nil {
		return remote.Object{}, err
	}
	if full == "/" {
		return c.root(ctx)
	}
	k := call{op: opInfo, about: full, method: http.MethodGet, path: pathIn("/file_actions/metadata", full)}
	var o remote.Object
	look := func() error {
		var a one
		r, err := c.ask(ctx, k, &a)
		if err != nil {
			return err
		}
		o, err = c.about(k, &a.entry, r.status)
		return err
	}
	err = c.flow.either(look, func() error {
		k = statCall2020(full)
		return look()
	})
	return o, err
}

func statCall2020(full string) call {
	return call{op: opInfo, about: full, method: http.MethodGet, path: pathIn("/files", full), query: url.Values{"action": {"stat"}}}
}

func (c *Client) root(ctx context.Context) (remote.Object, error) {
	k := call{op: opInfo, about: "/", method: http.MethodGet, path: "/folders", query: url.Values{"per_page": {"1"}}}
	var entries []entry
	r, err := c.ask(ctx, k, &entries)
	switch {
	case err != nil:
		return remote.Object{}, err
	case entries == nil:
		return remote.Object{}, k.corrupt(r.status, "the answer is no list", nil)
	}
	return remote.Object{Path: "/", Dir: true}, nil
}

// List lists a folder (the SDK, "list_for"; the reference, "List folder").
func (c *Client) List(ctx context.Context, dir remote.Ref, page func([]remote.Object) error) (remote.Listing, error) {
	full, err := pathOf(opList, dir)
	if err != nil {
		return remote.Listing{}, err
	}
	w := &walk{c: c, dir: full, hand: page, call: call{op: opList, about: full, method: http.MethodGet, path: pathIn("/folders", full)}}
	l, _, err := w.list(ctx)
	return l, err
}

// walk lists a folder or a tree.
type walk struct {
	c    *Client
	dir  string
	call call
	tree bool
	hand func([]remote.Object) error
}

// list runs over all pages, again if the listing changed meanwhile.
func (w *walk) list(ctx context.Context) (remote.Listing, *run, error) {
	for i := 1; ; i++ {
		r := &run{w: w, seen: map[string]bool{}}
		l, err := r.pages(ctx)
		w.report(r)
		if err != nil || !r.changed || i == listRuns {
			return l, r, err
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

// run is one run over all pages of a listing. One goroutine uses it.
//
// The service does not count a folder's entries. Its pages follow cursors, each
// of which stands for the last entry so far, so that nothing moves between
// pages unseen; the page without one is the last (the SDK). Numbered pages, as
// in 2020, cannot show that: a listing that takes several is not complete.
type run struct {
	w    *walk
	seen map[string]bool // paths, and whether there is a folder

	changed    bool // whether an entry came twice
	numbered   bool // whether there were numbered pages after the first
	refused    int  // entries that no file here can stand for
	unreadable int  // entries that may hide a name
	isFile     bool // whether what is listed showed itself, and is a file
}

func (r *run) pages(ctx context.Context) (remote.Listing, error) {
	l := remote.Listing{Sent: r.w.c.now()}
	at := place{number: 1}
	for range maxPages {
		next, more, err := r.page(ctx, at)
		if err != nil {
			return l, err
		}
		l.Total = len(r.seen)
		if !more {
			return r.end(l)
		}
		if next.cursor != "" && next.cursor == at.cursor {
			return l, nil // it does not get on
		}
		at = next
	}
	return l, nil
}

// end judges a run over all pages.
func (r *run) end(l remote.Listing) (remote.Listing, error) {
	if r.isFile && len(r.seen) == 0 {
		return l, remote.E(remote.NotDir, r.w.call.op, r.w.dir, nil)
	}
	l.Complete = r.unreadable == 0 && !r.changed && !r.numbered
	return l, nil
}

// place is where a page begins: at a cursor, or by number.
type place struct {
	cursor string
	number int
}

// page reads one page, hands its entries on, and tells where the next begins.
func (r *run) page(ctx context.Context, at place) (next place, more bool, err error) {
	var entries []entry
	limit, header, err := r.w.c.page(func(limit int64) (head, error) {
		k := r.w.call
		k.query = r.w.query(at, limit)
		entries = nil
		a, err := r.w.c.ask(ctx, k, &entries)
		if err == nil && entries == nil {
			err = k.corrupt(a.status, "the answer is no list", nil)
		}
		return a, err
	})
	if err != nil {
		return next, false, err
	}
	before, changed := len(r.seen), r.changed
	if err := r.take(entries); err != nil {
		return next, false, err
	}
	fresh := len(r.seen) > before
	if at.number > 1 {
		// A server that ignores the number gives the first page again.
		r.numbered, r.changed = r.numbered || fresh, changed || r.changed && fresh
	}
	if cursor := nextCursor(header); cursor != "" {
		r.w.c.cursors.Store(true)
		return place{cursor: cursor}, true, nil
	}
	if at.cursor != "" || !r.w.c.mayGoOn(int64(len(entries)), limit) || !fresh {
		return next, false, nil
	}
	return place{number: at.number + 1}, true, nil
}

// mayGoOn tells whether a page without a cursor may be followed by another one:
// a server of 2020 has no cursors, and may give no more than some round number.
func (c *Client) mayGoOn(entries, limit int64) bool {
	return !c.cursors.Load() && c.flow.known.Load() != flowToday && entries > 0 && (entries >= limit || entries >= 100 && entries%50 == 0)
}

func nextCursor(h http.Header) string {
	if cursor := h.Get("X-Files-Cursor-Next"); cursor != "" {
		return cursor
	}
	return h.Get("X-Files-Cursor")
}

func (w *walk) query(at place, limit int64) url.Values {
	q := url.Values{"per_page": {strconv.FormatInt(limit, 10)}}
	switch {
	case at.cursor != "":
		q.Set("cursor", at.cursor)
	case at.number > 1:
		q.Set("page", strconv.Itoa(at.number))
	}
	if w.tree {
		q.Set("recursive", "true")
	}
	return q
}

// take hands on the entries of a page that can be used.
func (r *run) take(entries []entry) error {
	var batch []remote.Object
	for i := range entries {
		dir := r.w.dir
		if r.w.tree {
			dir = ""
		}
		o, f := r.w.c.object(&entries[i], dir)
		switch f {
		case badName:
			r.refused++
			continue
		case unreadable:
			r.unreadable++
			continue
		}
		if r.accept(&o) {
			batch = append(batch, o)
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return r.w.hand(batch)
}

// accept notes an entry and tells whether it is to be handed on, under the path
// by which the folder was asked for.
func (r *run) accept(o *remote.Object) bool {
	if o.Path == "/" || alike(o.Path, r.w.dir) {
		r.isFile = r.isFile || !o.Dir
		return false
	}
	full, ok := r.w.rebase(o.Path)
	if !ok {
		r.unreadable++
		return false
	}
	o.Path = full
	if _, twice := r.seen[full]; twice {
		r.changed = true
		return false
	}
	r.seen[full] = o.Dir
	r.w.c.links.observe(*o)
	return true
}

// rebase writes an entry's path below the folder as it was asked for; false if
// it is not in it.
func (w *walk) rebase(full string) (string, bool) {
	if !w.tree {
		return clientkit.Join(w.dir, path.Base(full)), alike(path.Dir(full), w.dir)
	}
	return below(w.dir, full)
}
