package exavault_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func transfer(from any, to string) object { return object{"resources": from, "parentResource": to} }

func TestMove(t *testing.T) {
	b := open(t)
	id := b.must("/from/x", "1")
	b.must("/from/y", "2")
	b.must("/to/y", "3")
	a := b.send("POST", "/resources/move", transfer([]string{"/from/x"}, "/to"))
	a.want(b, 200)
	equal(t, a.id(), id)
	equal(t, a.attr("path"), "/to/x")
	equal(t, a.at("meta", "path"), "/from/x")
	equal(t, a.at("meta", "destinationPath"), "/to")
	b.send("POST", "/resources/move", transfer([]string{"/from/y"}, "/to")).want(b, 400)
	b.send("POST", "/resources/move", transfer([]string{"/none"}, "/to")).want(b, 404)
	b.send("POST", "/resources/move", transfer([]string{"/to/x"}, "/none")).want(b, 404)
	b.send("POST", "/resources/move", transfer([]string{"/to"}, "/to")).want(b, 400)
	b.send("POST", "/resources/move", transfer([]string{"/to"}, "/to/x")).want(b, 400)
	b.send("POST", "/resources/move", object{"parentResource": "/to"}).want(b, 400)
	b.send("POST", "/resources/move", object{"resources": []string{"/to"}}).want(b, 400)
	b.send("POST", "/resources/move", transfer([]string{"/to/x"}, "/to")).want(b, 200) // is there already
}

func TestMoveBatch(t *testing.T) {
	b := open(t)
	b.must("/a/x", "1")
	b.must("/b/y", "2")
	b.must("/c/z/deep", "3")
	b.send("POST", "/resources", object{"path": "/to"})
	a := b.send("POST", "/resources/move", transfer([]string{"/a/x", "/none", "/c/z"}, "/to"))
	equal(t, a.status, 207)
	equal(t, a.at("responses", 0, "data", "attributes", "path"), "/to/x")
	equal(t, a.at("responses", 0, "meta", "path"), "/a/x")
	equal(t, a.at("responses", 1, "responseStatus"), 404)
	equal(t, a.at("responses", 1, "errors", 0, "meta", "destinationPath"), "/to")
	equal(t, a.at("responses", 1, "errors", 0, "meta", "path"), "/none")
	equal(t, b.content("to/z/deep"), "3")
	equal(t, b.send("POST", "/resources/move", transfer([]string{"/to/x", "/b/y"}, "/")).status, 207)
}

func TestBatchSwitches(t *testing.T) {
	b := open(t, "batch-status", "200", "batch-order", "reverse", "batch-errors", "full")
	b.must("/a", "1")
	b.must("/b", "2")
	b.send("POST", "/resources", object{"path": "/to"})
	a := b.send("POST", "/resources/move", transfer([]string{"/a", "/b"}, "/to"))
	equal(t, a.status, 200)
	equal(t, a.at("responses", 0, "meta", "path"), "/b")
	a = b.send("DELETE", "/resources", object{"resources": []string{"/to/a", "/none"}})
	equal(t, a.status, 207)
	equal(t, a.at("responses", 0, "errors", 0, "code"), "ERROR_RESOURCE_NOT_FOUND")
}

func TestTaken(t *testing.T) {
	for _, c := range []struct{ op, how, path, there string }{
		{"move", "400", "", "old"}, {"move", "rename", "/to/f (1).txt", "old"}, {"move", "replace", "/to/f.txt", "new"},
		{"copy", "400", "", "old"}, {"copy", "rename", "/to/f (1).txt", "old"}, {"copy", "replace", "/to/f.txt", "new"},
	} {
		b := open(t, c.op+"-taken", c.how)
		b.must("/to/f.txt", "old")
		b.must("/f.txt", "new")
		a := b.send("POST", "/resources/"+c.op, transfer([]string{"/f.txt"}, "/to"))
		if c.path == "" {
			a.want(b, 400)
		} else {
			a.want(b, 200)
			equal(t, a.attr("path"), c.path)
		}
		equal(t, b.content("to/f.txt"), c.there)
		equal(t, b.content("f.txt") == "new", c.op == "copy" || c.how == "400")
	}
}

