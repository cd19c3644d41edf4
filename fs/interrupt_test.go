package fs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
)

// slowAccount holds one folder, "slow", whose listing comes when it may.
type slowAccount struct {
	emptyAccount
	// asked is sent to when the listing is asked for, go is closed to let it
	// come.
	asked, come chan struct{}
}

func newSlowAccount() *slowAccount {
	return &slowAccount{asked: make(chan struct{}, 1), come: make(chan struct{})}
}

func (a *slowAccount) List(ctx context.Context, dir remote.Ref, page func([]remote.Object) error) (remote.Listing, error) {
	sent := time.Now()
	if dir.Path == "/" {
		slow := remote.Object{ID: "2", ParentID: "1", Name: "slow", Path: "/slow", Dir: true, ModTime: sent}
		return remote.Listing{Complete: true, Sent: sent, Total: 1}, page([]remote.Object{slow})
	}
	a.asked <- struct{}{}
	select {
	case <-a.come:
		return remote.Listing{Complete: true, Sent: sent}, page(nil)
	case <-ctx.Done():
		return remote.Listing{}, remote.E(remote.Canceled, "list", dir.Path, ctx.Err())
	}
}

// openEnv makes the test binary open the folder it names, with a handler for
// SIGUSR1, and print what came of it.
const openEnv = "FRUGALFS_TEST_OPEN"

// init runs on the main thread, whose number is the process's: so the test
// knows which thread to signal.
func init() {
	if dir := os.Getenv(openEnv); dir != "" {
		openAndTell(dir)
	}
}

func openAndTell(dir string) {
	signal.Notify(make(chan os.Signal, 10), syscall.SIGUSR1)
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	fmt.Printf("opened %v, %v\n", fd > 0, err)
	os.Exit(0)
}

// opener starts a program that opens the slow folder below dir, and returns
// when it waits for the listing.
func opener(t *testing.T, a *slowAccount, dir string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(exe)
	cmd.Env, cmd.Stdout = append(os.Environ(), openEnv+"="+filepath.Join(dir, "slow")), &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-a.asked
	return cmd, &out
}

// slowMount mounts an account with a slow folder.
func slowMount(t *testing.T) (*slowAccount, string) {
	t.Helper()
	a := newSlowAccount()
	_, dir := mountedOver(t, newNamespaceOver(t, a, cache.Options{}))
	return a, dir
}

func TestAKilledProgramDoesNotWaitForTheProvider(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT} {
		a, dir := slowMount(t)
		cmd, out := opener(t, a, dir)
		if err := cmd.Process.Signal(sig); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // hangs until the test times out if the request is not given up
		if closed(a.come) || out.Len() > 0 {
			t.Errorf("%v: the program went on: %s", sig, out)
		}
		close(a.come)
	}
}

func TestAHandledSignalDoesNotFailARequest(t *testing.T) {
	a, dir := slowMount(t)
	cmd, out := opener(t, a, dir)
	pid := cmd.Process.Pid
	if err := unix.Tgkill(pid, pid, unix.SIGUSR1); err != nil {
		t.Error(err)
	}
	waitForSignal(t, pid, setOf(syscall.SIGUSR1))
	close(a.come)
	if err := cmd.Wait(); err != nil || out.String() != "opened true, <nil>\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// waitForSignal waits until a signal is pending for a thread that cannot take
// it yet, being in a request.
func waitForSignal(t *testing.T, pid int, want sigset) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 5000 {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		if parseSignals(status).pending&want != 0 {
			return
		}
		<-tick.C
	}
	t.Error("the signal never arrived")
}
