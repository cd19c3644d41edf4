package exavault_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func (b *box) tree() {
	b.Helper()
	for _, p := range []string{"/b.txt", "/A.txt", "/sub/c.TXT", "/sub/deep/d.bin", "/Data_2020.csv"} {
		b.must(p, p)
	}
}

func TestList(t *testing.T) {
	b := open(t)
	b.tree()
	a := b.get("/resources/list", "resource", "/", "sort", "name", "limit", "1000")
	a.want(b, 200)
	equal(t, a.names("name"), "A.txt Data_2020.csv b.txt sub")
	equal(t, a.at("returnedResults"), 4)
	equal(t, a.at("totalResults"), 4)
	equal(t, a.at("data", 3, "attributes", "size"), len("/sub/c.TXT")+len("/sub/deep/d.bin"))
	if a.at("included") == nil {
		t.Error("no included")
	}
	equal(t, b.get("/resources/list", "resource", "/", "sort", "-name").names("name"), "sub b.txt Data_2020.csv A.txt")
	equal(t, b.get("/resources/list", "resource", "/", "sort", "-type,name").names("name"), "A.txt Data_2020.csv b.txt sub")
	equal(t, b.get("/resources/list", "resource", "/", "type", "dir").names("name"), "sub")
	equal(t, b.get("/resources/list", "resource", "/", "type", "file", "sort", "size,name").names("name"), "A.txt b.txt Data_2020.csv")
	equal(t, b.get("/resources/list", "resource", "/", "type", "odd").names("name"), "")
	page := b.get("/resources/list", "resource", "/", "sort", "name", "limit", "2", "offset", "1")
	equal(t, page.names("name"), "Data_2020.csv b.txt")
	equal(t, page.at("returnedResults"), 2)
	equal(t, page.at("totalResults"), 4)
	equal(t, b.get("/resources/list", "resource", "/", "offset", "9").names("name"), "")
	dir := b.get("/resources", "resource", "/sub")
	equal(t, b.get(fmt.Sprintf("/resources/list/%d", dir.id()), "sort", "name").names("path"), "/sub/c.TXT /sub/deep")
}

func TestListErrors(t *testing.T) {
	b := open(t)
	b.tree()
	b.get("/resources/list").want(b, 400)
	b.get("/resources/list", "resource", "/none").want(b, 404)
	b.get("/resources/list", "resource", "/b.txt").want(b, 400)
	for _, q := range [][]string{{"limit", "-1"}, {"limit", "0"}, {"limit", "x"}, {"offset", "-1"}, {"sort", "odd"}} {
		b.get("/resources/list", append(q, "resource", "/")...).want(b, 400)
	}
	b.get("/resources/list/99").want(b, 404)
	if err := b.srv.Set("list-file", "404"); err != nil {
		t.Fatal(err)
	}
	b.get("/resources/list", "resource", "/b.txt").want(b, 404)
}

func TestSearch(t *testing.T) {
	b := open(t)
	b.tree()
	search := func(name, in string) string {
		a := b.get("/resources/list", "resource", in, "name", name, "sort", "name", "type", "dir")
		a.want(b, 200)
		return a.names("path")
	}
	equal(t, search("*", "/"), "/A.txt /Data_2020.csv /b.txt /sub/c.TXT /sub/deep/d.bin /sub/deep /sub")
	equal(t, search("*", "/sub"), "/sub/c.TXT /sub/deep/d.bin /sub/deep")
	equal(t, search("*.txt", "/"), "/A.txt /b.txt /sub/c.TXT")
	equal(t, search("data_20?0.CSV", "/"), "/Data_2020.csv")
	equal(t, search("dee", "/"), "")
	equal(t, search("DEEP", "/"), "/sub/deep")
	equal(t, b.srv.CountBy()["tree"], 6)
}

func TestSearchSwitches(t *testing.T) {
	b := open(t, "search", "400")
	b.tree()
	b.get("/resources/list", "resource", "/", "name", "*").want(b, 400)
	b = open(t, "search", "flat")
	b.tree()
	equal(t, b.get("/resources/list", "resource", "/", "name", "*", "sort", "name").names("name"), "A.txt Data_2020.csv b.txt sub")
}

func TestPageCap(t *testing.T) {
	for _, c := range []struct {
		set    []string
		limit  string
		status int
		n      int
	}{
		{nil, "1000", 200, 12},
		{[]string{"page-cap", "10"}, "1000", 200, 10},
		{[]string{"page-cap", "10"}, "", 200, 10},
		{[]string{"page-cap", "10", "over-cap", "400"}, "11", 400, 0},
		{[]string{"page-cap", "10", "over-cap", "400"}, "10", 200, 10},
		{[]string{"default-limit", "3"}, "", 200, 3},
		{[]string{"default-limit", "none"}, "", 200, 12},
	} {
		b := open(t, c.set...)
		for i := range 12 {
			b.byHand(fmt.Sprintf("f%02d", i), "")
		}
		q := []string{"resource", "/"}
		if c.limit != "" {
			q = append(q, "limit", c.limit)
		}
		a := b.get("/resources/list", q...)
		a.want(b, c.status)
		equal(t, len(a.list()), c.n)
	}
}

