package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// large measures L6 and L7 on an account of very many entries.
func (l *local) large() error {
	if !l.wantsAny("L6", "L7") {
		return nil
	}
	defer l.close()
	err := l.account("large", rig.SandboxOptions{}, func(root string) error { return manyFiles(root, l.entries) })
	if err != nil {
		return err
	}
	if err := l.memory(); err != nil {
		return err
	}
	return l.firstList()
}

// memory is L6: what the mount holds after walks over everything.
func (l *local) memory() error {
	for _, m := range []struct{ title, script string }{
		{"memory after find", `find "$0" >/dev/null`},
		{"memory after find -ls", `find "$0" -ls >/dev/null`},
		{"memory after find -ls again", `find "$0" -ls >/dev/null`},
	} {
		started := time.Now()
		if out, err := exec.CommandContext(l.ctx, "sh", "-c", m.script, l.mnt.Dir).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", m.script, err, out)
		}
		mib, err := residentMiB(l.mnt.PID())
		if err != nil {
			return err
		}
		l.add(localRow{Name: "L6", Title: m.title, Unit: "MiB", Values: map[string]float64{"frugalfs": mib},
			Note: fmt.Sprintf("(%d entries, %.1f s)", l.entries, time.Since(started).Seconds())})
	}
	return nil
}

func residentMiB(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmRSS:" {
			kib, err := strconv.Atoi(fields[1])
			return float64(kib) / 1024, err
		}
	}
	return 0, fmt.Errorf("process %d has no VmRSS", pid)
}

// firstList is L7: from the start of the mount until the first ls answers.
func (l *local) firstList() error {
	var values []float64
	for range l.rounds {
		if err := l.mnt.Unmount(l.ctx, patience); err != nil {
			return err
		}
		started := time.Now()
		if err := l.mount(filepath.Join(l.dir, "large")); err != nil {
			return err
		}
		if out, err := exec.CommandContext(l.ctx, "ls", l.mnt.Dir).CombinedOutput(); err != nil {
			return fmt.Errorf("ls: %w\n%s", err, out)
		}
		values = append(values, time.Since(started).Seconds())
	}
	l.add(localRow{Name: "L7", Title: "mount until the first ls", Unit: "s", Values: map[string]float64{"frugalfs": median(values)},
		Note: fmt.Sprintf("(%d entries)", l.entries)})
	return nil
}

// parallel is L8: 16 programs reading 16 files that are not cached.
func (l *local) parallel() error {
	if !l.wants("L8") {
		return nil
	}
	defer l.close()
	o := rig.SandboxOptions{Latency: l.latency}
	err := l.account("parallel", o, func(root string) error {
		for i := range 17 {
			// each in a folder of its own, so that none is read along with another
			if err := writeSeed(root, 8<<20, fmt.Sprintf("d%02d", i), "file"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := walk(l.mnt.Dir); err != nil {
		return err
	}
	if err := l.box.Reset(l.ctx); err != nil {
		return err
	}
	one := l.readAll(16, 17)
	all := l.readAll(0, 16)
	st, err := l.box.Stats(l.ctx)
	l.add(localRow{Name: "L8", Title: "16 programs reading 16 uncached files", Unit: "s",
		Values: map[string]float64{"frugalfs": all.Seconds()},
		Note:   fmt.Sprintf("(one: %.2f s, ratio %.1f; %d requests for 17 files)", one.Seconds(), all.Seconds()/one.Seconds(), st.Count)})
	return err
}

// readAll reads files at once and returns how long it took.
func (l *local) readAll(from, to int) time.Duration {
	started := time.Now()
	var readers sync.WaitGroup
	for i := from; i < to; i++ {
		readers.Go(func() {
			f, err := os.Open(filepath.Join(l.mnt.Dir, fmt.Sprintf("d%02d", i), "file"))
			if err == nil {
				_, err = io.Copy(io.Discard, f)
				_ = f.Close()
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, "workloads: L8:", err)
			}
		})
	}
	readers.Wait()
	return time.Since(started)
}
