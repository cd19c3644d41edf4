package exavault1_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frugalfs/frugalfs/remote/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key, token = "example-key", "example-token"

// clock is a time that tests move by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now returns the time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Add moves the time on.
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
	token  string
}

// open starts a sandbox with the switches set so ("name=value ...").
func open(t *testing.T, switches string) *box {
	t.Helper()
	b := &box{
		T: t, root: filepath.Join(t.TempDir(), "root"), token: token, client: &http.Client{Transport: &http.Transport{}},
		clock: &clock{now: time.Date(2026, 3, 4, 20, 0, 0, 0, time.UTC)},
	}
	o := sandbox.Options{
		Provider: "exavault1", Root: b.root, APIKey: key, AccessToken: token, Username: "ann", Password: "secret", Now: b.clock.Now,
		Switches: map[string]string{},
	}
	for _, s := range strings.Fields(switches) {
		name, value, _ := strings.Cut(s, "=")
		o.Switches[name] = value
	}
	srv, err := sandbox.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	b.srv = srv
	if b.url, err = srv.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.client.CloseIdleConnections()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// answer is a response that was read.
type answer struct {
	status  int
	header  http.Header
	body    string
	Success any            `json:"success"`
	Error   map[string]any `json:"error"`
	Results any            `json:"results"`
}

func (b *box) send(req *http.Request) answer {
	b.Helper()
	resp, err := b.client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(raw)}
	_ = json.Unmarshal(raw, &a) // not all answers are JSON
	return a
}

// call calls an operation; pairs are its parameters.
func (b *box) call(method, op string, pairs ...string) answer {
	b.Helper()
	form := url.Values{"access_token": {b.token}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	address, body := b.url+"/v1.2/"+op, ""
	if method == http.MethodPost {
		body = form.Encode()
	} else {
		address += "?" + form.Encode()
	}
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("api_key", key)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return b.send(req)
}

func (b *box) get(op string, pairs ...string) answer {
	b.Helper()
	return b.call(http.MethodGet, op, pairs...)
}

// upload stores a file in the two steps.
func (b *box) upload(path, content string, pairs ...string) answer {
	b.Helper()
	a := b.get("getUploadFileUrl", append([]string{"fileSize", strconv.Itoa(len(content)), "destinationPath", path}, pairs...)...)
	a.want(b, 1)
	return b.post(a.at("url").(string), content)
}

// post sends bare bytes to a signed address.
func (b *box) post(address, content string) answer {
	b.Helper()
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(content))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("X_File_Size", strconv.Itoa(len(content)))
	req.Header.Set("Content-Type", "multipart/form-data")
	return b.send(req)
}

// fetch gets a signed address.
func (b *box) fetch(address string, header ...string) answer {
	b.Helper()
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return b.send(req)
}

// want checks that an answer has the documented shape.
func (a answer) want(b *box, success float64) {
	b.Helper()
	if a.status != http.StatusOK || a.Success != success || (success == 0) != (a.Error != nil) {
		b.Fatalf("status %d: %s", a.status, a.body)
	}
}

// at follows keys and indexes into the results.
func (a answer) at(path ...any) any {
	v := a.Results
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

// content reads a file of the account from disk, "-" if there is none.
func (b *box) content(path string) string {
	c, err := os.ReadFile(filepath.Join(b.root, path))
	if err != nil {
		return "-"
	}
	return string(c)
}

func equal(t testing.TB, got, want any) {
	t.Helper()
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if string(g) != string(w) {
		t.Errorf("got %s, want %s", g, w)
	}
}
