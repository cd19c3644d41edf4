package filescom_test

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestUpload(t *testing.T) {
	b := open(t)
	a := b.upload("a/b%20c/f.txt", "hello")
	equal(t, a.status, 201)
	equal(t, a.text("path"), "a/b c/f.txt")
	equal(t, a.object()["md5"], nil)
	a = b.upload("a/B%20c/F.txt", "hello again")
	equal(t, a.status, 200) // names fold
	equal(t, b.content("a/b%20c/f.txt"), "hello again")
	b.clock.Add(2 * time.Second)
	a = b.want(200, "GET", "/file_actions/metadata/a/b%20c/f.txt", nil)
	equal(t, a.text("md5"), sum("hello again"))
	content, err := os.ReadFile(filepath.Join(b.root, "a", "b c", "f.txt"))
	equal(t, err, nil)
	equal(t, string(content), "hello again")
	// Two API requests a file; bytes count nowhere.
	equal(t, fmt.Sprint(b.srv.CountBy()), "map[begin:2 download:1 end:2 info:1]")
	equal(t, b.srv.Used(), b.srv.Count())
	for _, r := range b.srv.Requests() {
		if r.Transfer != strings.HasPrefix(r.Path, "/storage/") || strings.Contains(r.Query, "Signature") {
			t.Errorf("%+v", r)
		}
	}
}

func TestEmptyFile(t *testing.T) {
	b := open(t)
	equal(t, b.upload("empty", "").status, 201)
	equal(t, b.content("empty"), "")
}

func TestProvidedTime(t *testing.T) {
	b := open(t)
	part := b.begin("f", nil)
	b.put(part, "x")
	end := fields{"action": "end", "ref": part["ref"], "provided_mtime": "0001-01-01T00:00:00Z"}
	b.refused(400, "bad-request/datetime-parse", "POST", "/files/f", end)
	end["provided_mtime"] = "2023-09-15T10:40:27.314218814-07:00"
	equal(t, b.want(201, "POST", "/files/f", end).text("provided_mtime"), "2023-09-15T17:40:27Z")
	a := b.want(200, "PATCH", "/files/f", fields{"provided_mtime": "2000-01-01 01:00:00 UTC", "priority_color": "red"})
	equal(t, a.text("provided_mtime"), "2000-01-01T01:00:00Z")
	equal(t, a.text("priority_color"), "red")
	b.want(201, "POST", "/file_actions/copy/f", fields{"destination": "g"})
	b.want(201, "POST", "/file_actions/move/g", fields{"destination": "h"})
	equal(t, b.want(200, "GET", "/file_actions/metadata/h", nil).text("provided_mtime"), "2000-01-01T01:00:00Z")
	equal(t, b.upload("h", "new").object()["provided_mtime"], nil)
}

func TestParts(t *testing.T) {
	b := open(t, "least-part", "3")
	part := b.begin("f", fields{"size": 8})
	more := func(n int) map[string]any { return b.begin("f", fields{"ref": part["ref"], "part": n}) }
	end := func(etags ...string) fields {
		list := []fields{}
		for i, e := range etags {
			list = append(list, fields{"etag": e, "part": i + 1})
		}
		return fields{"action": "end", "ref": part["ref"], "etags": list, "size": 8}
	}
	b.refused(422, "processing-failure/file-not-uploaded", "POST", "/files/f", end())
	third := b.put(more(3), "gh") // in any order
	first := b.put(part, "xxx")
	b.refused(400, "bad-request/invalid-upload-part-gap", "POST", "/files/f", end(first, "?", third))
	second := b.put(more(2), "def")
	first = b.put(more(1), "abc") // once more, in place of what came first
	b.refused(400, "bad-request/invalid-etags", "POST", "/files/f", end(first, third, third))
	b.refused(400, "bad-request/invalid-upload-part-size", "POST", "/files/f", end(first, second))
	b.refused(404, "not-found/file-upload-not-found", "POST", "/files/other", end(first, second, third))
	b.want(404, "GET", "/file_actions/metadata/f", nil)
	b.want(201, "POST", "/files/f", end(first, second, third))
	equal(t, b.content("f"), "abcdefgh")
	b.clock.Add(time.Minute)
	equal(t, b.want(200, "GET", "/file_actions/metadata/f", nil).text("md5"), sum("abcdefgh"))
	b.refused(404, "not-found/file-upload-not-found", "POST", "/files/f", end(first, second, third))
}

func TestPartsTooSmallOrOutOfOrder(t *testing.T) {
	b := open(t, "parallel-parts", "no", "largest-part", "5")
	part := b.begin("f", nil)
	next := fields{"ref": part["ref"], "part": 2}
	b.refused(400, "bad-request/invalid-upload-part-gap", "POST", "/file_actions/begin_upload/f", next)
	b.put(part, "abc")
	b.put(b.begin("f", next), "def")
	b.refused(400, "bad-request/invalid-upload-part-size", "POST", "/files/f", fields{"action": "end", "ref": part["ref"]})
	b.refused(400, "bad-request/part-number-too-large", "POST", "/file_actions/begin_upload/f", fields{"ref": part["ref"], "part": 10_001})
	b.refused(400, "bad-request/invalid-upload-part-gap", "POST", "/file_actions/begin_upload/f", fields{"part": 2})
	b.refused(400, "bad-request/invalid-upload-offset", "POST", "/file_actions/begin_upload/f", fields{"restart": 7})
	uri, _ := part["upload_uri"].(string)
	equal(t, b.send("PUT", uri, strings.NewReader("abcdef")).status, 400)
	equal(t, b.send("PUT", uri, io.MultiReader(strings.NewReader("abc"))).status, 411) // no length
	equal(t, len(b.want(200, "POST", "/file_actions/begin_upload/g", fields{"parts": 3}).list()), 3)
}

