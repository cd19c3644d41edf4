package endtoend

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// newTwoMounts is an account with two mounts. The first changes things and asks
// for nothing that it need not know; the second has a file open, not in
// passthrough: its content came after it was opened.
func newTwoMounts(t *testing.T, second func(*world) (args, env []string)) (a, b *world, open *os.File) {
	t.Helper()
	a = newAccount(t, rig.SandboxOptions{})
	for _, name := range []string{"old", "name", "gone"} {
		write(t, filepath.Join(a.box.Root, "d", name), name+"\n")
	}
	a.mountWith("--settle", "200ms", "--max-age", "2h")
	args, env := second(a)
	other := *a
	b = &other
	b.options = a.mountOptions("other", append([]string{"--settle", "200ms"}, args...)...)
	b.options.Env = env
	b.mount()
	t.Cleanup(b.endMount)
	a.run(`ls -R "$MNT"`)
	b.run(`ls -R "$MNT"`)
	open, err := os.Open(b.path("d", "old"))
	must(t, err)
	t.Cleanup(func() { _ = open.Close() })
	reads(t, open, "old\n")
	b.run(`cat "$MNT"/d/*`)
	a.settled()
	return a, b, open
}

// reads checks what an open file holds.
func reads(t *testing.T, f *os.File, want string) {
	t.Helper()
	text := make([]byte, 64)
	if n, _ := f.ReadAt(text, 0); string(text[:n]) != want {
		t.Errorf("the open file holds %q, want %q", text[:n], want)
	}
}

// changed does to a what b must show, and shown is whether it does.
const (
	changed = `cd "$MNT/d"; echo new >new; echo changed and longer >old; mv name renamed; rm gone`
	shown   = `cd "$MNT/d"; test "$(ls | tr "\n" " ")" = "new old renamed "; test "$(cat new)" = new
		test "$(cat old)" = "changed and longer"; test "$(cat renamed)" = name; test ! -e gone`
)

// TestTwoMounts has what is done through one mount show in another, by the
// provider's record of changes, for one request in an interval.
func TestTwoMounts(t *testing.T) {
	t.Parallel()
	const interval = time.Second
	a, b, open := newTwoMounts(t, func(*world) (args, env []string) { return []string{"--max-age", interval.String()}, nil })
	begun := time.Now()
	a.reset()
	a.run(changed)
	a.flush()
	b.eventually(shown)
	reads(t, open, "changed and longer\n")
	a.polled(begun, interval)

	a.settled()
	begun = time.Now()
	a.reset()
	for a.counts().Count < 2 { // the mount is used until it has asked twice
		b.run(shown)
	}
	a.polled(begun, interval)
	if n := a.counts(); n.Count != n.ByOp["activity"] {
		t.Errorf("a look at what has not changed cost more than the record of changes:\n%s", a.requests())
	}
}

// polled checks how often the record of changes was read since a time.
func (w *world) polled(since time.Time, interval time.Duration) {
	w.t.Helper()
	n := w.counts().ByOp["activity"]
	// one at the beginning, and one for who asked while the last was on its way
	if most := int(time.Since(since)/interval) + 2; n > most {
		w.t.Errorf("%d reads of the record of changes, at most %d are due:\n%s", n, most, w.requests())
	}
}

// TestTwoMountsByWebhook has what is done through one mount show in another without
// a request, where webhooks tell of it.
func TestTwoMountsByWebhook(t *testing.T) {
	t.Parallel()
	a, b, open := newTwoMounts(t, func(w *world) (args, env []string) {
		addr, token := w.registerHook()
		return []string{"--max-age", "2h", "--webhook-listen", addr}, []string{"FRUGALFS_WEBHOOK_TOKEN=" + token}
	})
	a.run(changed)
	a.flush()
	must(t, rig.Until(b.ctx, "four webhooks", func() bool {
		s := b.status()
		return s.Webhooks != nil && s.Webhooks.Good >= 4
	}))
	a.settled()
	a.reset()
	b.eventually(shown)
	reads(t, open, "changed and longer\n")
	// what changed is fetched: the folder, the new file, the new content
	if n := a.counts(); n.ByOp["activity"] > 0 || n.Count > 3 {
		t.Errorf("a change that a webhook told of cost %d requests:\n%s", n.Count, a.requests())
	}
}

// registerHook registers a webhook for all changes and returns the address that
// is to listen for it, and its token.
func (w *world) registerHook() (addr, token string) {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.2:0") // where no other program of these tests connects from
	must(w.t, err)
	addr = l.Addr().String()
	must(w.t, l.Close())
	body, err := json.Marshal(map[string]any{
		"endpointUrl": "http://" + addr + "/", "responseVersion": "v1",
		"triggers": map[string]any{"resources": map[string]bool{
			"upload": true, "delete": true, "createFolder": true, "rename": true, "move": true, "copy": true, "compress": true, "extract": true,
		}},
	})
	must(w.t, err)
	req, err := http.NewRequestWithContext(w.ctx, http.MethodPost, w.box.URL+"/api/v2/webhooks", bytes.NewReader(body))
	must(w.t, err)
	req.Header.Set("ev-api-key", rig.APIKey)
	req.Header.Set("ev-access-token", rig.AccessToken)
	resp, err := http.DefaultClient.Do(req)
	must(w.t, err)
	defer resp.Body.Close() //nolint:errcheck // read to its end
	var answer struct {
		Data []struct {
			Attributes struct{ VerificationToken string }
		}
	}
	must(w.t, json.NewDecoder(resp.Body).Decode(&answer))
	if len(answer.Data) != 1 || answer.Data[0].Attributes.VerificationToken == "" {
		w.t.Fatalf("the webhook was not registered: %s", resp.Status)
	}
	return addr, answer.Data[0].Attributes.VerificationToken
}
