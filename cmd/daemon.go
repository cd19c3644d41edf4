package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

// A daemon is this program run again with the same arguments, in a session of
// its own. It gets its secrets on standard input and reports on descriptor 3;
// a variable in its environment tells it so.
const (
	envDaemon = "FRUGALFS_DAEMON"
	reportFD  = 3
)

// report is what a daemon says, once, about how it came up.
type report struct {
	Ready bool   `json:"ready"`
	Code  int    `json:"code"`
	Error string `json:"error"`
}

// parent is the process that started this one as a daemon and waits for its
// report. A nil *parent is nobody.
type parent struct{ pipe *os.File }

// adoptParent finds out whether this process was started as a daemon.
func adoptParent() *parent {
	if os.Getenv(envDaemon) == "" {
		return nil
	}
	_ = os.Unsetenv(envDaemon) // fails only for names that are none
	var s unix.Stat_t
	if err := unix.Fstat(reportFD, &s); err != nil || s.Mode&unix.S_IFMT != unix.S_IFIFO {
		return nil // somebody set the variable by hand
	}
	unix.CloseOnExec(reportFD)
	return &parent{os.NewFile(reportFD, "report")}
}

// tell reports, and returns whether there was anybody to report to.
func (p *parent) tell(r report) bool {
	if p == nil || p.pipe == nil {
		return false
	}
	err := json.NewEncoder(p.pipe).Encode(r)
	_ = p.pipe.Close()
	p.pipe = nil
	return err == nil
}

// startDaemon runs this program again in the background, and returns when the
// mount is ready, or with the error that kept it from coming up.
func (a *app) startDaemon(s secrets) error {
	self, err := os.Executable()
	if err != nil {
		return remote.E(remote.Other, "start in the background", "", err)
	}
	cmd := exec.Command(self, a.args...)
	cmd.Env = append(os.Environ(), envDaemon+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	r, err := startReporting(cmd, s)
	if err != nil {
		return remote.E(remote.Other, "start in the background", self, err)
	}
	if r.Ready {
		return cmd.Process.Release()
	}
	ended := cmd.Wait()
	if r.Error == "" {
		return failure(remote.Other, "the process in the background ended before the mount was ready (%v)", ended)
	}
	if r.Code == exitUsage {
		return misuse("%s", r.Error)
	}
	return failure(remote.Other, "%s", r.Error)
}

// startReporting starts a daemon, hands it its secrets and waits for its
// report, which is empty if it ended without one.
func startReporting(cmd *exec.Cmd, s secrets) (r report, err error) {
	in, secretsPipe, err := os.Pipe()
	if err != nil {
		return r, err
	}
	reports, out, err := os.Pipe()
	if err != nil {
		return r, errors.Join(err, in.Close(), secretsPipe.Close())
	}
	defer func() { _ = reports.Close() }()
	cmd.Stdin, cmd.ExtraFiles = in, []*os.File{out}
	err = cmd.Start()
	_, _ = in.Close(), out.Close() // the child has its own
	if err == nil {
		_ = json.NewEncoder(secretsPipe).Encode(s) // it has ended if it does not read, which shows below
	}
	_ = secretsPipe.Close()
	if err != nil {
		return r, err
	}
	if err := json.NewDecoder(reports).Decode(&r); err != nil && !errors.Is(err, io.EOF) {
		r = report{Error: fmt.Sprintf("the process in the background sent no report: %v", err)}
	}
	return r, nil
}

// detach is called by a daemon when its mount is ready: it lets go of the
// terminal and the folder that it was started from, and tells the parent. What
// the Go runtime prints when it crashes goes to the log. It fails if the
// parent is gone: the user gave up waiting.
func (a *app) detach(l *mountLog) error {
	if a.parent == nil {
		return nil
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return remote.E(remote.Other, "detach", os.DevNull, err)
	}
	defer func() { _ = null.Close() }()
	err = errors.Join(
		os.Chdir("/"), unix.Dup3(int(null.Fd()), 0, 0),
		unix.Dup3(int(l.file.Fd()), 1, 0), unix.Dup3(int(l.file.Fd()), 2, 0),
	)
	if err != nil {
		return remote.E(remote.Other, "detach", "", err)
	}
	if !a.parent.tell(report{Ready: true}) {
		return failure(remote.Canceled, "the process that asked for the mount is gone")
	}
	return nil
}
