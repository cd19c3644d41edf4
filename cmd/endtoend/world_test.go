package endtoend

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// world is an account and a mount of it.
type world struct {
	t   *testing.T
	ctx context.Context
	// dir holds everything; src is for local files.
	dir, src string
	box      *rig.Sandbox
	mnt      *rig.Mount
	options  rig.MountOptions
	states   int
	// mirror is the mount that root made last.
	mirror *rig.Mount
}

// short is the settle time of tests that do not look at it.
var short = []string{"--settle", "200ms"}

// soon is short, and has changes made elsewhere show at once.
var soon = []string{"--settle", "200ms", "--max-age", "500ms"}

// newWorld starts a sandbox and mounts it with further arguments.
func newWorld(t *testing.T, args ...string) *world {
	t.Helper()
	return newWorldOn(t, rig.SandboxOptions{}, args...)
}

// newWorldOn is newWorld with options for the sandbox.
func newWorldOn(t *testing.T, o rig.SandboxOptions, args ...string) *world {
	t.Helper()
	w := newAccount(t, o)
	w.mountWith(args...)
	return w
}

// newWorldWith puts one file into the account before it is mounted.
func newWorldWith(t *testing.T, path, content string, args ...string) *world {
	t.Helper()
	w := newAccount(t, rig.SandboxOptions{})
	write(t, filepath.Join(w.box.Root, path), content)
	w.mountWith(args...)
	return w
}

// newAccount starts a sandbox without a mount.
func newAccount(t *testing.T, o rig.SandboxOptions) *world {
	t.Helper()
	dir, err := os.MkdirTemp(tempDir, "w")
	must(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	w := &world{t: t, ctx: ctx, dir: dir, src: filepath.Join(dir, "src")}
	must(t, os.Mkdir(w.src, 0o755))
	o.Root, err = rig.NewSandboxDir(dir)
	must(t, err)
	o.Log = filepath.Join(dir, "sandbox.log")
	w.box, err = rig.StartSandbox(ctx, binary, o)
	must(t, err)
	t.Cleanup(func() {
		defer cancel()
		w.end()
	})
	return w
}

func (w *world) mountOptions(name string, args ...string) rig.MountOptions {
	return rig.MountOptions{
		Sandbox: w.box, Dir: filepath.Join(w.dir, name), State: filepath.Join(w.dir, "state-"+name),
		Log: filepath.Join(w.dir, name+".log"), Args: append(append([]string{}, args...), "--log-level", "debug"),
	}
}

// mountWith mounts the first time.
func (w *world) mountWith(args ...string) {
	w.t.Helper()
	w.options = w.mountOptions("mnt", args...)
	w.mount()
}

// mount mounts with the options as they are, the first time or again.
func (w *world) mount() {
	w.t.Helper()
	m, err := rig.StartMount(w.ctx, binary, w.options)
	must(w.t, err)
	w.mnt = m
}

// another makes a second mount of the same account.
func (w *world) another(name string, args ...string) *world {
	w.t.Helper()
	other := *w
	other.options = w.mountOptions(name, args...)
	other.mount()
	w.t.Cleanup(other.endMount)
	return &other
}

func (w *world) end() {
	w.endMirror()
	w.endMount()
	_ = w.box.Stop()
	w.noReports(w.box.Output())
	if !w.t.Failed() {
		_ = os.RemoveAll(w.dir)
	} else {
		w.t.Logf("files are kept in %s", w.dir)
	}
}

// endMount ends the mount, whatever state it is in.
func (w *world) endMount() {
	if w.mnt == nil {
		return
	}
	if w.t.Failed() {
		w.t.Logf("the end of the mount's log:\n%s", tail(w.mnt.Output(), 6000))
	}
	if rig.Mounted(w.mnt.Dir) && !w.t.Failed() {
		if err := w.mnt.Unmount(w.ctx, patience); err != nil {
			w.t.Errorf("at the end of the test: %v", err)
		}
	}
	_ = w.mnt.Detach()
	_ = w.mnt.Kill()
	w.noReports(w.mnt.Output())
}

// noReports fails the test if a process printed a panic or a data race.
func (w *world) noReports(output string) {
	w.t.Helper()
	for _, word := range []string{"DATA RACE", "panic:", "fatal error:", rig.APIKey, rig.AccessToken, rig.Password} {
		if i := strings.Index(output, word); i >= 0 {
			w.t.Errorf("the output holds %q:\n%s", word, tail(output[i:], 8000))
		}
	}
}

func tail(s string, n int) string {
	if len(s) > n {
		return "..." + s[len(s)-n:]
	}
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// root is a folder that holds what the account does: the sandbox's own, or, where
// that has names of the provider's making, a mount that knows nothing yet.
func (w *world) root() string {
	w.t.Helper()
	if w.box.Provider != "yetishare" {
		return w.box.Root
	}
	w.endMirror()
	w.states++
	m, err := rig.StartMount(w.ctx, binary, w.mountOptions(fmt.Sprintf("mirror-%d", w.states), "--read-only"))
	must(w.t, err)
	w.mirror = m
	return m.Dir
}

func (w *world) endMirror() {
	if w.mirror == nil {
		return
	}
	if err := w.mirror.Unmount(w.ctx, patience); err != nil {
		w.t.Errorf("the second mount: %v", err)
	}
	_ = w.mirror.Detach()
	_ = w.mirror.Kill()
	w.mirror = nil
}

// plant is plant in SRC, no larger than the provider's rates bear, and without
// empty files where there are none.
func (w *world) plant(folders, files int) {
	w.t.Helper()
	if w.box.Provider != "exavault" {
		folders, files = min(folders, 3), min(files, 6)
	}
	plant(w.t, w.src, folders, files)
	if w.box.Provider == "yetishare" {
		write(w.t, filepath.Join(w.src, "empty"), "not quite")
	}
}

// path is a path below the mount.
func (w *world) path(elem ...string) string {
	return filepath.Join(append([]string{w.mnt.Dir}, elem...)...)
}

// run runs a bash script with SRC, MNT and DIR set, and returns its output.
func (w *world) run(script string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, runWithin)
	defer cancel()
	out, err := w.commandContext(ctx, script).CombinedOutput()
	if ctx.Err() != nil {
		err = ctx.Err()
		w.mnt.Dump()
		w.t.Logf("what the mount was doing:\n%s", w.mnt.Output())
	}
	if err != nil {
		w.t.Fatalf("%s\n%v\n%s", script, err, out)
	}
	return string(out)
}

// patience is how long flush and unmount may take.
const patience = time.Minute

// runWithin is how long a script may take.
const runWithin = time.Minute

func (w *world) command(script string) *exec.Cmd { return w.commandContext(w.ctx, script) }

func (w *world) commandContext(ctx context.Context, script string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	root := w.box.Root
	if strings.Contains(script, "$ROOT") {
		root = w.root()
	}
	cmd.Env = append(os.Environ(),
		"SRC="+w.src, "MNT="+w.mnt.Dir, "DIR="+w.dir, "ROOT="+root, "LC_ALL=C.UTF-8", "HOME="+w.dir,
		"GIT_CONFIG_GLOBAL="+filepath.Join(w.dir, "gitconfig"), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	cmd.Dir = w.dir
	cmd.WaitDelay = time.Second
	return cmd
}

func (w *world) flush() {
	w.t.Helper()
	must(w.t, w.mnt.Flush(w.ctx, patience))
}

// counts returns what the sandbox counted since the last reset.
func (w *world) counts() rig.Stats {
	w.t.Helper()
	st, err := w.box.Stats(w.ctx)
	must(w.t, err)
	return st
}

func (w *world) reset() {
	w.t.Helper()
	must(w.t, w.box.Reset(w.ctx))
}

// requests lists the sandbox's requests, for messages.
func (w *world) requests() string {
	rs, err := w.box.Requests(w.ctx)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, r := range rs {
		fmt.Fprintf(&b, "  %s %s %s?%s -> %d\n", r.Op, r.Method, r.Path, r.Query, r.Status)
	}
	return b.String()
}

// same flushes, and compares the account with the mount, as it is and after
// a remount with an empty state folder.
func (w *world) same() {
	w.t.Helper()
	w.flush()
	w.diff()
	w.remountEmpty()
	w.diff()
}

// diff compares the account with the mount.
func (w *world) diff() {
	w.t.Helper()
	var out bytes.Buffer
	cmd := exec.CommandContext(w.ctx, "diff", "-r", "--no-dereference", w.root(), w.mnt.Dir)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil && !w.onlyEmptyHere(out.String()) {
		w.t.Fatalf("diff -r ACCOUNT MOUNT: %v\n%s", err, tail(out.String(), 4000))
	}
}

// onlyEmptyHere tells whether all that diff found are empty files in the mount of a
// provider that stores none.
func (w *world) onlyEmptyHere(found string) bool {
	if w.box.Provider != "yetishare" {
		return false
	}
	for line := range strings.Lines(found) {
		dir, name, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "Only in ")), ": ")
		info, err := os.Lstat(filepath.Join(dir, name))
		if !ok || !strings.HasPrefix(dir, w.mnt.Dir) || err != nil || !info.Mode().IsRegular() || info.Size() != 0 {
			return false
		}
	}
	return true
}

