package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/frugalfs/frugalfs/cmd/control"
	"github.com/frugalfs/frugalfs/fs"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// TestDaemon goes through the life of a mount in the background.
func TestDaemon(t *testing.T) {
	w := newWorld(t)
	w.mount()
	if os.Getenv(envAPIKey) != "" || os.Getenv(envAccessToken) != "" {
		t.Error("the secrets are in the environment still")
	}
	w.write("a", "hello")
	run(t, "flush", w.dir).wants(t, exitDone)
	w.has("a", "hello")
	run(t, "status", w.dir).wants(t, exitDone, w.dir, "online", "upload 1", w.state)
	run(t, "status").wants(t, exitDone, w.dir)
	run(t, "pending", w.dir, "--explain").wants(t, exitDone, "everything is sent", "no request in all")
	w.private()
	run(t, "unmount", w.dir).wants(t, exitDone)
	w.unmounted()
	log, err := os.ReadFile(filepath.Join(w.state, logName))
	must(t, err)
	if !strings.Contains(string(log), "msg=mounted") || strings.Contains(string(log), "level=ERROR") {
		t.Errorf("the log is:\n%s", log)
	}
	noSecrets(t, string(log))
}

// private checks that no process shows a secret, and that the socket is the
// owner's.
func (w *world) private() {
	w.t.Helper()
	pid := w.status().PID
	for _, file := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
		must(w.t, err) // as root; others may not even read it
		noSecrets(w.t, string(text))
	}
	for path, mode := range map[string]os.FileMode{w.state: 0o700, filepath.Join(w.state, control.SocketName): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			w.t.Errorf("%s has mode %v, %v; want %v", path, info.Mode().Perm(), err, mode)
		}
	}
}

// status is the answer of status --json.
func (w *world) status() (s control.Status) {
	w.t.Helper()
	r := run(w.t, "status", w.dir, "--json")
	r.wants(w.t, exitDone)
	must(w.t, json.Unmarshal([]byte(r.out), &s))
	return s
}

// TestStatusJSON has what scripts read.
func TestStatusJSON(t *testing.T) {
	w := newWorld(t)
	w.mount("--read-only", "--daily-limit", "100", "--cache-size", "1M", "--log-level", "debug")
	s := w.status()
	if s.Mountpoint != w.dir || s.State != control.Online || !s.ReadOnly || s.Content.Limit != 1<<20 || s.Ledger.Day.Requests == 0 {
		t.Errorf("got %+v", s)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "x"), nil, 0o600); !errors.Is(err, syscall.EROFS) {
		t.Errorf("writing: %v", err)
	}
	r := run(t, "status", "--json")
	r.wants(t, exitDone)
	var all []mountLine
	must(t, json.Unmarshal([]byte(r.out), &all))
	found := false
	for _, line := range all {
		found = found || line.Mountpoint == w.dir && line.Status != nil && line.Status.PID == s.PID
	}
	if !found {
		t.Errorf("%s is missing in %s", w.dir, r.out)
	}
	run(t, "unmount", w.dir).wants(t, exitDone)
}

// TestMountFails has a mount that cannot be say so in one line, in the
// foreground and in the background.
func TestMountFails(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.folder, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	full := filepath.Join(w.folder, "full")
	must(t, os.MkdirAll(filepath.Join(full, "x"), 0o700))
	for name, c := range map[string]struct {
		args  []string
		words []string
	}{
		"missing folder":  {[]string{"mount", ":", filepath.Join(w.folder, "none")}, []string{"none", "mkdir"}},
		"file":            {[]string{"mount", ":", file}, []string{"file"}},
		"not empty":       {[]string{"mount", ":", full}, []string{"full", "empty"}},
		"no such folder":  {[]string{"mount", ":/nowhere", w.dir}, []string{"/nowhere"}},
		"state is a file": {[]string{"mount", ":", w.dir, "--state-dir", file}, []string{file, "--state-dir"}},
		"state in /proc":  {[]string{"mount", ":", w.dir, "--state-dir", "/proc/x"}, []string{"/proc/x", "--state-dir"}},
		"log in nowhere":  {[]string{"mount", ":", w.dir, "--log-file", file + "/x"}, []string{file}},
		"nobody there":    {[]string{"mount", ":", w.dir, "--url", "https://127.0.0.1:9"}, []string{"127.0.0.1:9", "--url"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, more := range [][]string{nil, {"--daemon"}} {
				args := append(append([]string{}, c.args...), more...)
				if !strings.Contains(strings.Join(args, " "), "--url") {
					args = append(args, "--url", w.url)
				}
				w.credentials()
				t.Setenv("XDG_STATE_HOME", t.TempDir())
				run(t, append(args, "--provider", "exavault")...).wants(t, exitFailed, c.words...)
			}
		})
	}
	w.unmounted()
}

