package endtoend

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// TestSyncClose has --sync=close send before close returns.
func TestSyncClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--sync=close")
	w.run(`mkdir "$MNT/d"; echo hello >"$MNT/d/f"; test "$(cat "$ROOT/d/f")" = hello
		echo more >>"$MNT/d/f"; test "$(tail -1 "$ROOT/d/f")" = more`)
	must(t, w.box.Fail(w.ctx, map[string]any{"op": "upload", "kind": "status", "status": 403, "count": -1}))
	w.run(`! cp "$MNT/d/f" "$MNT/d/g" 2>"$DIR/refused"`)
	must(t, w.box.Heal(w.ctx))
	w.run(`rm -f "$MNT/d/g"`)
	w.same()
}

// TestReadOnly refuses changes.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, "f", "text\n", "--read-only")
	w.run(`cd "$MNT"; test "$(cat f)" = text; for c in "touch g" "rm f" "mkdir d" "mv f g" "chmod 600 f"; do
		! $c 2>"$DIR/err"; grep -q "Read-only" "$DIR/err"; done`)
	w.diff()
}

// TestFolderOfAccount mounts a folder of the account.
func TestFolderOfAccount(t *testing.T) {
	t.Parallel()
	w := newAccount(t, rig.SandboxOptions{})
	write(t, filepath.Join(w.box.Root, "Reports", "one"), "1\n")
	write(t, filepath.Join(w.box.Root, "other"), "o\n")
	w.options = w.mountOptions("mnt", short...)
	w.options.Remote = ":/Reports"
	w.mount()
	w.run(`test "$(ls "$MNT")" = one; echo 2 >"$MNT/two"`)
	w.flush()
	w.run(`diff -r "$ROOT/Reports" "$MNT"; test "$(cat "$ROOT/other")" = o`)
}

// TestOffline has work go on without the provider: what is known is shown, what
// changes waits, and unmount says what was not sent.
func TestOffline(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, "d/known", "known\n", short...)
	w.run(`cat "$MNT/d/known"`)
	must(t, w.box.Fail(w.ctx, map[string]any{"kind": "reset", "count": -1}))
	w.run(`cd "$MNT/d"; test "$(cat known)" = known; echo new >new; test "$(cat new)" = new; ls >/dev/null`)
	r := rig.Run(w.ctx, binary, nil, "flush", w.mnt.Dir, "--timeout", "1s")
	if r.Code != 1 || !strings.Contains(r.Stdout+r.Stderr, "new") {
		t.Errorf("flush without the provider: exit code %d, %s%s", r.Code, r.Stdout, r.Stderr)
	}
	r = rig.Run(w.ctx, binary, nil, "unmount", w.mnt.Dir, "--timeout", "1s")
	if r.Code != 1 || !strings.Contains(r.Stdout+r.Stderr, "new") {
		t.Errorf("unmount without the provider: exit code %d, %s%s", r.Code, r.Stdout, r.Stderr)
	}
	w.mount() // still without the provider
	w.run(`test "$(cat "$MNT/d/new")" = new; test "$(cat "$MNT/d/known")" = known`)
	must(t, w.box.Heal(w.ctx))
	w.same()
}

// TestRefused has an upload that is refused for good be listed, kept, and sent
// by a retry.
func TestRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, short...)
	must(t, w.box.Fail(w.ctx, map[string]any{"op": "upload", "kind": "status", "status": 403, "count": -1}))
	w.run(`echo precious >"$MNT/file"`)
	r := rig.Run(w.ctx, binary, nil, "flush", w.mnt.Dir, "--timeout", "20s")
	if r.Code != 1 || !strings.Contains(r.Stdout+r.Stderr, "file") {
		t.Errorf("flush of a refused file: exit code %d, %s%s", r.Code, r.Stdout, r.Stderr)
	}
	r = rig.Run(w.ctx, binary, nil, "pending", w.mnt.Dir)
	if !strings.Contains(r.Stdout, "file") {
		t.Errorf("pending does not list it: %s%s", r.Stdout, r.Stderr)
	}
	export := filepath.Join(w.dir, "export")
	must(t, rig.Run(w.ctx, binary, nil, "pending", w.mnt.Dir, "export", export).Err())
	w.run(`test "$(find "$DIR/export" -type f -exec cat {} +)" = precious; test "$(cat "$MNT/file")" = precious`)
	must(t, w.box.Heal(w.ctx))
	must(t, rig.Run(w.ctx, binary, nil, "pending", w.mnt.Dir, "retry").Err())
	w.same()
	w.run(`test "$(cat "$ROOT/file")" = precious`)
}

