package cmd

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frugalfs/frugalfs/fs"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// The tests mount in processes of their own: a process must not touch its own
// mount. That process is this test binary, run as frugalfs.
const envProgram = "FRUGALFS_TEST_PROGRAM"

const (
	testKey   = "test-key-0123456789"
	testToken = "test-token-9876543210"
)

func TestMain(m *testing.M) {
	if os.Getenv(envProgram) != "" {
		os.Exit(Main(os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// result is what a command did.
type result struct {
	code        int
	out, errors string
}

// run runs a command in this process. Daemons that it starts are processes of
// their own.
func run(t *testing.T, args ...string) result {
	t.Helper()
	return runContext(t.Context(), args...)
}

func runContext(ctx context.Context, args ...string) result {
	var out, errs bytes.Buffer
	code := newApp(strings.NewReader(""), &out, &errs).run(ctx, args)
	return result{code, out.String(), errs.String()}
}

// wants checks an exit code, that an error is one line, and that words are
// somewhere in the output and secrets are not.
func (r result) wants(t *testing.T, code int, words ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, not %d: %s%s", r.code, code, r.out, r.errors)
	}
	if lines := strings.Count(r.errors, "\n"); code == 0 && lines != 0 || code != 0 && lines != 1 {
		t.Errorf("%d lines of errors: %s", lines, r.errors)
	}
	if code != 0 && !strings.HasPrefix(r.errors, "frugalfs: ") {
		t.Errorf("the error does not begin with its name: %s", r.errors)
	}
	for _, word := range words {
		if !strings.Contains(r.out+r.errors, word) {
			t.Errorf("%q is missing in: %s%s", word, r.out, r.errors)
		}
	}
	noSecrets(t, r.out+r.errors)
}

func noSecrets(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{testKey, testToken} {
		if strings.Contains(text, secret) {
			t.Errorf("a secret shows in: %s", text)
		}
	}
}

// world is an account, a mount point and a state folder.
type world struct {
	t                  *testing.T
	url                string
	box                *sandbox.Server
	dir, state, folder string
}

// newWorld serves an account in this process.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, folder: isolated(t)}
	w.dir, w.state = filepath.Join(w.folder, "mnt"), filepath.Join(w.folder, "the state")
	must(t, os.Mkdir(w.dir, 0o755))
	box, err := sandbox.Open(sandbox.Options{
		Provider: "exavault", Root: filepath.Join(w.folder, "account"), APIKey: testKey, AccessToken: testToken,
		Logger: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	w.box = box
	w.url, err = box.Start("127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { must(t, box.Close()) })
	t.Cleanup(w.away)
	return w
}

// isolated gives the test folders of its own for everything.
func isolated(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	for _, name := range []string{"XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CACHE_HOME"} {
		t.Setenv(name, filepath.Join(dir, name))
		must(t, os.Mkdir(filepath.Join(dir, name), 0o700))
	}
	t.Setenv(envProgram, "1") // for daemons
	return dir
}

// away takes away what a failed test left mounted.
func (w *world) away() {
	for {
		if _, ok, err := fs.Mounted(w.dir); !ok || err != nil {
			return
		}
		w.t.Errorf("the test left %s mounted", w.dir)
		must(w.t, fs.DetachLazily(w.dir))
	}
}

// mountArgs are the arguments that mount the account.
func (w *world) mountArgs(more ...string) []string {
	return append([]string{
		"mount", ":", w.dir, "--provider", "exavault", "--url", w.url, "--state-dir", w.state, "--settle", "10ms",
	}, more...)
}

// mount mounts in the background.
func (w *world) mount(more ...string) {
	w.t.Helper()
	w.credentials()
	run(w.t, w.mountArgs(append(more, "--daemon")...)...).wants(w.t, exitDone)
}

// credentials puts the right credentials into the environment.
func (w *world) credentials() {
	w.t.Setenv(envAPIKey, testKey)
	w.t.Setenv(envAccessToken, testToken)
}

// process is a frugalfs in the foreground.
type process struct {
	cmd    *exec.Cmd
	output *syncBuffer
}

// start starts a frugalfs in the foreground and waits until it is mounted.
func (w *world) start(more ...string) *process {
	w.t.Helper()
	self, err := os.Executable()
	must(w.t, err)
	p := &process{cmd: exec.Command(self, w.mountArgs(more...)...), output: &syncBuffer{}}
	// the race detector sleeps for a second when a process ends
	p.cmd.Env = append(os.Environ(), envAPIKey+"="+testKey, envAccessToken+"="+testToken, "GORACE=atexit_sleep_ms=0")
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	must(w.t, p.cmd.Start())
	w.t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	w.until("the mount answers", func() bool { return runContext(w.t.Context(), "status", w.dir).code == exitDone })
	return p
}

// ends waits for the end of a process, and checks its exit code.
func (p *process) ends(t *testing.T, code int, words ...string) {
	t.Helper()
	_ = p.cmd.Wait()
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d, not %d", got, code)
	}
	p.output.wants(t, words...)
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	must(t, p.cmd.Process.Signal(s))
}

// until polls a condition.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			w.t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

// unmounted waits until nothing is mounted any more.
func (w *world) unmounted() {
	w.t.Helper()
	w.until("it is unmounted", func() bool {
		_, ok, err := fs.Mounted(w.dir)
		return err == nil && !ok
	})
}

func (w *world) write(name, text string) {
	w.t.Helper()
	must(w.t, os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600))
}

// has checks a file of the account.
func (w *world) has(name, text string) {
	w.t.Helper()
	got, err := os.ReadFile(filepath.Join(w.box.Root(), name))
	if err != nil || string(got) != text {
		w.t.Errorf("the account has %q, %v; want %q", got, err, text)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// syncBuffer is a buffer that can be read while a process writes.
type syncBuffer struct {
	// mu guards buf.
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns what was written so far.
func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *syncBuffer) wants(t *testing.T, words ...string) {
	t.Helper()
	text := b.String()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is missing in: %s", word, text)
		}
	}
	noSecrets(t, text)
}