// A part whose body is shorter than its header says is not kept.
func TestShortPart(t *testing.T) {
	b := open(t)
	part := b.begin("f", nil)
	uri, _ := part["upload_uri"].(string)
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 10\r\n\r\nabc", u.RequestURI(), u.Host); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadAll(conn)
	_ = conn.Close()
	b.refused(422, "processing-failure/file-not-uploaded", "POST", "/files/f", fields{"action": "end", "ref": part["ref"]})
}

func TestUploadAsIn2020(t *testing.T) {
	b := open(t, "api", "2020", "ids", "yes", "least-part", "1")
	b.want(404, "POST", "/file_actions/begin_upload/d/f", fields{})
	first := b.want(200, "POST", "/files/d/f", fields{"action": "put"}).object()
	b.put(first, "abc")
	second := b.want(200, "POST", "/files/d/f", fields{"action": "put", "ref": first["ref"], "part": 2}).object()
	b.put(second, "def")
	a := b.want(201, "POST", "/files/d/f", fields{"action": "end", "ref": first["ref"]})
	if _, ok := a.object()["id"].(float64); !ok {
		t.Errorf("%s", a.body)
	}
	equal(t, b.want(200, "GET", "/files/d/f?action=stat", nil).object()["download_uri"], nil)
	a = b.want(302, "GET", "/files/d/f?action=redirect", nil)
	equal(t, string(b.send("GET", a.header.Get("Location"), nil).body), "abcdef")
	b.want(400, "POST", "/files/d/f", fields{"action": "odd"})
}

func TestUploadWhereItCannotGo(t *testing.T) {
	b := open(t)
	b.upload("dir/file", "x")
	begin := func(path string, f fields) answer { return b.api("POST", "/file_actions/begin_upload/"+path, f) }
	equal(t, begin("dir", nil).status, 422)
	equal(t, begin("", nil).status, 422)
	equal(t, begin("no/file", nil).text("type"), "processing-failure/destination-parent-does-not-exist")
	equal(t, begin("dir/file/below", nil).text("type"), "processing-failure/destination-parent-conflict")
	for _, path := range []string{"a%2Fb", "..", "a/%00", strings.Repeat("x", 256), "a%20/b", strings.Repeat("x/", 2501)} {
		if a := begin(path, fields{"mkdir_parents": true}); a.status < 400 || a.status >= 500 {
			t.Errorf("%.20s: %d", path, a.status)
		}
	}
	part := b.begin("dir/file", fields{"with_rename": true})
	equal(t, part["ask_about_overwrites"], true)
	b.put(part, "y")
	equal(t, b.want(201, "POST", "/files/dir/file", fields{"action": "end", "ref": part["ref"]}).text("path"), "dir/file (1)")
	// A folder takes the name while the upload goes on.
	part = b.begin("late", nil)
	b.put(part, "y")
	b.want(201, "POST", "/folders/late", fields{})
	b.refused(422, "processing-failure/destination-exists", "POST", "/files/late", fields{"action": "end", "ref": part["ref"]})
}

func TestStorage(t *testing.T) {
	b := open(t)
	b.upload("f", "0123456789")
	uri := b.want(200, "GET", "/files/f", nil).text("download_uri")
	a := b.send("GET", uri, nil, "Range", "bytes=2-4")
	equal(t, a.status, 206)
	equal(t, string(a.body), "234")
	equal(t, a.header.Get("ETag"), `"`+sum("0123456789")+`"`)
	equal(t, b.send("GET", uri, nil, "Range", "bytes=10-").status, 416)
	equal(t, b.send("HEAD", uri, nil).status, 200)
	equal(t, b.send("PUT", uri, strings.NewReader("x")).status, 403) // signed for another method
	equal(t, b.send("GET", strings.Replace(uri, "objects", "uploads", 1), nil).status, 403)
	b.clock.Add(61 * time.Second)
	a = b.send("GET", uri, nil)
	equal(t, a.status, 403)
	if !strings.Contains(string(a.body), "<Code>AccessDenied</Code>") {
		t.Errorf("%s", a.body)
	}
	uri = b.want(200, "GET", "/files/f", nil).text("download_uri")
	b.upload("f", "new")
	equal(t, b.send("GET", uri, nil).status, 404)
	ok(t, b.srv.Set("stale-download", "new"), b.srv.Set("range", "off"), b.srv.Set("etag", "missing"))
	a = b.send("GET", uri, nil, "Range", "bytes=1-1")
	equal(t, a.status, 200)
	equal(t, string(a.body), "new")
	equal(t, a.header.Get("ETag"), "")
	b.want(204, "DELETE", "/files/f", nil)
	equal(t, b.send("GET", uri, nil).status, 404)
}

func ok(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
