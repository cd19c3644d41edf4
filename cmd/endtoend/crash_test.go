package endtoend

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/scripts/rig"

	"github.com/frugalfs/frugalfs/remote/remotetest/seed"
)

// seeded returns a random source, prints its seed, and takes it from
// FRUGALFS_SEED if that is set.
func seeded(t *testing.T) (*rand.Rand, uint64) {
	t.Helper()
	seed := seed.Of(t)
	return rand.New(rand.NewPCG(seed, 0)), seed
}

// rounds is how often crashes are tried.
func rounds(short, long int) int {
	if full {
		return long
	}
	return short
}

// TestCrashWriter kills the mount with -9 while a program changes files, and
// asks the next mount for everything that a system call had promised.
func TestCrashWriter(t *testing.T) {
	t.Parallel()
	newWorld(t, short...).crashesWhileWriting(rounds(4, 40))
}

// TestCrashWriterOnOtherProviders is TestCrashWriter for the other providers of files.
func TestCrashWriterOnOtherProviders(t *testing.T) {
	t.Parallel()
	for _, provider := range fileProviders[1:] {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			newWorldOn(t, rig.SandboxOptions{Provider: provider}, short...).crashesWhileWriting(rounds(1, 10))
		})
	}
}

// crashesWhileWriting kills the mount so many times while the writer runs.
func (w *world) crashesWhileWriting(times int) {
	w.t.Helper()
	rng, seed := seeded(w.t)
	most := 400
	if w.box.Provider != "exavault" && !full {
		most = 60 // each file is a request of its own, and the legacy API allows few
	}
	for round := range times {
		prefix := fmt.Sprintf("round%d", round)
		journal := filepath.Join(w.dir, prefix+".journal")
		w.crashAfter(journal, seed+uint64(round), prefix, 20+rng.IntN(most))
		w.mount()
		w.kept(journal)
		w.flush()
		w.kept(journal)
		w.diff()
	}
	w.same()
}

// crashAfter starts the writer and kills the mount when so many lines are in
// its journal.
func (w *world) crashAfter(journal string, seed uint64, prefix string, lines int) {
	w.t.Helper()
	self, err := os.Executable()
	must(w.t, err)
	cmd := w.command(fmt.Sprintf("exec %q %q %d %s 5000", self, w.mnt.Dir, seed, prefix))
	cmd.Env = append(cmd.Env, writerEnv+"="+journal)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	must(w.t, cmd.Start())
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	err = rig.Until(ctx, "the writer's journal", func() bool {
		text, _ := os.ReadFile(journal)
		return bytes.Count(text, []byte("\n")) >= lines
	})
	must(w.t, w.mnt.Kill())
	if e := cmd.Wait(); e != nil {
		w.t.Errorf("the writer: %v", e)
	}
	if err != nil {
		w.t.Fatalf("%v\n%s", err, out.String())
	}
}

// kept checks everything that a journal promises.
func (w *world) kept(journal string) {
	w.t.Helper()
	p, count, err := readJournal(journal)
	must(w.t, err)
	w.t.Logf("%s: %d notes, %d files and folders promised", filepath.Base(journal), count, len(p.put))
	for path, sum := range p.put {
		if p.pending[path] {
			continue
		}
		if got := w.sumOf(path); got != sum {
			w.t.Errorf("%s: promised %q, found %q", path, sum, got)
		}
	}
	for path := range p.gone {
		if _, err := os.Lstat(w.path(path)); err == nil && !p.pending[path] {
			w.t.Errorf("%s was removed, and is back", path)
		}
	}
	if g := p.grown; g.Grown != "" {
		got, err := os.ReadFile(w.path(g.Grown))
		want := stream(g.Seed, g.Size)
		if err != nil || len(got) < g.Size || !bytes.Equal(got[:g.Size], want) {
			w.t.Errorf("%s: %d bytes were written, %d are there or differ (%v)", g.Grown, g.Size, len(got), err)
		}
	}
	if w.t.Failed() {
		w.t.FailNow()
	}
}

