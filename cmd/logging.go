package cmd

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/frugalfs/frugalfs/remote"
)

const (
	// logName is the log of a daemon in its state folder.
	logName = "frugalfs.log"
	// maxLog is the size from which on a log is set aside at the next start.
	maxLog = 8 << 20
	// maxHeld is how much is held back while a mount comes up.
	maxHeld = 1 << 20
)

// mountLog is where a mount logs to. In the foreground, what is logged while
// the mount comes up is held back: if it fails, one line says why, and that is
// all. Whoever names a level wants to see everything at once.
type mountLog struct {
	log  *slog.Logger
	file *os.File // nil if it logs to standard error

	// mu guards what follows.
	mu   sync.Mutex
	to   io.Writer
	held *bytes.Buffer // nil: nothing is held back
}

// openLog opens the log that the flags ask for. state is the state folder.
func (a *app) openLog(o logOptions, state string) (*mountLog, error) {
	l := &mountLog{to: a.err}
	if path := o.path(state, a.parent != nil); path != "" {
		if err := l.openFile(path); err != nil {
			return nil, err
		}
	} else if !o.level.chosen {
		l.held = &bytes.Buffer{}
	}
	l.log = slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: o.level.Level, ReplaceAttr: a.redactor.ReplaceAttr}))
	return l, nil
}

// logOptions are the flags about logging.
type logOptions struct {
	level level
	file  string
}

// path is the file to log to, "" for standard error.
func (o logOptions) path(state string, daemon bool) string {
	if o.file == "" && daemon {
		return filepath.Join(state, logName)
	}
	return o.file
}

func (l *mountLog) openFile(path string) error {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() > maxLog {
		_ = os.Rename(path, path+".1") // it grows on otherwise
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return diskError("open the log", path, err)
	}
	l.file, l.to = f, f
	return nil
}

// logger returns the logger, nil without a log.
func (l *mountLog) logger() *slog.Logger {
	if l == nil {
		return nil
	}
	return l.log
}

// Write implements io.Writer for the logger.
func (l *mountLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		return l.to.Write(p)
	}
	if l.held.Len()+len(p) <= maxHeld {
		l.held.Write(p)
	}
	return len(p), nil
}

// release writes what was held back, and holds nothing back any more.
func (l *mountLog) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held != nil {
		_, _ = l.to.Write(l.held.Bytes())
		l.held = nil
	}
}

func (l *mountLog) close() error {
	if l == nil || l.file == nil {
		return nil
	}
	if err := l.file.Close(); err != nil {
		return remote.E(remote.Other, "close the log", l.file.Name(), err)
	}
	return nil
}
