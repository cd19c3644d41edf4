package exavault1

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// codes are the log's operations.
var codes = map[store.Op]string{
	store.OpUpload: "STOR", store.OpDownload: "RETR", store.OpDelete: "DELE", store.OpMkdir: "MKD",
	store.OpRename: "RNTO", store.OpMove: "MOVE", store.OpCopy: "COPY",
	store.OpCompress: "COMPR", store.OpExtract: "EXTRACT",
}

// logFields are the values of sortBy.
var logFields = map[string]func(a, b store.Entry) int{
	"":                      byDate,
	"sort_logs_date":        byDate,
	"sort_logs_ip_address":  func(a, b store.Entry) int { return strings.Compare(a.IP, b.IP) },
	"sort_logs_username":    func(a, b store.Entry) int { return strings.Compare(a.User, b.User) },
	"sort_logs_file":        func(a, b store.Entry) int { return strings.Compare(a.Path, b.Path) },
	"sort_logs_file_source": func(a, b store.Entry) int { return strings.Compare(a.From, b.From) },
	"sort_logs_operation":   func(a, b store.Entry) int { return strings.Compare(codes[a.Op], codes[b.Op]) },
	"sort_logs_size":        func(a, b store.Entry) int { return cmp.Compare(a.Bytes, b.Bytes) },
	"sort_logs_protocol":    func(a, b store.Entry) int { return strings.Compare(a.Protocol, b.Protocol) },
	"sort_logs_duration":    byDate,
}

func byDate(a, b store.Entry) int { return cmp.Compare(a.At.Unix(), b.At.Unix()) }

// activity answers getFileActivityLogs. Paths are the account's, not the user's.
func (a *api) activity(w http.ResponseWriter, _ *http.Request, p url.Values) error {
	if a.Switches.Is("activity", "forbidden") {
		return errForbidden
	}
	compare, ok := logFields[p.Get("sortBy")]
	if !ok {
		return &errMalformed{"sortBy"}
	}
	offset, err := whole(p, "offset", 0)
	if err != nil {
		return err
	}
	limit, err := whole(p, "itemLimit", 25)
	if err != nil {
		return err
	}
	accept, err := logFilter(p.Get("filterBy"), p.Get("filter"))
	if err != nil {
		return err
	}
	a.Store.Sweep() // changes made by hand are in the log, too
	visible := a.Now().Add(-a.Switches.Duration("activity-lag"))
	entries := a.Store.Log(func(e store.Entry) bool { return !e.At.After(visible) && accept(e) })
	slices.SortStableFunc(entries, func(x, y store.Entry) int { return cmp.Or(compare(x, y), cmp.Compare(x.ID, y.ID)) })
	if p.Get("sortOrder") != "asc" {
		slices.Reverse(entries)
	}
	most, _ := a.Switches.Number("activity-cap")
	from := min(int(offset), len(entries))
	out := []map[string]any{}
	for _, e := range entries[from:min(from+min(int(limit), most), len(entries))] {
		out = append(out, a.logEntry(e))
	}
	a.writeResults(w, 1, out)
	return nil
}

// logFilter reads filterBy and filter.
func logFilter(by, filter string) (func(store.Entry) bool, error) {
	switch by {
	case "":
		return func(store.Entry) bool { return true }, nil
	case "filter_logs_date":
		return dateFilter(filter)
	case "filter_logs_ip_address":
		return func(e store.Entry) bool { return e.IP == filter }, nil
	case "filter_logs_username":
		return func(e store.Entry) bool { return e.User == filter }, nil
	case "filter_logs_operation":
		return func(e store.Entry) bool { return codes[e.Op] == filter }, nil
	case "filter_logs_file":
		return func(e store.Entry) bool { return strings.Contains(e.Path, filter) }, nil
	}
	return nil, &errMalformed{"filterBy"}
}

// dateFilter reads "start::end".
func dateFilter(filter string) (func(store.Entry) bool, error) {
	start, end, ok := strings.Cut(filter, "::")
	from, err1 := moment(start)
	to, err2 := moment(end)
	if !ok || err1 != nil || err2 != nil {
		return nil, &errMalformed{"filter"}
	}
	return func(e store.Entry) bool { return !e.At.Truncate(time.Second).Before(from) && !e.At.After(to) }, nil
}

func moment(text string) (t time.Time, err error) {
	for _, layout := range []string{time.DateTime, time.RFC3339, time.DateOnly} {
		if t, err = time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return t, err
}

// logEntry is an entry as the service shows it (the SDK, LogEntry).
func (a *api) logEntry(e store.Entry) map[string]any {
	status, z := "-", time.UTC
	if e.Failed {
		status = "failed"
	}
	if a.Switches.Is("activity-zone", "local") {
		z = zone
	}
	return map[string]any{
		"id": strconv.FormatInt(e.ID, 10), "created": a.stamp(e.At, z), "operation": codes[e.Op],
		"fileName": e.Path, "fileSource": e.From, "bytesTransferred": strconv.FormatInt(e.Bytes, 10), "duration": "0",
		"username": e.User, "ipAddress": e.IP, "protocol": e.Protocol, "sessionId": e.Session, "status": status,
	}
}
