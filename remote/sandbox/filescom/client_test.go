package filescom_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frugalfs/frugalfs/remote/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "example-key"

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
	b := &box{T: t, clock: &clock{now: time.Now()}, client: &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if o.Root == "" {
		o.Root = filepath.Join(t.TempDir(), "root")
	}
	o.Provider, o.APIKey, o.Username, o.Password = "filescom", key, "user", "secret"
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
}

// object reads the answer as one JSON object, list as several.
func (a answer) object() map[string]any {
	var v map[string]any
	_ = json.Unmarshal(a.body, &v) // an answer of another kind shows as none
	return v
}

func (a answer) list() []map[string]any {
	var v []map[string]any
	_ = json.Unmarshal(a.body, &v) // an answer of another kind shows as none
	return v
}

func (a answer) text(name string) string {
	s, _ := a.object()[name].(string)
	return s
}

// paths are those of a listing, joined by spaces.
func (a answer) paths() string {
	var out []string
	for _, e := range a.list() {
		p, _ := e["path"].(string)
		out = append(out, p)
	}
	return strings.Join(out, " ")
}

// send makes a request to any address.
func (b *box) send(method, url string, body io.Reader, header ...string) answer {
	b.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		b.Fatal(err)
	}
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
	return a
}

// api makes a request of the API, with a JSON body if there are fields.
func (b *box) api(method, path string, fields map[string]any) answer {
	b.Helper()
	var body io.Reader
	if fields != nil {
		text, err := json.Marshal(fields)
		if err != nil {
			b.Fatal(err)
		}
		body = bytes.NewReader(text)
	}
	return b.send(method, b.url+"/api/rest/v1"+path, body, "X-FilesAPI-Key", key, "Content-Type", "application/json")
}

// want is api, and checks the status.
func (b *box) want(status int, method, path string, fields map[string]any) answer {
	b.Helper()
	a := b.api(method, path, fields)
	if a.status != status {
		b.Fatalf("%s %s: %d %s; want %d", method, path, a.status, a.body, status)
	}
	return a
}

// refused is want, and checks the class of the error.
func (b *box) refused(status int, class, method, path string, fields map[string]any) {
	b.Helper()
	a := b.want(status, method, path, fields)
	if a.text("type") != class || a.header.Get("X-Files-Error-Class") != class {
		b.Errorf("%s %s: %s; want %s", method, path, a.body, class)
	}
}

type fields = map[string]any

func sum(content string) string {
	s := md5.Sum([]byte(content))
	return hex.EncodeToString(s[:])
}

// begin starts an upload and returns the first part's answer.
func (b *box) begin(path string, more fields) map[string]any {
	b.Helper()
	parts := b.want(200, "POST", "/file_actions/begin_upload/"+path, more).list()
	if len(parts) == 0 {
		b.Fatal("no part")
	}
	return parts[0]
}

// put sends a part and returns its ETag.
func (b *box) put(part map[string]any, content string) string {
	b.Helper()
	uri, _ := part["upload_uri"].(string)
	a := b.send("PUT", uri, strings.NewReader(content))
	if a.status != 200 {
		b.Fatalf("put: %d %s", a.status, a.body)
	}
	return a.header.Get("ETag")
}

// upload stores a file.
func (b *box) upload(path, content string) answer {
	b.Helper()
	part := b.begin(path, fields{"size": len(content), "mkdir_parents": true})
	etag := b.put(part, content)
	return b.api("POST", "/files/"+path, fields{
		"action": "end", "ref": part["ref"], "etags": []fields{{"etag": etag, "part": "1"}}, "size": len(content), "mkdir_parents": true,
	})
}

// content downloads a file.
func (b *box) content(path string) string {
	b.Helper()
	a := b.send("GET", b.want(200, "GET", "/files/"+path, nil).text("download_uri"), nil)
	if a.status != 200 {
		b.Fatalf("get %s: %d %s", path, a.status, a.body)
	}
	return string(a.body)
}

func equal(t testing.TB, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
