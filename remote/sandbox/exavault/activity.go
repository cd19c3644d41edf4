package exavault

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// codes are the operation types of GET /activity/session.
var codes = map[store.Op]string{
	store.OpUpload: "STOR", store.OpDownload: "RETR", store.OpDelete: "DELE", store.OpMkdir: "MKD",
	store.OpRename: "RNTO", store.OpMove: "MOVE", store.OpCopy: "COPY",
	store.OpCompress: "COMPR", store.OpExtract: "EXTRACT",
}

// activity answers GET /activity/session. Paths are the account's, not the
// user's.
func (a *api) activity(w http.ResponseWriter, r *http.Request) error {
	if a.Switches.Is("activity", "forbidden") {
		return errForbidden
	}
	f, err := a.readFilter(r.URL.Query())
	if err != nil {
		return err
	}
	a.Store.Sweep() // changes made by hand are in the log, too
	visible := a.Now().Add(-a.Switches.Duration("activity-lag"))
	entries := a.Store.Log(func(e store.Entry) bool { return !e.At.After(visible) && f.accepts(e) })
	if len(entries) == 0 && f.ranged && a.Switches.Is("activity-empty", "400") {
		return invalid("End date is not valid.")
	}
	slices.SortFunc(entries, f.compare)
	from := min(f.offset, len(entries))
	page := entries[from:min(from+f.limit, len(entries))]
	data := make([]map[string]any, 0, len(page))
	for _, e := range page {
		data = append(data, logEntry(e))
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"responseStatus": http.StatusOK, "data": data, "returnedResults": len(data),
		"totalResults": 0, // "Total Results will always return as 0"
	})
	return nil
}

// logEntry is the schema SessionActivityEntry.
func logEntry(e store.Entry) map[string]any {
	status := "-"
	if e.Failed {
		status = "failed"
	}
	return map[string]any{
		"id": e.ID, "type": "sessionActivity",
		"attributes": map[string]any{
			"created": e.At.UTC().Format("2006-01-02T15:04:05Z"), "operation": codes[e.Op],
			"fileName": e.Path, "fileSource": e.From, "bytesTransferred": e.Bytes, "duration": 0,
			"username": e.User, "ipAddress": e.IP, "protocol": e.Protocol, "sessionId": e.Session, "status": status,
		},
	}
}

// filter is what the parameters of the log ask for.
type filter struct {
	from, to            time.Time // whole seconds, both included
	ranged              bool
	user, ip, path, typ string
	offset, limit       int
	sort                []logKey
}

type logKey struct {
	compare func(a, b store.Entry) int
	desc    bool
}

// logFields are the sort fields; the documents name only "date".
var logFields = map[string]func(a, b store.Entry) int{
	"date":      func(a, b store.Entry) int { return cmp.Compare(a.At.Unix(), b.At.Unix()) },
	"created":   func(a, b store.Entry) int { return cmp.Compare(a.At.Unix(), b.At.Unix()) },
	"operation": func(a, b store.Entry) int { return strings.Compare(codes[a.Op], codes[b.Op]) },
	"type":      func(a, b store.Entry) int { return strings.Compare(codes[a.Op], codes[b.Op]) },
	"fileName":  func(a, b store.Entry) int { return strings.Compare(a.Path, b.Path) },
	"username":  func(a, b store.Entry) int { return strings.Compare(a.User, b.User) },
	"ipAddress": func(a, b store.Entry) int { return strings.Compare(a.IP, b.IP) },
	"protocol":  func(a, b store.Entry) int { return strings.Compare(a.Protocol, b.Protocol) },
}

func (a *api) readFilter(v url.Values) (filter, error) {
	f := filter{user: v.Get("username"), ip: v.Get("ipAddress"), path: v.Get("path"), typ: v.Get("type")}
	var err error
	if f.from, err = moment(v.Get("startDate"), "startDate"); err != nil {
		return f, err
	}
	if f.to, err = moment(v.Get("endDate"), "endDate"); err != nil {
		return f, err
	}
	f.ranged = !f.from.IsZero() || !f.to.IsZero()
	if f.offset, err = number(v, "offset", 0, 0); err != nil {
		return f, err
	}
	if f.limit, err = number(v, "limit", 50, 1); err != nil {
		return f, err
	}
	f.sort, err = logKeys(v.Get("sort"))
	return f, err
}

// moment reads a date as the definition and the vendor's samples write it.
func moment(text, name string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, invalid("Parameter " + name + " is not valid.")
}

func logKeys(sort string) ([]logKey, error) {
	if sort == "" {
		sort = "-date"
	}
	var keys []logKey
	for name := range strings.SplitSeq(sort, ",") {
		name, desc := strings.CutPrefix(strings.TrimSpace(name), "-")
		field := logFields[name]
		if field == nil {
			return nil, invalid("Parameter sort is not valid.")
		}
		keys = append(keys, logKey{field, desc})
	}
	return keys, nil
}

func (f *filter) accepts(e store.Entry) bool {
	at := e.At.Truncate(time.Second)
	return (f.from.IsZero() || !at.Before(f.from.Truncate(time.Second))) &&
		(f.to.IsZero() || !at.After(f.to)) &&
		(f.user == "" || f.user == e.User) && (f.ip == "" || f.ip == e.IP) &&
		(f.typ == "" || f.typ == codes[e.Op]) && (f.path == "" || store.Match(f.path, e.Path))
}

// compare sorts by the keys; entries of one second keep the order of their
// ids, in the direction of the first key.
func (f *filter) compare(a, b store.Entry) int {
	for _, k := range f.sort {
		c := k.compare(a, b)
		if k.desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	if f.sort[0].desc {
		return cmp.Compare(b.ID, a.ID)
	}
	return cmp.Compare(a.ID, b.ID)
}
