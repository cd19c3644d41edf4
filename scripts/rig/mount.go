package rig

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Mount is a mount in a process of its own, in the foreground.
type Mount struct {
	*process
	binary string
	// Dir is the mount point, State the state folder.
	Dir, State string
}

// MountOptions say what is mounted where. Dir and State are made if missing.
type MountOptions struct {
	Sandbox    *Sandbox
	Dir, State string
	// Remote is ":" or ":/folder"; "" is ":".
	Remote string
	// Log is the file for its output; it is appended to.
	Log string
	// Args are further arguments of the command.
	Args []string
	// Env are further environment variables.
	Env []string
}

// readyWithin is how long a mount may take to come up.
const readyWithin = time.Minute

// StartMount mounts and returns when the mount can be used.
func StartMount(ctx context.Context, binary string, o MountOptions) (*Mount, error) {
	if err := ensureDir(o.Dir); err != nil {
		return nil, err
	}
	p, err := start(binary, o.Log, append(credentials(o.Sandbox.Provider), o.Env...), o.Command()...)
	if err != nil {
		return nil, err
	}
	m := &Mount{process: p, binary: binary, Dir: o.Dir, State: o.State}
	if err := m.ready(ctx); err != nil {
		_ = m.Kill()
		_ = m.Detach()
		return nil, err
	}
	return m, nil
}

// Command is the arguments that mount.
func (o MountOptions) Command() []string {
	remote := o.Remote
	if remote == "" {
		remote = ":"
	}
	args := []string{
		"mount", remote, o.Dir, "--provider", o.Sandbox.Provider, "--url", o.Sandbox.URL, "--state-dir", o.State,
	}
	return append(args, o.Args...)
}

// ensureDir makes a mount point, unless it is a dead mount that the next one
// has to clear away.
func ensureDir(dir string) error {
	if Mounted(dir) {
		return nil
	}
	return os.MkdirAll(dir, 0o755)
}

func (m *Mount) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	err := Until(ctx, "the mount", func() bool {
		return m.ended() || Mounted(m.Dir) && m.command(ctx, "status", m.Dir, "--json").Code == 0
	})
	if err == nil && m.ended() {
		err = errors.New("the process ended")
	}
	if err != nil {
		return fmt.Errorf("mounting %s: %w\n%s", m.Dir, err, m.Output())
	}
	return nil
}

func (m *Mount) command(ctx context.Context, args ...string) Result {
	return Run(ctx, m.binary, nil, args...)
}

// Flush waits until everything is at the provider, for patience at most.
func (m *Mount) Flush(ctx context.Context, patience time.Duration) error {
	if err := m.command(ctx, "flush", m.Dir, "--timeout", patience.String()).Err(); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}

// Status decodes the answer of status --json into v.
func (m *Mount) Status(ctx context.Context, v any) error {
	r := m.command(ctx, "status", m.Dir, "--json")
	if r.Code != 0 {
		return r.Err()
	}
	return json.Unmarshal([]byte(r.Stdout), v)
}

// Unmount sends what is left, for patience at most, unmounts, and waits for the
// process.
func (m *Mount) Unmount(ctx context.Context, patience time.Duration) error {
	if err := m.command(ctx, "unmount", m.Dir, "--timeout", patience.String()).Err(); err != nil {
		return fmt.Errorf("unmount: %w", err)
	}
	select {
	case <-m.done:
		return m.err
	case <-time.After(20 * time.Second):
		return fmt.Errorf("the mount's process stays after unmount\n%s", m.Output())
	}
}

// Kill kills the process with -9, and leaves the dead mount where it is.
func (m *Mount) Kill() error {
	if err := m.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-m.done
	return nil
}

// Dump kills the process with a signal that has it print what it was doing, for
// when it hangs.
func (m *Mount) Dump() { _ = m.signal(syscall.SIGQUIT, 5*time.Second) }

// Detach takes the mount away by force, if it is still there.
func (m *Mount) Detach() error { return Detach(m.Dir) }

// Detach takes away by force what is mounted on dir, if anything is.
func Detach(dir string) error {
	for Mounted(dir) {
		err := unix.Unmount(dir, unix.MNT_DETACH)
		if errors.Is(err, syscall.EPERM) {
			err = exec.Command("fusermount3", "-u", "-z", dir).Run()
		}
		if err != nil {
			return fmt.Errorf("detach %s: %w", dir, err)
		}
	}
	return nil
}

// Mounted tells whether a frugalfs is mounted on dir, dead or alive, without
// touching it.
func Mounted(dir string) bool {
	for _, m := range Mounts() {
		if m == dir {
			return true
		}
	}
	return false
}

// Mounts returns the mount points of all frugalfs mounts of this machine.
func Mounts() []string {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // only read
	var dirs []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		before, after, _ := strings.Cut(lines.Text(), " - ")
		fields := strings.Fields(before)
		if strings.HasPrefix(after, "fuse.frugalfs ") && len(fields) > 4 {
			dirs = append(dirs, unescape(fields[4]))
		}
	}
	return dirs
}

// unescape undoes the octal escapes of mountinfo.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// Processes returns the numbers of the running processes of a binary.
func Processes(binary string) []string {
	var pids []string
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == binary {
			pids = append(pids, filepath.Base(filepath.Dir(link)))
		}
	}
	return pids
}
