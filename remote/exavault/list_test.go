package exavault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// pager is a folder "/d" (id 3) of n files behind a server of a given temper.
type pager struct {
	entries []string
	cap     int  // the most entries of a page, 0 for no cap
	refuse  bool // answer 400 above the cap instead of fewer entries
	bare    bool // without returnedResults
	// change, if not nil, is called before each answer with its number.
	change func(p *pager, request int)
	t      testing.TB
	count  int
}

func newPager(t testing.TB, n int) *pager {
	p := &pager{t: t}
	for i := range n {
		p.entries = append(p.entries, file(int64(100+i), fmt.Sprintf("/d/%06d", i), int64(i)))
	}
	return p
}

func (p *pager) serve(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if r.URL.Path != "/resources/list" || q.Get("sort") != "name" || q.Get("resource") == "" {
		p.t.Errorf("asked for %s", r.URL)
	}
	if p.change != nil {
		p.change(p, p.count)
	}
	p.count++
	limit, _ := strconv.Atoi(q.Get("limit"))
	offset, _ := strconv.Atoi(q.Get("offset"))
	if p.cap > 0 && limit > p.cap {
		if p.refuse {
			reply(w, 400, problem(400, "limit"))
			return
		}
		limit = p.cap
	}
	offset = min(offset, len(p.entries))
	body := page(len(p.entries), p.entries[offset:min(offset+limit, len(p.entries))]...)
	if p.bare {
		body = strings.Replace(body, `"returnedResults"`, `"x"`, 1)
	}
	reply(w, 200, body)
}

var folderD = remote.Ref{ID: "3", Path: "/d"}

// TestListPages lists folders of every size around a page's for each way a
// server may limit pages.
func TestListPages(t *testing.T) {
	const limit = 10
	for _, n := range []int{0, 1, 9, 10, 11, 19, 20, 21, 100} {
		for name, temper := range map[string]func(*pager){
			"asked for": func(*pager) {},
			"clamps":    func(p *pager) { p.cap = 4 },
			"no count":  func(p *pager) { p.bare = true },
		} {
			p := newPager(t, n)
			temper(p)
			s := serve(t, p.serve, func(o *Options) { o.PageSize = limit })
			var got names
			l, err := s.List(ctx, folderD, got.page)
			if err != nil || !l.Complete || l.Total != n || len(got) != n || l.Sent.IsZero() {
				t.Errorf("%s, %d entries: got %d, %+v, %v", name, n, len(got), l, err)
			}
			size := limit
			if p.cap > 0 {
				size = p.cap
			}
			if want := max(1, (n-1+size-2)/(size-1)); p.count != want && (n > size || p.count != 1) {
				t.Errorf("%s, %d entries: %d requests, want %d", name, n, p.count, want)
			}
		}
	}
}

// TestFirstPage: a caller learns how long a listing is after one request, and may
// end it there.
func TestFirstPage(t *testing.T) {
	p := newPager(t, 25)
	s := serve(t, p.serve, func(o *Options) { o.PageSize = 10 })
	enough := errors.New("enough")
	var got names
	var told []remote.FirstPage
	look := func(p remote.FirstPage) error {
		told = append(told, p)
		if len(got) != 10 {
			t.Errorf("the entries of the page were not handed over: %d", len(got))
		}
		return enough
	}
	_, err := s.List(remote.WithFirstPage(ctx, look), folderD, got.page)
	if !errors.Is(err, enough) || p.count != 1 || len(told) != 1 || told[0] != (remote.FirstPage{Entries: 10, Total: 25}) {
		t.Errorf("%v, %d requests, told %v", err, p.count, told)
	}
}

// TestListLimitRefused: the smaller limit is found once and kept.
func TestListLimitRefused(t *testing.T) {
	for _, most := range []int{100, 1000} {
		p := newPager(t, most+1)
		p.cap, p.refuse = most, true
		s := serve(t, p.serve)
		for range 2 {
			var got names
			l, err := s.List(ctx, folderD, got.page)
			if err != nil || !l.Complete || len(got) != most+1 {
				t.Errorf("got %d, %+v, %v", len(got), l, err)
			}
		}
		refusals := map[int]int{1000: 1, 100: 2}[most]
		if p.count != 4+refusals {
			t.Errorf("%d requests", p.count)
		}
	}
}

