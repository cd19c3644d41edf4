package exavault_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frugalfs/frugalfs/remote/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key, token = "exampleaccount-key", "example-token"

// clock is a time that tests move by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// box is a running sandbox and a client for it.
type box struct {
	*testing.T
	srv    *sandbox.Server
	url    string
	root   string
	clock  *clock
	client *http.Client
}

// open starts a sandbox; set is name, value, name, value, ... of switches.
func open(t *testing.T, set ...string) *box {
	t.Helper()
	return openWith(t, sandbox.Options{}, set...)
}

func openWith(t *testing.T, o sandbox.Options, set ...string) *box {
	t.Helper()
	b := &box{T: t, clock: &clock{now: time.Now()}, client: &http.Client{Transport: &http.Transport{}}}
	if o.Root == "" {
		o.Root = filepath.Join(t.TempDir(), "root")
	}
	o.Provider, o.APIKey, o.AccessToken, o.Username = "exavault", key, token, "exavaultuser"
	o.Now, o.Switches, o.HookPause = b.clock.Now, map[string]string{}, time.Millisecond
	for i := 0; i+1 < len(set); i += 2 {
		o.Switches[set[i]] = set[i+1]
	}
	srv, err := sandbox.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	b.srv, b.root = srv, o.Root
	if b.url, err = srv.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b
}

func (b *box) close() {
	b.client.CloseIdleConnections()
	if err := b.srv.Close(); err != nil {
		b.Error(err)
	}
}

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   []byte
	json   map[string]any
}

func (b *box) do(method, path string, body io.Reader, header ...string) answer {
	b.Helper()
	req, err := http.NewRequest(method, b.url+path, body)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("ev-api-key", key)
	req.Header.Set("ev-access-token", token)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{status: resp.StatusCode, header: resp.Header}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		b.Fatal(err)
	}
	if len(a.body) < 200_000 {
		_ = json.Unmarshal(a.body, &a.json) // not all answers are JSON
	}
	return a
}

func (b *box) get(path string, query ...string) answer {
	b.Helper()
	return b.do("GET", "/api/v2"+path+values(query), nil)
}

func values(pairs []string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// send sends a JSON body.
func (b *box) send(method, path string, body any) answer {
	b.Helper()
	j, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	return b.do(method, "/api/v2"+path, bytes.NewReader(j), "Content-Type", "application/json")
}

// object is short for a JSON object.
type object = map[string]any

func form(content string) (io.Reader, string) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	part, _ := w.CreateFormFile("file", "x")
	_, _ = io.WriteString(part, content)
	_ = w.Close()
	return &buf, w.FormDataContentType()
}

func (b *box) upload(path, content string, query ...string) answer {
	b.Helper()
	return b.uploadPart(path, content, len(content), 0, query...)
}

func (b *box) uploadPart(path, content string, size, offset int, query ...string) answer {
	b.Helper()
	body, kind := form(content)
	q := values(append([]string{"path", path, "fileSize", fmt.Sprint(size)}, query...))
	header := []string{"Content-Type", kind}
	if offset > 0 {
		header = append(header, "offsetBytes", fmt.Sprint(offset))
	}
	return b.do("POST", "/api/v2/resources/upload"+q, body, header...)
}

// must uploads and fails the test if that fails; it returns the id.
func (b *box) must(path, content string) int64 {
	b.Helper()
	a := b.upload(path, content)
	a.want(b, 201)
	return a.id()
}

// at follows keys and indexes into the JSON of an answer.
func (a answer) at(path ...any) any {
	var v any = a.json
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

func (a answer) attr(name string) any { return a.at("data", "attributes", name) }

func (a answer) id() int64 {
	f, _ := a.at("data", "id").(float64)
	return int64(f)
}

func (a answer) list() []any {
	l, _ := a.at("data").([]any)
	return l
}

// names returns an attribute of all entries of a collection.
func (a answer) names(attr string) string {
	var out []string
	for i := range a.list() {
		out = append(out, fmt.Sprint(a.at("data", i, "attributes", attr)))
	}
	return strings.Join(out, " ")
}

// want checks the status, also in the body.
func (a answer) want(b *box, status int) {
	b.Helper()
	if a.status != status {
		b.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	if inner := a.at("responseStatus"); inner != nil && inner != float64(status) {
		b.Errorf("responseStatus %v, want %d", inner, status)
	}
	if a.header.Get("X-RateLimit-Limit") == "" || a.header.Get("X-RateLimit-Remaining") == "" {
		b.Error("no rate limit headers")
	}
	if status >= 400 && status != 416 && (a.at("errors", 0, "code") == nil || a.at("errors", 0, "detail") == nil) {
		b.Errorf("no documented error body: %s", a.body)
	}
}

func equal(t testing.TB, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// content reads a file of the account from disk, "-" if there is none.
func (b *box) content(path string) string {
	c, err := os.ReadFile(filepath.Join(b.root, path))
	if err != nil {
		return "-"
	}
	return string(c)
}

// byHand writes a file into the account as somebody else would.
func (b *box) byHand(path, content string) {
	b.Helper()
	p := filepath.Join(b.root, path)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		b.Fatal(err)
	}
}

func optionsHome(root, home string) sandbox.Options {
	return sandbox.Options{Root: root, Home: home}
}
