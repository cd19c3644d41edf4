package exavault

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func entry(id int, at time.Time, op, name, from, status string) string {
	return fmt.Sprintf(`{"id":%d,"type":"sessionActivity","attributes":{"created":%q,"operation":%q,"fileName":%s,"fileSource":%q,`+
		`"bytesTransferred":1,"duration":0,"username":"u","ipAddress":"::1","protocol":"web","sessionId":"s","status":%q}}`,
		id, at.Format("2006-01-02T15:04:05Z07:00"), op, quote(name), from, status)
}

// log is an activity log, the latest entry first.
type log struct {
	entries []string
	cap     int
	order   func([]string)
}

func newLog(n int) *log {
	l := &log{}
	for i := range n {
		l.entries = append(l.entries, entry(1000-i, noon.Add(-time.Duration(i)*time.Second), "STOR", fmt.Sprint("/", i), "", "-"))
	}
	return l
}

func (l *log) serve(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit, _ := strconv.Atoi(q.Get("limit"))
	offset, _ := strconv.Atoi(q.Get("offset"))
	if l.cap > 0 {
		limit = min(limit, l.cap)
	}
	all := slices.Clone(l.entries)
	if l.order != nil {
		l.order(all)
	}
	offset = min(offset, len(all))
	body := page(0, all[offset:min(offset+limit, len(all))]...)
	reply(w, 200, body)
}

func TestChangesPages(t *testing.T) {
	for _, tt := range []struct {
		n, cap          int
		first, requests int64 // of a first and of a second reading
	}{
		{0, 0, 1, 1}, {1, 0, 1, 1}, {49, 0, 1, 1}, {80, 0, 2, 2}, {49, 50, 1, 1}, {120, 50, 3, 3}, {230, 100, 3, 3}, {1200, 0, 2, 2},
	} {
		for _, order := range []func([]string){nil, slices.Reverse[[]string]} {
			l := newLog(tt.n)
			l.cap, l.order = tt.cap, order
			s := serve(t, l.serve)
			for _, want := range []int64{tt.first, tt.requests} {
				s.requests.Store(0)
				got, complete, err := s.Changes(ctx, noon.Add(-time.Hour))
				if err != nil || !complete || len(got) != tt.n || s.requests.Load() != want {
					t.Errorf("%+v: got %d, %v, %v with %d requests", tt, len(got), complete, err, s.requests.Load())
				}
				if !slices.IsSortedFunc(got, func(a, b remote.Change) int { return a.At.Compare(b.At) }) {
					t.Error("not the oldest first")
				}
			}
		}
	}
}

// TestChangesServerIgnoresStart: the log is read back as far as asked for, and
// no further.
func TestChangesServerIgnoresStart(t *testing.T) {
	l := newLog(3000)
	l.cap = 100
	s := serve(t, l.serve)
	got, complete, err := s.Changes(ctx, noon.Add(-150*time.Second))
	if err != nil || !complete || len(got) != 151 || s.requests.Load() != 2 {
		t.Errorf("got %d, %v, %v with %d requests", len(got), complete, err, s.requests.Load())
	}
	s.requests.Store(0)
	got, complete, err = s.Changes(ctx, noon.Add(-time.Hour))
	if err != nil || complete || len(got) != feedPages*100 || s.requests.Load() != feedPages {
		t.Errorf("too much: got %d, %v, %v with %d requests", len(got), complete, err, s.requests.Load())
	}
	s.requests.Store(0)
	got, complete, err = s.Changes(ctx, time.Time{})
	if err != nil || complete || len(got) != 100 || s.requests.Load() != 1 {
		t.Errorf("the latest: got %d, %v, %v with %d requests", len(got), complete, err, s.requests.Load())
	}
}

// TestChangesEndless repeats one page for ever.
func TestChangesEndless(t *testing.T) {
	l := newLog(100)
	s := serve(t, answers(200, page(0, l.entries...)))
	got, complete, err := s.Changes(ctx, noon.Add(-time.Hour))
	if err != nil || !complete || len(got) != 100 || s.requests.Load() != 2 {
		t.Errorf("got %d, %v, %v with %d requests", len(got), complete, err, s.requests.Load())
	}
}

