package yetishare_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/frugalfs/frugalfs/remote"
)

// TestErrors: an error is one whatever its shape, and its words tell which.
func TestErrors(t *testing.T) {
	for _, shape := range []string{
		`{"response":%q,"_status":"error","_datetime":"2017-03-18 18:49:12"}`, `{"status":"error","response":%q}`,
		`{"message":%q,"result":false}`, `{"success":false,"message":%q}`, `{"response":%q}`, `{"_status":"success","result":false,"message":%q}`,
	} {
		for words, kind := range map[string]remote.Kind{
			"Could not find file based on file_id.":                                    remote.NotExist,
			"Your account level does not have access to the file upload API. Upgrade!": remote.Permission,
			"Please provide the file_id param.":                                        remote.Invalid,
			"Something else":                                                           remote.Other,
			"Max request limit reached":                                                remote.Budget,
		} {
			c := serve(t, site(map[string]string{"file/info": fmt.Sprintf(shape, words)}))
			_, err := c.Stat(ctx, remote.Ref{ID: "f7-10", Path: "/f"})
			if !remote.IsKind(err, kind) || !strings.Contains(err.Error(), words) {
				t.Errorf("%s: got %v", words, err)
			}
		}
	}
}

// TestStatuses: a status tells an error too, and never that something is absent.
func TestStatuses(t *testing.T) {
	for status, kind := range map[int]remote.Kind{
		400: remote.Invalid, 403: remote.Permission, 404: remote.Temporary, 405: remote.Temporary, 413: remote.TooLarge, 500: remote.Temporary,
		502: remote.Temporary, 418: remote.Corrupt,
	} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/authorize") {
				site(nil)(w, r)
				return
			}
			http.Error(w, "<html>", status)
		})
		if _, err := c.Stat(ctx, remote.Ref{ID: "f7-10", Path: "/f"}); !remote.IsKind(err, kind) {
			t.Errorf("%d: got %v", status, err)
		}
		_, err := store(c, root, "f", "x", false)
		if unknown := status >= 500 || status == 418; !remote.IsKind(err, kind) || remote.IsUnknown(err) != unknown {
			t.Errorf("%d: got %v, unknown: %v", status, err, !unknown)
		}
	}
}

// TestBigForm: a site that lost the whole form says that parameters are missing.
func TestBigForm(t *testing.T) {
	c := serve(t, site(map[string]string{"file/upload": `{"response":"Please provide the access_token param.","_status":"error"}`}))
	if _, err := store(c, root, "f", "x", false); !remote.IsKind(err, remote.TooLarge) {
		t.Errorf("got %v", err)
	}
}

// TestListingsThatProveNothing: an answer without both lists is none, and an entry
// that says too little leaves the listing incomplete.
func TestListingsThatProveNothing(t *testing.T) {
	for data, complete := range map[string]bool{
		`{"folders":[],"files":[]}`: true, `{"folders":null,"files":null}`: true, `{"folders":{"3":{"id":1,"folderName":"a"}},"files":[]}`: true,
		`{"folders":[{"id":"1","folderName":2020}],"files":[{"id":"1","filename":"a","fileSize":"1","statusId":"2"}]}`: true,
		`{"folders":[],"files":[{"id":"1","filename":"a"}]}`:                                                           false,
		`{"folders":[{"id":"x","folderName":"a"}],"files":[]}`:                                                         false,
		`{"folders":[],"files":[{"id":"1","filename":null,"fileSize":"1"}]}`:                                           false,
		`{"folders":[],"files":[{"id":"1","filename":"a","fileSize":"-1"}]}`:                                           false,
		`{"folders":[],"files":[{"id":"0","filename":"a","fileSize":"1"}, null]}`:                                      false,
	} {
		c := serve(t, site(map[string]string{"folder/listing": `{"_status":"success","data":` + data + `}`}))
		l, err := c.List(ctx, root, func([]remote.Object) error { return nil })
		if err != nil || l.Complete != complete {
			t.Errorf("%s: got %+v, %v", data, l, err)
		}
	}
	for _, data := range []string{`{}`, `[]`, `null`, `{"folders":[]}`, `{"folders":[],"files":"none"}`, `{"folders":false,"files":[]}`, `"x"`} {
		c := serve(t, site(map[string]string{"folder/listing": `{"_status":"success","data":` + data + `}`}))
		if _, err := c.List(ctx, root, func([]remote.Object) error { return nil }); !remote.IsKind(err, remote.Corrupt) {
			t.Errorf("%s: got %v", data, err)
		}
	}
}

