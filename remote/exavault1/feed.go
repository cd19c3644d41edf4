package exavault1

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

const (
	// feedLimit is how many entries of the log to ask for at once, and feedPages
	// how many pages of it are read.
	feedLimit = 100
	feedPages = 10
	// sureEnd is the size below which a page of the log is taken for the last
	// one: a page has 25 entries if nothing is said (the SDK,
	// getFileActivityLogs).
	sureEnd = 25
)

// Changes reads the activity log (the SDK, getFileActivityLogs), which only
// administrators may. It is read from its end, without a filter by date, whose
// form no document shows. If all that it has is older than since, the latest
// page comes whole: the log's clock need not be ours, and its times have no
// zone. With a zero time one page of the latest entries comes, and complete is
// false.
func (c *Client) Changes(ctx context.Context, since time.Time) ([]remote.Change, bool, error) {
	r := &feedRun{c: c, seen: map[string]struct{}{}}
	if !since.IsZero() {
		r.since = since.Truncate(time.Second)
	}
	complete, err := r.pages(ctx)
	if err != nil {
		return nil, false, err
	}
	if len(r.changes) == 0 {
		r.changes = r.older
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
	older   []remote.Change // those of the first page from before since
}

func (r *feedRun) pages(ctx context.Context) (complete bool, err error) {
	for page, offset := 0, 0; page < feedPages; page++ {
		entries, err := r.page(ctx, offset)
		if err != nil {
			return false, err
		}
		fresh, covered := r.take(entries, page == 0)
		switch {
		case r.since.IsZero():
			return false, nil
		case !fresh, covered, len(entries) < sureEnd:
			return true, nil
		}
		offset += len(entries)
	}
	return false, nil
}

// page reads one page. Whoever is refused for no reason that concerns the
// account may not read the log.
func (r *feedRun) page(ctx context.Context, offset int) ([]logEntry, error) {
	k := call{op: opActivity, about: "/", name: "getFileActivityLogs", form: url.Values{
		"offset": {strconv.Itoa(offset)}, "itemLimit": {strconv.Itoa(feedLimit)},
		"sortBy": {"sort_logs_date"}, "sortOrder": {"desc"},
	}}
	a, err := r.c.ask(ctx, k)
	if definite(err) {
		e := clientkit.Lost(opActivity, "/", false, err)
		e.Kind = remote.Permission
		return nil, e
	}
	if err != nil {
		return nil, err
	}
	var entries []logEntry
	if err := clientkit.Lenient(json.Unmarshal(a.Results, &entries)); err != nil || entries == nil {
		return nil, k.corrupt("the answer has no log", err)
	}
	return entries, nil
}

// take takes in a page. fresh tells whether it had entries that were not seen
// before, covered whether it reaches back beyond since.
func (r *feedRun) take(entries []logEntry, first bool) (fresh, covered bool) {
	for i := range entries {
		ch, dated := entries[i].change()
		if !dated {
			ch.At = r.since // it must not be lost, nor pass for an old one
		}
		covered = ch.At.Before(r.since)
		if _, twice := r.seen[ch.ID]; twice && ch.ID != "" {
			continue
		}
		r.seen[ch.ID] = struct{}{}
		fresh = true
		switch {
		case !ch.At.Before(r.since):
			r.changes = append(r.changes, ch)
		case first:
			r.older = append(r.older, ch)
		}
	}
	return fresh, covered
}

// logEntry is an entry of the log (the SDK, LogEntry).
type logEntry struct {
	ID         json.RawMessage `json:"id"`
	Created    stamp           `json:"created"`
	Operation  clientkit.Text  `json:"operation"`
	FileName   clientkit.Text  `json:"fileName"`
	FileSource clientkit.Text  `json:"fileSource"`
	Username   clientkit.Text  `json:"username"`
	Status     clientkit.Text  `json:"status"`
}

// change translates an entry; dated is false if it does not tell when.
func (l *logEntry) change() (ch remote.Change, dated bool) {
	ch = remote.Change{
		ID:   clientkit.Clean(strings.Trim(string(l.ID), `"`)),
		Op:   operations[strings.ToUpper(l.Operation.S)],
		Path: feedPath(l.FileName.S), From: feedPath(l.FileSource.S), User: clientkit.Clean(l.Username.S),
		At: l.Created.at,
	}
	if ch.ID == "null" {
		ch.ID = ""
	}
	if ch.Path == "" || clientkit.Says(l.Status.S, "fail", "error", "denied", "abort") {
		ch.Op = 0
	}
	if ch.Op != remote.Moved && ch.Op != remote.Copied {
		ch.From = ""
	}
	return ch, l.Created.ok
}

// operations are the log's codes for changes of content or place, and the words
// that the file manager shows for them.
var operations = map[string]remote.ChangeOp{
	"STOR": remote.Changed, "UPLOAD": remote.Changed,
	"COMPR": remote.Changed, "COMPRESS": remote.Changed,
	"DELE": remote.Deleted, "DELETE": remote.Deleted,
	"MKD": remote.MadeDir, "CREATE FOLDER": remote.MadeDir,
	"RNTO": remote.Moved, "RENAME": remote.Moved,
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
