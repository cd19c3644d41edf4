package exavault1

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

// entry is a file on the wire, with a folder's type if its path ends in a slash.
func entry(p string) map[string]any {
	e := map[string]any{"name": path.Base(p), "path": strings.TrimSuffix(p, "/"), "type": "file", "size": 1, "uploadDate": "2020-01-02 03:04:05"}
	if strings.HasSuffix(p, "/") {
		e["type"], e["fileCount"] = "dir", 0
	}
	return e
}

func entries(paths ...string) []map[string]any {
	var es []map[string]any
	for _, p := range paths {
		es = append(es, entry(p))
	}
	return es
}

// lister answers listings with pages of entries.
type lister struct {
	entries []map[string]any
	total   any
	most    int // the longest page
	// before, if not nil, is called before each answer with its number.
	before   func(l *lister, n int)
	requests int
}

func (l *lister) answer(op string, r *http.Request) (int, string) {
	if op != "getResourceList" {
		return 200, checks(absent)
	}
	l.requests++
	if l.before != nil {
		l.before(l, l.requests)
	}
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	if l.most > 0 {
		limit = min(limit, l.most)
	}
	from := min(offset, len(l.entries))
	page := l.entries[from:min(from+limit, len(l.entries))]
	if page == nil {
		page = []map[string]any{}
	}
	results := map[string]any{"resources": page}
	if l.total != nil {
		results["totalFiles"] = l.total
	}
	b, _ := json.Marshal(map[string]any{"success": 1, "error": nil, "results": results})
	return 200, string(b)
}

func many(n int, format string) []map[string]any {
	var es []map[string]any
	for i := range n {
		es = append(es, entry(fmt.Sprintf(format, i)))
	}
	return es
}

// TestListings: a listing is complete only if it has proved it.
func TestListings(t *testing.T) {
	mixed := append(many(100, "/d/a%03d"), many(5, "/d/b%d/")...)
	for _, tt := range []struct {
		name     string
		l        lister
		tree     bool
		complete bool
		names    int
		requests int
	}{
		{"an empty folder", lister{total: 0}, false, true, 0, 1},
		{"a few", lister{entries: many(5, "/d/%d"), total: 5}, false, true, 5, 1},
		{"a number as a string", lister{entries: many(5, "/d/%d"), total: "5"}, false, true, 5, 1},
		{"a full page", lister{entries: many(100, "/d/%d"), total: 100}, false, true, 100, 2},
		{"pages", lister{entries: many(250, "/d/%d"), total: 250}, false, true, 250, 3},
		{"files are counted, folders not", lister{entries: mixed, total: 100}, false, true, 105, 3},
		{"files are counted, few", lister{entries: mixed[98:], total: 2}, false, true, 7, 2},
		{"smaller pages", lister{entries: many(120, "/d/%d"), total: 120, most: 50}, false, true, 120, 3},
		{"pages of one", lister{entries: many(5, "/d/%d"), total: 5, most: 1}, false, false, 1, 2},
		{"no total", lister{entries: many(5, "/d/%d")}, false, false, 5, 2},
		{"a total too high", lister{entries: many(5, "/d/%d"), total: 7}, false, false, 5, 2},
		{"a total too low", lister{entries: many(5, "/d/%d"), total: 3}, false, false, 5, 2},
		{"an impossible name", lister{entries: entries("/d/a", "/d/.."), total: 2}, false, true, 1, 1},
		{"an entry of another folder", lister{entries: entries("/d/a", "/e/b"), total: 2}, false, false, 1, 1},
		{"an entry twice", lister{entries: entries("/d/a", "/d/a"), total: 2}, false, false, 3, 3},
		{"an incomplete entry", lister{entries: append(many(3, "/d/%d"), map[string]any{"name": "x", "path": "/d/x", "type": "file"}), total: 4}, false, false, 3, 2},
		{"a change between pages", lister{entries: many(150, "/d/%d"), total: 150, before: func(l *lister, n int) {
			if n == 2 {
				l.entries, l.total = l.entries[1:], 149
			}
		}}, false, true, 100 + 149, 4},
		{"a tree", lister{entries: entries("/d/a", "/d/b/", "/d/b/c"), total: 3}, true, true, 3, 1},
		{"a tree without folders", lister{entries: entries("/d/a"), total: 1}, true, false, 1, 1},
		{"a tree that shows no depth", lister{entries: entries("/d/a", "/d/b/"), total: 2}, true, false, 2, 1},
		{"what is not below", lister{entries: entries("/d/a", "/d/b/", "/d/b/c", "/x"), total: 4}, true, false, 3, 1},
	} {
		l := tt.l
		c := script(t, l.answer)
		walk := c.List
		if tt.tree {
			walk = c.ListTree
		}
		names := 0
		got, err := walk(ctx, remote.Ref{Path: "/d"}, func(os []remote.Object) error { names += len(os); return nil })
		if err != nil || got.Complete != tt.complete || names != tt.names || l.requests != tt.requests {
			t.Errorf("%s: got %+v, %v; %d names in %d requests", tt.name, got, err, names, l.requests)
		}
	}
}

