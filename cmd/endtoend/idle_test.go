package endtoend

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// TestIdle has a mount that nobody uses make no request.
func TestIdle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, append([]string{"--max-age", "1s"}, short...)...)
	plant(t, w.src, 2, 5)
	w.run(`cp -r "$SRC" "$MNT/x"; ls -lR "$MNT" >/dev/null; cat "$MNT/x/empty"`)
	w.flush()
	idle := 5 * time.Second
	if full {
		idle = 3 * time.Minute
	}
	// what was begun by the last use may end
	w.settled()
	w.reset()
	wait(w.ctx, idle)
	if n := w.counts().Count; n != 0 {
		t.Errorf("an idle mount made %d requests in %v:\n%s", n, idle, w.requests())
	}
}

// settled waits until the sandbox has had no request for a second.
func (w *world) settled() {
	w.t.Helper()
	for last := -1; last != w.counts().Count; {
		last = w.counts().Count
		wait(w.ctx, time.Second)
	}
}

// wait lets time pass in which nothing is expected to happen.
func wait(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

// TestWarm has what was seen once cost nothing again, names that do not exist
// included.
func TestWarm(t *testing.T) {
	t.Parallel()
	w := newAccount(t, rig.SandboxOptions{})
	plant(t, filepath.Join(w.box.Root, "p"), 4, 10)
	w.mountWith(short...)
	w.run(`ls -lR "$MNT" >/dev/null; df "$MNT" >/dev/null`)
	w.settled()
	w.reset()
	w.run(`ls -lR "$MNT" >/dev/null; find "$MNT" -name nothing; for i in $(seq 100); do test ! -e "$MNT/p/a/no$i"; done`)
	if n := w.counts().Count; n != 0 {
		t.Errorf("a second look cost %d requests:\n%s", n, w.requests())
	}
	w.remount()
	w.reset()
	w.run(`ls -lR "$MNT" >/dev/null`)
	if n := w.counts().Count; n > 1 {
		t.Errorf("a look after a remount cost %d requests:\n%s", n, w.requests())
	}
}

// TestForeign has changes made elsewhere show.
func TestForeign(t *testing.T) {
	t.Parallel()
	w := newWorldWith(t, "d/old", "old\n", soon...)
	w.run(`cat "$MNT/d/old"`)
	write(t, filepath.Join(w.box.Root, "d", "new"), "new\n")
	write(t, filepath.Join(w.box.Root, "d", "old"), "changed and longer\n")
	w.eventually(`test "$(cat "$MNT/d/new" 2>/dev/null)" = new && test "$(cat "$MNT/d/old")" = "changed and longer"`)
	must(t, os.RemoveAll(filepath.Join(w.box.Root, "d")))
	w.eventually(`test ! -e "$MNT/d"`)
}

// eventually waits until a script succeeds.
func (w *world) eventually(script string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 30*time.Second)
	defer cancel()
	for {
		out, err := w.command(script).CombinedOutput()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			w.t.Fatalf("never true: %s\n%s", script, out)
		}
		wait(ctx, 200*time.Millisecond)
	}
}
