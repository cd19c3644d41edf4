package endtoend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// binary is the frugalfs under test, tempDir what all tests keep their files in.
var binary, tempDir string

// full asks for long rounds.
var full = os.Getenv("FRUGALFS_FULL") != ""

func TestMain(m *testing.M) {
	if journal := os.Getenv(writerEnv); journal != "" {
		os.Exit(writerMain(journal, os.Args[1:]))
	}
	if os.Getenv(posixEnv) != "" {
		os.Exit(m.Run())
	}
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAIL:", err)
		code = 1
	}
	os.Exit(code)
}

func runAll(m *testing.M) (code int, err error) {
	if tempDir, err = os.MkdirTemp("", "frugalfs-endtoend-"); err != nil {
		return 1, err
	}
	// first, while the compiler's cache is where it always is
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if binary, err = rig.Build(ctx, tempDir, raceEnabled); err != nil {
		return 1, err
	}
	// the folder is short-lived, and sockets in it have short names
	if err := errors.Join(os.Setenv("XDG_RUNTIME_DIR", tempDir), os.Setenv("XDG_CACHE_HOME", filepath.Join(tempDir, "cache"))); err != nil {
		return 1, err
	}
	code = m.Run()
	if err := leftovers(); err != nil {
		return 1, err
	}
	if err := goleak.Find(); err != nil {
		return 1, err
	}
	return code, os.RemoveAll(tempDir)
}

// leftovers fails if a test left a mount or a process behind.
func leftovers() error {
	var left []string
	for _, dir := range rig.Mounts() {
		if strings.HasPrefix(dir, tempDir) {
			left = append(left, "mount "+dir)
			_ = rig.Detach(dir)
		}
	}
	for _, pid := range rig.Processes(filepath.Join(tempDir, "frugalfs")) {
		left = append(left, "process "+pid)
	}
	if len(left) > 0 {
		return fmt.Errorf("left behind: %s", strings.Join(left, ", "))
	}
	return nil
}
