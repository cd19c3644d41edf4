package exavault

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// maxAttemptLog is how many attempts are remembered, until a restart.
const maxAttemptLog = 1000

// attempt is an entry of the webhooks log.
type attempt struct {
	message
	id       int64
	n        int
	at       time.Time
	body     []byte
	status   int
	response string
}

// shape is the schema WebhookActivityEntry.
func (t *attempt) shape() map[string]any {
	e := t.entry
	return map[string]any{
		"id": t.id, "type": "webhookActivity",
		"attributes": map[string]any{
			"accountId": strconv.Itoa(accountID), "attemptId": fmt.Sprintf("%d-%d", e.ID, t.n), "attempt": t.n,
			"created": stamp(t.at), "details": json.RawMessage(t.body), "endpointUrl": t.hook.Endpoint,
			"event": events[e.Op], "ipAddress": e.IP, "resend": t.resend, "resourcePath": e.Path,
			"response": t.response, "responseSize": len(t.response), "status": t.status, "username": e.User,
			"webhookFormat": t.hook.Version, "webhookId": t.hook.ID, "webhookPath": t.watched,
		},
	}
}

// hookLog answers GET /activity/webhooks.
func (a *api) hookLog(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	keep, err := hookFilter(q)
	if err != nil {
		return err
	}
	offset, err := number(q, "offset", 0, 0)
	if err != nil {
		return err
	}
	limit, err := number(q, "limit", 50, 1)
	if err != nil {
		return err
	}
	found := a.hooks.logged(keep)
	if err := sortAttempts(found, q.Get("sort")); err != nil {
		return err
	}
	from := min(offset, len(found))
	data := []any{}
	for _, t := range found[from:min(from+limit, len(found))] {
		data = append(data, t.shape())
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"responseStatus": http.StatusOK, "data": data, "returnedResults": len(data), "totalResults": 0,
	})
	return nil
}

func (h *hooks) logged(keep func(*attempt) bool) []attempt {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []attempt
	for i := range h.attempts {
		if keep(&h.attempts[i]) {
			out = append(out, h.attempts[i])
		}
	}
	return out
}

func hookFilter(q url.Values) (func(*attempt) bool, error) {
	from, err := moment(q.Get("startDate"), "startDate")
	if err != nil {
		return nil, err
	}
	to, err := moment(q.Get("endDate"), "endDate")
	if err != nil {
		return nil, err
	}
	if _, err := number(q, "statusCode", 0, 0); err != nil {
		return nil, err
	}
	is := func(name, value string) bool { return q.Get(name) == "" || q.Get(name) == value }
	return func(t *attempt) bool {
		e := t.entry
		return (from.IsZero() || !t.at.Before(from)) && (to.IsZero() || !t.at.After(to)) &&
			is("endpointUrl", t.hook.Endpoint) && is("event", events[e.Op]) &&
			is("statusCode", strconv.Itoa(t.status)) && is("username", e.User) &&
			(q.Get("resourcePath") == "" || store.Match(q.Get("resourcePath"), e.Path))
	}, nil
}

// sortAttempts sorts by "date" and "event", the newest first if nothing is
// asked for.
func sortAttempts(list []attempt, sort string) error {
	fields := map[string]func(a, b attempt) int{
		"date":   func(a, b attempt) int { return cmp.Compare(a.id, b.id) },
		"event":  func(a, b attempt) int { return strings.Compare(events[a.entry.Op], events[b.entry.Op]) },
		"status": func(a, b attempt) int { return cmp.Compare(a.status, b.status) },
	}
	names := strings.Split(cmp.Or(sort, "-date"), ",")
	for _, name := range slices.Backward(names) { // the first key is applied last
		name, desc := strings.CutPrefix(strings.TrimSpace(name), "-")
		field := fields[name]
		if field == nil {
			return invalid("Parameter sort is not valid.")
		}
		slices.SortStableFunc(list, func(a, b attempt) int {
			if desc {
				return field(b, a)
			}
			return field(a, b)
		})
	}
	return nil
}

// resendHook answers POST /webhooks/resend/{activityId}.
func (a *api) resendHook(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	found := a.hooks.logged(func(t *attempt) bool { return t.id == id })
	if err != nil || len(found) == 0 {
		return errNoHook
	}
	m := found[0].message
	m.resend = true
	a.hooks.attempt(m, found[0].n)
	writeEmpty(w)
	return nil
}
