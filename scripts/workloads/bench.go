package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// workload is one row of the table, or several that follow each other.
type workload struct {
	name, title string
	// seed makes what the account holds besides the common tree, before
	// anything is mounted; it is given the account's folder, and run for the
	// model of it, too.
	seed func(dir string) error
	// cold leaves out the walk that makes the metadata known.
	cold bool
	// slow ones only wait.
	slow  bool
	steps []step
}

// step is what is measured.
type step struct {
	title string
	// script is run by bash with DIR (the mount, or the model), SRC (local
	// files) and PACE (seconds between two files).
	script string
	// before prepares: "remount" with the same state, or a time to be idle.
	remount bool
	idle    time.Duration
	// least and most are the requests that it takes at least, and may take.
	least, most func(c counts) int
	// moved, if not 0, is how many bytes may travel.
	moved int64
	// free marks steps whose result differs from run to run (a repository):
	// the account is compared with the mount, not with the model.
	free bool
}

// counts are the numbers that limits are computed from.
type counts struct {
	entries, page int
}

// pages is how many pages n entries take.
func (c counts) pages(n int) int { return (n + c.page - 1) / c.page }

func fixed(n int) func(counts) int { return func(counts) int { return n } }

// perPage is base and a page for each page of n entries.
func perPage(base, n int) func(counts) int {
	return func(c counts) int { return base + c.pages(n) }
}

// patience is how long flush and unmount may take: a provider that takes its
// time for each of thousands of files is no error.
const patience = 10 * time.Minute

// bench is one run of all workloads with one page size.
type bench struct {
	settings
	ctx              context.Context
	binary           string
	dir              string
	src, root, model string
	page             int
	box              *rig.Sandbox
	mnt              *rig.Mount
	options          rig.MountOptions
	runs             int
	results          []result
}

func runWorkloads(ctx context.Context, s settings, binary, dir string) error {
	var all []result
	for _, page := range s.pages {
		b := &bench{settings: s, ctx: ctx, binary: binary, page: page, dir: filepath.Join(dir, fmt.Sprintf("p%d", page))}
		err := b.run()
		all = append(all, b.results...)
		if err != nil {
			return err
		}
	}
	return writeJSON(s.json, all)
}

func (b *bench) run() error {
	if err := b.prepare(); err != nil {
		return err
	}
	defer b.box.Stop() //nolint:errcheck // it has nothing to lose
	fmt.Printf("\n%s, pages of %d, %v per request, seed tree of %d entries\n\n", b.provider, b.page, b.latency, b.entries())
	printHead()
	for _, w := range workloads() {
		if !b.wants(w.name) || w.slow && b.fast {
			continue
		}
		if err := b.workload(w); err != nil {
			return fmt.Errorf("%s %s: %w", w.name, w.title, err)
		}
	}
	return nil
}

// prepare seeds the account and its model, and starts the sandbox.
func (b *bench) prepare() (err error) {
	b.src, b.model = filepath.Join(b.dir, "src"), filepath.Join(b.dir, "model")
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return err
	}
	if b.root, err = rig.NewSandboxDir(b.dir); err != nil {
		return err
	}
	if err := seedSources(b.src, largeSize); err != nil {
		return err
	}
	for _, dir := range []string{b.root, b.model} {
		if err := seedTree(dir, largeSize); err != nil {
			return err
		}
	}
	for _, w := range workloads() {
		if err := b.seed(w); err != nil {
			return err
		}
	}
	b.box, err = rig.StartSandbox(b.ctx, b.binary, rig.SandboxOptions{
		Provider: b.provider, Root: b.root, Log: filepath.Join(b.dir, "sandbox.log"), Latency: b.latency, PageCap: b.page,
	})
	return err
}

func (b *bench) seed(w workload) error {
	if w.seed == nil || !b.wants(w.name) {
		return nil
	}
	for _, dir := range []string{b.root, b.model} {
		if err := w.seed(dir); err != nil {
			return err
		}
	}
	return nil
}

// workload mounts with a fresh state folder and measures a workload's steps.
func (b *bench) workload(w workload) error {
	if err := b.mountFresh(w); err != nil {
		return err
	}
	defer b.unmount()
	for _, st := range w.steps {
		r, err := b.measure(w, st)
		if err != nil {
			return err
		}
		b.results = append(b.results, r)
		r.print()
	}
	return nil
}

func (b *bench) mountFresh(w workload) error {
	b.runs++
	name := fmt.Sprintf("%02d", b.runs)
	b.options = rig.MountOptions{
		Sandbox: b.box, Dir: filepath.Join(b.dir, "mnt"+name), State: filepath.Join(b.dir, "state"+name),
		Log: filepath.Join(b.dir, "mount"+name+".log"),
	}
	if err := b.mount(); err != nil || w.cold {
		return err
	}
	return b.script(b.mnt.Dir, `find "$DIR" -ls >/dev/null`)
}

func (b *bench) mount() (err error) {
	b.mnt, err = rig.StartMount(b.ctx, b.binary, b.options)
	return err
}

