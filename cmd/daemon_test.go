package cmd

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// TestDaemonCrash has the parent notice a daemon that ends without a report.
func TestDaemonCrash(t *testing.T) {
	r, err := startReporting(exec.Command("true"), secrets{APIKey: testKey})
	if err != nil || r.Ready || r.Error != "" {
		t.Errorf("got %+v, %v", r, err)
	}
	if r, err = startReporting(exec.Command("sh", "-c", "echo nonsense >&3"), secrets{}); err != nil || r.Error == "" {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err = startReporting(exec.Command("/nonexistent"), secrets{}); err == nil {
		t.Error("a program that is not there was started")
	}
}

// TestSetByHand ignores the variable that marks daemons when there is no parent.
func TestSetByHand(t *testing.T) {
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self, "version")
	cmd.Env = append(os.Environ(), envProgram+"=1", envDaemon+"=1")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "frugalfs ") {
		t.Errorf("got %s, %v", out, err)
	}
}

// TestParentGone has a daemon not stay when nobody waits for it any more.
func TestParentGone(t *testing.T) {
	w := newWorld(t)
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self, w.mountArgs()...)
	cmd.Env = append(os.Environ(), envDaemon+"=1", "GORACE=atexit_sleep_ms=0")
	credentials, err := json.Marshal(secrets{APIKey: testKey, AccessToken: testToken})
	must(t, err)
	cmd.Stdin = bytes.NewReader(credentials)
	reports, out, err := os.Pipe()
	must(t, err)
	cmd.ExtraFiles = []*os.File{out}
	must(t, reports.Close())
	must(t, cmd.Start())
	must(t, out.Close())
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	w.unmounted()
}

// TestInterruptedStart gives up a mount that does not come up.
func TestInterruptedStart(t *testing.T) {
	w := newWorld(t)
	must(t, w.box.Fail(sandbox.Fault{Kind: sandbox.Stall, Count: -1}))
	self, err := os.Executable()
	must(t, err)
	p := &process{cmd: exec.Command(self, w.mountArgs()...), output: &syncBuffer{}}
	p.cmd.Env = append(os.Environ(), envAPIKey+"="+testKey, envAccessToken+"="+testToken, "GORACE=atexit_sleep_ms=0")
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	must(t, p.cmd.Start())
	w.until("the first request", func() bool { return w.box.Count() > 0 })
	p.signal(t, syscall.SIGINT)
	p.ends(t, exitFailed, "interrupted")
	if text := p.output.String(); strings.Count(text, "\n") != 1 {
		t.Errorf("more than one line: %s", text)
	}
	w.box.ClearFaults()
}

func TestLogIsSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), logName)
	must(t, os.WriteFile(path, make([]byte, maxLog+1), 0o600))
	a := newApp(nil, nil, nil)
	l, err := a.openLog(logOptions{file: path}, "")
	must(t, err)
	l.log.Info("hello")
	must(t, l.close())
	for name, least := range map[string]int64{path: 1, path + ".1": maxLog} {
		if info, err := os.Stat(name); err != nil || info.Size() < least {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// TestHeldLog holds back what is logged before a mount is ready.
func TestHeldLog(t *testing.T) {
	var errs bytes.Buffer
	a := newApp(nil, nil, &errs)
	a.redactor.Add(testKey)
	l, err := a.openLog(logOptions{}, "")
	must(t, err)
	l.log.Warn("first", "key", testKey)
	if errs.Len() > 0 {
		t.Errorf("logged too early: %s", errs.String())
	}
	l.release()
	l.log.Warn("second")
	if text := errs.String(); !strings.Contains(text, "first") || !strings.Contains(text, "second") {
		t.Errorf("got %s", text)
	}
	noSecrets(t, errs.String())
	must(t, l.close())
}
