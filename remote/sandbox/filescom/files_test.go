package filescom_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox"
)

func TestFolders(t *testing.T) {
	b := open(t)
	a := b.want(201, "POST", "/folders/a/b", fields{"mkdir_parents": true, "provided_mtime": "2001-02-03T04:05:06Z"})
	equal(t, a.text("display_name"), "b")
	equal(t, a.object()["path"], nil) // as recorded
	b.refused(422, "processing-failure/destination-exists", "POST", "/folders/A/b", fields{})
	b.refused(409, "processing-failure/destination-parent-does-not-exist", "POST", "/folders/x/y", fields{})
	a = b.want(200, "GET", "/file_actions/metadata/a/b", nil)
	equal(t, a.text("provided_mtime"), "2001-02-03T04:05:06Z")
	equal(t, a.text("type"), "directory")
	equal(t, a.object()["size"], nil)
	b.want(404, "GET", "/file_actions/metadata/", nil)
	b.refused(400, "bad-request/cannot-download-directory", "GET", "/files/a", nil)
	ok(t, b.srv.Set("mkdir-answer", "full"), b.srv.Set("root-metadata", "entry"))
	equal(t, b.want(201, "POST", "/folders/c", fields{}).text("path"), "c")
	equal(t, b.want(200, "GET", "/file_actions/metadata/", nil).text("path"), "")
}

func TestFolderTimeIsThatOfTheNewestBelow(t *testing.T) {
	b := open(t)
	b.want(201, "POST", "/folders/a/b/c", fields{"mkdir_parents": true})
	b.clock.Add(time.Hour)
	at := b.clock.Now().UTC().Format("2006-01-02T15:04:05Z")
	b.upload("a/b/c/f", "x")
	b.clock.Add(time.Hour)
	b.want(204, "DELETE", "/files/a/b/c/f", nil)
	for _, dir := range []string{"a", "a/b", "a/b/c"} {
		equal(t, b.want(200, "GET", "/file_actions/metadata/"+dir, nil).text("mtime"), at)
	}
}

func TestList(t *testing.T) {
	b := open(t)
	for _, p := range []string{"b.txt", "a.txt", "z/in.txt", "z/y/deep.txt"} {
		b.upload(p, p)
	}
	equal(t, b.want(200, "GET", "/folders/", nil).paths(), "z a.txt b.txt")
	equal(t, b.want(200, "GET", "/folders", nil).paths(), "z a.txt b.txt")
	equal(t, b.want(200, "GET", "/folders/?type=file&sort_by[path]=desc", nil).paths(), "b.txt a.txt")
	equal(t, b.want(200, "GET", "/folders/?search=deep", nil).paths(), "z/y/deep.txt")
	equal(t, b.want(200, "GET", "/folders/?filter=a.", nil).paths(), "a.txt")
	equal(t, b.want(200, "GET", "/folders/z?recursive=true", nil).paths(), "z/in.txt z/y z/y/deep.txt")
	equal(t, b.srv.CountBy()["tree"], 1)
	b.refused(400, "bad-request/folder-must-not-be-a-file", "GET", "/folders/a.txt", nil)
	b.refused(404, "not-found", "GET", "/folders/no", nil)
	b.refused(400, "bad-request/invalid-sort-field", "GET", "/folders/?sort_by[odd]=asc", nil)
	b.want(400, "GET", "/folders/?recursive=true&sort_by[path]=asc", nil)
	ok(t, b.srv.Set("recursive", "ignored"))
	equal(t, b.want(200, "GET", "/folders/z?recursive=true", nil).paths(), "z/y z/in.txt")
	ok(t, b.srv.Set("recursive", "400"))
	b.want(400, "GET", "/folders/z?recursive=true", nil)
}

func TestPages(t *testing.T) {
	b := open(t, "page-cap", "2", "cursor-header", "both")
	for i := range 4 {
		b.upload(fmt.Sprint(i), "x")
	}
	a := b.want(200, "GET", "/folders/?per_page=1000", nil)
	equal(t, a.paths(), "0 1")
	equal(t, a.header.Get("X-Files-Cursor"), a.header.Get("X-Files-Cursor-Next"))
	a = b.want(200, "GET", "/folders/?cursor="+a.header.Get("X-Files-Cursor"), nil)
	equal(t, a.paths(), "2 3")
	equal(t, a.header.Get("X-Files-Cursor"), "")
	equal(t, b.want(200, "GET", "/folders/?per_page=1&page=3", nil).paths(), "2")
	for _, q := range []string{"cursor=x", "cursor=c2:next:!", "cursor=c2:next:LTE", "per_page=0", "page=0", "page=9999999999"} {
		b.want(400, "GET", "/folders/?"+q, nil)
	}
	ok(t, b.srv.Set("last-cursor", "empty-page"))
	a = b.want(200, "GET", "/folders/?page=2", nil)
	a = b.want(200, "GET", "/folders/?cursor="+a.header.Get("X-Files-Cursor"), nil)
	equal(t, a.paths(), "")
	equal(t, a.header.Get("X-Files-Cursor"), "")
}

