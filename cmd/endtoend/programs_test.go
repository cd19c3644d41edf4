package endtoend

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// programs are what people run, each on a mount of its own. The settle time is
// short here; what programs cost is measured by the bench.
var programs = map[string]func(*world){
	"cp": programCp, "tar": programTar, "rsync": programRsync, "git": programGit, "make": programMake,
	"sqlite with a journal": programSQLite("delete"), "sqlite with a log": programSQLite("wal"),
	"editor": programEditor,
}

// TestPrograms runs every program on a mount of every provider that holds files
// and folders as they are.
func TestPrograms(t *testing.T) {
	t.Parallel()
	for _, provider := range fileProviders {
		for name, program := range programs {
			t.Run(provider+"/"+name, func(t *testing.T) {
				t.Parallel()
				program(newWorldOn(t, rig.SandboxOptions{Provider: provider}, short...))
			})
		}
	}
}

// fileProviders are the providers whose accounts hold files and folders.
var fileProviders = []string{"exavault", "exavault1", "filescom", "yetishare"}

func programCp(w *world) {
	w.plant(8, 12)
	w.run(`cp -r "$SRC" "$MNT/copy"; diff -r "$SRC" "$MNT/copy"`)
	w.flush()
	w.holds(w.src, "copy")
	w.run(`cp -r "$MNT/copy" "$MNT/second"; rm -r "$MNT/copy"; diff -r "$SRC" "$MNT/second"`)
	w.same()
	w.holds(w.src, "second")
}

func programTar(w *world) {
	w.plant(6, 10)
	w.run(`chmod 600 "$SRC/empty"; touch -d 2001-02-03T04:05:06 "$SRC/folder 01/file-001.txt"
		tar cf "$DIR/t.tar" -C "$SRC" . ; mkdir "$MNT/t"; tar xf "$DIR/t.tar" -C "$MNT/t"`)
	w.run(`tar df "$DIR/t.tar" -C "$MNT/t"`) // modes and times, too
	w.flush()
	w.run(`tar df "$DIR/t.tar" -C "$MNT/t"`)
	w.remount()
	w.run(`tar df "$DIR/t.tar" -C "$MNT/t"`)
	w.holds(w.src, "t")
	w.same()
}

func programRsync(w *world) {
	w.plant(6, 10)
	w.run(`rsync -a "$SRC/" "$MNT/r/"`)
	w.flush()
	w.holds(w.src, "r")
	w.reset()
	if out := w.run(`rsync -ai "$SRC/" "$MNT/r/"`); out != "" {
		w.t.Errorf("the second rsync found changes:\n%s", out)
	}
	w.flush()
	if n := w.counts().Count; n != 0 {
		w.t.Errorf("the second rsync cost %d requests:\n%s", n, w.requests())
	}
	w.same()
}

func programGit(w *world) {
	w.repository(30)
	w.run(`git clone -q "$DIR/repo" "$MNT/clone"; cd "$MNT/clone"
		git fsck --strict; test -z "$(git status --porcelain)"
		echo more >>file-003.txt; git commit -qam "more"; git mv file-004.txt moved.txt; git commit -qm "moved"
		git gc -q; git fsck --strict; test -z "$(git status --porcelain)"`)
	w.flush()
	w.run(`git clone -q "$ROOT/clone" "$DIR/again"; cd "$DIR/again"; test "$(git log --oneline | wc -l)" = 3`)
	w.same()
	w.run(`cd "$MNT/clone"; git fsck --strict; git log -1 --format=%s | grep -q moved`)
}

// repository makes a local one in DIR/repo.
func (w *world) repository(files int) {
	w.t.Helper()
	for i := range files {
		text := strings.Repeat(fmt.Sprintf("line of file %d\n", i), 50)
		write(w.t, filepath.Join(w.dir, "repo", fmt.Sprintf("file-%03d.txt", i)), text)
	}
	w.run(`cd "$DIR/repo"; git init -q -b main; git add .; git commit -qm first`)
}

// programSQLite uses a database in one of the journal modes.
func programSQLite(mode string) func(*world) {
	return func(w *world) {
		w.run(fmt.Sprintf(`db="$MNT/data.db"
			sqlite3 "$db" "pragma journal_mode=%s; create table t(n integer primary key, s text);" >/dev/null
			for i in $(seq 20); do sqlite3 "$db" "insert into t(s) values(hex(randomblob(2000)));"; done
			sqlite3 "$db" "begin; insert into t(s) select s from t; delete from t where n%%3=0; commit; pragma wal_checkpoint(truncate);" >/dev/null
			test "$(sqlite3 "$db" "pragma integrity_check")" = ok
			sqlite3 "$db" "select count(*) from t" >"$DIR/count"`, mode))
		w.same()
		w.run(`test "$(sqlite3 "$MNT/data.db" "pragma integrity_check")" = ok
			test "$(sqlite3 "$MNT/data.db" "select count(*) from t")" = "$(cat "$DIR/count")"`)
	}
}

