package filescom

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

var now = time.Unix(1_700_000_000, 0)

func (s *server) listAll(dir string) (paths, remote.Listing, error) {
	var p paths
	l, err := s.List(ctx, remote.Ref{Path: dir}, p.page)
	return p, l, err
}

// TestListCursors follows cursors, an empty page among them.
func TestListCursors(t *testing.T) {
	for _, header := range []string{"X-Files-Cursor-Next", "X-Files-Cursor"} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/folders/d" || r.URL.Query().Get("per_page") != "10000" || r.URL.Query().Has("page") {
				t.Errorf("got %s", r.URL)
			}
			switch r.URL.Query().Get("cursor") {
			case "":
				w.Header().Set(header, "one+/=")
				writeJSON(w, 200, list(dirOf("d/a"), fileOf("d/b", 1)))
			case "one+/=":
				w.Header().Set(header, "two")
				writeJSON(w, 200, list())
			case "two":
				writeJSON(w, 200, list(fileOf("d/c", 0)))
			}
		})
		p, l, err := s.listAll("/d")
		if err != nil || !l.Complete || l.Total != 3 || !slices.Equal(p, paths{"/d/a", "/d/b", "/d/c"}) || !l.Sent.Equal(now) {
			t.Errorf("got %v, %+v, %v", p, l, err)
		}
	}
}

// TestListCursorStands: a cursor that leads to itself ends the listing, which is
// not complete.
func TestListCursorStands(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Files-Cursor-Next", "same")
		writeJSON(w, 200, list())
	})
	if _, l, err := s.listAll("/d"); err != nil || l.Complete || s.requests.Load() != 2 {
		t.Errorf("got %+v, %v after %d requests", l, err, s.requests.Load())
	}
}

// TestListPagesByNumber: without cursors a full page may be followed by another
// one, and pages by number prove nothing.
func TestListPagesByNumber(t *testing.T) {
	for _, tt := range []struct {
		name     string
		pages    [][]string
		complete bool
		requests int64
	}{
		{"short", [][]string{{"a"}}, true, 1},
		{"full and no more", [][]string{{"a", "b"}, {}}, true, 2},
		{"the page is ignored", [][]string{{"a", "b"}, {"a", "b"}}, true, 2},
		{"two", [][]string{{"a", "b"}, {"c"}}, false, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				page := 0
				if r.URL.Query().Get("page") == "2" {
					page = 1
				}
				var entries []string
				for _, n := range tt.pages[page] {
					entries = append(entries, fileOf("d/"+n, 1))
				}
				writeJSON(w, 200, list(entries...))
			}, func(o *Options) { o.PageSize = 2 })
			_, l, err := s.listAll("/d")
			if err != nil || l.Complete != tt.complete || s.requests.Load() != tt.requests {
				t.Errorf("got %+v, %v after %d requests", l, err, s.requests.Load())
			}
		})
	}
}

// TestListShifted: an entry that comes twice makes it begin again.
func TestListShifted(t *testing.T) {
	runs := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("cursor") == "" {
			runs++
			w.Header().Set("X-Files-Cursor-Next", "next")
			writeJSON(w, 200, list(fileOf("d/a", 1)))
			return
		}
		if runs == 1 {
			writeJSON(w, 200, list(fileOf("d/a", 1)))
			return
		}
		writeJSON(w, 200, list(fileOf("d/b", 1)))
	})
	if _, l, err := s.listAll("/d"); err != nil || !l.Complete || l.Total != 2 || runs != 2 {
		t.Errorf("got %+v, %v after %d runs", l, err, runs)
	}
}

// TestPageSizeLowered: a size that is refused is lowered once and for all.
func TestPageSizeLowered(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("per_page") != "1000" {
			writeJSON(w, 400, problemOf(400, "bad-request/invalid-per-page", "too many"))
			return
		}
		writeJSON(w, 200, list())
	})
	for i := range int64(3) {
		if _, l, err := s.listAll("/"); err != nil || !l.Complete || s.requests.Load() != i+2 {
			t.Errorf("got %+v, %v", l, err)
		}
	}
}

