package endtoend

import (
	"strconv"
	"testing"

	"github.com/frugalfs/frugalfs/cmd/control"
	"github.com/frugalfs/frugalfs/scripts/rig"
)

// newAway is an account whose provider can go away and come back, mounted; d and
// d/known were looked at, of e/unknown only the name is known.
func newAway(t *testing.T, o rig.SandboxOptions, args ...string) *world {
	t.Helper()
	o.Restarts = true
	w := newAccount(t, o)
	write(t, w.root()+"/d/known", "known\n")
	write(t, w.root()+"/e/unknown", "unknown\n")
	w.mountWith(args...)
	w.run(`ls -R "$MNT"; cat "$MNT/d/known"`)
	w.settled()
	return w
}

// status asks how the mount stands.
func (w *world) status() (s control.Status) {
	w.t.Helper()
	must(w.t, w.mnt.Status(w.ctx, &s))
	return s
}

// fails runs a script that must fail, and say some words.
func (w *world) fails(script, words string) {
	w.t.Helper()
	w.run(`if { ` + script + `; } 2>"$DIR/err"; then echo "it succeeded"; exit 1; fi
		grep -q "` + words + `" "$DIR/err" || { cat "$DIR/err"; exit 1; }`)
}

// waits checks in which state the mount is, and that it holds changes back.
func (w *world) waits(state string) {
	w.t.Helper()
	s := w.status()
	if s.State != state || s.KnownAt.IsZero() || s.Pending == 0 {
		w.t.Errorf("the state is %q, known at %v, %d pending; want %q, a time, some", s.State, s.KnownAt, s.Pending, state)
	}
}

// TestAbsentProvider mounts, shows what is known and queues changes while the
// provider is out of reach, and sends them when it is back.
func TestAbsentProvider(t *testing.T) {
	t.Parallel()
	w := newAway(t, rig.SandboxOptions{}, soon...)
	must(t, w.mnt.Unmount(w.ctx, patience))
	must(t, w.box.Kill())
	w.mount()
	w.run(`cd "$MNT"; for i in $(seq 20); do test "$(cat d/known)" = known; ls d e >/dev/null; test ! -e d/none; done
		echo text >d/new; echo more >>d/known; mv d/new d/moved; mkdir f; test "$(cat d/moved)" = text`)
	w.fails(`cat "$MNT/e/unknown"`, "unreachable")
	w.run(`rm "$MNT/e/unknown"`)
	w.waits(control.Offline)
	must(t, w.box.Start(w.ctx))
	w.flush()
	w.run(`cd "$ROOT"; test "$(cat d/moved)" = text; test "$(tail -1 d/known)" = more; test -d f; test ! -e e/unknown`)
	// all the same while it is mounted, with a provider that takes no calls any more
	must(t, w.box.Kill())
	w.run(`cd "$MNT"; echo again >d/again; ls d >/dev/null; test "$(cat d/moved)" = text`)
	must(t, w.box.Start(w.ctx))
	w.same()
}

// TestSpentBudget mounts with no transactions left: what is known is shown, all
// else fails at once, and changes are sent from the reserve, or when there are
// transactions again.
func TestSpentBudget(t *testing.T) {
	t.Parallel()
	w := newAway(t, rig.SandboxOptions{Provider: "exavault1"}, short...)
	limited := func(n int) {
		w.options.Args = append([]string{"--daily-limit", strconv.Itoa(n)}, short...)
		w.remount()
	}
	used := w.status().Ledger.Day.Requests
	const uses = `cd "$MNT"; test "$(cat d/known)" = known; ls d e >/dev/null; test ! -e e/none`

	limited(used + 5)
	w.run(uses)
	w.fails(`cat "$MNT/e/unknown"`, "quota")
	w.run(`echo text >"$MNT/d/reserve"`)
	w.flush()
	w.run(`test "$(cat "$ROOT/d/reserve")" = text`)

	limited(1)
	w.reset()
	w.run(uses + `; echo text >d/queued; mv d/reserve d/moved`)
	w.fails(`cat "$MNT/e/unknown"`, "quota")
	if r := rig.Run(w.ctx, binary, nil, "flush", w.mnt.Dir, "--timeout", "1s"); r.Code != 1 {
		t.Errorf("flush without transactions: exit code %d, %s%s", r.Code, r.Stdout, r.Stderr)
	}
	w.waits(control.Budget)
	if n := w.counts().Count; n != 0 {
		t.Errorf("%d requests beyond the limit:\n%s", n, w.requests())
	}
	r := rig.Run(w.ctx, binary, nil, "unmount", w.mnt.Dir, "--timeout", "1s")
	if r.Code != 1 {
		t.Errorf("unmount without transactions: exit code %d, %s%s", r.Code, r.Stdout, r.Stderr)
	}

	w.options.Args = append([]string{"--daily-limit", "10000"}, short...)
	w.mount()
	w.flush()
	w.run(`test "$(cat "$ROOT/d/queued" "$ROOT/d/moved")" = "$(printf "text\ntext")"; test "$(cat "$MNT/e/unknown")" = unknown`)
	w.same()
}
