package cmd

import (
	"bytes"
	"context"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// startSandbox runs the sandbox command in this process until stop is called,
// which returns what it came to.
func startSandbox(t *testing.T, args ...string) (out *syncBuffer, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out = &syncBuffer{}
	code := make(chan int, 1)
	go func() {
		code <- newApp(strings.NewReader(""), out, out).run(ctx, append([]string{"sandbox"}, args...))
	}()
	return out, func() int {
		cancel()
		return <-code
	}
}

// TestSandbox serves with credentials of its own making, which it prints.
func TestSandbox(t *testing.T) {
	w := &world{t: t, folder: isolated(t)}
	t.Setenv(envAPIKey, "")
	t.Setenv(envAccessToken, "")
	out, stop := startSandbox(t, "--root", filepath.Join(w.folder, "account"), "--limit", "7", "--switch", "totals=zero")
	line := regexp.MustCompile(`--url (http://\S+)`)
	w.until("it prints its address", func() bool { return line.MatchString(out.String()) })
	url := line.FindStringSubmatch(out.String())[1]
	headers := map[string]string{}
	for name, header := range map[string]string{envAPIKey: "ev-api-key", envAccessToken: "ev-access-token"} {
		secret := regexp.MustCompile(`export ` + name + `=(\S+)`).FindStringSubmatch(out.String())
		if secret == nil {
			t.Fatalf("%s is missing in %s", name, out.String())
		}
		headers[header] = secret[1]
	}
	if got := get(t, url, headers); got.StatusCode != http.StatusOK || got.Header.Get("X-RateLimit-Limit") != "7" {
		t.Errorf("with the credentials: %v %v", got.Status, got.Header)
	}
	if got := get(t, url, nil); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("without the credentials: %v", got.Status)
	}
	if code := stop(); code != exitDone {
		t.Errorf("exit code %d: %s", code, out.String())
	}
}

// get asks a sandbox for its root.
func get(t *testing.T, url string, headers map[string]string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api/v2/resources/list?resource=/", http.NoBody)
	must(t, err)
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	must(t, resp.Body.Close())
	return resp
}

// TestSandboxSecrets does not print credentials that it was given.
func TestSandboxSecrets(t *testing.T) {
	w := &world{t: t, folder: isolated(t)}
	w.credentials()
	out, stop := startSandbox(t, "--root", filepath.Join(w.folder, "account"))
	w.until("it serves", func() bool { return strings.Contains(out.String(), "--url") })
	if code := stop(); code != exitDone {
		t.Errorf("exit code %d: %s", code, out.String())
	}
	out.wants(t, "exavault of")
}

func TestSandboxFails(t *testing.T) {
	dir := isolated(t)
	run(t, "sandbox", "--root", filepath.Join(dir, "account"), "--listen", "nowhere.invalid:1").wants(t, exitFailed, "nowhere.invalid:1", "--listen")
	run(t, "sandbox", "--root", "/proc/x").wants(t, exitFailed, "/proc/x")
}

// TestRedacted has the one place that prints errors know the secrets.
func TestRedacted(t *testing.T) {
	t.Setenv(envAPIKey, testKey)
	t.Setenv(envAccessToken, testToken)
	var out bytes.Buffer
	a := newApp(strings.NewReader(""), &out, &out)
	_, err := a.takeSecrets()
	must(t, err)
	a.fail(exitFailed, failure(0, "two\nlines with %s", testToken))
	if got := out.String(); got != "frugalfs: two; lines with [redacted]\n" {
		t.Errorf("got %q", got)
	}
}