func programMake(w *world) {
	w.sources(6)
	w.run(`cp -r "$SRC" "$MNT/p"; cd "$MNT/p"; make -s -j2; test "$(./program)" = 15; make -s -q`)
	w.same()
	// modes are kept beside the state that was given up
	w.run(`cd "$MNT/p"; chmod +x program; test "$(./program)" = 15`)
}

// sources makes a C program in SRC that prints the sum of the numbers below n.
func (w *world) sources(n int) {
	w.t.Helper()
	var objects, calls strings.Builder
	declared := "#include <stdio.h>\n"
	for i := range n {
		fmt.Fprintf(&objects, " f%d.o", i)
		fmt.Fprintf(&calls, "+f%d()", i)
		declared += fmt.Sprintf("int f%d(void);\n", i)
		write(w.t, filepath.Join(w.src, fmt.Sprintf("f%d.c", i)), fmt.Sprintf("int f%d(void) { return %d; }\n", i, i))
	}
	write(w.t, filepath.Join(w.src, "main.c"), declared+"int main(void) { printf(\"%d\\n\", 0"+calls.String()+"); return 0; }\n")
	write(w.t, filepath.Join(w.src, "Makefile"),
		"program: main.o"+objects.String()+"\n\tgcc -o $@ $^\n%.o: %.c\n\tgcc -c -o $@ $<\nclean:\n\trm -f *.o program\n")
}

// TestProgramsTogether has several programs work in one folder at once.
func TestProgramsTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t, short...)
	w.plant(3, 10)
	w.run(`mkdir "$MNT/d"; cp -r "$SRC" "$MNT/d/copy" & a=$!
		(for i in $(seq 200); do echo "a$i" >>"$MNT/d/log"; done) & b=$!
		(for i in $(seq 200); do echo "b$i" >>"$MNT/d/log"; done) & c=$!
		(for i in $(seq 100); do ls -R "$MNT/d" >/dev/null 2>&1 || true; done) & d=$!
		(for i in $(seq 50); do echo $i >"$MNT/d/t$i"; mv "$MNT/d/t$i" "$MNT/d/u$i"; done) & e=$!
		wait $a; wait $b; wait $c; wait $d; wait $e
		test "$(wc -l <"$MNT/d/log")" = 400; test "$(grep -c '^a' "$MNT/d/log")" = 200
		test "$(cat "$MNT"/d/u* | sort -n | uniq | wc -l)" = 50`)
	w.same()
	w.holds(w.src, "d/copy")
}

// programEditor saves a file as editors do.
func programEditor(w *world) {
	w.run(`cd "$MNT"; echo "as it was" >letter.txt`)
	w.flush()
	w.run(`cd "$MNT"; for i in 1 2 3; do echo "version $i" >.letter.txt.new; sync .letter.txt.new
		mv .letter.txt.new letter.txt; done; stat -c %y letter.txt >"$DIR/saved"`)
	w.flush()
	w.run(`test "$(stat -c %y "$MNT/letter.txt")" = "$(cat "$DIR/saved")"; test "$(cat "$ROOT/letter.txt")" = "version 3"`)
	w.same()
}

// TestEditorSave saves a file as editors do, three times in quick succession:
// one upload, and a time that stays what the editor saw.
func TestEditorSave(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, "doc/letter.txt", "as it was\n", "--settle", "2s")
	w.run(`cat "$MNT/doc/letter.txt"`)
	w.reset()
	for i := range 3 {
		w.run(fmt.Sprintf(`cd "$MNT/doc"; echo "version %d" >.letter.txt.new; sync .letter.txt.new
			mv .letter.txt.new letter.txt`, i))
	}
	saved := w.run(`stat -c %Y.%y "$MNT/doc/letter.txt"`)
	w.flush()
	if now := w.run(`stat -c %Y.%y "$MNT/doc/letter.txt"`); now != saved {
		t.Errorf("the time was %s when it was saved, and is %s after the upload", saved, now)
	}
	st := w.counts()
	if st.ByOp["upload"] != 1 || st.Count > 2 {
		t.Errorf("three saves cost %v, not one upload with the evidence for it:\n%s", st.ByOp, w.requests())
	}
	got, err := os.ReadFile(filepath.Join(w.box.Root, "doc", "letter.txt"))
	must(t, err)
	if string(got) != "version 2\n" {
		t.Errorf("the account holds %q", got)
	}
	w.same()
}

// TestEditorBackup saves as editors that keep a backup do.
func TestEditorBackup(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, "notes", "one\n", short...)
	w.run(`cd "$MNT"; for i in 1 2 3; do cp -p notes .notes.swp; mv notes notes~; echo "save $i" >notes; rm .notes.swp; done`)
	w.flush()
	w.run(`test "$(cat "$ROOT/notes")" = "save 3"; test "$(cat "$ROOT/notes~")" = "save 2"; test ! -e "$ROOT/.notes.swp"`)
	w.same()
}