func TestCopy(t *testing.T) {
	b := open(t)
	id := b.must("/from/x", "1")
	b.must("/from/sub/y", "22")
	b.send("POST", "/resources", object{"path": "/to"})
	a := b.send("POST", "/resources/copy", transfer([]string{"/from"}, "/to"))
	a.want(b, 200)
	equal(t, a.attr("path"), "/to/from")
	equal(t, a.attr("size"), 3)
	equal(t, b.content("to/from/sub/y"), "22")
	if c := b.get("/resources", "resource", "/to/from/x"); c.id() == id || c.id() == 0 {
		t.Error("the copy has no id of its own")
	}
	same := b.send("POST", "/resources/copy", transfer([]string{"/from/x"}, "/from"))
	equal(t, same.attr("path"), "/from/x (1)")
	b.send("POST", "/resources/copy", transfer([]string{"/from"}, "/from/sub")).want(b, 400)
	b.send("POST", "/resources/copy", transfer([]string{"/from/x"}, "/from/x")).want(b, 400)
}

func TestDownload(t *testing.T) {
	b := open(t)
	id := b.must("/ü b.txt", "0123456789")
	a := b.get("/resources/download", "resources[]", fmt.Sprintf("id:%d", id))
	a.want(b, 200)
	equal(t, string(a.body), "0123456789")
	equal(t, a.header.Get("Content-Type"), "application/octet-stream")
	equal(t, a.header.Get("Content-Disposition"), "attachment; filename*=UTF-8''%C3%BC%20b.txt")
	for spec, want := range map[string]string{
		"bytes=2-4": "206 bytes 2-4/10 234", "bytes=7-": "206 bytes 7-9/10 789", "bytes=-2": "206 bytes 8-9/10 89",
		"bytes=8-99": "206 bytes 8-9/10 89", "bytes=odd": "200  0123456789", "bytes=1-2,4-5": "200  0123456789",
	} {
		a := b.do("GET", "/api/v2/resources/download?resources[]=/%C3%BC%20b.txt", nil, "Range", spec)
		equal(t, fmt.Sprint(a.status, " ", a.header.Get("Content-Range"), " ", string(a.body)), want)
	}
	a = b.do("GET", "/api/v2/resources/download?resources%5B%5D=id:"+fmt.Sprint(id), nil, "Range", "bytes=10-")
	a.want(b, 416)
	equal(t, a.header.Get("Content-Range"), "bytes */10")
	b.get("/resources/download").want(b, 400)
	b.get("/resources/download", "resources[]", "/none").want(b, 404)
	if err := b.srv.Set("range", "off"); err != nil {
		t.Fatal(err)
	}
	a = b.do("GET", "/api/v2/resources/download?resources[]=id:"+fmt.Sprint(id), nil, "Range", "bytes=2-4")
	a.want(b, 200)
	equal(t, string(a.body), "0123456789")
}

// unzipped returns "name=content" of all entries, sorted.
func unzipped(t *testing.T, body []byte) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range z.File {
		r, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		c, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e.Name+"="+string(c))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestDownloadZip(t *testing.T) {
	b := open(t)
	b.must("/p/a/x", "1")
	b.must("/p/a/sub/y", "2")
	b.must("/p/z", "3")
	b.send("POST", "/resources", object{"path": "/p/empty"})
	get := func(resources ...string) answer {
		var q []string
		for _, r := range resources {
			q = append(q, "resources[]", r)
		}
		return b.get("/resources/download", append(q, "downloadArchiveName", "many")...)
	}
	a := get("/p/a")
	a.want(b, 200)
	equal(t, a.header.Get("Content-Type"), "application/zip")
	equal(t, a.header.Get("Content-Disposition"), "attachment; filename*=UTF-8''many.zip")
	equal(t, unzipped(t, a.body), "sub/y=2 x=1")
	equal(t, unzipped(t, get("/p/a/x", "/p/z").body), "a/x=1 z=3")
	equal(t, unzipped(t, get("/p/a", "/p/z").body), "a/sub/y=2 a/x=1 z=3")
	get("/p/empty").want(b, 500)
	get("/p/z", "/none").want(b, 404)
	for name, value := range map[string]string{"zip-layout": "bare", "download-missing": "partial"} {
		if err := b.srv.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, unzipped(t, get("/p/a/x", "/p/z").body), "x=1 z=3")
	equal(t, unzipped(t, get("/p/a", "/p/z").body), "a/sub/y=2 a/x=1 z=3")
	equal(t, unzipped(t, get("/p/z", "/none").body), "z=3")
	get("/none", "/none2").want(b, 404)
	equal(t, b.srv.CountBy()["archive"], 9)
}

