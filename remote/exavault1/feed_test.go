package exavault1

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

func mustURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}

var noon = time.Date(2020, 1, 2, 12, 0, 0, 0, time.UTC)

// diary is a server's log: n entries, one a second, the last at noon.
type diary struct {
	n, most  int
	shift    time.Duration // how wrong its clock is
	requests int
}

func (d *diary) answer(_ string, r *http.Request) (int, string) {
	d.requests++
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("itemLimit"))
	if d.most > 0 {
		limit = min(limit, d.most)
	}
	list := []map[string]any{}
	for i := offset; i < min(offset+limit, d.n); i++ {
		at := noon.Add(d.shift - time.Duration(i)*time.Second)
		list = append(list, map[string]any{
			"id": strconv.Itoa(d.n - i), "created": at.Format(time.DateTime), "operation": "STOR", "fileName": fmt.Sprintf("/f%d", i), "fileSource": "",
			"username": "u", "status": "-", "duration": "0", "bytesTransferred": "7",
		})
	}
	b, _ := json.Marshal(map[string]any{"success": 1, "results": list})
	return 200, string(b)
}

// TestFeed: the log is read back as far as is needed, and not further.
func TestFeed(t *testing.T) {
	for _, tt := range []struct {
		name     string
		d        diary
		since    time.Duration // before noon, 0 for the zero time
		want     int
		complete bool
		requests int
	}{
		{"an empty log", diary{}, time.Minute, 0, true, 1},
		{"a short log", diary{n: 10}, time.Hour, 10, true, 1},
		{"the end of a long log", diary{n: 5000}, 50 * time.Second, 51, true, 1},
		{"more than a page", diary{n: 5000}, 250 * time.Second, 251, true, 3},
		{"more than is read", diary{n: 5000}, time.Hour, 1000, false, 10},
		{"small pages", diary{n: 5000, most: 25}, 60 * time.Second, 61, true, 3},
		{"the latest", diary{n: 5000}, 0, 100, false, 1},
		{"a log in another zone", diary{n: 30, shift: -7 * time.Hour}, time.Minute, 30, true, 1},
		{"nothing is that new", diary{n: 5000}, -time.Hour, 100, true, 1},
	} {
		d := tt.d
		since := noon.Add(-tt.since)
		if tt.since == 0 {
			since = time.Time{}
		}
		got, complete, err := script(t, d.answer).Changes(ctx, since)
		if err != nil || len(got) != tt.want || complete != tt.complete || d.requests != tt.requests {
			t.Errorf("%s: %d changes in %d requests, complete: %v, %v", tt.name, len(got), d.requests, complete, err)
		}
		for i := range got {
			if i > 0 && got[i].At.Before(got[i-1].At) {
				t.Errorf("%s: not the oldest first", tt.name)
			}
		}
	}
}

// TestFeedEntries: what an entry says, and what it does not.
func TestFeedEntries(t *testing.T) {
	for wire, want := range map[string]remote.Change{
		`{"id":"7","operation":"MOVE","fileName":"/b/c","fileSource":"/a/c","username":"ann"}`: {ID: "7", Op: remote.Moved, Path: "/b/c", From: "/a/c", User: "ann"},
		`{"id":7,"operation":"rnto","fileName":"/b","fileSource":""}`:                          {ID: "7", Op: remote.Moved, Path: "/b"},
		`{"id":"7","operation":"STOR","fileName":"b/","fileSource":"/x"}`:                      {ID: "7", Op: remote.Changed, Path: "/b"},
		`{"id":"7","operation":"Create Folder","fileName":"/b"}`:                               {ID: "7", Op: remote.MadeDir, Path: "/b"},
		`{"id":"7","operation":"STOR","fileName":"/b","status":"failed"}`:                      {ID: "7", Path: "/b"},
		`{"id":"7","operation":"RETR","fileName":"/b"}`:                                        {ID: "7", Path: "/b"},
		`{"id":null,"operation":"DELE","fileName":"/../b"}`:                                    {},
		`{"operation":7,"fileName":null}`:                                                      {},
	} {
		var e logEntry
		if err := json.Unmarshal([]byte(wire), &e); err != nil {
			t.Logf("%v", err)
		}
		if got, _ := e.change(); got != want {
			t.Errorf("%s: got %+v", wire, got)
		}
	}
}

// TestFeedRefused: whoever may not read the log is told so, whatever the words.
func TestFeedRefused(t *testing.T) {
	for message, kind := range map[string]remote.Kind{
		"Admin only": remote.Permission, "An error occurred": remote.Permission, "Rate limit exceeded": remote.Budget,
		"Access token has expired": remote.Auth, "Please try again later": remote.Temporary,
	} {
		_, complete, err := script(t, always(200, `{"success":0,"error":{"code":5,"message":"`+message+`"}}`)).Changes(ctx, noon)
		wantKind(t, err, kind)
		if complete {
			t.Error("it is not complete")
		}
	}
	_, _, err := script(t, always(200, `{"success":1,"results":{}}`)).Changes(ctx, noon)
	wantKind(t, err, remote.Corrupt)
}

func feedIsSane(t *testing.T, c *Client) {
	got, _, err := c.Changes(ctx, noon)
	for i, ch := range got {
		if err != nil || ch.Op != 0 && ch.Path == "" || i > 0 && ch.At.Before(got[i-1].At) {
			t.Errorf("got %+v, %v", ch, err)
		}
	}
}
