package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// side is one of what is measured side by side: a folder, and how to make its
// caches cold.
type side struct {
	name, dir string
	// mounted sides have pages of their own that can be dropped.
	mounted bool
}

// local measures speed.
type local struct {
	settings
	ctx         context.Context
	binary, dir string
	box         *rig.Sandbox
	mnt         *rig.Mount
	rclone      *exec.Cmd
	sides       []side
	rows        []localRow
}

// localRow is one measure: a figure per side, in the measure's unit.
type localRow struct {
	Name   string             `json:"name"`
	Title  string             `json:"title"`
	Unit   string             `json:"unit"`
	Values map[string]float64 `json:"values"`
	// More tells that a larger figure is better.
	More bool   `json:"more"`
	Note string `json:"note"`
}

func runLocal(ctx context.Context, s settings, binary, dir string) (err error) {
	l := &local{settings: s, ctx: ctx, binary: binary, dir: dir}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, part := range []func() error{l.beside, l.large, l.parallel} {
		if e := part(); e != nil && err == nil {
			err = e
		}
	}
	if e := writeJSON(s.json, l.rows); err == nil {
		err = e
	}
	return err
}

// wantsAny tells whether one of some measures was asked for.
func (l *local) wantsAny(names ...string) bool { return slices.ContainsFunc(names, l.wants) }

// account starts a sandbox over a new folder and mounts it.
func (l *local) account(name string, o rig.SandboxOptions, seed func(root string) error) error {
	dir := filepath.Join(l.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := rig.NewSandboxDir(dir)
	if err != nil {
		return err
	}
	if err := seed(root); err != nil {
		return err
	}
	o.Provider, o.Root, o.Log = l.service.name, l.service.root(root), filepath.Join(dir, "sandbox.log")
	if l.box, err = rig.StartSandbox(l.ctx, l.binary, o); err != nil {
		return err
	}
	return l.mount(dir)
}

func (l *local) mount(dir string, args ...string) (err error) {
	l.mnt, err = rig.StartMount(l.ctx, l.binary, rig.MountOptions{
		Sandbox: l.box, Dir: filepath.Join(dir, "mnt"), State: filepath.Join(dir, "state"),
		Log: filepath.Join(dir, "mount.log"),
		// nothing is sent while something else is measured
		Args: append([]string{"--cache-size", "8G", "--max-age", "1h", "--settle", "1h"}, args...),
	})
	return err
}

func (l *local) close() {
	if l.mnt != nil {
		_ = l.mnt.Unmount(l.ctx, patience)
		_ = l.mnt.Detach()
		_ = l.mnt.Kill()
	}
	if l.box != nil {
		_ = l.box.Stop()
	}
	if l.rclone != nil {
		_ = exec.Command("fusermount3", "-u", "-z", l.sides[len(l.sides)-1].dir).Run()
		_ = l.rclone.Wait()
	}
	l.mnt, l.box, l.rclone = nil, nil, nil
}

// startRclone mounts a local folder with rclone, if it is installed.
func (l *local) startRclone(dir, remote string) error {
	if _, err := exec.LookPath("rclone"); err != nil {
		fmt.Println("rclone is not installed: measured without it (./scripts/setup --bench)")
		return nil
	}
	mnt := filepath.Join(dir, "rclone")
	if err := os.MkdirAll(mnt, 0o755); err != nil {
		return err
	}
	l.rclone = exec.Command("rclone", "mount", remote, mnt, "--vfs-cache-mode", "full", "--dir-cache-time", "1h",
		"--attr-timeout", "1h", "--vfs-write-back", "1h", "--cache-dir", filepath.Join(dir, "rclone-cache"), "--config", filepath.Join(dir, "none"))
	if err := l.rclone.Start(); err != nil {
		return err
	}
	l.sides = append(l.sides, side{"rclone", mnt, true})
	ctx, cancel := context.WithTimeout(l.ctx, 20*time.Second)
	defer cancel()
	return rig.Until(ctx, "rclone's mount", func() bool {
		text, _ := os.ReadFile("/proc/self/mountinfo")
		return strings.Contains(string(text), " "+mnt+" ")
	})
}

// compare measures all sides in turn, round by round, and keeps the medians.
func (l *local) compare(name, title, unit string, more bool, f func(side) (float64, error)) error {
	if !l.wants(name) {
		return nil
	}
	row := localRow{Name: name, Title: title, Unit: unit, Values: map[string]float64{}, More: more}
	all := map[string][]float64{}
	for range l.rounds {
		for _, s := range l.sides {
			v, err := f(s)
			if err != nil {
				return fmt.Errorf("%s on %s: %w", name, s.name, err)
			}
			all[s.name] = append(all[s.name], v)
		}
	}
	for side, values := range all {
		row.Values[side] = median(values)
	}
	l.add(row)
	return nil
}

func (l *local) add(row localRow) {
	l.rows = append(l.rows, row)
	fmt.Printf("%-3s %-44s", row.Name, row.Title)
	for _, name := range []string{"plain", "frugalfs", "rclone"} {
		if v, ok := row.Values[name]; ok {
			fmt.Printf("  %s %.4g", name, v)
		}
	}
	fmt.Printf(" %s%s %s\n", row.Unit, row.ratios(), row.Note)
}

// ratios says how often frugalfs is as fast as the others.
func (r localRow) ratios() string {
	text := ""
	ours := r.Values["frugalfs"]
	for _, name := range []string{"plain", "rclone"} {
		other, ok := r.Values[name]
		if !ok || other == 0 || ours == 0 {
			continue
		}
		ratio := ours / other
		if !r.More {
			ratio = other / ours
		}
		text += fmt.Sprintf("; %.2f of %s", ratio, name)
	}
	return text
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
