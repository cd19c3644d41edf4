package fs

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// sigset is a set of signals as /proc shows it: bit n-1 stands for signal n.
type sigset uint64

func setOf(signals ...syscall.Signal) (s sigset) {
	for _, sig := range signals {
		s |= 1 << (sig - 1)
	}
	return s
}

var (
	// harmless are the signals that end nothing by default.
	harmless = setOf(syscall.SIGCHLD, syscall.SIGCONT, syscall.SIGURG, syscall.SIGWINCH,
		syscall.SIGSTOP, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU)
	// stopping are the signals by which somebody asks a program to stop, so
	// that even a program that handles them should not wait.
	stopping = setOf(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM)
)

// signals is the state of one thread.
type signals struct {
	// pending are the signals waiting for the thread or its process.
	pending sigset
	// blocked, ignored and caught are what the thread does about signals.
	blocked, ignored, caught sigset
}

// stops tells whether a pending signal kills the thread or asks it to stop.
func (s signals) stops() bool {
	arrive := s.pending &^ s.blocked &^ s.ignored
	deadly := arrive &^ s.caught &^ harmless
	return deadly != 0 || arrive&stopping != 0
}

// wantsOut tells whether the thread was asked to stop. A thread that cannot
// be looked at (it is gone, or lives in another pid namespace, which makes
// its number 0) is let go.
func wantsOut(tid uint32) bool {
	if tid == 0 {
		return true
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	if err != nil {
		return true
	}
	return parseSignals(status).stops()
}

// parseSignals reads the signal lines of /proc/PID/status, see proc(5).
func parseSignals(status []byte) (s signals) {
	for line := range bytes.Lines(status) {
		name, value, _ := bytes.Cut(line, []byte(":\t"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 16, 64)
		if err != nil {
			continue
		}
		switch string(name) {
		case "SigPnd", "ShdPnd":
			s.pending |= sigset(n)
		case "SigBlk":
			s.blocked = sigset(n)
		case "SigIgn":
			s.ignored = sigset(n)
		case "SigCgt":
			s.caught = sigset(n)
		}
	}
	return s
}