// sumOf is the hash of a file, "" for a folder, the error if it cannot be read.
func (w *world) sumOf(path string) string {
	if fi, err := os.Lstat(w.path(path)); err == nil && fi.IsDir() {
		return ""
	}
	sum, err := rig.HashFile(w.path(path))
	if err != nil {
		return err.Error()
	}
	return sum
}

// crash is a program in whose midst the mount is killed.
type crash struct {
	name string
	// prepare runs before, script prints a line for each thing that it has
	// begun (or done).
	prepare, script string
	// lines is after how many lines the mount is killed.
	lines int
	// check looks at what the next mount shows, given the lines.
	check func(w *world, lines []string)
	// again makes the work complete; after it the mount holds SRC in folder.
	again, folder string
}

var crashes = []crash{
	{
		name: "cp", lines: 40,
		script: `exec stdbuf -oL cp -rv "$SRC" "$MNT/c"`,
		check: func(w *world, lines []string) {
			w.complete(begun(lines, func(line string) string {
				_, to, _ := strings.Cut(line, " -> ")
				return strings.Trim(to, "'")
			}), w.path("c"))
		},
		again: `cp -r "$SRC/." "$MNT/c"`, folder: "c",
	},
	{
		name: "tar", lines: 40,
		prepare: `tar cf "$DIR/t.tar" -C "$SRC" . ; mkdir "$MNT/c"`,
		script:  `cd "$MNT/c"; exec stdbuf -oL tar xvf "$DIR/t.tar"`,
		check: func(w *world, lines []string) {
			w.complete(begun(lines, func(line string) string { return filepath.Join(w.path("c"), line) }), w.path("c"))
		},
		again: `tar xf "$DIR/t.tar" -C "$MNT/c"`, folder: "c",
	},
	{
		name: "rsync", lines: 40,
		script: `exec stdbuf -oL rsync -a --out-format=%n "$SRC/" "$MNT/c/"`,
		check: func(w *world, _ []string) {
			// what has its real name was closed and renamed
			w.complete(w.named(w.path("c")), w.path("c"))
		},
		again: `rsync -a --delete "$SRC/" "$MNT/c/"`, folder: "c",
	},
	{
		name: "git", lines: 12,
		prepare: `git init -q -b main "$MNT/g"`,
		script: `cd "$MNT/g"; for i in $(seq 1000); do echo "$i" >"f$i"; git add . >/dev/null; git commit -qm "$i"
			git rev-parse HEAD; done`,
		check: func(w *world, lines []string) {
			w.run(`cd "$MNT/g"; rm -f .git/index.lock .git/HEAD.lock .git/refs/heads/*.lock; git fsck --full`)
			w.run("cd \"$MNT/g\"; git merge-base --is-ancestor " + lines[len(lines)-1] + " HEAD")
		},
		again: `cd "$MNT/g"; git reset -q --hard; git status --porcelain; rm -rf "$MNT/g"; cp -r "$SRC" "$MNT/c"`, folder: "c",
	},
	{name: "sqlite-delete", lines: 25, prepare: sqlitePrepare("delete"), script: sqliteScript, check: sqliteCheck,
		again: `rm "$MNT"/data.db*; cp -r "$SRC" "$MNT/c"`, folder: "c"},
	{name: "sqlite-wal", lines: 25, prepare: sqlitePrepare("wal"), script: sqliteScript, check: sqliteCheck,
		again: `rm "$MNT"/data.db*; cp -r "$SRC" "$MNT/c"`, folder: "c"},
	{
		name: "editor", lines: 60,
		script: `cd "$MNT"; for i in $(seq 100000); do echo "$i" >.doc.new; mv .doc.new doc; echo "$i"; done`,
		check: func(w *world, lines []string) {
			got, err := os.ReadFile(w.path("doc"))
			must(w.t, err)
			saved, _ := strconv.Atoi(lines[len(lines)-1])
			if n, _ := strconv.Atoi(strings.TrimSpace(string(got))); n < saved {
				w.t.Errorf("version %d was saved, %q is there", saved, got)
			}
		},
		again: `rm -f "$MNT"/doc "$MNT"/.doc.new; cp -r "$SRC" "$MNT/c"`, folder: "c",
	},
	{
		name: "make", lines: 6,
		prepare: `mkdir "$DIR/prog"; cd "$DIR/prog"
			for i in $(seq 30); do echo "int f$i(void) { return $i; }" >f$i.c; done
			echo 'int main(void) { return 0; }' >main.c
			printf 'prog: $(patsubst %%.c,%%.o,$(wildcard *.c))\n\tgcc -o $@ $^\n' >Makefile
			cp -r "$DIR/prog" "$MNT/m"`,
		script: `cd "$MNT/m"; exec stdbuf -oL make`,
		check: func(w *world, _ []string) {
			w.run(`cd "$MNT/m"; for f in *.c Makefile; do cmp "$f" "$DIR/prog/$f"; done; rm -f *.o; make -s; ./prog`)
		},
		again: `rm -rf "$MNT/m"; cp -r "$SRC" "$MNT/c"`, folder: "c",
	},
}