func TestWrongCredentials(t *testing.T) {
	w := newWorld(t)
	for _, more := range [][]string{nil, {"--daemon"}} {
		w.credentials()
		t.Setenv(envAPIKey, "wrong-0123")
		r := run(t, w.mountArgs(more...)...)
		r.wants(t, exitFailed, envAPIKey, envAccessToken)
		if strings.Contains(r.errors, "wrong-0123") {
			t.Errorf("the key shows: %s", r.errors)
		}
	}
}

// TestTwice mounts what is mounted, and what is in use.
func TestTwice(t *testing.T) {
	w := newWorld(t)
	w.mount()
	w.credentials()
	run(t, w.mountArgs()...).wants(t, exitFailed, w.dir, "mounted already")
	other := filepath.Join(w.folder, "other")
	must(t, os.Mkdir(other, 0o755))
	args := w.mountArgs("--daemon")
	args[2] = other
	w.credentials()
	run(t, args...).wants(t, exitFailed, w.state, "in use")
	run(t, "unmount", w.dir).wants(t, exitDone)
}

// TestLeft unmounts without the provider: what is not sent is listed, kept, and
// sent by the next mount.
func TestLeft(t *testing.T) {
	w := newWorld(t)
	w.mount()
	must(t, w.box.Fail(sandbox.Fault{Op: "upload", Kind: sandbox.Reset, Count: -1}))
	w.write("precious", "bytes")
	run(t, "flush", w.dir, "--timeout", "100ms").wants(t, exitFailed, "precious", "1 change was not sent", "frugalfs pending")
	run(t, "pending", w.dir).wants(t, exitDone, "precious", "new")
	export := filepath.Join(w.folder, "export")
	run(t, "pending", w.dir, "export", export).wants(t, exitDone, "1 file was copied")
	if got, err := os.ReadFile(filepath.Join(export, "precious")); err != nil || string(got) != "bytes" {
		t.Errorf("exported: %q, %v", got, err)
	}
	run(t, "pending", w.dir, "export", filepath.Join(w.dir, "new")).wants(t, exitFailed, "outside the mount")
	run(t, "pending", w.dir, "retry").wants(t, exitDone, "tried again")
	run(t, "unmount", w.dir, "--timeout", "100ms").wants(t, exitFailed, "precious", w.state)
	w.unmounted()
	w.box.ClearFaults()
	w.mount()
	run(t, "unmount", w.dir).wants(t, exitDone)
	w.has("precious", "bytes")
}

// TestDrop gives up a file that the provider refuses.
func TestDrop(t *testing.T) {
	w := newWorld(t)
	w.mount()
	must(t, w.box.Fail(sandbox.Fault{Op: "upload", Kind: sandbox.Status, Status: 403, Count: -1}))
	w.write("refused", "bytes")
	run(t, "flush", w.dir).wants(t, exitFailed, "refused", "given up")
	run(t, "status", w.dir).wants(t, exitDone, "given up", "frugalfs pending "+w.dir)
	run(t, "pending", w.dir, "drop").wants(t, exitDone, "1 change was dropped")
	run(t, "unmount", w.dir).wants(t, exitDone)
}

