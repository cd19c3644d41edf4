package fs

import (
	"os"
	"syscall"
	"testing"
)

func TestWhichSignalsEndARequest(t *testing.T) {
	const (
		usr1 = syscall.SIGUSR1
		intr = syscall.SIGINT
	)
	for _, c := range []struct {
		name string
		s    signals
		want bool
	}{
		{"nothing pending", signals{}, false},
		{"killed", signals{pending: setOf(syscall.SIGKILL)}, true},
		{"deadly by default", signals{pending: setOf(usr1)}, true},
		{"segmentation fault sent from outside", signals{pending: setOf(syscall.SIGSEGV)}, true},
		{"handled timer", signals{pending: setOf(syscall.SIGALRM), caught: setOf(syscall.SIGALRM)}, false},
		{"preemption of a Go program", signals{pending: setOf(syscall.SIGURG), caught: setOf(syscall.SIGURG)}, false},
		{"a child ended", signals{pending: setOf(syscall.SIGCHLD)}, false},
		{"stopped by Ctrl-Z", signals{pending: setOf(syscall.SIGTSTP)}, false},
		{"Ctrl-C", signals{pending: setOf(intr)}, true},
		{"Ctrl-C, handled", signals{pending: setOf(intr), caught: setOf(intr)}, true},
		{"Ctrl-C, ignored", signals{pending: setOf(intr), ignored: setOf(intr)}, false},
		{"Ctrl-C, blocked", signals{pending: setOf(intr), blocked: setOf(intr)}, false},
		{"a harmless and a deadly one", signals{pending: setOf(syscall.SIGCHLD, syscall.SIGKILL)}, true},
	} {
		if got := c.s.stops(); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestParseSignals(t *testing.T) {
	status := "Name:\tcat: SigPnd\nPid:\t12\nSigQ:\t0/1234\nSigPnd:\t0000000000000100\nShdPnd:\t0000000000000002\n" +
		"SigBlk:\t0000000000010000\nSigIgn:\t0000000000001000\nSigCgt:\t0000000180004002\nCapInh:\t0000000000000000\n"
	want := signals{
		pending: setOf(syscall.SIGKILL, syscall.SIGINT), blocked: setOf(syscall.SIGCHLD),
		ignored: setOf(syscall.SIGPIPE), caught: 0x180004002,
	}
	if got := parseSignals([]byte(status)); got != want {
		t.Errorf("got %x, want %x", got, want)
	}
}

func TestWantsOut(t *testing.T) {
	if wantsOut(uint32(os.Getpid())) {
		t.Error("this thread was not asked to stop")
	}
	for _, gone := range []uint32{0, 1 << 30} {
		if !wantsOut(gone) {
			t.Errorf("thread %d does not exist, and is kept waiting", gone)
		}
	}
}