// TestListOfFile: a 400 about the folder costs no lower limits once a limit is
// known to be taken.
func TestListOfFile(t *testing.T) {
	s := serve(t, answers(400, problem(400, "Resource is not a folder")))
	_, err := s.List(ctx, folderD, new(names).page)
	wantKind(t, err, remote.NotDir)
	s.pages.prove(500)
	s.requests.Store(0)
	_, err = s.List(ctx, folderD, new(names).page)
	wantKind(t, err, remote.NotDir)
	if s.requests.Load() != 1 {
		t.Errorf("%d requests", s.requests.Load())
	}
	s = serve(t, answers(200, page(1, file(3, "/d", 1))))
	_, err = s.List(ctx, folderD, new(names).page)
	wantKind(t, err, remote.NotDir)
}

// TestListChanges changes the folder between two pages. The listing starts
// again, and if changes go on, it is not complete.
func TestListChanges(t *testing.T) {
	extra := file(1, "/d/aaa", 1)
	for name, change := range map[string]func(p *pager){
		"added":   func(p *pager) { p.entries = slices.Insert(p.entries, 0, extra) },
		"removed": func(p *pager) { p.entries = p.entries[1:] },
		"one for another": func(p *pager) {
			p.entries = append(slices.Delete(slices.Clone(p.entries), 0, 1), file(900, "/d/zzz", 1))
		},
	} {
		p := newPager(t, 25)
		p.change = func(p *pager, request int) {
			if request == 1 {
				change(p)
			}
		}
		s := serve(t, p.serve, func(o *Options) { o.PageSize = 10 })
		l, err := s.List(ctx, folderD, new(names).page)
		if err != nil || !l.Complete || l.Total != len(p.entries) || p.count != 5 {
			t.Errorf("%s once: got %+v, %v, %d requests", name, l, err, p.count)
		}
	}
	p := newPager(t, 100)
	p.change = func(p *pager, request int) { p.entries = p.entries[1:] }
	s := serve(t, p.serve, func(o *Options) { o.PageSize = 10 })
	l, err := s.List(ctx, folderD, new(names).page)
	if err != nil || l.Complete || p.count != 2*listRuns {
		t.Errorf("always: got %+v, %v, %d requests", l, err, p.count)
	}
}

// TestListNeverLoops serves pages that never come to an end.
func TestListNeverLoops(t *testing.T) {
	a, b := file(1, "/d/a", 1), file(2, "/d/b", 1)
	for name, body := range map[string]string{
		"too many promised":  page(5, a, b),
		"nothing":            page(5),
		"one a page":         page(2, a),
		"twice the same":     page(2, a, a),
		"fewer promised":     page(1, a, b),
		"no total":           strings.Replace(page(2, a, b), `"totalResults"`, `"x"`, 1),
		"total of nonsense":  strings.Replace(page(2, a, b), `"totalResults":2`, `"totalResults":[2]`, 1),
		"total is negative":  page(-1, a, b),
		"same page for ever": page(3, a, b),
	} {
		s := serve(t, answers(200, body))
		l, err := s.List(ctx, folderD, new(names).page)
		if err != nil || l.Complete || s.requests.Load() > 2*listRuns {
			t.Errorf("%s: got %+v, %v, %d requests", name, l, err, s.requests.Load())
		}
	}
}

