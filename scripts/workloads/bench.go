package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	// variant tells steps of one name apart, where limits differ.
	variant string
	// script is run by bash with DIR (the mount, or the folder of it to work in,
	// or the model), MNT (the mount), SRC (local files) and PACE (seconds between two files).
	script string
	// before prepares: "remount" with the same state, or a time to be idle.
	remount bool
	idle    time.Duration
	// least and most are the requests that it takes at least, and may take.
	least, most func(c counts) int
	// moved, if not 0, is how many bytes may travel.
	moved int64
	// why explains a count over the limit that is known and right.
	why string
	// free marks steps whose result differs from run to run (a repository):
	// the account is compared with the mount, not with the model.
	free bool
}

// counts are the numbers that limits are computed from.
type counts struct {
	entries, folders int
	// page is the page size, 0 if a folder is listed whole.
	page  int
	share scale
}

// pages is how many pages n entries take.
func (c counts) pages(n int) int {
	if c.page == 0 {
		return 1
	}
	return (n + c.page - 1) / c.page
}

// files is how many there are of a full workload's n files.
func (c counts) files(n int) int { return c.share.of(n) }

func fixed(n int) func(counts) int { return func(counts) int { return n } }

// perPage is base and a page for each page of n files.
func perPage(base, n int) func(counts) int { return perFilePage(base, n, 0) }

// perFilePage is base and a page for each page of n files and some folders.
func perFilePage(base, n, folders int) func(counts) int {
	return func(c counts) int { return base + c.pages(c.files(n)+folders) }
}

// noLimit is a limit that nothing exceeds.
const noLimit = 1 << 30

// scale makes workloads smaller: one file in so many is left.
type scale int

// of is what is left of n files; 0 is full scale.
func (s scale) of(n int) int { return n / max(int(s), 1) }

// title writes what is left of n files into a title.
func (s scale) title(format string, n int) string { return fmt.Sprintf(format, s.of(n)) }

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
	// mirrors counts the second mounts that were made.
	mirrors int
	box     *rig.Sandbox
	mnt     *rig.Mount
	options rig.MountOptions
	runs    int
	results []result
}

func runWorkloads(ctx context.Context, s settings, binary, dir string) error {
	var all []result
	for _, page := range s.pages {
		b := &bench{settings: s, ctx: ctx, binary: binary, page: page, dir: filepath.Join(dir, fmt.Sprintf("p%d", page))}
		if err := s.service.checkPage(page); err != nil {
			return err
		}
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
	b.printTitle()
	for _, w := range b.service.workloads() {
		if !b.wants(w.name) || w.slow && b.fast {
			continue
		}
		if why := b.service.reasonAgainst(w); why != "" {
			fmt.Printf("%-4s %-38s does not apply: %s\n", w.name, w.title, why)
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
	account, err := rig.NewSandboxDir(b.dir)
	if err != nil {
		return err
	}
	b.root = b.service.root(account)
	share := b.service.share
	if err := seedSources(b.src, largeSize, share); err != nil {
		return err
	}
	for _, dir := range []string{b.root, b.model} {
		if err := seedTree(dir, largeSize, share); err != nil {
			return err
		}
	}
	for _, w := range b.service.workloads() {
		if err := b.seed(w); err != nil {
			return err
		}
	}
	b.box, err = rig.StartSandbox(b.ctx, b.binary, rig.SandboxOptions{
		Provider: b.service.name, Root: account, Log: filepath.Join(b.dir, "sandbox.log"), Latency: b.latency, PageCap: b.page,
		Switches: b.service.switches,
	})
	return err
}

func (b *bench) printTitle() {
	pages := "folders listed whole"
	if b.page > 0 {
		pages = fmt.Sprintf("pages of %d", b.page)
	}
	fmt.Printf("\n%s, %s, %v per request, seed tree of %d entries\n", b.service.name, pages, b.latency, b.count().entries)
	if b.service.note != "" {
		fmt.Println(b.service.note)
	}
	fmt.Println()
	printHead()
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

// work is the folder that the workloads work in.
func (b *bench) work() string { return filepath.Join(b.mnt.Dir, b.service.inside) }

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
	cmd.Env = append(os.Environ(), "DIR="+dir, "MNT="+b.options.Dir, "SRC="+b.src, "PACE="+b.pace(dir), "LC_ALL=C.UTF-8", "HOME="+b.dir,
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
