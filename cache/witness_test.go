package cache_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// witnessed mounts with a witness.
func witnessed(w *world) { w.opt.Witnesses = filepath.Join(w.dir, "witnesses") }

// copyState puts a copy of one state folder in the place of another.
func (w *world) copyState(from, to string) {
	w.Helper()
	from, to = filepath.Join(w.dir, from), filepath.Join(w.dir, to)
	w.check(os.RemoveAll(to))
	w.check(exec.Command("cp", "-a", from, to).Run())
}

func (w *world) unproven() string {
	w.Helper()
	s, err := w.ns.Status()
	w.check(err)
	return s.Unproven
}

func TestStateFolderThatWasLastInUseIsBelieved(t *testing.T) {
	w := newWorld(t, account(), unhurried, witnessed)
	for range 3 {
		w.walk("")
		w.write("a", "other")
		w.remount()
		if why := w.unproven(); why != "" {
			t.Fatalf("not believed: %s", why)
		}
	}
	w.flush()
	w.holds(map[string]string{"a": "other"}, nil)
}

// TestRestoredStateFolderDestroysNothing restores a state folder whose outbox
// deletes one file and overwrites another, after both were changed again with
// what the folder holds no more: the provider keeps both, and what is new here
// is sent.
func TestRestoredStateFolderDestroysNothing(t *testing.T) {
	for _, how := range []string{"restored", "copied"} {
		t.Run(how, func(t *testing.T) {
			w := newWorld(t, account(), unhurried, witnessed)
			w.walk("")
			w.remove("a")
			w.write("b", "old thoughts")
			w.write("new", "old news")
			w.unmount()
			w.copyState("state", "backup")
			switch how {
			case "restored":
				w.mount()
				w.unmount()
			case "copied":
				w.check(os.RemoveAll(w.opt.Witnesses))
			}
			w.copyState("backup", "state")
			w.mount()
			if w.unproven() == "" {
				t.Fatal("it was believed")
			}
			left, err := w.ns.Flush(w.Context())
			w.check(err)
			if len(left) != 2 || !strings.Contains(left[0].Reason, "unproven") {
				t.Errorf("left: %+v", left)
			}
			if w.remoteText("a") != "A" || w.remoteText("b") != "B" || w.remoteText("new") != "old news" {
				t.Error("something was destroyed, or is missing")
			}
			_, err = w.ns.Retry()
			w.check(err)
			w.flush()
			w.holds(map[string]string{"b": "old thoughts", "new": "old news"}, []string{"a"})
			w.remount()
			if why := w.unproven(); why != "" {
				t.Errorf("not believed after it was proven: %s", why)
			}
		})
	}
}