// TestListRefusesEntries: what no file here can stand for is left out, and
// takes nothing from the rest; what may hide a name makes it incomplete.
func TestListRefusesEntries(t *testing.T) {
	named := func(name, p string) string {
		return strings.Replace(file(9, p, 1), `"name":`+quote(p[strings.LastIndexByte(p, '/')+1:]), `"name":`+quote(name), 1)
	}
	long := strings.Repeat("x", 256)
	for name, tt := range map[string]struct {
		entry    string
		complete bool
	}{
		"dot":             {file(9, "/d/.", 1), true},
		"dots":            {file(9, "/d/..", 1), true},
		"escape":          {file(9, "/d/../../etc/passwd", 1), true},
		"slash":           {named("a/b", "/d/a/b"), true},
		"name of slashes": {named("../x", "/d/x"), true},
		"NUL":             {file(9, "/d/a\x00b", 1), true},
		"long":            {file(9, "/d/"+long, 1), true},
		"empty":           {`{"id":9,"attributes":{"name":"","path":"/d/","type":"file","size":1}}`, true},
		"the folder":      {file(9, "/d", 1), true},
		"empty name":      {named("", "/d/x"), true},
		"another name":    {named("y", "/d/x"), false},
		"elsewhere":       {file(9, "/e/x", 1), false},
		"deeper":          {file(9, "/d/e/x", 1), false},
		"no path":         {`{"id":9,"attributes":{"type":"file"}}`, false},
		"no id":           {strings.Replace(file(9, "/d/x", 1), `"id":9`, `"id":null`, 1), false},
		"no size":         {strings.Replace(file(9, "/d/x", 1), `"size":1`, `"size":{}`, 1), false},
		"a string":        {`"x"`, false},
		"null":            {`null`, false},
	} {
		var log strings.Builder
		s := serve(t, answers(200, page(3, file(1, "/d/a", 1), tt.entry, folderOf(2, "/d/b", "null"))), logTo(&log))
		var got names
		l, err := s.List(ctx, folderD, got.page)
		if err != nil || l.Complete != tt.complete || l.Total != 3 || !slices.Equal(got, names{"a", "b"}) {
			t.Errorf("%s: got %q, %+v, %v", name, got, l, err)
		}
		if s.requests.Load() > 2 || name != "the folder" && strings.Count(log.String(), "level=WARN") != 1 {
			t.Errorf("%s: %d requests, log %q", name, s.requests.Load(), log.String())
		}
	}
}

// TestListMovedFolder: a folder that is addressed by id may have been moved.
func TestListMovedFolder(t *testing.T) {
	entry := strings.Replace(file(9, "/new/x", 1), `"type":"resource"`, `"relationships":{"parentResource":{"data":{"id":3,"type":"resource"}}}`, 1)
	s := serve(t, answers(200, page(1, entry)))
	var got []remote.Object
	l, err := s.List(ctx, folderD, func(os []remote.Object) error { got = os; return nil })
	if err != nil || !l.Complete || len(got) != 1 || got[0].Path != "/new/x" || got[0].ParentID != "3" {
		t.Errorf("got %+v, %+v, %v", got, l, err)
	}
}

func TestListCallerStops(t *testing.T) {
	stop := &remote.Error{Kind: remote.Other, Op: "x", Status: 400}
	s := serve(t, newPager(t, 50).serve, func(o *Options) { o.PageSize = 10 })
	if _, err := s.List(ctx, folderD, func([]remote.Object) error { return stop }); !errors.Is(err, stop) || s.requests.Load() != 1 {
		t.Errorf("got %v after %d requests", err, s.requests.Load())
	}
}

func TestListCanceled(t *testing.T) {
	for _, early := range []bool{true, false} {
		cctx, cancel := context.WithCancel(ctx)
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if !early {
				_, _ = io.WriteString(w, `{"data":[`)
				w.(http.Flusher).Flush()
			}
			cancel()
			<-r.Context().Done()
		})
		_, err := s.List(cctx, folderD, new(names).page)
		wantKind(t, err, remote.Canceled)
	}
}

func TestTree(t *testing.T) {
	tree := []string{
		folderOf(3, "/d", "2"), folderOf(4, "/d/e", "2"), file(5, "/d/e/f", 1), folderOf(6, "/d/e/g", "0"), file(7, "/d/ü", 0),
	}
	for _, withItself := range []bool{true, false} {
		entries := tree
		if !withItself {
			entries = tree[1:]
		}
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if q := r.URL.Query(); q.Get("name") != "*" || q.Get("resource") != "id:3" || q.Get("sort") != "name" {
				t.Errorf("asked for %s", r.URL)
			}
			reply(w, 200, page(len(entries), entries...))
		})
		var got names
		l, err := s.ListTree(ctx, folderD, got.page)
		if err != nil || !l.Complete || !slices.Equal(got, names{"e", "f", "g", "ü"}) {
			t.Errorf("got %q, %+v, %v", got, l, err)
		}
	}
}

