package filescom

import (
	"cmp"
	"context"
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
	// feedPages is how many pages of the log are read at once, of feedLimit
	// entries each.
	feedPages = 10
	feedLimit = 1000
	// latest is how far back the log is read if no time is given.
	latest = 10 * time.Minute
)

// Changes reads the action log (the SDK, "ActionLog"), or, where there is none,
// the history (the reference, "List site actions history"). Neither tells in
// which order entries come, so all pages are read; nor whether what came
// to be is a file or a folder, which is known of what this client made. With a zero time the entries
// of the last minutes come, and complete is false.
func (c *Client) Changes(ctx context.Context, since time.Time) ([]remote.Change, bool, error) {
	r := &feedRun{c: c, since: since.Truncate(time.Second), seen: map[string]bool{}}
	if since.IsZero() {
		r.since = c.now().Add(-latest).Truncate(time.Second)
	}
	from := r.since.Add(-time.Second).UTC().Format(time.RFC3339)
	var complete bool
	err := c.flow.either(func() (err error) {
		complete, err = r.pages(ctx, "/action_logs", url.Values{"filter_gt[created_at]": {from}})
		return err
	}, func() (err error) {
		complete, err = r.pages(ctx, "/history", url.Values{"start_at": {from}})
		return err
	})
	if err != nil {
		return nil, false, err
	}
	slices.SortStableFunc(r.changes, byAge)
	return r.changes, complete && !since.IsZero(), nil
}

// byAge orders changes, those of one second by their ids, which grow.
func byAge(a, b remote.Change) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(len(a.ID), len(b.ID)), strings.Compare(a.ID, b.ID))
}

// feedRun reads the log.
type feedRun struct {
	c       *Client
	since   time.Time
	seen    map[string]bool // ids
	changes []remote.Change
}

// pages reads all pages; complete is false if there are too many.
func (r *feedRun) pages(ctx context.Context, collection string, filter url.Values) (complete bool, err error) {
	k := call{op: opActivity, about: "/", method: http.MethodGet, path: collection}
	at := place{number: 1}
	for range feedPages {
		k.query = url.Values{"per_page": {strconv.Itoa(feedLimit)}}
		for name, values := range filter {
			k.query[name] = values
		}
		if at.cursor != "" {
			k.query.Set("cursor", at.cursor)
		} else if at.number > 1 {
			k.query.Set("page", strconv.Itoa(at.number))
		}
		var entries []action
		a, err := r.c.ask(ctx, k, &entries)
		if err != nil {
			return false, err
		}
		if entries == nil {
			return false, k.corrupt(a.status, "the answer is no list", nil)
		}
		fresh := r.take(entries)
		next := nextCursor(a.header)
		switch {
		case next != "" && next == at.cursor:
			return false, nil
		case next != "":
			at = place{cursor: next}
		case at.cursor != "" || !r.c.mayGoOn(int64(len(entries)), feedLimit) || fresh == 0:
			return true, nil
		default:
			at.number++
		}
	}
	return false, nil
}

// action is an entry of the log (the SDK, "ActionLog"; the reference, "The
// History object").
type action struct {
	ID          clientkit.Number `json:"id"`
	Created     clientkit.Text   `json:"created_at"`
	When        clientkit.Text   `json:"when"`
	Action      clientkit.Text   `json:"action"`
	Path        clientkit.Text   `json:"path"`
	Src         clientkit.Text   `json:"src"`    // in the action log
	Source      clientkit.Text   `json:"source"` // in the history
	Destination clientkit.Text   `json:"destination"`
	Failure     clientkit.Text   `json:"failure_type"`
	Username    clientkit.Text   `json:"username"`
}

// take keeps the entries of a page, and tells how many were new.
func (r *feedRun) take(entries []action) (fresh int) {
	for i := range entries {
		ch, dated := entries[i].change()
		if ch.Op == remote.Changed && r.c.made.has(ch.Path) {
			ch.Op = remote.MadeDir
		}
		if !dated {
			ch.At = r.since // it must not be lost, nor pass for an old one
		}
		if ch.ID == "" {
			ch.ID = anonymous(ch)
		}
		if r.seen[ch.ID] {
			continue
		}
		r.seen[ch.ID] = true
		fresh++
		if !ch.At.Before(r.since) {
			r.changes = append(r.changes, ch)
		}
	}
	return fresh
}

// anonymous makes an id for an entry that has none: what it tells.
func anonymous(ch remote.Change) string {
	return strings.Join([]string{ch.At.UTC().Format(time.RFC3339Nano), strconv.Itoa(int(ch.Op)), ch.Path, ch.From, ch.User}, "|")
}

// operations are the log's actions that change content or place (the reference,
// "The History object").
var operations = map[string]remote.ChangeOp{
	"create":  remote.Changed,
	"update":  remote.Changed,
	"destroy": remote.Deleted,
	"move":    remote.Moved,
	"copy":    remote.Copied,
}

// change translates an entry; dated is false if it does not tell when.
func (a *action) change() (ch remote.Change, dated bool) {
	ch = remote.Change{Op: operations[a.Action.S], Path: feedPath(a.Path.S), User: clientkit.Clean(a.Username.S)}
	if a.ID.OK {
		ch.ID = itoa(a.ID.N)
	}
	if ch.Op == remote.Moved || ch.Op == remote.Copied {
		from, to := feedPath(cmp.Or(a.Src.S, a.Source.S)), feedPath(a.Destination.S)
		if from == "" && to != "" && to != ch.Path {
			from = ch.Path
		}
		ch.From = from
		if to != "" {
			ch.Path = to
		}
	}
	if ch.Path == "" || a.Failure.S != "" && a.Failure.S != "none" {
		ch.Op = 0
	}
	for _, t := range []clientkit.Text{a.Created, a.When} {
		if ch.At, dated = parseTime(t.S); dated {
			break
		}
	}
	return ch, dated
}

// feedPath returns a path of the log, "" if it cannot be one.
func feedPath(p string) string {
	full := "/" + strings.Trim(p, "/")
	if p == "" || full != "/" && !clientkit.ValidPath(full) {
		return ""
	}
	return full
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