// holds compares a local folder with one of the account.
func (w *world) holds(local, folder string) {
	w.t.Helper()
	want, err := rig.ReadTree(local, nil)
	must(w.t, err)
	got, err := rig.ReadTree(filepath.Join(w.root(), folder), nil)
	must(w.t, err)
	if d := rig.Diff("local", want, "account", got); d != "" {
		w.t.Fatalf("the account is not what was written:\n%s", d)
	}
}

// remountEmpty unmounts, and mounts with an empty state folder.
func (w *world) remountEmpty() {
	w.t.Helper()
	must(w.t, w.mnt.Unmount(w.ctx, patience))
	w.states++
	w.options.State = fmt.Sprintf("%s-%d", w.options.State, w.states)
	w.mount()
}

// remount unmounts, and mounts with the same state folder.
func (w *world) remount() {
	w.t.Helper()
	must(w.t, w.mnt.Unmount(w.ctx, patience))
	w.mount()
}

// write writes a local file, making its folder.
func write(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

// plant makes a tree of local files: folders with files of a few kilobytes,
// names of several scripts, an empty file, one of megabytes.
func plant(t *testing.T, dir string, folders, files int) {
	t.Helper()
	for d := range folders {
		for f := range files {
			text := strings.Repeat(fmt.Sprintf("folder %d file %d\n", d, f), 100+f)
			write(t, filepath.Join(dir, fmt.Sprintf("folder %02d", d), fmt.Sprintf("file-%03d.txt", f)), text)
		}
	}
	write(t, filepath.Join(dir, "Ünïcödé", "名前 é ☃.txt"), "umlauts\n")
	write(t, filepath.Join(dir, "empty"), "")
	write(t, filepath.Join(dir, "a", "b", "c", "deep"), "deep\n")
	write(t, filepath.Join(dir, "large.bin"), strings.Repeat("0123456789abcdef", 3<<16))
}