func TestCompressAndExtract(t *testing.T) {
	b := open(t)
	b.must("/src/x", "1")
	b.must("/src/sub/y", "2")
	a := b.send("POST", "/resources/compress", object{"resources": []string{"/src"}, "archiveName": "pack", "parentResource": "/"})
	a.want(b, 201)
	equal(t, a.attr("path"), "/pack.zip")
	equal(t, a.attr("extension"), "zip")
	b.send("POST", "/resources", object{"path": "/to"})
	x := b.send("POST", "/resources/extract", object{"resource": "/pack.zip", "parentResource": "/to"})
	x.want(b, 201)
	equal(t, x.names("path"), "/to/sub /to/x")
	equal(t, x.at("returnedResults"), 2)
	equal(t, x.at("totalResults"), 2)
	equal(t, b.content("to/sub/y"), "2")
	b.send("POST", "/resources/extract", object{"resource": "/none.zip", "parentResource": "/to"}).want(b, 404)
	b.send("POST", "/resources/extract", object{"resource": "/pack.zip", "parentResource": "/none"}).want(b, 404)
	b.send("POST", "/resources/extract", object{"resource": "/src/x", "parentResource": "/to"}).want(b, 400)
	b.send("POST", "/resources/extract", object{"resource": "/pack.zip"}).want(b, 400)
	b.send("POST", "/resources/compress", object{}).want(b, 400)
	again := b.send("POST", "/resources/compress", object{"resources": []string{"/src"}, "archiveName": "pack.zip", "parentResource": "/"})
	equal(t, again.attr("path"), "/pack (1).zip")
	dated := b.send("POST", "/resources/compress", object{"resources": []string{"/src/x"}})
	dated.want(b, 201)
	b.send("POST", "/resources", object{"path": "/empty"})
	b.send("POST", "/resources/compress", object{"resources": []string{"/empty"}}).want(b, 500)
}

func TestExtractSwitches(t *testing.T) {
	for how, want := range map[string]string{"overwrite": "new /to/f", "refuse": "old ", "rename": "old /to/f (1)"} {
		b := open(t, "extract", how)
		id := b.must("/to/f", "old")
		b.must("/src/f", "new")
		b.send("POST", "/resources/compress", object{"resources": []string{"/src"}, "archiveName": "p", "parentResource": "/"}).want(b, 201)
		a := b.send("POST", "/resources/extract", object{"resource": "/p.zip", "parentResource": "/to"})
		equal(t, b.content("to/f")+" "+a.names("path"), want)
		equal(t, b.get("/resources", "resource", "/to/f").id(), id)
	}
	for how, want := range map[string]string{"top": "/to/sub", "all": "/to/sub /to/sub/f", "none": ""} {
		b := open(t, "extract-lists", how, "extract-parents", "yes")
		b.must("/src/sub/f", "new")
		b.send("POST", "/resources/compress", object{"resources": []string{"/src"}, "archiveName": "p", "parentResource": "/"})
		a := b.send("POST", "/resources/extract", object{"resource": "/p.zip", "parentResource": "/to"})
		equal(t, a.names("path"), want)
	}
}

func TestExtractHostile(t *testing.T) {
	b := open(t)
	b.send("POST", "/resources", object{"path": "/to"})
	for i, name := range []string{"../evil", "/evil", "a/../../evil", "a/./b", strings.Repeat("n", 300)} {
		var buf bytes.Buffer
		z := zip.NewWriter(&buf)
		for _, n := range []string{"good", name} {
			if _, err := z.Create(n); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		p := fmt.Sprintf("/evil%d.zip", i)
		b.must(p, buf.String())
		b.send("POST", "/resources/extract", object{"resource": p, "parentResource": "/to"}).want(b, 400)
	}
	left, err := os.ReadDir(filepath.Join(b.root, "to"))
	equal(t, len(left), 0)
	equal(t, err, nil)
}
