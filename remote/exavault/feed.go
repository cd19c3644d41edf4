package exavault

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

const (
	// feedPages is how many pages of the activity log are read at once.
	feedPages = 10
	// sureEnd is the size below which a page of the log is taken for the last
	// one: no server is known to have smaller pages.
	sureEnd = 50
)

// Changes reads the activity log (the reference, "GET /activity/session"). Its
// totalResults is always 0, so the pages themselves must show where the log
// ends. A 400 means that nothing happened: the service answers so, against the
// reference, if there is no entry in the time asked for. With a zero time one
// page of the latest entries comes, and complete is false.
func (c *Client) Changes(ctx context.Context, since time.Time) ([]remote.Change, bool, error) {
	r := &feedRun{c: c, seen: map[string]struct{}{}}
	if !since.IsZero() {
		r.since = since.Truncate(time.Second)
	}
	complete, err := r.pages(ctx)
	if err != nil {
		return nil, false, err
	}
	slices.SortStableFunc(r.changes, byAge)
	return r.changes, complete, nil
}

// byAge orders changes, those of one second by their ids, which probably grow.
func byAge(a, b remote.Change) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(len(a.ID), len(b.ID)), strings.Compare(a.ID, b.ID))
}

// feedRun reads the log from its end back to since.
type feedRun struct {
	c       *Client
	since   time.Time // zero: the latest page only
	seen    map[string]struct{}
	changes []remote.Change

	// Of the page being read:
	entries, fresh int       // how many it had, and how many not seen before
	first, last    time.Time // when its outermost entries happened
}

func (r *feedRun) pages(ctx context.Context) (complete bool, err error) {
	offset := 0
	for range feedPages {
		err := r.page(ctx, offset)
		switch {
		case isStatus(err, http.StatusBadRequest):
			return true, nil
		case err != nil:
			return false, err
		case r.since.IsZero():
			return false, nil
		case r.ended():
			return true, nil
		}
		offset += r.entries
	}
	return false, nil
}

// ended tells whether the page just read is the last one needed. One that is
// smaller than another page once was has not been cut short by the server.
func (r *feedRun) ended() bool {
	size := int64(r.entries)
	largest := r.c.feedMax.Load()
	if size > largest {
		r.c.feedMax.Store(size)
	}
	covered := !r.first.Before(r.last) && r.last.Before(r.since)
	return r.fresh == 0 || covered || size < sureEnd || size < largest
}

func (r *feedRun) page(ctx context.Context, offset int) error {
	k := call{op: opActivity, about: "/", method: http.MethodGet, path: "/activity/session"}
	aboutLimit := func(e *remote.Error) bool { return clientkit.Says(e.Detail, "limit") }
	resp, err := r.c.page(ctx, &r.c.feed, aboutLimit, func(limit int64) call {
		k.query = url.Values{"sort": {"-date"}, "offset": {strconv.Itoa(offset)}, "limit": {itoa(limit)}}
		if !r.since.IsZero() {
			k.query.Set("startDate", r.since.UTC().Format(time.RFC3339))
		}
		return k
	})
	if err != nil {
		return err
	}
	defer finish(resp)
	r.entries, r.fresh = 0, 0
	_, err = k.collect(resp, r.element)
	return err
}

// activity is an entry of the log (the reference, schema
// SessionActivityEntry).
type activity struct {
	ID         clientkit.Number `json:"id"`
	Attributes struct {
		Created    clientkit.Text `json:"created"`
		Operation  clientkit.Text `json:"operation"`
		FileName   clientkit.Text `json:"fileName"`
		FileSource clientkit.Text `json:"fileSource"`
		Username   clientkit.Text `json:"username"`
		Status     clientkit.Text `json:"status"`
	} `json:"attributes"`
}

func (r *feedRun) element(dec *json.Decoder) error {
	var a activity
	if err := clientkit.Lenient(dec.Decode(&a)); err != nil {
		return eofIsShort(err)
	}
	r.entries++
	ch, dated := a.change()
	if !dated {
		ch.At = r.since // it must not be lost, nor pass for an old one
	}
	if r.entries == 1 {
		r.first = ch.At
	}
	r.last = ch.At
	if ch.ID != "" {
		if _, ok := r.seen[ch.ID]; ok {
			return nil
		}
		r.seen[ch.ID] = struct{}{}
	}
	r.fresh++
	if !ch.At.Before(r.since) {
		r.changes = append(r.changes, ch)
	}
	return nil
}

// change translates an entry; dated is false if it does not tell when.
func (a *activity) change() (ch remote.Change, dated bool) {
	ch = remote.Change{
		Op:   operations[strings.ToUpper(a.Attributes.Operation.S)],
		Path: feedPath(a.Attributes.FileName.S),
		From: feedPath(a.Attributes.FileSource.S),
		User: clientkit.Clean(a.Attributes.Username.S),
	}
	if a.ID.OK {
		ch.ID = itoa(a.ID.N)
	}
	if ch.Path == "" || clientkit.Says(a.Attributes.Status.S, "fail", "error", "denied", "abort") {
		ch.Op = 0
	}
	if ch.Op != remote.Moved && ch.Op != remote.Copied {
		ch.From = ""
	}
	ch.At, dated = parseTime(a.Attributes.Created.S)
	return ch, dated
}

// operations are the log's codes for changes of content or place (the
// reference, "GET /activity/session", "Operation Types").
var operations = map[string]remote.ChangeOp{
	"STOR":    remote.Changed,
	"COMPR":   remote.Changed,
	"DELE":    remote.Deleted,
	"MKD":     remote.MadeDir,
	"RNTO":    remote.Moved,
	"MOVE":    remote.Moved,
	"COPY":    remote.Copied,
	"EXTRACT": remote.Unpacked,
}

// feedPath returns a path of the log, "" if it cannot be one.
func feedPath(p string) string {
	full := "/" + strings.Trim(p, "/")
	if p == "" || full != "/" && !clientkit.ValidPath(full) {
		return ""
	}
	return full
}