func sqlitePrepare(mode string) string {
	return `sqlite3 "$MNT/data.db" "pragma journal_mode=` + mode + `; create table t(n integer, s text);"`
}

const sqliteScript = `for i in $(seq 100000); do sqlite3 "$MNT/data.db" "insert into t values($i, hex(randomblob(3000)));"; echo "$i"; done`

func sqliteCheck(w *world, lines []string) {
	w.run(`test "$(sqlite3 "$MNT/data.db" "pragma integrity_check")" = ok`)
	got := strings.TrimSpace(w.run(`sqlite3 "$MNT/data.db" "select count(*) from t"`))
	if n, _ := strconv.Atoi(got); n < len(lines) {
		w.t.Errorf("%d rows were committed, %s are there", len(lines), got)
	}
}

// TestCrashProgram kills the mount in the middle of real programs.
func TestCrashProgram(t *testing.T) {
	t.Parallel()
	for _, c := range crashes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, short...)
			plant(t, w.src, 6, 15)
			if c.prepare != "" {
				w.run(c.prepare)
			}
			lines := w.crashDuring(c.script, c.lines)
			w.mount()
			c.check(w, lines)
			w.flush()
			w.diff()
			w.run(c.again)
			w.flush()
			w.holds(w.src, c.folder)
			w.same()
		})
	}
}

// crashDuring runs a script, kills the mount after so many lines of its output,
// and returns all lines that it printed before it noticed.
func (w *world) crashDuring(script string, after int) []string {
	w.t.Helper()
	cmd := w.command(script)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	must(w.t, err)
	must(w.t, cmd.Start())
	var lines []string
	scanner := bufio.NewScanner(out)
	for len(lines) < after && scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	must(w.t, w.mnt.Kill())
	if len(lines) < after {
		w.t.Fatalf("only %d lines: %s", len(lines), stderr.String())
	}
	_, err = io.Copy(io.Discard, out) // later lines may be of things that failed
	must(w.t, err)
	_ = cmd.Wait() // it failed, of course
	return lines
}

// begun returns what all lines but the last name: that was begun before the
// last line was printed, and done.
func begun(lines []string, path func(line string) string) []string {
	var paths []string
	for _, line := range lines[:len(lines)-1] {
		paths = append(paths, path(line))
	}
	return paths
}

// named returns all files below dir that are not temporary ones of rsync.
func (w *world) named(dir string) []string {
	w.t.Helper()
	tree, err := rig.ReadTree(dir, nil)
	must(w.t, err)
	var paths []string
	for path, sum := range tree {
		if sum != "dir" && !strings.HasPrefix(filepath.Base(path), ".") {
			paths = append(paths, filepath.Join(dir, path))
		}
	}
	return paths
}

// complete compares files below dir with those of SRC.
func (w *world) complete(paths []string, dir string) {
	w.t.Helper()
	for _, path := range paths {
		rel, err := filepath.Rel(dir, path)
		must(w.t, err)
		fi, err := os.Stat(filepath.Join(w.src, rel))
		must(w.t, err)
		if fi.IsDir() {
			continue
		}
		want, err := rig.HashFile(filepath.Join(w.src, rel))
		must(w.t, err)
		if got, err := rig.HashFile(path); got != want {
			w.t.Errorf("%s was written whole, and is not (%v)", rel, err)
		}
	}
}