func (b *bench) unmount() {
	if err := b.mnt.Unmount(b.ctx, patience); err != nil {
		fmt.Fprintln(os.Stderr, "workloads:", err)
	}
	_ = b.mnt.Detach()
	_ = b.mnt.Kill()
}

// script runs a script on the mount or on the model.
func (b *bench) script(dir, script string) error {
	cmd := exec.CommandContext(b.ctx, "bash", "-euo", "pipefail", "-c", script)
	cmd.Env = append(os.Environ(), "DIR="+dir, "SRC="+b.src, "PACE="+b.pace(dir), "LC_ALL=C.UTF-8", "HOME="+b.dir,
		"GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	cmd.WaitDelay = 10 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", script, err, out)
	}
	return nil
}

// pace is the pause in seconds between two things that a script does slowly.
// The model need not wait.
func (b *bench) pace(dir string) string {
	if dir == b.model {
		return "0"
	}
	return "0.1"
}

// measure runs one step and says what it came to.
func (b *bench) measure(w workload, st step) (result, error) {
	r := b.newResult(w, st)
	if err := b.before(st); err != nil {
		return r, err
	}
	before, err := b.spent()
	if err != nil {
		return r, err
	}
	if err := b.idle(st.idle); err != nil {
		return r, err
	}
	started := time.Now()
	if st.script != "" {
		err = b.script(b.mnt.Dir, st.script)
	}
	if err == nil {
		err = b.drain()
	}
	r.Seconds = time.Since(started).Seconds()
	if err == nil {
		err = b.take(&r, before)
	}
	if err == nil && !st.free && st.script != "" {
		err = b.script(b.model, st.script)
	}
	if err == nil {
		r.Wrong, err = b.wrong(st)
	}
	return r, err
}

// drain waits until everything was sent in its own time, which flush would
// not leave it.
func (b *bench) drain() error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	var failed error
	err := rig.Until(ctx, "everything to be sent", func() bool {
		var s struct{ Pending, Failed int }
		failed = b.mnt.Status(ctx, &s)
		return failed != nil || s.Pending == s.Failed
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	return b.mnt.Flush(b.ctx, patience)
}

// entries counts what the account holds.
func (b *bench) entries() int {
	n := -1 // the folder itself
	_ = filepath.WalkDir(b.root, func(string, os.DirEntry, error) error {
		n++
		return nil
	})
	return n
}

// before does what comes before the measure, and sets the counters to zero.
// What a remount costs belongs to the step after it.
func (b *bench) before(st step) error {
	if st.remount {
		if err := b.mnt.Unmount(b.ctx, patience); err != nil {
			return err
		}
	}
	if err := b.box.Reset(b.ctx); err != nil {
		return err
	}
	if st.remount {
		return b.mount()
	}
	return nil
}

// idle lets time pass.
func (b *bench) idle(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-b.ctx.Done():
		return b.ctx.Err()
	}
}

// ledger is what status --json says of the ledger.
type ledger struct {
	Ledger struct {
		Day struct {
			Requests  int   `json:"requests"`
			Transfers int   `json:"transfers"`
			Up        int64 `json:"up"`
			Down      int64 `json:"down"`
		} `json:"day"`
	} `json:"ledger"`
}

func (b *bench) spent() (ledger, error) {
	var l ledger
	return l, b.mnt.Status(b.ctx, &l)
}

// take fills in what both counters say.
func (b *bench) take(r *result, before ledger) error {
	after, err := b.spent()
	if err != nil {
		return err
	}
	st, err := b.box.Stats(b.ctx)
	if err != nil {
		return err
	}
	r.Requests, r.ByOp = st.Count, st.ByOp
	r.Ledger = after.Ledger.Day.Requests - before.Ledger.Day.Requests
	r.Transfers = after.Ledger.Day.Transfers - before.Ledger.Day.Transfers
	r.Up = after.Ledger.Day.Up - before.Ledger.Day.Up
	r.Down = after.Ledger.Day.Down - before.Ledger.Day.Down
	if !b.explain {
		return nil
	}
	requests, err := b.box.Requests(b.ctx)
	for _, q := range requests {
		fmt.Printf("      %s  %s %s?%s -> %d, %d bytes\n", q.At.Format("15:04:05.000"), q.Method, q.Path, q.Query, q.Status, q.Bytes)
	}
	return err
}

// wrong compares the account with the model, "" if they are the same.
func (b *bench) wrong(st step) (string, error) {
	want := b.model
	if st.free {
		want = b.mnt.Dir
	}
	// what this step made freely stays out of later comparisons with the model
	skip := func(path string) bool {
		return !st.free && strings.HasPrefix(path, "free-") || st.free && !strings.HasPrefix(path, "free-")
	}
	expected, err := rig.ReadTree(want, skip)
	if err != nil {
		return "", err
	}
	got, err := rig.ReadTree(b.root, skip)
	if err != nil {
		return "", err
	}
	return rig.Diff("expected", expected, "account", got), nil
}