// TestTreeUnsupported: a search that shows to do something else is none.
func TestTreeUnsupported(t *testing.T) {
	full := entry("/d/b/")
	full["fileCount"] = 3
	for name, es := range map[string][]map[string]any{
		"folders are not found":       entries("/d/a", "/d/b/c"),
		"folders are not looked into": {entry("/d/a"), full},
	} {
		l := lister{entries: es, total: 2}
		_, err := script(t, l.answer).ListTree(ctx, remote.Ref{Path: "/d"}, func([]remote.Object) error { return nil })
		if !remote.IsKind(err, remote.Unsupported) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestDetails: a server that leaves size or date out is asked for all details,
// from then on.
func TestDetails(t *testing.T) {
	detailed := []string{}
	c := script(t, func(op string, r *http.Request) (int, string) {
		how := r.URL.Query().Get("detailed")
		detailed = append(detailed, how)
		e := entry("/d/a")
		if how == "false" {
			delete(e, "size")
		}
		l := lister{entries: []map[string]any{e}, total: 1}
		return l.answer(op, r)
	})
	for range 2 {
		names := 0
		l, err := c.List(ctx, remote.Ref{Path: "/d/"}, func(os []remote.Object) error { names += len(os); return nil })
		if err != nil || !l.Complete || names != 1 {
			t.Errorf("got %+v, %v; %d names", l, err, names)
		}
	}
	if fmt.Sprint(detailed) != "[false true true]" {
		t.Errorf("asked for details: %v", detailed)
	}
}

// TestNoListing: what is no listing is no empty folder.
func TestNoListing(t *testing.T) {
	for _, results := range []string{`null`, `[]`, `{}`, `{"totalFiles":0}`, `{"totalFiles":0,"resources":null}`, `{"totalFiles":0,"resources":{}}`, `7`} {
		c := script(t, always(200, `{"success":1,"error":null,"results":`+results+`}`))
		l, err := c.List(ctx, remote.Ref{Path: "/d"}, func([]remote.Object) error { return nil })
		if l.Complete || !remote.IsKind(err, remote.Corrupt) {
			t.Errorf("%s: got %+v, %v", results, l, err)
		}
	}
}

// TestRefusedListing: whatever the words are, a look says if the folder is
// there.
func TestRefusedListing(t *testing.T) {
	for _, tt := range []struct {
		message, check string
		kind           remote.Kind
	}{
		{"not found", absent, remote.NotExist},
		{"An error occurred", absent, remote.NotExist},
		{"An error occurred", there("/d", 1), remote.NotDir},
		{"not found", `{"exists":true,"resource":{"path":"/d","type":"dir"}}`, remote.Temporary},
		{"An error occurred", `{"exists":true,"resource":{"path":"/d","type":"dir"}}`, remote.Other},
		{"not found", `{}`, remote.Temporary},
		{"Access denied", absent, remote.Permission},
	} {
		c := script(t, func(op string, _ *http.Request) (int, string) {
			if op == "checkFilesExist" {
				return 200, checks(tt.check)
			}
			return 200, `{"success":0,"error":{"code":5,"message":"` + tt.message + `"},"results":null}`
		})
		_, err := c.List(ctx, remote.Ref{Path: "/d"}, func([]remote.Object) error { return nil })
		wantKind(t, err, tt.kind)
	}
}

// TestTimes: dates come in several forms; one that cannot be read is none.
func TestTimes(t *testing.T) {
	for text, want := range map[string]string{
		`"2020-01-02 03:04:05"`: "1577934245-1", `"2020-01-02T03:04:05Z"`: "1577934245-1", `"2020-01-01T20:04:05-07:00"`: "1577934245-1",
		`"2020-01-01T20:04:05-0700"`: "1577934245-1", `1577934245`: "1577934245-1", `"1577934245"`: "1577934245-1",
		`"yesterday"`: "", `null`: "", `{}`: "", `0`: "",
	} {
		var r resource
		if err := json.Unmarshal([]byte(`{"path":"/a","type":"file","size":1,"uploadDate":`+text+`}`), &r); err != nil {
			t.Fatal(err)
		}
		o, f := r.object("")
		if o.Version != want || (f == bare) != (want == "") {
			t.Errorf("%s: got %+v, %v", text, o, f)
		}
	}
}

// FuzzAnswers: whatever a server answers, nothing panics, nothing impossible is
// handed on, and nothing is proved by nonsense.
func FuzzAnswers(f *testing.F) {
	l := lister{entries: entries("/d/a", "/d/b/"), total: 2}
	_, page := l.answer("getResourceList", &http.Request{URL: mustURL("/?limit=100")})
	for _, s := range []string{
		page, checks(there("/d/a", 1), absent), `{"success":1,"results":[{"file":"/d/a","destination":"/to","size":1,"success":true}]}`,
		`{"success":2,"results":[{"file":"/d/a","success":0}]}`, `{"success":0,"error":{"code":404,"message":"not found"},"results":null}`,
		`{"success":1,"results":{"url":"https://storage.example/x"}}`, `{"success":1,"results":{"accessToken":"x"}}`,
		`{"success":1,"results":[{"id":"7","created":"2020-01-02 03:04:05","operation":"MOVE","fileName":"/a/b","fileSource":"/b","username":"u","status":"-"}]}`,
		`{"success":1,"results":[]}`, `{"success":1}`, `null`, `7`, ``,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c := script(t, always(200, body))
		d := remote.Ref{Path: "/d"}
		sane := func(os []remote.Object) error {
			for _, o := range os {
				if o.Path == "" || o.Name != path.Base(o.Path) || strings.Contains(o.Name, "\x00") || o.Name == ".." || o.Size < 0 || o.Dir == (o.Version != "") {
					t.Errorf("%q: handed on %+v", body, o)
				}
			}
			return nil
		}
		_, _ = c.List(ctx, d, sane)
		_, _ = c.ListTree(ctx, d, sane)
		if o, err := c.Stat(ctx, remote.Ref{Path: "/d/a"}); err == nil {
			_ = sane([]remote.Object{o})
		}
		if rs, err := c.Delete(ctx, []remote.Ref{{Path: "/d/a"}, {Path: "/d/b"}}); err == nil && len(rs) != 2 {
			t.Errorf("%q: %d results", body, len(rs))
		}
		_, _ = c.Move(ctx, []remote.Ref{{Path: "/d/a"}}, remote.Ref{Path: "/to"})
		_, _ = c.Rename(ctx, remote.Ref{Path: "/d/a"}, "c")
		_, _ = c.Upload(ctx, remote.Upload{Parent: d, Name: "x", Size: 1, Content: strings.NewReader("x")})
		if dl, err := c.Download(ctx, remote.Ref{Path: "/d/a"}, 1, 2); err == nil {
			_ = dl.Close()
		}
		feedIsSane(t, c)
	})
}