func TestChangesRequest(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.URL.Path != "/activity/session" || q.Get("startDate") != "2026-03-04T11:00:00Z" || q.Get("sort") != "-date" || q.Get("offset") != "0" {
			t.Errorf("asked for %s", r.URL)
		}
		reply(w, 400, problem(400, "endDate must be after startDate"))
	})
	got, complete, err := s.Changes(ctx, noon.Add(-time.Hour+300*time.Millisecond).In(time.FixedZone("x", 7200)))
	if got != nil || !complete || err != nil || s.requests.Load() != 1 {
		t.Errorf("a 400 means nothing new: got %v, %v, %v, %d requests", got, complete, err, s.requests.Load())
	}
	_, _, err = serve(t, answers(403, problem(403, "admins only"))).Changes(ctx, noon)
	wantKind(t, err, remote.Permission)
	_, _, err = serve(t, answers(200, "<html>")).Changes(ctx, noon)
	wantKind(t, err, remote.Corrupt)
}

// TestChangesLimitRefused: a limit that is refused by name is lowered.
func TestChangesLimitRefused(t *testing.T) {
	l := newLog(30)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n, _ := strconv.Atoi(r.URL.Query().Get("limit")); n > 100 {
			reply(w, 400, problem(400, "limit is too high"))
			return
		}
		l.serve(w, r)
	})
	got, complete, err := s.Changes(ctx, noon.Add(-time.Hour))
	if len(got) != 30 || !complete || err != nil {
		t.Errorf("got %d, %v, %v", len(got), complete, err)
	}
}

func TestChangeOperations(t *testing.T) {
	for _, tt := range []struct {
		op, name, from, status string
		want                   remote.ChangeOp
		path, wantFrom         string
	}{
		{"STOR", "/a", "", "-", remote.Changed, "/a", ""},
		{"stor", "/a", "/x", "success", remote.Changed, "/a", ""},
		{"STOR", "/a", "", "failed", 0, "/a", ""},
		{"STOR", "", "", "-", 0, "", ""},
		{"STOR", "/a/../b", "", "-", 0, "", ""},
		{"DELE", "a", "", "-", remote.Deleted, "/a", ""},
		{"MKD", "/a/", "", "-", remote.MadeDir, "/a", ""},
		{"RNTO", "/b", "/a", "-", remote.Moved, "/b", "/a"},
		{"RNTO", "/b", "", "-", remote.Moved, "/b", ""},
		{"MOVE", "/t/a", "/a", "-", remote.Moved, "/t/a", "/a"},
		{"COPY", "/t/a", "/a", "-", remote.Copied, "/t/a", "/a"},
		{"COMPR", "/z.zip", "", "-", remote.Changed, "/z.zip", ""},
		{"EXTRACT", "/t", "", "-", remote.Unpacked, "/t", ""},
		{"RETR", "/a", "", "-", 0, "/a", ""},
		{"PASS", "", "", "-", 0, "", ""},
		{"DELE_SHARE", "/a", "", "-", 0, "/a", ""},
	} {
		s := serve(t, answers(200, page(0, entry(5, noon, tt.op, tt.name, tt.from, tt.status))))
		got, _, err := s.Changes(ctx, noon)
		want := remote.Change{ID: "5", At: noon, Op: tt.want, Path: tt.path, From: tt.wantFrom, User: "u"}
		if err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%+v: got %+v, %v", tt, got, err)
		}
	}
}

// TestChangesOddEntries: an entry without a date is kept, an old one dropped,
// a repeated one told once.
func TestChangesOddEntries(t *testing.T) {
	s := serve(t, answers(200, page(0,
		strings.Replace(entry(4, noon, "STOR", "/a", "", "-"), noon.Format(time.RFC3339), "soon", 1),
		entry(6, noon, "STOR", "/b", "", "-"), entry(6, noon, "STOR", "/b", "", "-"), `{"id":"3","attributes":[]}`,
		entry(5, noon.Add(-2*time.Hour), "STOR", "/c", "", "-"), `null`,
	)))
	got, _, err := s.Changes(ctx, noon.Add(-time.Hour))
	var ids []string
	for _, c := range got {
		ids = append(ids, c.ID)
	}
	if want := []string{"", "3", "4", "6"}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("got %q, %v, want %q", ids, err, want)
	}
}

func FuzzFeed(f *testing.F) {
	for _, s := range []string{page(0, entry(5, noon, "MOVE", "/a", "/b", "-")), page(0), `{"data":[{}]}`, `{"data":7}`, `{`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		since := noon.Add(-time.Hour)
		got, _, err := answering(t, 200, body).Changes(ctx, since)
		if err != nil && (got != nil || remote.IsUnknown(err)) {
			t.Errorf("got %v, %v", got, err)
		}
		for i, c := range got {
			if c.At.Before(since) || c.Op != 0 && !clientkit.ValidPath(c.Path) && c.Path != "/" || i > 0 && c.At.Before(got[i-1].At) {
				t.Errorf("got %+v", c)
			}
		}
	})
}
