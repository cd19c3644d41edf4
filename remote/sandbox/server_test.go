package sandbox_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// box is a running sandbox that asks for no credentials.
type box struct {
	*testing.T
	srv       *sandbox.Server
	url, root string
	client    *http.Client
}

func open(t *testing.T, o sandbox.Options) *box {
	t.Helper()
	// Connections are not reused: a client repeats requests by itself when a
	// kept one is reset.
	b := &box{T: t, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	if o.Root == "" {
		o.Root = filepath.Join(t.TempDir(), "root")
	}
	o.Provider = "exavault"
	srv, err := sandbox.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	b.srv, b.root = srv, o.Root
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

func (b *box) do(method, path string, body string) (int, http.Header, string, error) {
	b.Helper()
	req, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(text), errors.Join(err, resp.Body.Close())
}

func (b *box) get(path string) (int, string) {
	b.Helper()
	status, _, text, err := b.do("GET", path, "")
	if err != nil {
		b.Fatal(err)
	}
	return status, text
}

func (b *box) put(name, content string) error {
	b.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	part, err := w.CreateFormFile("file", "x")
	if err != nil {
		b.Fatal(err)
	}
	_, _ = io.WriteString(part, content)
	_ = w.Close()
	path := fmt.Sprintf("/api/v2/resources/upload?path=/%s&fileSize=%d&resume=false&allowOverwrite=true", name, len(content))
	resp, err := b.client.Post(b.url+path, w.FormDataContentType(), &buf)
	if err != nil {
		return err
	}
	if resp.StatusCode != 201 {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}

func (b *box) content(name string) string {
	c, err := os.ReadFile(filepath.Join(b.root, name))
	if err != nil {
		return "-"
	}
	return string(c)
}

func (b *box) fail(f sandbox.Fault) {
	b.Helper()
	if err := b.srv.Fail(f); err != nil {
		b.Fatal(err)
	}
}

func equal(t testing.TB, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a condition that a request under way brings about.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

const info, list = "/api/v2/resources?resource=/", "/api/v2/resources/list?resource=/"

func TestCounts(t *testing.T) {
	b := open(t, sandbox.Options{})
	b.get(info)
	b.get(list)
	b.get(list)
	b.get(list + "&name=*")
	b.get("/api/v2/none")
	b.get("/sandbox/stats")
	ok(t, b.put("f", "1"))
	equal(t, b.srv.Count(), 6)
	equal(t, b.srv.CountBy(), map[string]int{"info": 1, "list": 2, "tree": 1, "other": 1, "upload": 1})
	eventually(t, "the upload is noted", func() bool { return b.srv.Requests()[5].Status == 201 })
	r := b.srv.Requests()[0]
	equal(t, r.Method+" "+r.Path+"?"+r.Query, "GET "+info)
	b.srv.ResetCount()
	equal(t, b.srv.Count(), 0)
	equal(t, len(b.srv.Requests()), 0)
	equal(t, b.srv.Used(), 6)
}

func TestDailyLimit(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	b := open(t, sandbox.Options{DailyLimit: 3, Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }})
	for want := 2; want >= 0; want-- {
		status, h, _, err := b.do("GET", info, "")
		ok(t, err)
		equal(t, status, 200)
		equal(t, h.Get("X-RateLimit-Limit"), 3)
		equal(t, h.Get("X-RateLimit-Remaining"), want)
	}
	for range 3 {
		status, h, text, err := b.do("GET", info, "")
		ok(t, err)
		equal(t, status, 429)
		equal(t, h.Get("X-RateLimit-Remaining"), 0)
		equal(t, strings.Contains(text, `"responseStatus":429`), true)
	}
	equal(t, b.srv.Count(), 6)
	equal(t, b.srv.Used(), 3)
	mu.Lock()
	now = now.Add(24*time.Hour + time.Second)
	mu.Unlock()
	status, _ := b.get(info)
	equal(t, status, 200)
	ok(t, b.srv.Set("refused-counts", "yes"))
	b.srv.SetLimit(1)
	b.get(info)
	b.get(info)
	equal(t, b.srv.Used(), 2)
}

func TestFaultStatus(t *testing.T) {
	b := open(t, sandbox.Options{})
	b.fail(sandbox.Fault{Op: "list", Nth: 2, Count: 2, Kind: sandbox.Status, Status: 503, RetryAfter: 3 * time.Second})
	b.get(info)
	for i, want := range []int{200, 503, 503, 200} {
		status, h, text, err := b.do("GET", list, "")
		ok(t, err)
		equal(t, status, want)
		equal(t, h.Get("X-RateLimit-Limit"), sandbox.DefaultDailyLimit)
		if want == 503 {
			equal(t, h.Get("Retry-After"), 3)
			equal(t, strings.Contains(text, `"responseStatus":503`), true)
			eventually(t, "noted", func() bool { return b.srv.Requests()[i+1].Fault == sandbox.Status })
		}
	}
	b.fail(sandbox.Fault{Method: "POST", Kind: sandbox.Status, Status: 502, Apply: true})
	if err := b.put("f", "applied"); err == nil {
		t.Error("no error")
	}
	equal(t, b.content("f"), "applied")
	b.fail(sandbox.Fault{Prefix: "/api/v2/resources", Contains: "path=/g", Count: -1, Kind: sandbox.Status, Status: 500})
	for range 3 {
		if err := b.put("g", "x"); err == nil {
			t.Error("no error")
		}
	}
	ok(t, b.put("h", "x"))
	b.srv.ClearFaults()
	ok(t, b.put("g", "x"))
}

func TestFaultReset(t *testing.T) {
	b := open(t, sandbox.Options{})
	for _, after := range []bool{false, true} {
		b.fail(sandbox.Fault{Kind: sandbox.Reset, After: after})
		err := b.put("f", strings.Repeat("x", 1<<10))
		if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("no reset: %v", err)
		}
	}
	equal(t, b.content("f"), "-")
	equal(t, b.srv.Count(), 2)
}

func TestFaultsInBodies(t *testing.T) {
	b := open(t, sandbox.Options{})
	ok(t, b.put("f", "0123456789"))
	const get = "/api/v2/resources/download?resources[]=/f"
	b.fail(sandbox.Fault{Op: "download", Kind: sandbox.Cut, Bytes: 4})
	_, h, text, err := b.do("GET", get, "")
	equal(t, text, "0123")
	equal(t, h.Get("Content-Length"), 10)
	equal(t, errors.Is(err, io.ErrUnexpectedEOF), true)
	b.fail(sandbox.Fault{Op: "download", Kind: sandbox.Flip, Bytes: 4})
	_, text = b.get(get)
	equal(t, text, "0123556789")
	b.fail(sandbox.Fault{Kind: sandbox.HTML})
	status, h, text, err := b.do("GET", get, "")
	ok(t, err)
	equal(t, status, 200)
	equal(t, h.Get("Content-Type"), "text/html; charset=utf-8")
	equal(t, strings.HasPrefix(text, "<!DOCTYPE html>"), true)
}

func TestFaultLostAndLate(t *testing.T) {
	b := open(t, sandbox.Options{})
	b.fail(sandbox.Fault{Op: "upload", Kind: sandbox.Lost})
	if err := b.put("f", "lost"); err == nil {
		t.Error("there was an answer")
	}
	equal(t, b.content("f"), "lost")
	b.fail(sandbox.Fault{Op: "upload", Kind: sandbox.Late})
	if err := b.put("f", "late"); err == nil {
		t.Error("there was an answer")
	}
	equal(t, b.content("f"), "lost")
	b.srv.Release()
	eventually(t, "carried out", func() bool { return b.content("f") == "late" })
	b.fail(sandbox.Fault{Op: "upload", Kind: sandbox.Late, For: time.Millisecond})
	if err := b.put("f", "later"); err == nil {
		t.Error("there was an answer")
	}
	eventually(t, "carried out", func() bool { return b.content("f") == "later" })
	b.fail(sandbox.Fault{Op: "upload", Kind: sandbox.Late}) // for Close to end
	if err := b.put("f", "never"); err == nil {
		t.Error("there was an answer")
	}
}

func TestFaultStall(t *testing.T) {
	b := open(t, sandbox.Options{})
	ok(t, b.put("f", "0123456789"))
	for _, f := range []sandbox.Fault{{Kind: sandbox.Stall}, {Kind: sandbox.Stall, Bytes: 4}, {Kind: sandbox.Stall, Bytes: 4, For: time.Millisecond}} {
		b.fail(f)
		done := make(chan string, 1)
		go func() {
			_, _, text, err := b.do("GET", "/api/v2/resources/download?resources[]=/f", "")
			done <- fmt.Sprint(text, err)
		}()
		eventually(t, "stalled", func() bool { return len(b.srv.Faults()) == 0 })
		for got := ""; got == ""; {
			b.srv.Release() // again, as the request may have been on its way
			select {
			case got = <-done:
				equal(t, got, "0123456789<nil>")
			case <-time.After(time.Millisecond):
			}
		}
	}
	b.fail(sandbox.Fault{Kind: sandbox.Stall}) // for Close to end
	go func() { _, _, _, _ = b.do("GET", info, "") }()
	eventually(t, "stalled", func() bool { return len(b.srv.Faults()) == 0 })
}

func TestControl(t *testing.T) {
	b := open(t, sandbox.Options{})
	post := func(method, path, body string, want int) string {
		t.Helper()
		status, _, text, err := b.do(method, path, body)
		ok(t, err)
		if status != want {
			t.Errorf("%s %s: status %d, want %d: %s", method, path, status, want, text)
		}
		return text
	}
	post("POST", "/sandbox/faults", `{"op":"list","kind":"status","status":500,"retryAfter":"2s"}`, 200)
	post("POST", "/sandbox/faults", `[{"kind":"stall","for":"1s","count":-1},{"kind":"html"}]`, 200)
	equal(t, len(b.srv.Faults()), 3)
	equal(t, b.srv.Faults()[0].RetryAfter, 2*time.Second)
	equal(t, b.srv.Faults()[1].For, time.Second)
	var back []sandbox.Fault
	ok(t, json.Unmarshal([]byte(post("GET", "/sandbox/faults", "", 200)), &back))
	equal(t, back, b.srv.Faults())
	post("DELETE", "/sandbox/faults", "", 200)
	equal(t, len(b.srv.Faults()), 0)
	for _, bad := range []string{"", "{", `{"kind":"odd"}`, `{"kind":"status"}`, `{"kind":"stall","for":"x"}`, `{"kind":"cut","bytes":-1}`} {
		post("POST", "/sandbox/faults", bad, 400)
	}
	b.get(info)
	var stats sandbox.Stats
	ok(t, json.Unmarshal([]byte(post("GET", "/sandbox/stats", "", 200)), &stats))
	equal(t, stats, sandbox.Stats{Count: 1, ByOp: map[string]int{"info": 1}, Limit: 60000, Used: 1, Remaining: 59999})
	post("POST", "/sandbox/limit", `{"daily": 5}`, 200)
	post("POST", "/sandbox/reset-count", "", 200)
	post("POST", "/sandbox/release", "", 200)
	equal(t, b.srv.Stats().Limit, 5)
	equal(t, b.srv.Count(), 0)
	post("POST", "/sandbox/switches", `{"range":"off"}`, 200)
	post("POST", "/sandbox/switches", `{"range":"odd"}`, 400)
	post("POST", "/sandbox/switches", `{"case-folding":"yes"}`, 400)
	equal(t, strings.Contains(post("GET", "/sandbox/switches", "", 200), `"range":"off"`), true)
	equal(t, strings.HasPrefix(post("GET", "/sandbox/requests", "", 200), "["), true)
	post("GET", "/sandbox/none", "", 404)
}

func TestControlIsLocal(t *testing.T) {
	b := open(t, sandbox.Options{})
	for name, change := range map[string]func(*http.Request){
		"address": func(r *http.Request) { r.RemoteAddr = "192.0.2.1:99" },
		"host":    func(r *http.Request) { r.Host = "evil.example.com" },
		"origin":  func(r *http.Request) { r.Header.Set("Origin", "http://evil.example.com") },
		"nothing": func(*http.Request) {},
	} {
		r := httptest.NewRequest("GET", "http://127.0.0.1:80/sandbox/stats", nil)
		r.RemoteAddr = "127.0.0.1:99"
		change(r)
		w := httptest.NewRecorder()
		b.srv.Handler().ServeHTTP(w, r)
		equal(t, w.Code == 200, name == "nothing")
	}
}

func TestRestartKeepsEverything(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	o := sandbox.Options{Provider: "exavault", Root: root}
	first := open(t, o)
	ok(t, first.put("d/kept", "1"))
	ok(t, first.put("d/changed", "1"))
	ok(t, first.put("d/removed", "1"))
	_, before := first.get("/api/v2/resources?resource=/d/kept")
	_, log := first.get("/api/v2/activity/session?sort=date&limit=3")
	if _, err := sandbox.Open(o); !remote.IsKind(err, remote.Busy) {
		t.Errorf("a second sandbox on one folder: %v", err)
	}
	ok(t, first.srv.Close())
	ok(t, os.WriteFile(filepath.Join(root, "d/changed"), []byte("22"), 0o644))
	ok(t, os.Remove(filepath.Join(root, "d/removed")))
	ok(t, os.WriteFile(filepath.Join(root, "new"), nil, 0o644))
	second := open(t, o)
	_, after := second.get("/api/v2/resources?resource=/d/kept")
	equal(t, accessed(t, after), accessed(t, before))
	_, logged := second.get("/api/v2/activity/session?sort=date&limit=3")
	equal(t, logged, log)
	_, logged = second.get("/api/v2/activity/session?sort=date&offset=3")
	equal(t, strings.Count(logged, `"operation":"STOR"`), 2)
	equal(t, strings.Count(logged, `"operation":"DELE"`), 1)
}

// accessed returns an answer without the time of access, which is not kept.
func accessed(t *testing.T, body string) string {
	t.Helper()
	head, tail, found := strings.Cut(body, `"accessedAt":"`)
	if !found {
		t.Fatal(body)
	}
	return head + tail[len("2006-01-02T15:04:05-07:00"):]
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	for _, o := range []sandbox.Options{
		{Provider: "odd", Root: dir},
		{Provider: "exavault"},
		{Provider: "exavault", Root: dir, MetaDir: filepath.Join(dir, "meta")},
		{Provider: "exavault", Root: dir, Home: "odd"},
		{Provider: "exavault", Root: dir, Switches: map[string]string{"odd": "1"}},
		{Provider: "exavault", Root: dir, Switches: map[string]string{"page-cap": "0"}},
		{Provider: "exavault", Root: dir, Switches: map[string]string{"activity-lag": "-1s"}},
		{Provider: "exavault", Root: dir, Switches: map[string]string{"deny": "list+odd"}},
		{Provider: "exavault", Root: dir, Switches: map[string]string{"range": ""}},
	} {
		srv, err := sandbox.Open(o)
		var e *remote.Error
		if !errors.As(err, &e) || srv != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestSwitchTable(t *testing.T) {
	table, err := sandbox.Switches("exavault")
	ok(t, err)
	for _, s := range table {
		if _, err := sandbox.Open(sandbox.Options{Provider: "exavault", Root: t.TempDir(), Switches: map[string]string{s.Name: "\x00"}}); err == nil {
			t.Errorf("switch %s takes anything", s.Name)
		}
		open(t, sandbox.Options{Switches: map[string]string{s.Name: s.Default}})
		if s.Help == "" || len(s.Values) == 0 {
			t.Errorf("switch %s is not described", s.Name)
		}
	}
	var buf bytes.Buffer
	ok(t, sandbox.PrintSwitches(&buf, "exavault"))
	equal(t, strings.Contains(buf.String(), "zip-layout=relative"), true)
}

func TestBandwidthAndLatency(t *testing.T) {
	b := open(t, sandbox.Options{Bandwidth: 200_000, Latency: 5 * time.Millisecond})
	begin := time.Now()
	ok(t, b.put("f", strings.Repeat("x", 60_000)))
	b.get("/api/v2/resources/download?resources[]=/f")
	if d := time.Since(begin); d < 500*time.Millisecond || d > 10*time.Second {
		t.Errorf("took %v", d)
	}
}

// Many clients at once: no request is lost, and no file mixes two uploads.
func TestManyAtOnce(t *testing.T) {
	b := open(t, sandbox.Options{})
	const workers, rounds = 8, 12
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for range rounds {
				content := strings.Repeat(fmt.Sprint(i), 10_000)
				if err := b.put("shared", content); err != nil {
					t.Error(err)
				}
				if err := b.put(fmt.Sprintf("d/own%d", i), content); err != nil {
					t.Error(err)
				}
				_, _, got, err := b.do("GET", "/api/v2/resources/download?resources[]=/shared", "")
				if err != nil || len(got) != 10_000 || strings.Trim(got, got[:1]) != "" {
					t.Errorf("a mixture of %d bytes, %v", len(got), err)
				}
				if status, _, _, err := b.do("GET", list+"&name=*", ""); status != 200 || err != nil {
					t.Errorf("status %d, %v", status, err)
				}
			}
		})
	}
	wg.Wait()
	equal(t, b.srv.Count(), workers*rounds*4)
	equal(t, b.srv.Used(), workers*rounds*4)
}

func TestAfterClose(t *testing.T) {
	b := open(t, sandbox.Options{})
	ok(t, b.srv.Close())
	ok(t, b.srv.Close())
	if _, err := b.srv.Start("127.0.0.1:0"); err == nil {
		t.Error("started after Close")
	}
	w := httptest.NewRecorder()
	b.srv.Handler().ServeHTTP(w, httptest.NewRequest("GET", info, nil))
	equal(t, w.Code, 503)
}