// TestListJudges what an entry proves.
func TestListJudges(t *testing.T) {
	for _, tt := range []struct {
		name, entry string
		complete    bool
		paths       paths
	}{
		{"another case above", fileOf("D/x", 1), true, paths{"/d/x"}},
		{"slashes around", fileOf("/d/x", 1), true, paths{"/d/x"}},
		{"another folder", fileOf("e/x", 1), false, nil},
		{"deeper", fileOf("d/e/x", 1), false, nil},
		{"itself", dirOf("d"), true, nil},
		{"hostile", fileOf("d/..", 1), true, nil},
		{"no file here", fileOf("d/"+strings.Repeat("x", 300), 1), true, nil},
		{"no path but a name", `{"display_name":"x","type":"file","size":1,"mtime":"2000-01-01 01:00:00 UTC"}`, true, paths{"/d/x"}},
		{"a size in words", `{"path":"d/x","type":"file","size":"12","mtime":"2000-01-01 01:00:00 UTC"}`, true, paths{"/d/x"}},
		{"no size", `{"path":"d/x","type":"file","mtime":"2000-01-01 01:00:00 UTC"}`, false, nil},
		{"no time", `{"path":"d/x","type":"file","size":1}`, false, nil},
		{"strange", `{"path":"d/x","type":"link","size":1,"mtime":"2000-01-01 01:00:00 UTC"}`, false, nil},
		{"nothing", `{}`, false, nil},
		{"no object", `17`, false, nil},
	} {
		s := serve(t, answers(200, list(tt.entry)))
		p, l, err := s.listAll("/d")
		if err != nil || l.Complete != tt.complete || !slices.Equal(p, tt.paths) {
			t.Errorf("%s: got %q, %+v, %v", tt.name, p, l, err)
		}
	}
}

func TestListErrors(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		kind   remote.Kind
	}{
		{404, problemOf(404, "not-found/folder-not-found", "x"), remote.NotExist},
		{200, list(fileOf("d", 1)), remote.NotDir},
		{200, `{"data":[]}`, remote.Corrupt},
		{200, `<html>`, remote.Corrupt},
		{200, ``, remote.Corrupt},
		{200, `[{"path":"d/x"`, remote.Corrupt},
	} {
		_, l, err := serve(t, answers(tt.status, tt.body)).listAll("/d")
		wantKind(t, err, tt.kind)
		if l.Complete {
			t.Errorf("%s: complete", tt.body)
		}
	}
	stop := errors.New("enough")
	_, err := serve(t, answers(200, list(fileOf("d/x", 1)))).List(ctx, remote.Ref{Path: "/d"}, func([]remote.Object) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	_, err = serve(t, answers(200, "")).List(ctx, remote.Ref{Path: "d"}, nil)
	wantKind(t, err, remote.Invalid)
}

// treeServer lists a small tree, recursively or, if it ignores the parameter,
// not.
func treeServer(t *testing.T, ignores bool, tree map[string][]string) *server {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		dir := strings.TrimPrefix(r.URL.Path, "/folders/")
		var entries []string
		for parent, names := range tree {
			if parent != dir && (ignores || r.URL.Query().Get("recursive") != "true" || !strings.HasPrefix(parent, dir+"/")) {
				continue
			}
			for _, n := range names {
				full := parent + "/" + strings.TrimSuffix(n, "/")
				if strings.HasSuffix(n, "/") {
					entries = append(entries, dirOf(full))
				} else {
					entries = append(entries, fileOf(full, 1))
				}
			}
		}
		writeJSON(w, 200, list(entries...))
	})
}

func TestTree(t *testing.T) {
	deep := map[string][]string{"t": {"a/", "f"}, "t/a": {"b/", "g"}, "t/a/b": {"h"}}
	flat := map[string][]string{"t": {"a/", "f"}}
	for _, tt := range []struct {
		name     string
		ignores  bool
		tree     map[string][]string
		kind     remote.Kind
		complete bool
		requests int64
	}{
		{"deep", false, deep, 0, true, 1},
		{"ignored", true, deep, remote.Unsupported, false, 2},
		{"empty folder", false, flat, 0, true, 2},
		{"ignored, empty folder", true, flat, 0, true, 2},
		{"no folder", false, map[string][]string{"t": {"f"}}, 0, true, 1},
		{"nothing", false, nil, 0, true, 1},
		{"too many to look", false, map[string][]string{"t": {"a/", "b/", "c/", "d/"}}, 0, false, 4},
		{"an orphan", false, map[string][]string{"t": {"f"}, "t/a": {"g"}}, 0, false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := treeServer(t, tt.ignores, tt.tree)
			var p paths
			l, err := s.ListTree(ctx, remote.Ref{Path: "/t"}, p.page)
			if tt.kind != 0 {
				wantKind(t, err, tt.kind)
			} else if err != nil {
				t.Error(err)
			}
			if l.Complete != tt.complete || s.requests.Load() != tt.requests {
				t.Errorf("got %+v after %d requests", l, s.requests.Load())
			}
		})
	}
}