// TestTwoMachines changes one file on two mounts: one wins by name, the other
// is kept as a conflict copy.
func TestTwoMachines(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, "plan.txt", "the first plan\n", soon...)
	other := w.another("mnt2", short...) // which does not see in time what the first one does
	w.run(`cat "$MNT/plan.txt"`)
	other.run(`cat "$MNT/plan.txt"`)
	w.run(`echo "the plan of the first machine" >"$MNT/plan.txt"`)
	w.flush()
	other.run(`echo "what the second thinks of it" >"$MNT/plan.txt"`)
	other.flush()
	w.run(`cd "$ROOT"; test "$(cat plan.txt)" = "the plan of the first machine"
		test "$(ls plan*conflict*.txt | wc -l)" = 1; grep -q "what the second" plan*conflict*.txt`)
	other.diff()
	w.eventually(`ls "$MNT"/plan*conflict*.txt`)
	w.same()
}

// faults are what goes wrong, one after the other, while a tree is copied.
var faults = []map[string]any{
	{"kind": "status", "status": 500, "nth": 2, "count": 2},
	{"kind": "status", "status": 503, "nth": 2, "count": 2, "retryAfter": "1s"},
	{"kind": "status", "status": 500, "nth": 2, "count": 2, "apply": true},
	{"kind": "reset", "nth": 2, "count": 2},
	{"kind": "reset", "nth": 2, "count": 2, "after": true},
	{"kind": "lost", "nth": 2, "count": 2},
	{"kind": "late", "nth": 2, "count": 2, "for": "500ms"},
	{"kind": "cut", "nth": 2, "count": 2, "bytes": 10},
	{"kind": "html", "nth": 2, "count": 1},
}

// TestFaults has a tree arrive whole whatever goes wrong on the way.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range faults {
		t.Run(faultName(fault), func(t *testing.T) {
			t.Parallel()
			newWorld(t, short...).survives(fault)
		})
	}
}

// TestFaultsOnOtherProviders is TestFaults for the other providers of files, with one
// fault for each unless there is time for all.
func TestFaultsOnOtherProviders(t *testing.T) {
	t.Parallel()
	for i, provider := range fileProviders[1:] {
		for k, fault := range faults {
			if !full && k != max(3*i+2, 5)%len(faults) {
				continue
			}
			t.Run(provider+"/"+faultName(fault), func(t *testing.T) {
				t.Parallel()
				newWorldOn(t, rig.SandboxOptions{Provider: provider}, short...).survives(fault)
			})
		}
	}
}

// survives copies and changes a tree while something goes wrong.
func (w *world) survives(fault map[string]any) {
	w.t.Helper()
	w.plant(2, 4)
	for _, op := range []string{"upload", "end", "mkdir", "list", "download", "move", "rename", "delete", "info"} {
		f := map[string]any{"op": op}
		for k, v := range fault {
			f[k] = v
		}
		must(w.t, w.box.Fail(w.ctx, f))
	}
	w.run(`cp -r "$SRC" "$MNT/x"`)
	w.flush()
	w.run(`mv "$MNT/x/folder 00" "$MNT/x/renamed"; rm -r "$MNT/x/folder 01"; mv "$MNT/x" "$MNT/y"`)
	w.flush()
	must(w.t, w.box.Heal(w.ctx))
	w.same()
	must(w.t, os.Rename(filepath.Join(w.src, "folder 00"), filepath.Join(w.src, "renamed")))
	must(w.t, os.RemoveAll(filepath.Join(w.src, "folder 01")))
	w.holds(w.src, "y")
}

func faultName(fault map[string]any) string {
	name := fault["kind"].(string)
	if s, ok := fault["status"].(int); ok {
		name += map[int]string{500: "500", 503: "503"}[s]
	}
	for _, word := range []string{"apply", "after"} {
		if fault[word] == true {
			name += "-" + word
		}
	}
	return name
}