// TestTreeSearchThatIsNone: whatever a server without a working search does,
// nothing is taken for absent.
func TestTreeSearchThatIsNone(t *testing.T) {
	for name, body := range map[string]string{
		"finds all":     page(2, file(5, "/x", 1), file(6, "/d/y", 1)),
		"is not deep":   page(2, folderOf(4, "/d/e", "7"), file(6, "/d/y", 1)),
		"bad parameter": "",
	} {
		h := answers(200, body)
		if body == "" {
			h = answers(400, problem(400, "unknown parameter name"))
		}
		_, err := serve(t, h).ListTree(ctx, folderD, new(names).page)
		if !remote.IsKind(err, remote.Unsupported) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, body := range map[string]string{
		"perhaps not deep":     page(2, folderOf(4, "/d/e", "null"), file(6, "/d/y", 1)),
		"a folder's are gone":  page(3, folderOf(4, "/d/e", "7"), folderOf(5, "/d/g", "1"), file(6, "/d/g/y", 1)),
		"a hidden entry below": page(2, folderOf(4, "/d/e", "1"), `{"id":8}`),
	} {
		l, err := serve(t, answers(200, body)).ListTree(ctx, folderD, new(names).page)
		if err == nil && l.Complete {
			t.Errorf("%s: got %+v, %v", name, l, err)
		}
	}
}

func TestTreeByIDAlone(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/resources" {
			reply(w, 200, one(200, folderOf(3, "/d", "1")))
			return
		}
		reply(w, 200, page(1, file(5, "/d/f", 1)))
	})
	l, err := s.ListTree(ctx, remote.Ref{ID: "3"}, new(names).page)
	if err != nil || !l.Complete || s.requests.Load() != 2 {
		t.Errorf("got %+v, %v", l, err)
	}
}

// TestHugeBodies streams bodies of more than 1 GiB and watches the memory.
func TestHugeBodies(t *testing.T) {
	long := strings.Repeat("z", 8<<10)
	for name, tt := range map[string]struct{ head, chunk string }{
		"a name":   {`{"data":[{"id":1,"attributes":{"name":"`, "x"},
		"a number": {`{"totalResults":`, "1"},
		"blanks":   {`{`, " "},
		"nesting":  {`{"x":`, "["},
		"an entry": {`{"data":[{"x":[`, `"y",`},
		"entries":  {`{"data":[null`, `,{"x":"` + long + `"}`},
		"HTML":     {`<html>`, "<p>"},
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			chunk := strings.Repeat(tt.chunk, 1<<20/len(tt.chunk))
			_, _ = io.WriteString(w, tt.head)
			for range 1200 {
				if _, err := io.WriteString(w, chunk); err != nil {
					return
				}
			}
		})
		before := heap()
		_, err := s.List(ctx, folderD, new(names).page)
		wantKind(t, err, remote.Corrupt)
		if grown := heap() - before; grown > 64<<20 {
			t.Errorf("%s: the heap grew by %d MiB", name, grown>>20)
		}
	}
}

// heap returns how much memory was ever taken from the system for the heap.
func heap() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapSys)
}

func FuzzList(f *testing.F) {
	for _, s := range []string{
		page(2, file(1, "/d/a", 1), folderOf(2, "/d/b", "3")), page(0), `{"data":{}}`, `{"data":[{"id":"1"}],"totalResults":"1"}`,
		page(1, file(1, "/d/..", 1)), `[`, `{"data":[[]]}`,
	} {
		f.Add(s)
	}
	s := &server{}
	f.Fuzz(func(t *testing.T, body string) {
		for _, tree := range []bool{false, true} {
			checkListing(t, s, body, tree)
		}
	})
}

// checkListing lists a body and checks what must hold for every one.
func checkListing(t *testing.T, s *server, body string, tree bool) {
	s.Client = answering(t, 200, body)
	seen := map[string]bool{}
	take := func(os []remote.Object) error {
		for _, o := range os {
			seen[o.ID] = true
			if !clientkit.ValidName(o.Name) || !clientkit.ValidPath(o.Path) || !strings.HasSuffix(o.Path, "/"+o.Name) || o.Size < 0 || o.ID == "" || o.Dir == (o.Version != "") {
				t.Errorf("handed over %+v", o)
			}
			if tree && !strings.HasPrefix(o.Path, "/d/") {
				t.Errorf("%q is outside", o.Path)
			}
		}
		return nil
	}
	list := s.List
	if tree {
		list = s.ListTree
	}
	l, err := list(ctx, folderD, take)
	var e *remote.Error
	if err != nil && (!errors.As(err, &e) || e.Unknown) {
		t.Errorf("error %v", err)
	}
	if err == nil && l.Complete && len(seen) > l.Total {
		t.Errorf("%d of %d are complete", len(seen), l.Total)
	}
}
