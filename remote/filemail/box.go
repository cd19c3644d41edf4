package filemail

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// listRuns is how often a listing is begun, if it keeps changing.
const listRuns = 3

// recently is how far back the classic API lists what was received: 90 days
// (classic, "transfer/received/get"), and a margin for clocks.
func recently() time.Time { return now().Add(-90*24*time.Hour + time.Hour) }

// box lists all transfers of a box that the tree shows, named.
func (c *Client) box(ctx context.Context, op, box string) ([]transfer, remote.Listing, error) {
	for i := 1; ; i++ {
		r := &boxRun{c: c, op: op, box: box, seen: map[string]int{}}
		l, err := r.pages(ctx)
		if err != nil {
			return nil, l, err
		}
		if r.refused > 0 {
			c.report(box, r.refused)
		}
		if l.Complete || !r.changed || i == listRuns {
			transfers := nameAll(r.records)
			l.Total = len(transfers)
			return transfers, l, nil
		}
	}
}

// report logs that something was left out of a listing: as a warning the first
// time.
func (c *Client) report(folder string, refused int) {
	level := slog.LevelDebug
	if !c.warned.Swap(true) {
		level = slog.LevelWarn
	}
	c.log.Log(context.Background(), level, "left out entries that the provider listed", "folder", folder, "entries", refused)
}

// boxRun is one run over all pages of a box. One goroutine uses it.
type boxRun struct {
	c       *Client
	op, box string
	records []record       // those that are shown
	seen    map[string]int // how many entries there were before each, by id
	last    string         // the last entry so far
	refused int            // entries without a usable id
	changed bool           // whether the list changed between pages
}

// pages reads page after page. Each but the first begins with the last entry of
// the one before, so that nothing can have moved between them unseen.
func (r *boxRun) pages(ctx context.Context) (remote.Listing, error) {
	l := remote.Listing{Sent: now()}
	for {
		skip := max(len(r.seen)-1, 0)
		page, err := r.page(ctx, skip)
		if err != nil {
			return remote.Listing{}, err
		}
		over, ok := r.take(page, skip)
		if over || !ok {
			l.Complete = ok && r.refused == 0
			return l, nil
		}
	}
}

// take takes in a page. over is true if nothing follows, ok is false if it does
// not continue what was seen.
func (r *boxRun) take(page []record, skip int) (over, ok bool) {
	if len(r.seen) > 0 {
		if len(page) == 0 || page[0].id() != r.last {
			return r.repeated(page)
		}
		page = page[1:]
	}
	for i := range page {
		id := page[i].id()
		switch _, again := r.seen[id]; {
		case !validTransfer(id):
			r.refused++
			return true, true // how many to skip cannot be told any more
		case again:
			r.changed = true
			return true, false
		}
		r.seen[id], r.last = len(r.seen), id
		if page[i].shown() {
			r.records = append(r.records, page[i])
		}
	}
	n := len(page)
	if skip > 0 || len(r.seen) > n {
		n++ // the overlap
	}
	return !r.goesOn(n), true
}

// repeated judges a page that does not begin where it should: a server that does
// not know pages sends everything again. Then nothing shows whether it cuts its
// lists at the count that looked suspicious.
func (r *boxRun) repeated(page []record) (over, ok bool) {
	same := len(page) == len(r.seen)
	for i := range page {
		at, known := r.seen[page[i].id()]
		same = same && known && at == i
	}
	r.changed = !same
	return true, false
}

// goesOn tells whether another page may follow one of n entries: it is full, or
// as long as a server may have cut it.
func (r *boxRun) goesOn(n int) bool {
	return n > 1 && (n >= r.c.pageSize || n >= 100 && n%100 == 0)
}

// page reads one page.
func (r *boxRun) page(ctx context.Context, skip int) ([]record, error) {
	var from time.Time
	if r.c.recent.Load() {
		from = recently()
	}
	k := r.c.api.list(r.box, from, r.c.pageSize, skip).named(r.op, "/"+r.box)
	b, err := r.c.ask(ctx, k)
	if r.box == boxReceived && from.IsZero() && remote.IsKind(err, remote.Invalid) {
		// No document of API 2.0 says how far back it goes.
		r.c.recent.Store(true)
		return r.page(ctx, skip)
	}
	if err != nil {
		return nil, err
	}
	var got struct {
		Transfers []record `json:"transfers"`
	}
	if err := clientkit.Lenient(json.Unmarshal(b, &got)); err != nil || got.Transfers == nil {
		return nil, k.corrupt(http.StatusOK, "the answer has no list of transfers", err)
	}
	return got.Transfers, nil
}

// find finds the transfer that a place is about in its box.
func (c *Client) find(ctx context.Context, op string, p place) (*transfer, error) {
	all, l, err := c.box(ctx, op, p.box)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if p.transfer != "" && all[i].id() == p.transfer || p.transfer == "" && all[i].name == p.name {
			return &all[i], nil
		}
	}
	if !l.Complete {
		return nil, &remote.Error{Kind: remote.Temporary, Op: op, Path: p.path, Detail: "the list of transfers is not complete"}
	}
	return nil, remote.E(remote.NotExist, op, p.path, nil)
}