// TestAnswersAboutOthers: an answer about another object, or with it in another
// place, is no success.
func TestAnswersAboutOthers(t *testing.T) {
	other := `{"_status":"success","data":{"id":"8","filename":"f","folderName":"f","folderId":"3","parentId":"3","fileSize":"1"}}`
	elsewhere := strings.Replace(other, `"8"`, `"7"`, 1)
	c := serve(t, site(map[string]string{
		"file/info": other, "folder/info": other, "file/edit": other, "folder/edit": other, "folder/move": elsewhere, "folder/create": elsewhere,
	}))
	file, dir := remote.Ref{ID: "f7-1", Path: "/f"}, remote.Ref{ID: "d7", Path: "/f"}
	to := remote.Ref{ID: "d5", Path: "/to"}
	for name, call := range map[string]func() error{
		"stat a file":     func() error { _, err := c.Stat(ctx, file); return err },
		"stat a folder":   func() error { _, err := c.Stat(ctx, dir); return err },
		"rename a file":   func() error { _, err := c.Rename(ctx, file, "g"); return err },
		"rename a folder": func() error { _, err := c.Rename(ctx, dir, "g"); return err },
		"move":            func() error { rs, err := c.Move(ctx, []remote.Ref{dir}, to); return first(rs, err) },
	} {
		if err := call(); !remote.IsKind(err, remote.Corrupt) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// FuzzAnswers: no answer makes the client fail, or show what breaks the contract.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		`{"_status":"success","data":{"folders":[{"id":"1","folderName":"a/b"}],"files":[{"id":1,"filename":"..","fileSize":"1","statusId":"1"}]}}`,
		`{"_status":"success","data":[{"file_id":"1","name":"f","size":"1","error":null,"hash":"00000000000000000000000000000000"}]}`,
		`{"_status":"success","data":{"access_token":"a","account_id":1,"id":"7","filename":"","folderName":"","fileSize":1,"folderId":null}}`,
		`{"message":"User not found.","result":false}`, `<html>`, "\ufeff{}", `{"_status":"success","_datetime":"9999-12-31 23:59:59"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		const signIn = `{"_status":"success","data":{"access_token":"a","account_id":"1"}}`
		c := through(t, "https://site.example", roundTripper(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/authorize") {
				return response(r, signIn), nil
			}
			return response(r, body), nil
		}))
		check := func(o remote.Object, err error) {
			if err != nil || o.Path == "/" {
				return
			}
			if o.Name == "" || len(o.Name) > 255 || strings.ContainsAny(o.Name, "/\x00") || o.Name == "." || o.Name == ".." || o.Size < 0 || !utf8.ValidString(o.Name) || o.ID == "" {
				t.Errorf("%q gives %+v", body, o)
			}
		}
		seen := map[string]bool{}
		_, _ = c.List(ctx, root, func(os []remote.Object) error {
			for _, o := range os {
				if check(o, nil); seen[o.Name] {
					t.Errorf("%q gives %q twice", body, o.Name)
				}
				seen[o.Name] = true
			}
			return nil
		})
		file, dir := remote.Ref{ID: "f7-1", Path: "/f"}, remote.Ref{ID: "d7", Path: "/d"}
		check(c.Stat(ctx, file))
		check(c.Stat(ctx, dir))
		check(store(c, dir, ".name", "x", false))
		check(store(c, root, "name", "", false))
		check(c.MoveRename(ctx, file, dir, "g"))
		check(c.MoveRename(ctx, remote.Ref{ID: "d9", Path: "/e"}, dir, "g"))
		_, _ = c.Copy(ctx, []remote.Ref{file}, dir)
		_, _ = c.Delete(ctx, []remote.Ref{file, dir})
		_, _ = c.Quota(ctx)
		if d, err := c.Download(ctx, file, 0, -1); err == nil {
			_ = d.Close()
		}
	})
}
