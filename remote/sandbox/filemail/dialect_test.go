package filemail_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/frugalfs/frugalfs/remote/sandbox"
	"github.com/frugalfs/frugalfs/remote/sandbox/filemail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// box is a running sandbox and a client for it.
type box struct {
	*testing.T
	srv    *sandbox.Server
	url    string
	root   string
	client *http.Client
}

func open(t *testing.T, switches map[string]string) *box {
	t.Helper()
	b := &box{T: t, root: filepath.Join(t.TempDir(), "root"), client: &http.Client{Transport: &http.Transport{}}}
	b.start(switches)
	return b
}

func (b *box) start(switches map[string]string) {
	b.Helper()
	srv, err := sandbox.Open(sandbox.Options{
		Provider: "filemail", Root: b.root, AccessToken: "the-token", Username: "me@example.com", Password: "the-password",
		Switches: switches, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	if b.url, err = srv.Start("127.0.0.1:0"); err != nil {
		b.Fatal(err)
	}
	b.srv = srv
	b.Cleanup(func() {
		b.client.CloseIdleConnections()
		if err := srv.Close(); err != nil {
			b.Error(err)
		}
	})
}

// do sends a request and returns the status and the body.
func (b *box) do(method, path, kind, body string) (int, string) {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("X-Api-Key", "the-token")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		b.Fatal(err)
	}
	return resp.StatusCode, string(got)
}

// classic asks the classic API with a form, and modern API 2.0 with JSON. Both
// return the answer.
func (b *box) classic(name string, params ...string) map[string]any {
	b.Helper()
	form := url.Values{}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	_, body := b.do(http.MethodPost, "/api/"+name, "application/x-www-form-urlencoded", form.Encode())
	return b.parse(body)
}

func (b *box) modern(method, path, body string) (int, map[string]any) {
	b.Helper()
	kind := ""
	if body != "" {
		kind = "application/json"
	}
	status, got := b.do(method, path, kind, body)
	return status, b.parse(got)
}

func (b *box) parse(body string) map[string]any {
	b.Helper()
	m := map[string]any{}
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		b.Fatalf("%v: %s", err, body)
	}
	return m
}

func (b *box) report() filemail.Report {
	r, ok := b.srv.Report().(filemail.Report)
	if !ok {
		b.Fatal("no report")
	}
	return r
}

// shipped is a transfer that is being sent.
type shipped struct{ id, key string }

func (b *box) initialize() shipped {
	b.Helper()
	status, m := b.modern(http.MethodPost, "/transfer/initialize", `{"to":["ann@example.com","bob@example.com"],"subject":"Hello / you"}`)
	data, ok := m["data"].(map[string]any)
	if status != http.StatusOK || !ok {
		b.Fatal(status, m)
	}
	return shipped{fmt.Sprint(data["transferid"]), fmt.Sprint(data["transferkey"])}
}

func (b *box) store(s shipped, params, content string) int {
	b.Helper()
	status, _ := b.do(http.MethodPost, "/api/file/add?transferid="+s.id+"&transferkey="+s.key+"&"+params, "application/octet-stream", content)
	return status
}

func (b *box) complete(s shipped) (int, map[string]any) {
	return b.modern(http.MethodPut, "/transfer/complete", fmt.Sprintf(`{"transferid":%q,"transferkey":%q}`, s.id, s.key))
}

// TestSending: chunks in any order make a file, and mails go out once.
func TestSending(t *testing.T) {
	b := open(t, nil)
	s := b.initialize()
	if _, m := b.complete(s); m["errorcode"] != float64(1002) {
		t.Errorf("completed without files: %v", m)
	}
	for _, p := range []string{"chunk=2", "chunk=0", "chunk=0"} {
		content := map[string]string{"chunk=2": "c", "chunk=0": "aaa"}[p]
		if status := b.store(s, p+"&chunks=3&chunksize=3&fileid=f&thefilename=sub/x", content); status != http.StatusOK {
			t.Errorf("%s: %d", p, status)
		}
	}
	if _, m := b.complete(s); m["errorcode"] != float64(4003) {
		t.Errorf("completed without all pieces: %v", m)
	}
	for _, bad := range []string{"chunk=3&chunks=3&chunksize=3", "chunk=1&chunks=3&chunksize=9", "chunks=1", "chunk=0&chunks=1&chunksize=3&thefilename=../x"} {
		if status := b.store(s, bad+"&thefilename=y", "bbb"); status != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, status)
		}
	}
	if status := b.store(shipped{s.id, "wrong"}, "chunk=1&chunks=3&chunksize=3&thefilename=sub/x", "bbb"); status != http.StatusBadRequest {
		t.Errorf("a wrong key: %d", status)
	}
	if r := b.report(); r.Open != 1 || len(r.Mails) != 0 {
		t.Errorf("got %+v", r)
	}
	b.store(s, "chunk=1&chunks=3&chunksize=3&fileid=f&thefilename=sub/x", "bbb")
	if status, m := b.complete(s); status != http.StatusOK {
		t.Error(status, m)
	}
	if status, m := b.complete(s); status != http.StatusConflict || m["errorcode"] != float64(3100) {
		t.Error(status, m)
	}
	content, err := os.ReadFile(filepath.Join(b.root, "sent", "Hello _ you", "sub", "x"))
	if err != nil || string(content) != "aaabbbc" {
		t.Errorf("stored %q, %v", content, err)
	}
	if r := b.report(); r.Completed != 1 || r.Open != 0 || r.Mails["ann@example.com"] != 1 || r.Mails["bob@example.com"] != 1 {
		t.Errorf("got %+v", r)
	}
	status, shown := b.do(http.MethodGet, "/sandbox/report", "", "")
	if status != http.StatusOK || !strings.Contains(shown, "ann@example.com") {
		t.Errorf("%d %s", status, shown)
	}
}

