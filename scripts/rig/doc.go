// Package rig starts what the end-to-end tests and the bench run on: the
// frugalfs binary as a sandbox and as mounts, each in a process of its own, and
// sees to it that nothing stays behind.
package rig

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Build builds the frugalfs binary into dir, with the race detector if race is
// set, and returns its path. It must be called in a folder of the module.
func Build(ctx context.Context, dir string, race bool) (string, error) {
	binary := filepath.Join(dir, "frugalfs")
	args := []string{"build", "-o", binary}
	if race {
		args = append(args, "-race")
	}
	args = append(args, "github.com/frugalfs/frugalfs")
	out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return binary, nil
}

// The credentials of every sandbox that is started here.
const (
	APIKey      = "rig-key-0123456789"
	AccessToken = "rig-token-9876543210"
	Username    = "rig-user"
	Password    = "rig-password-1357924680"
)

func credentials(provider string) []string {
	all := map[string]string{
		"FRUGALFS_API_KEY": APIKey, "FRUGALFS_ACCESS_TOKEN": AccessToken,
		"FRUGALFS_USERNAME": Username, "FRUGALFS_PASSWORD": Password,
	}
	var env []string
	for _, name := range signIns[provider] {
		env = append(env, name+"="+all[name])
	}
	return env
}

// signIns are what each provider asks for.
var signIns = map[string][]string{
	"exavault":  {"FRUGALFS_API_KEY", "FRUGALFS_ACCESS_TOKEN"},
	"exavault1": {"FRUGALFS_API_KEY", "FRUGALFS_USERNAME", "FRUGALFS_PASSWORD"},
	"filescom":  {"FRUGALFS_API_KEY"},
	"filemail":  {"FRUGALFS_API_KEY", "FRUGALFS_USERNAME", "FRUGALFS_PASSWORD", "FRUGALFS_ACCESS_TOKEN"},
	"yetishare": {"FRUGALFS_USERNAME", "FRUGALFS_PASSWORD"},
}

// Result is what a command did.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Err is nil if the command's exit code was 0.
func (r Result) Err() error {
	if r.Code == 0 {
		return nil
	}
	return fmt.Errorf("exit code %d: %s%s", r.Code, r.Stderr, r.Stdout)
}

// Run runs the binary with arguments and further environment variables, and
// waits for it. Code is -1 if it could not be started or was killed.
func Run(ctx context.Context, binary string, env []string, args ...string) Result {
	cmd := exec.CommandContext(ctx, binary, args...)
	// with the race detector a process waits a second before it exits
	cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=10"), env...)
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	r := Result{Stdout: stdout.String(), Stderr: stderr.String()}
	if err != nil {
		r.Code = -1
		if cmd.ProcessState != nil {
			r.Code = cmd.ProcessState.ExitCode()
		}
		if r.Code < 0 {
			r.Stderr += err.Error()
		}
	}
	return r
}

// pollEvery is how often Until looks.
const pollEvery = 20 * time.Millisecond

// Until calls ok until it returns true. It fails when ctx ends.
func Until(ctx context.Context, what string, ok func() bool) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}