// TestTreeProven: a server that listed a tree once is believed later.
func TestTreeProven(t *testing.T) {
	s := treeServer(t, false, map[string][]string{"t": {"a/"}, "t/a": {"g"}, "u": {"a/"}})
	for _, dir := range []string{"/t", "/u"} {
		if l, err := s.ListTree(ctx, remote.Ref{Path: dir}, func([]remote.Object) error { return nil }); err != nil || !l.Complete {
			t.Errorf("%s: got %+v, %v", dir, l, err)
		}
	}
	if s.requests.Load() != 2 {
		t.Errorf("%d requests", s.requests.Load())
	}
	_, err := serve(t, answers(400, problemOf(400, "bad-request/x", "unknown parameter"))).ListTree(ctx, remote.Ref{Path: "/t"}, nil)
	wantKind(t, err, remote.Unsupported)
}

// TestStat2020: a server that knows nothing of file actions is asked the other
// way, and never again in today's.
func TestStat2020(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/files/x" && r.URL.Query().Get("action") == "stat" {
			writeJSON(w, 200, fileOf("x", 1))
			return
		}
		writeJSON(w, 404, `{"error":"Not Found","http-code":"404"}`)
	})
	for i, want := range []int64{2, 3, 4} {
		ref := remote.Ref{Path: "/x"}
		if i == 1 {
			ref.Path = "/y"
		}
		_, err := s.Stat(ctx, ref)
		if i == 1 {
			wantKind(t, err, remote.NotExist)
		} else if err != nil {
			t.Error(err)
		}
		if s.requests.Load() != want {
			t.Errorf("%d requests, want %d", s.requests.Load(), want)
		}
	}
}

// TestStatToday: an error with a class proves which way the server speaks.
func TestStatToday(t *testing.T) {
	s := serve(t, answers(404, problemOf(404, "not-found/file-not-found", "x")))
	for range 2 {
		_, err := s.Stat(ctx, remote.Ref{Path: "/x"})
		wantKind(t, err, remote.NotExist)
	}
	if s.requests.Load() != 2 {
		t.Errorf("%d requests", s.requests.Load())
	}
}

// TestStatAnswers: what is about something else is no answer; the service's
// spelling of a name is.
func TestStatAnswers(t *testing.T) {
	for _, tt := range []struct {
		answer, path string
		kind         remote.Kind
	}{
		{fileOf("D/FILE", 1), "/d/FILE", 0},
		{list(fileOf("d/file", 1)), "/d/file", 0},
		{list(fileOf("d/file", 1), fileOf("d/b", 1)), "", remote.Corrupt},
		{fileOf("e/file", 1), "", remote.Corrupt},
		{`{"path":"","type":"directory"}`, "", remote.Corrupt},
		{`{}`, "", remote.Corrupt},
		{`<html>`, "", remote.Corrupt},
		{fileOf("d/..", 1), "", remote.Corrupt},
	} {
		o, err := answering(t, 200, tt.answer).Stat(ctx, remote.Ref{Path: "/d/file"})
		if tt.kind != 0 {
			wantKind(t, err, tt.kind)
		} else if err != nil {
			t.Error(err)
		}
		if o.Path != tt.path {
			t.Errorf("%s: got %+v", tt.answer, o)
		}
	}
}

// TestVersions: the MD5 is the version; without one, time and size.
func TestVersions(t *testing.T) {
	const md5 = "17c54824e9931a4688ca032d03f6663c"
	at := func(sum, mtime, provided string) remote.Object {
		a := fmt.Sprintf(`{"path":"x","type":"file","size":5,"mtime":%q,"provided_mtime":%s,"md5":%q}`, mtime, provided, sum)
		o, err := answering(t, 200, a).Stat(ctx, remote.Ref{Path: "/x"})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	a, b := at(strings.ToUpper(md5), stamp, `"2001-02-03T04:05:06Z"`), at(md5, "2025-01-01 00:00:00 UTC", "null")
	if a.Version != b.Version || a.Hash != md5 || a.ModTime.Year() != 2001 || b.ModTime.Year() != 2025 {
		t.Errorf("got %+v and %+v", a, b)
	}
	c, d := at("", stamp, "null"), at("abc-2", "2025-01-01T00:00:00+00:00", "null")
	if c.Version == d.Version || c.Hash != "" || d.Hash != "" || c.Version == a.Version {
		t.Errorf("got %+v and %+v", c, d)
	}
}
