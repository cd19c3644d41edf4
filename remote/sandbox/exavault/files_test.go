package exavault_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestInfoShape(t *testing.T) {
	b := open(t)
	b.must("/Test/test.jpg", "12345")
	a := b.get("/resources", "resource", "/Test/test.jpg", "include", "parentResource,nonsense,ownerUser")
	a.want(b, 200)
	equal(t, a.at("data", "type"), "resource")
	for name, want := range map[string]any{
		"name": "test.jpg", "path": "/Test/test.jpg", "type": "file", "size": 5, "extension": "jpg",
		"fileCount": nil, "createdBy": "exavaultuser", "previewable": false,
	} {
		equal(t, a.attr(name), want)
	}
	stamp := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-07:00$`)
	for _, name := range []string{"createdAt", "updatedAt", "accessedAt", "uploadDate"} {
		if s, _ := a.attr(name).(string); !stamp.MatchString(s) {
			t.Errorf("%s is %q", name, s)
		}
	}
	if h, _ := a.attr("hash").(string); !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(h) {
		t.Errorf("hash is %q", h)
	}
	dir := b.get("/resources", "resource", "/Test")
	equal(t, a.at("data", "relationships", "parentResource", "data", "id"), dir.at("data", "id"))
	equal(t, len(a.at("included").([]any)), 2)
	equal(t, dir.attr("type"), "dir")
	equal(t, dir.attr("fileCount"), 1)
	equal(t, dir.attr("size"), 5)
	byID := b.get(fmt.Sprintf("/resources/%d", a.id()))
	equal(t, byID.attr("path"), "/Test/test.jpg")
	byHash := b.get("/resources", "resource", "hash:"+a.attr("hash").(string))
	equal(t, byHash.id(), a.id())
}

func TestErrorsOfInfo(t *testing.T) {
	b := open(t)
	b.get("/resources").want(b, 400)
	b.get("/resources", "resource", "/none").want(b, 404)
	b.get("/resources", "resource", "id:99").want(b, 404)
	b.get("/resources", "resource", "id:x").want(b, 404)
	b.get("/resources", "resource", "hash:00").want(b, 404)
	b.get("/resources", "resource", "/a/../b").want(b, 400)
	b.get("/resources/99").want(b, 404)
	b.get("/nothing").want(b, 404)
	b.get("/resources/preview", "resource", "/none", "size", "small").want(b, 404)
}

func TestUnauthorized(t *testing.T) {
	b := open(t)
	for _, h := range []string{"ev-api-key", "ev-access-token"} {
		a := b.do("GET", "/api/v2/resources?resource=/", nil, h, "wrong")
		a.want(b, 401)
		equal(t, a.at("errors", 0, "code"), "ERROR_INVALID_CREDENTIALS")
		equal(t, a.at("errors", 0, "detail"), "HTTP_UNAUTHORIZED")
	}
}

func TestDeny(t *testing.T) {
	b := open(t, "deny", "upload+delete")
	b.upload("/a", "x").want(b, 403)
	b.send("DELETE", "/resources", object{"resources": []string{"/a"}}).want(b, 403)
	b.get("/resources", "resource", "/").want(b, 200)
}

func TestMkdir(t *testing.T) {
	b := open(t)
	a := b.send("POST", "/resources", object{"path": "/x/y"})
	a.want(b, 201)
	equal(t, a.attr("path"), "/x/y")
	equal(t, a.attr("fileCount"), 0)
	a = b.send("POST", "/resources", object{"name": "z", "parentResource": fmt.Sprintf("id:%d", a.id())})
	a.want(b, 201)
	equal(t, a.attr("path"), "/x/y/z")
	b.send("POST", "/resources", object{"path": "/x/y"}).want(b, 400)
	b.send("POST", "/resources", object{"name": "z"}).want(b, 400)
	b.send("POST", "/resources", object{"name": "a/b", "parentResource": "/"}).want(b, 400)
	b.send("POST", "/resources", object{"name": "z", "parentResource": "/none"}).want(b, 404)
	b.send("POST", "/resources", object{"path": "/" + strings.Repeat("n", 256)}).want(b, 400)
	b.must("/file", "")
	b.send("POST", "/resources", object{"path": "/file/sub"}).want(b, 400)
}

func TestMkdirExisting(t *testing.T) {
	b := open(t, "mkdir-existing", "existing")
	first := b.send("POST", "/resources", object{"path": "/x"})
	equal(t, b.send("POST", "/resources", object{"path": "/x"}).id(), first.id())
	b = open(t, "mkdir-existing", "rename")
	b.send("POST", "/resources", object{"path": "/x"}).want(b, 201)
	equal(t, b.send("POST", "/resources", object{"path": "/x"}).attr("path"), "/x (1)")
}

func TestUpload(t *testing.T) {
	b := open(t)
	a := b.upload("/deep/er/f.txt", "hello")
	a.want(b, 201)
	equal(t, b.content("deep/er/f.txt"), "hello")
	equal(t, a.attr("size"), 5)
	if _, ok := a.attr("createdTime").(float64); !ok {
		t.Error("no createdTime")
	}
	other := b.upload("/deep/er/f.txt", "again")
	equal(t, other.attr("path"), "/deep/er/f (1).txt")
	b.clock.Add(3 * time.Second)
	over := b.upload("/deep/er/f.txt", "other!", "allowOverwrite", "true")
	equal(t, over.id(), a.id())
	equal(t, over.attr("createdAt"), a.attr("createdAt"))
	equal(t, over.attr("uploadDate"), a.attr("uploadDate"))
	if over.attr("updatedAt") == a.attr("updatedAt") {
		t.Error("updatedAt did not move")
	}
	b.upload("/deep", "x", "allowOverwrite", "true").want(b, 400)
	b.upload("/deep/", "x").want(b, 400)
	b.upload("/x", "x", "resume", "perhaps").want(b, 400)
	b.do("POST", "/api/v2/resources/upload?path=/x&fileSize=1", strings.NewReader("x")).want(b, 400)
	body, kind := form("x")
	b.do("POST", "/api/v2/resources/upload?path=/x", body, "Content-Type", kind).want(b, 400)
	equal(t, b.content("x"), "-")
}

func TestUploadEmptyAndOddNames(t *testing.T) {
	b := open(t)
	for _, name := range []string{"ü + & %2F? #.txt", "new\nline", strings.Repeat("é", 127), "-", " "} {
		a := b.upload("/"+name, "")
		a.want(b, 201)
		equal(t, a.attr("name"), name)
		equal(t, b.content(name), "")
		equal(t, b.get("/resources", "resource", "/"+name).id(), a.id())
	}
	b.upload("/a\x00b", "").want(b, 400)
	b.upload("/"+strings.Repeat("é", 128), "").want(b, 400)
}

func TestUploadNewID(t *testing.T) {
	b := open(t, "upload-keeps-id", "no", "upload-parents", "404")
	id := b.must("/f", "1")
	a := b.upload("/f", "2", "allowOverwrite", "true")
	if a.id() == id {
		t.Error("the id was kept")
	}
	b.get(fmt.Sprintf("/resources/%d", id)).want(b, 404)
	equal(t, b.content("f"), "2")
	b.upload("/no/f", "2").want(b, 404)
}

func TestUploadResume(t *testing.T) {
	b := open(t)
	a := b.uploadPart("/f", "hel", 11, 0)
	a.want(b, 201)
	equal(t, a.attr("size"), 3)
	a = b.uploadPart("/f", "lo world", 11, 3)
	a.want(b, 201)
	equal(t, b.content("f"), "hello world")
	b.uploadPart("/f", "XY", 5, 3).want(b, 201)
	equal(t, b.content("f"), "helXY")
	b.uploadPart("/f", "too long", 5, 3).want(b, 400)
	b.uploadPart("/f", "x", 99, 50).want(b, 400)
	b.uploadPart("/none", "x", 99, 50).want(b, 404)
	b.uploadPart("/g", "abc", 4, 0, "resume", "false").want(b, 400)
	b.uploadPart("/g", "abcde", 4, 0, "resume", "false").want(b, 400)
	equal(t, b.content("g"), "-")
	equal(t, b.content("f"), "helXY")
}

// An upload that breaks off leaves a shorter file with resume=true, which is
// the default, and nothing with resume=false.
func TestUploadBreaksOff(t *testing.T) {
	b := open(t)
	for resume, want := range map[string]string{"true": "hel", "false": "-"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		body := "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nhel"
		_, err = fmt.Fprintf(conn, "POST /api/v2/resources/upload?path=/f%s&fileSize=11&resume=%s HTTP/1.1\r\nHost: x\r\n"+
			"ev-api-key: %s\r\nev-access-token: %s\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: 999\r\n\r\n%s",
			resume, resume, key, token, body)
		if err == nil {
			err = conn.(*net.TCPConn).CloseWrite()
		}
		if err == nil {
			_, err = io.ReadAll(conn) // until the server has done with it
		}
		if err = errors.Join(err, conn.Close()); err != nil {
			t.Fatal(err)
		}
		equal(t, b.content("f"+resume), want)
	}
}

func TestRename(t *testing.T) {
	b := open(t)
	id := b.must("/d/a", "1")
	b.must("/d/b", "2")
	before := b.get("/resources", "resource", "/d/a")
	b.clock.Add(2 * time.Second)
	path := fmt.Sprintf("/resources/%d", id)
	a := b.send("PATCH", path, object{"name": "c"})
	a.want(b, 200)
	equal(t, a.attr("path"), "/d/c")
	equal(t, a.id(), id)
	equal(t, a.attr("hash"), before.attr("hash"))
	if a.attr("updatedAt") == before.attr("updatedAt") {
		t.Error("updatedAt did not move")
	}
	b.send("PATCH", path, object{"name": "b"}).want(b, 400)
	b.send("PATCH", path, object{"name": "x/y"}).want(b, 400)
	b.send("PATCH", path, object{}).want(b, 400)
	b.send("PATCH", path, object{"name": "c"}).want(b, 200)
	b.send("PATCH", "/resources/99", object{"name": "x"}).want(b, 404)
	equal(t, b.content("d/c"), "1")
	equal(t, b.content("d/b"), "2")
}

func TestRenameTaken(t *testing.T) {
	b := open(t, "rename-taken", "rename", "rename-touches-updatedAt", "no")
	id := b.must("/a", "1")
	before := b.get("/resources", "resource", "/a")
	b.must("/b", "2")
	b.clock.Add(2 * time.Second)
	a := b.send("PATCH", fmt.Sprintf("/resources/%d", id), object{"name": "b"})
	a.want(b, 200)
	equal(t, a.attr("path"), "/b (1)")
	equal(t, a.attr("updatedAt"), before.attr("updatedAt"))
}

func TestDelete(t *testing.T) {
	b := open(t)
	id := b.must("/d/sub/a", "1")
	b.must("/b", "2")
	b.must("/c", "3")
	a := b.send("DELETE", "/resources", object{"resources": []string{"/b"}})
	a.want(b, 200)
	equal(t, len(a.list()), 0)
	if a.at("data") == nil {
		t.Error("no data")
	}
	b.send("DELETE", "/resources", object{"resources": []string{"/b"}}).want(b, 404)
	b.send("DELETE", "/resources", object{"resources": []string{}}).want(b, 400)
	b.send("DELETE", "/resources", object{}).want(b, 400)
	b.send("DELETE", "/resources", object{"resources": []string{"/"}}).want(b, 400)
	a = b.send("DELETE", "/resources", object{"resources": []string{"/d", "/none", fmt.Sprintf("id:%d", id), "/c"}})
	equal(t, a.status, 207)
	if a.at("responseStatus") != nil {
		t.Error("a 207 body has no responseStatus of its own")
	}
	equal(t, a.at("responses", 0, "responseStatus"), 200)
	equal(t, a.at("responses", 0, "data", "meta", "path"), "/d")
	equal(t, a.at("responses", 0, "data", "type"), "resource")
	equal(t, a.at("responses", 1, "responseStatus"), 404)
	equal(t, a.at("responses", 1, "errors", 0, "meta", "path"), "/none")
	equal(t, a.at("responses", 1, "errors", 0, "code"), nil)
	equal(t, a.at("responses", 2, "responseStatus"), 404)
	equal(t, a.at("responses", 3, "responseStatus"), 200)
	left, err := os.ReadDir(b.root)
	equal(t, len(left), 0)
	equal(t, err, nil)
	id = b.must("/e", "1")
	b.do("DELETE", fmt.Sprintf("/api/v2/resources/%d", id), nil).want(b, 200)
	b.do("DELETE", fmt.Sprintf("/api/v2/resources/%d", id), nil).want(b, 404)
}

func TestHome(t *testing.T) {
	root := filepath.Join(t.TempDir(), "r")
	o := optionsHome(root, "/Data/Production")
	b := openWith(t, o)
	b.must("/Inbound/x.xml", "1")
	equal(t, b.content("Data/Production/Inbound/x.xml"), "1")
	equal(t, b.get("/resources", "resource", "/Inbound/x.xml").attr("path"), "/Inbound/x.xml")
	home := b.get("/resources", "resource", "/")
	equal(t, home.attr("path"), "/")
	equal(t, home.attr("name"), "")
	above := b.get("/resources", "resource", fmt.Sprintf("id:%d", home.id()-1))
	above.want(b, 404)
	equal(t, b.get("/activity/session").at("data", 0, "attributes", "fileName"), "/Data/Production/Inbound/x.xml")
	b.send("DELETE", "/resources", object{"resources": []string{"/"}}).want(b, 400)
}

func TestSlashless(t *testing.T) {
	b := open(t)
	b.must("/a", "1")
	b.get("/resources", "resource", "a").want(b, 200)
	b = open(t, "slashless", "400")
	b.must("/a", "1")
	b.get("/resources", "resource", "a").want(b, 400)
}

func TestCaseFolding(t *testing.T) {
	b := open(t, "case-folding", "yes")
	id := b.must("/Readme", "1")
	equal(t, b.get("/resources", "resource", "/README").id(), id)
	equal(t, b.upload("/readme", "2", "allowOverwrite", "true").attr("name"), "Readme")
	equal(t, b.send("PATCH", fmt.Sprintf("/resources/%d", id), object{"name": "README"}).attr("name"), "README")
	equal(t, b.content("README"), "2")
	b = open(t)
	b.must("/Readme", "1")
	b.get("/resources", "resource", "/README").want(b, 404)
}
