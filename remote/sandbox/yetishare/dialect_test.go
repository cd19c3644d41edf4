package yetishare_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/frugalfs/frugalfs/remote/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// box is a running sandbox and a client for it.
type box struct {
	*testing.T
	srv    *sandbox.Server
	url    string
	root   string
	token  string
	client *http.Client
}

// open starts a sandbox, in a folder of its own unless root is given, and signs
// in.
func open(t *testing.T, root string, switches map[string]string) *box {
	t.Helper()
	if root == "" {
		root = filepath.Join(t.TempDir(), "root")
	}
	b := &box{T: t, root: root, client: &http.Client{Transport: &http.Transport{}}}
	var err error
	if b.srv, err = sandbox.Open(sandbox.Options{
		Provider: "yetishare", Root: root, Username: "user", Password: "pass", APIKey: "one", AccessToken: "two",
		Switches: switches, Logger: slog.New(slog.DiscardHandler),
	}); err != nil {
		t.Fatal(err)
	}
	if b.url, err = b.srv.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close) // again: no harm
	b.token, _ = b.call("authorize", "username", "user", "password", "pass").at("data", "access_token").(string)
	return b
}

func (b *box) close() {
	b.client.CloseIdleConnections()
	if err := b.srv.Close(); err != nil {
		b.Error(err)
	}
}

// answer is a JSON answer.
type answer map[string]any

func (a answer) at(path ...any) any {
	var v any = map[string]any(a)
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

// call sends a form of names and values.
func (b *box) call(path string, form ...string) answer {
	b.Helper()
	v := url.Values{"access_token": {b.token}, "account_id": {"158642"}}
	for i := 0; i+1 < len(form); i += 2 {
		v.Set(form[i], form[i+1])
	}
	return b.post(path, "application/x-www-form-urlencoded", strings.NewReader(v.Encode()))
}

func (b *box) post(path, kind string, body io.Reader) answer {
	b.Helper()
	resp, err := b.client.Post(b.url+"/api/v2/"+path, kind, body)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		b.Fatal(err)
	}
	return a
}

func (b *box) upload(folder, name, content string) answer {
	b.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	_ = w.WriteField("access_token", b.token)
	_ = w.WriteField("account_id", "158642")
	_ = w.WriteField("folder_id", folder)
	part, _ := w.CreateFormFile("upload_file", name)
	_, _ = io.WriteString(part, content)
	_ = w.Close()
	return b.post("file/upload", w.FormDataContentType(), &buf)
}

func equal(t testing.TB, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestShapes: answers are as the documentation shows them.
func TestShapes(t *testing.T) {
	b := open(t, "", nil)
	up := b.upload("", "a.txt", "content")
	equal(t, up.at("response"), "File uploaded")
	equal(t, up.at("_status"), "success")
	equal(t, up.at("data", 0, "size"), "7")
	equal(t, up.at("data", 0, "error"), nil)
	equal(t, up.at("data", 0, "hash"), "9a0364b9e99bb480dd25e1f0284c8555")
	id, _ := up.at("data", 0, "file_id").(string)
	dir := b.call("folder/create", "folder_name", "d")
	equal(t, dir.at("data", "parentId"), nil)
	equal(t, dir.at("data", "folderName"), "d")
	number, _ := dir.at("data", "id").(string)
	moved := b.call("file/edit", "file_id", id, "folder_id", number, "filename", "b.txt")
	equal(t, moved.at("data", "folderId"), number)
	equal(t, moved.at("data", "filename"), "b.txt")
	stays := b.call("file/edit", "file_id", id, "folder_id", "")
	equal(t, stays.at("data", "folderId"), number)
	list := b.call("folder/listing", "parent_folder_id", number)
	equal(t, list.at("data", "files", 0, "fileSize"), "7")
	equal(t, list.at("data", "files", 0, "statusId"), "1")
	gone := b.call("file/delete", "file_id", id)
	equal(t, gone.at("data", "statusId"), "2")
	again := b.call("file/delete", "file_id", id)
	equal(t, again.at("response"), "Could not find file based on file_id.")
	equal(t, again.at("_status"), "error")
}

// TestRefusals: what the documentation says is refused is.
func TestRefusals(t *testing.T) {
	b := open(t, "", nil)
	equal(t, b.upload("", "empty", "").at("response"), "Filesize received was zero.")
	equal(t, b.call("folder/info", "parent_folder_id", "999").at("response"), "Could not find folder based on folder_id.")
	equal(t, b.call("folder/listing", "access_token", "").at("response"), "Please provide the access_token param.")
	equal(t, b.call("folder/listing", "access_token", "x").at("response"), "Could not validate access_token and account_id, please reauthenticate or try again.")
	equal(t, b.call("authorize", "key1", "one", "key2", "two").at("_status"), "success")
	for range 5 {
		equal(t, b.call("authorize", "username", "user", "password", "wrong").at("_status"), "error")
	}
	equal(t, b.call("authorize", "username", "user", "password", "pass").at("_status"), "error") // locked
}

// TestNamesSurvive: names that are taken, or that no file can have, are the same
// after a restart, whatever the files are called.
func TestNamesSurvive(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	b := open(t, root, nil)
	b.upload("", "same", "1")
	b.upload("", "same", "2")
	id, _ := b.upload("", "odd", "3").at("data", 0, "file_id").(string)
	equal(t, b.call("file/edit", "file_id", id, "filename", "a/b", "fileType", "x/y").at("_status"), "success")
	b.call("folder/create", "folder_name", "same")
	b.close()
	b2 := open(t, root, nil)
	list := b2.call("folder/listing")
	var files []string
	for i := range 3 {
		files = append(files, fmt.Sprint(list.at("data", "files", i, "filename")))
	}
	equal(t, files, "[same same a/b]")
	equal(t, list.at("data", "files", 2, "fileType"), "x/y")
	equal(t, list.at("data", "folders", 0, "folderName"), "same")
	if content, err := os.ReadFile(filepath.Join(root, "same (1)")); string(content) != "2" {
		t.Errorf("got %q, %v", content, err)
	}
}