// TestCompletesTwice: a service that does not notice mails twice, so that a client
// can be caught at it.
func TestCompletesTwice(t *testing.T) {
	b := open(t, map[string]string{"complete-twice": "mail"})
	s := b.initialize()
	b.store(s, "chunk=0&chunks=1&chunksize=1&thefilename=x", "x")
	for range 2 {
		if status, m := b.complete(s); status != http.StatusOK {
			t.Error(status, m)
		}
	}
	if r := b.report(); r.Mails["ann@example.com"] != 2 {
		t.Errorf("got %+v", r)
	}
}

// TestCancel: a canceled transfer is gone with its files, a complete one stays.
func TestCancel(t *testing.T) {
	b := open(t, nil)
	s := b.initialize()
	b.store(s, "chunk=0&chunks=1&chunksize=1&thefilename=x", "x")
	body := fmt.Sprintf(`{"transferid":%q,"transferkey":%q}`, s.id, s.key)
	if status, m := b.modern(http.MethodPut, "/transfer/cancel", body); status != http.StatusOK {
		t.Error(status, m)
	}
	if _, m := b.modern(http.MethodGet, "/transfer/"+s.id, ""); m["errorcode"] != float64(1005) {
		t.Error(m)
	}
	if r := b.report(); r.Canceled != 1 || r.Open != 0 {
		t.Errorf("got %+v", r)
	}
}

// TestClassic: the classic API takes a token, and tells errors with status 200.
func TestClassic(t *testing.T) {
	b := open(t, nil)
	if m := b.classic("transfer/sent/get"); m["errorcode"] != float64(2003) || m["responsestatus"] != "error" {
		t.Error(m)
	}
	if m := b.classic("authentication/login", "username", "me@example.com", "password", "wrong"); m["errorcode"] != float64(2001) {
		t.Error(m)
	}
	token := fmt.Sprint(b.classic("authentication/login", "username", "me@example.com", "password", "the-password")["logintoken"])
	if len(token) != 32 {
		t.Errorf("the token is %q", token)
	}
	if err := os.MkdirAll(filepath.Join(b.root, "received", "mail"), 0o755); err != nil {
		t.Fatal(err)
	}
	if m := b.classic("transfer/received/get", "logintoken", token, "from", "0"); m["errorcode"] != float64(1002) {
		t.Errorf("more than 90 days: %v", m)
	}
	if list, ok := b.classic("transfer/sent/get", "logintoken", token)["transfers"].([]any); !ok || len(list) != 0 {
		t.Error(list)
	}
	b.classic("authentication/logout", "logintoken", token)
	if m := b.classic("transfer/sent/get", "logintoken", token); m["errorcode"] != float64(2003) {
		t.Error(m)
	}
}

// TestReceivedStays: nothing that was received can be changed.
func TestReceivedStays(t *testing.T) {
	b := open(t, nil)
	dir := filepath.Join(b.root, "received", "mail")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, m := b.modern(http.MethodGet, "/transfer/inbox?from=0", "")
	list := m["data"].(map[string]any)["transfers"].([]any)
	id := fmt.Sprint(list[0].(map[string]any)["id"])
	if _, m := b.modern(http.MethodDelete, "/transfer/"+id, ""); m["errorcode"] != float64(2008) {
		t.Error(m)
	}
	if _, m := b.modern(http.MethodPut, "/transfer/"+id, `{"subject":"x"}`); m["errorcode"] != float64(2008) {
		t.Error(m)
	}
}

// TestRestart: transfers keep their ids and keys when the sandbox starts again.
func TestRestart(t *testing.T) {
	b := open(t, nil)
	s := b.initialize()
	b.store(s, "chunk=0&chunks=1&chunksize=1&thefilename=x", "x")
	if err := b.srv.Close(); err != nil {
		t.Fatal(err)
	}
	b.start(nil)
	if status, m := b.complete(s); status != http.StatusOK {
		t.Error(status, m)
	}
	if _, err := os.Stat(filepath.Join(b.root, "sent", "Hello _ you", "x")); err != nil {
		t.Error(err)
	}
}