func TestDelete(t *testing.T) {
	b := open(t)
	b.upload("d/e/f", "x")
	b.refused(422, "processing-failure/folder-not-empty", "DELETE", "/files/d", nil)
	b.want(204, "DELETE", "/files/d/e/f", nil)
	b.want(204, "DELETE", "/files/d/e", nil)
	b.refused(404, "not-found", "DELETE", "/files/d/e", nil)
	b.upload("d/g", "x")
	b.want(204, "DELETE", "/files/d?recursive=true", nil)
	b.want(400, "DELETE", "/files/?recursive=true", nil)
	equal(t, b.want(200, "GET", "/folders/", nil).paths(), "")
}

func TestMoveAndCopy(t *testing.T) {
	b := open(t)
	b.upload("d/f", "one")
	b.upload("g", "two")
	post := func(what, from, to string, overwrite bool) answer {
		return b.api("POST", "/file_actions/"+what+"/"+from, fields{"destination": to, "overwrite": overwrite})
	}
	for _, what := range []string{"move", "copy"} {
		equal(t, post(what, "no", "x", false).text("type"), "not-found")
		equal(t, post(what, "g", "no/x", false).text("type"), "processing-failure/destination-parent-does-not-exist")
		equal(t, post(what, "g", "d/f/x", false).text("type"), "processing-failure/destination-parent-conflict")
		equal(t, post(what, "g", "d/f", false).text("type"), "processing-failure/destination-exists")
		equal(t, post(what, "g", "d", true).text("type"), "processing-failure/destination-exists")
		equal(t, post(what, "g", "g", true).text("type"), "bad-request/destination-same")
		equal(t, post(what, "d", "d/x", false).status, 400)
		equal(t, post(what, "", "x", false).status, 400)
		equal(t, post(what, "g", "", false).status, 400)
	}
	equal(t, post("copy", "d", "e", false).text("status"), "completed")
	equal(t, post("copy", "g", "e/f", true).status, 201)
	equal(t, b.content("e/f"), "two")
	equal(t, post("move", "d", "e/h", false).status, 201)
	equal(t, post("move", "g", "G", false).status, 201) // only the case
	equal(t, b.want(200, "GET", "/folders/?recursive=true", nil).paths(), "G e e/f e/h e/h/f")
	equal(t, b.content("e/h/f"), "one")
}

func TestMigrations(t *testing.T) {
	b := open(t, "migrations", "2")
	b.upload("f", "x")
	start := func(to string) string {
		a := b.want(201, "POST", "/file_actions/move/f", fields{"destination": to})
		equal(t, a.text("status"), "pending")
		return fmt.Sprintf("/file_migrations/%v", a.object()["file_migration_id"])
	}
	poll := start("g")
	equal(t, b.want(200, "GET", poll, nil).text("status"), "pending")
	b.want(200, "GET", "/file_actions/metadata/f", nil)
	equal(t, b.want(200, "GET", poll, nil).text("status"), "completed")
	equal(t, b.want(200, "GET", poll, nil).text("status"), "completed")
	b.want(404, "GET", "/file_actions/metadata/f", nil)
	b.want(404, "GET", "/file_migrations/1", nil)
	b.want(404, "GET", "/file_migrations/x", nil)
	ok(t, b.srv.Set("migrations-fail", "yes"), b.srv.Set("migrations", "1"))
	b.upload("f", "x")
	equal(t, b.want(200, "GET", start("h"), nil).text("status"), "failed")
	b.want(200, "GET", "/file_actions/metadata/f", nil)
}

// What others put into the folder has digests; what was kept of a file does not
// outlive its content; all of it survives a restart.
func TestByHand(t *testing.T) {
	b := open(t)
	b.upload("f", "one")
	ok(t, os.WriteFile(filepath.Join(b.root, "f"), []byte("other"), 0o644), os.WriteFile(filepath.Join(b.root, "g"), []byte("g"), 0o644))
	b.clock.Add(time.Minute)
	for path, content := range map[string]string{"f": "other", "g": "g"} {
		equal(t, b.want(200, "GET", "/file_actions/metadata/"+path, nil).text("md5"), sum(content))
	}
	b.want(200, "PATCH", "/files/g", fields{"provided_mtime": "2001-02-03T04:05:06Z"})
	b.close()
	again := openWith(t, sandbox.Options{Root: b.root})
	equal(t, again.want(200, "GET", "/file_actions/metadata/g", nil).text("provided_mtime"), "2001-02-03T04:05:06Z")
}

func TestHome(t *testing.T) {
	b := openWith(t, sandbox.Options{Home: "/users/me"})
	b.upload("d/f", "x")
	equal(t, b.want(200, "GET", "/folders/?recursive=true", nil).paths(), "d d/f")
	equal(t, b.want(200, "GET", "/action_logs?filter_prefix[path]=users/me/d/f", nil).paths(), "users/me/d/f")
	if _, err := os.Stat(filepath.Join(b.root, "users/me/d/f")); err != nil {
		t.Error(err)
	}
}