func TestListByIDCap(t *testing.T) {
	b := open(t)
	for i := range 105 {
		b.byHand(fmt.Sprintf("d/f%03d", i), "")
	}
	id := b.get("/resources", "resource", "/d").id()
	equal(t, len(b.get(fmt.Sprintf("/resources/list/%d", id), "limit", "1000").list()), 100)
	if err := b.srv.Set("over-cap", "400"); err != nil {
		t.Fatal(err)
	}
	b.get(fmt.Sprintf("/resources/list/%d", id), "limit", "101").want(b, 400)
}

func TestListOrderAndTotals(t *testing.T) {
	for order, want := range map[string]string{
		"name": "a b c", "id": "c a b", "newest": "b a c", "path": "a b c",
	} {
		b := open(t, "default-order", order, "totals", "zero", "returned", "missing")
		for _, name := range []string{"c", "a", "b"} {
			b.must("/"+name, "")
			b.clock.Add(2 * time.Second)
		}
		a := b.get("/resources/list", "resource", "/")
		equal(t, a.names("name"), want)
		equal(t, a.at("totalResults"), 0)
		equal(t, a.at("returnedResults"), nil)
	}
	b := open(t, "totals", "missing")
	equal(t, b.get("/resources/list", "resource", "/").at("totalResults"), nil)
}

func TestForeignChanges(t *testing.T) {
	b := open(t)
	id := b.must("/own", "1")
	b.byHand("dropped/by/hand.txt", "hi")
	a := b.get("/resources", "resource", "/dropped/by/hand.txt")
	a.want(b, 200)
	first := a.id()
	before := b.get("/resources", "resource", "/own")
	b.clock.Add(5 * time.Second)
	b.byHand("own", "changed")
	a = b.get("/resources/list", "resource", "/", "sort", "name")
	equal(t, a.names("name"), "dropped own")
	equal(t, a.at("data", 1, "attributes", "size"), 7)
	if a.at("data", 1, "attributes", "updatedAt") == before.attr("updatedAt") {
		t.Error("updatedAt did not move")
	}
	equal(t, a.at("data", 1, "id"), id)
	if err := os.Remove(filepath.Join(b.root, "own")); err != nil {
		t.Fatal(err)
	}
	b.get(fmt.Sprintf("/resources/%d", id)).want(b, 404)
	if err := os.Symlink("/etc", filepath.Join(b.root, "link")); err != nil {
		t.Fatal(err)
	}
	equal(t, b.get("/resources/list", "resource", "/").names("name"), "dropped")
	b.get("/resources", "resource", "/link/passwd").want(b, 404)
	equal(t, b.get("/resources", "resource", "/dropped/by/hand.txt").id(), first)
	equal(t, b.ops("-date"), "DELE STOR STOR MKD MKD STOR")
}

// ops returns the operations of the activity log.
func (b *box) ops(sort string, query ...string) string {
	b.Helper()
	a := b.get("/activity/session", append(query, "sort", sort, "limit", "1000")...)
	a.want(b, 200)
	return a.names("operation")
}

func TestForeignQuiet(t *testing.T) {
	b := open(t, "foreign-logged", "no")
	b.byHand("f", "1")
	equal(t, b.ops("-date"), "")
}

// A page of a large folder must cost its own entries, not the folder's. The
// bodies are not parsed, as that takes most of the time under the race
// detector.
func TestManyPagesAreQuick(t *testing.T) {
	const n, limit = 100_000, 500
	b := openMany(t, n)
	page := func(offset int) time.Duration {
		begin := time.Now()
		a := b.do("GET", fmt.Sprintf("/api/v2/resources/list?resource=/&sort=name&limit=%d&offset=%d", limit, offset), nil)
		equal(t, bytes.Count(a.body, []byte(`"type":"resource","attributes"`)), limit)
		equal(t, bytes.Contains(a.body, fmt.Appendf(nil, `"name":"f%06d"`, offset)), true)
		equal(t, bytes.HasSuffix(a.body, fmt.Appendf(nil, `"totalResults":%d}`, n)), true)
		return time.Since(begin)
	}
	first := page(0)
	var rest time.Duration
	for offset := limit; offset < n; offset += 10_000 {
		rest += page(offset)
	}
	t.Logf("first page %v, ten more %v", first, rest)
	if rest > 10*time.Second {
		t.Error("paging is slow")
	}
}

func openMany(t *testing.T, n int) *box {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	if err := os.MkdirAll(root, 0o755); err != nil {
		t.Fatal(err)
	}
	first := filepath.Join(root, "f000000")
	if err := os.WriteFile(first, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < n; i++ {
		name := filepath.Join(root, fmt.Sprintf("f%06d", i))
		// Links to one empty file are made faster than files; ext4 takes
		// 65,000 of them.
		if i%60_000 == 0 {
			if err := os.WriteFile(name, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			first = name
			continue
		}
		if err := os.Link(first, name); err != nil {
			t.Fatal(err)
		}
	}
	return openWith(t, optionsHome(root, "/"))
}

func TestNamesInAnswersAreExact(t *testing.T) {
	b := open(t)
	name := "<&>\"\\ \u2028 é " + strings.Repeat("x", 100)
	b.must("/"+name, "")
	equal(t, b.get("/resources/list", "resource", "/").names("name"), name)
}