// TestBusy unmounts a mount that a program uses.
func TestBusy(t *testing.T) {
	w := newWorld(t)
	w.mount()
	w.write("a", "x")
	f, err := os.Open(filepath.Join(w.dir, "a"))
	must(t, err)
	run(t, "unmount", w.dir).wants(t, exitFailed, "fuser")
	run(t, "status", w.dir).wants(t, exitDone)
	must(t, f.Close())
	run(t, "unmount", w.dir).wants(t, exitDone)
	w.has("a", "x")
}

// TestSignal ends a mount in the foreground.
func TestSignal(t *testing.T) {
	w := newWorld(t)
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		p := w.start("--settle", "10m")
		w.write("a", s.String())
		p.signal(t, s)
		p.ends(t, exitDone, "is mounted on "+w.dir)
		w.has("a", s.String())
		w.unmounted()
	}
}

// TestSignalBusy needs a second signal for a mount in use.
func TestSignalBusy(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	w.write("open", "")
	f, err := os.Open(filepath.Join(w.dir, "open"))
	must(t, err)
	p.signal(t, syscall.SIGTERM)
	w.until("it says that it is busy", func() bool { return strings.Contains(p.output.String(), "ask once more") })
	run(t, "status", w.dir).wants(t, exitDone)
	p.signal(t, syscall.SIGTERM)
	w.unmounted()
	_ = f.Close() // its mount is gone
	_ = p.cmd.Wait()
	p.output.wants(t)
}

// TestSignalLeft ends a mount whose provider does not answer.
func TestSignalLeft(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	must(t, w.box.Fail(sandbox.Fault{Op: "upload", Kind: sandbox.Reset, Count: -1}))
	w.write("precious", "bytes")
	p.signal(t, syscall.SIGTERM)
	w.until("the first signal is seen", func() bool { return strings.Contains(p.output.String(), "asked to end") })
	p.signal(t, syscall.SIGTERM)
	p.ends(t, exitFailed, "precious", "1 change was not sent", w.state)
	w.unmounted()
	w.box.ClearFaults()
	w.mount()
	run(t, "unmount", w.dir).wants(t, exitDone)
	w.has("precious", "bytes")
}

// TestKilled leaves a dead mount, which unmount or the next mount clears away.
func TestKilled(t *testing.T) {
	w := newWorld(t)
	for _, unmount := range []bool{true, false} {
		p := w.start("--settle", "10m")
		w.write("a", fmt.Sprint(unmount))
		must(t, p.cmd.Process.Kill())
		_ = p.cmd.Wait()
		run(t, "status", w.dir).wants(t, exitFailed, w.dir, "frugalfs unmount")
		run(t, "flush", w.dir).wants(t, exitFailed, w.dir, "frugalfs unmount")
		run(t, "status").wants(t, exitDone, w.dir, "its process is gone")
		if unmount {
			run(t, "unmount", w.dir).wants(t, exitFailed, "was gone", "mount it again")
			w.unmounted()
		}
		w.mount()
		run(t, "unmount", w.dir).wants(t, exitDone)
		w.has("a", fmt.Sprint(unmount))
	}
}

// TestUnmountedByOthers has the process end when the mount is taken away.
func TestUnmountedByOthers(t *testing.T) {
	w := newWorld(t)
	p := w.start("--settle", "10m")
	w.write("a", "x")
	must(t, fs.DetachLazily(w.dir))
	p.ends(t, exitDone)
	w.has("a", "x")
	if _, ok := control.Lookup(w.dir); ok {
		t.Error("it is registered still")
	}
}

// TestDemo needs nothing, and keeps what was written from run to run.
func TestDemo(t *testing.T) {
	w := newWorld(t)
	for _, more := range []string{"", "one\n"} {
		run(t, "demo", w.dir, "--daemon").wants(t, exitDone)
		got, _ := os.ReadFile(filepath.Join(w.dir, "a"))
		if string(got) != more {
			t.Errorf("the demo holds %q, not %q", got, more)
		}
		w.write("a", "one\n")
		run(t, "unmount", w.dir).wants(t, exitDone)
		if _, mounted, err := fs.Mounted(w.dir); mounted || err != nil {
			t.Errorf("mounted: %v, %v", mounted, err)
		}
	}
}
