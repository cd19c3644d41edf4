package cache_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// plant makes a tree with some files, an empty folder and names of all sorts.
func (w *world) plant(top string) map[string]string {
	w.Helper()
	want := map[string]string{}
	w.mkdir(top)
	w.mkdir(top + "/empty")
	for d := range 3 {
		dir := fmt.Sprintf("%s/d%d", top, d)
		w.mkdir(dir)
		for f, name := range []string{"plain", "with space", "grüße.txt", "日本", "e", "f", "g"} {
			text := strings.Repeat(name, f)
			w.write(dir+"/"+name, text)
			want[dir+"/"+name] = text
		}
	}
	return want
}

// all checks that the account and the mount hold exactly what was written.
func (w *world) all(want map[string]string) {
	w.Helper()
	for name, text := range want {
		if got := w.remoteText(name); got != text {
			w.Errorf("the provider's %s is %q, want %q", name, got, text)
		}
	}
	w.matches("")
}

func TestManyNewFilesGoAsOneArchive(t *testing.T) {
	w := newWorld(t, map[string]string{"old": "1"}, unhurried)
	w.names("")
	var want map[string]string
	w.costs("a tree of 21 files", 5, func() {
		want = w.plant("tree")
		w.flush()
	})
	w.costs("reading it back", 0, func() {
		for name, text := range want {
			if got := w.read(name); got != text {
				t.Errorf("%s reads %q", name, got)
			}
		}
	})
	w.all(want)
	if !w.remoteHas("tree/empty") {
		t.Error("the empty folder is missing")
	}
}

func TestArchiveFailsInEveryWay(t *testing.T) {
	for _, op := range []string{"upload", "extract", "tree", "move", "delete"} {
		for i, f := range faults {
			t.Run(fmt.Sprintf("%s/%s%d", op, f.Kind, i), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, map[string]string{"old": "1"}, unhurried)
				w.names("")
				want := w.plant("tree")
				f.Op = op
				w.check(w.server.Fail(f))
				w.flush()
				w.all(want)
			})
		}
	}
}

func TestArchiveThatIsRefusedIsSentPlainly(t *testing.T) {
	w := newWorld(t, map[string]string{"old": "1"}, unhurried)
	w.names("")
	w.check(w.server.Fail(sandbox.Fault{Op: "extract", Kind: sandbox.Status, Status: 400, Count: -1}))
	want := w.plant("tree")
	w.flush()
	w.all(want)
}

func TestArchiveSurvivesARestart(t *testing.T) {
	for _, op := range []string{"upload", "extract", "tree", "move", "delete"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, map[string]string{"old": "1"}, unhurried)
			w.names("")
			want := w.plant("tree")
			w.check(w.server.Fail(sandbox.Fault{Op: op, Kind: sandbox.Lost, Count: 3}))
			w.remountDuring(op)
			w.flush()
			w.all(want)
		})
	}
}

// remountDuring begins to send, and mounts anew once an operation was asked for.
func (w *world) remountDuring(op string) {
	w.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = w.ns.Flush(w.Context())
	}()
	for w.server.CountBy()[op] == 0 {
		select {
		case <-done:
			return
		default:
		}
	}
	w.ns.Stop()
	<-done
	w.remount()
}

func TestWritesDuringAnArchiveAreSentToo(t *testing.T) {
	w := newWorld(t, map[string]string{"old": "1"}, unhurried)
	w.names("")
	want := w.plant("tree")
	w.check(w.server.Fail(sandbox.Fault{Op: "extract", Kind: sandbox.Stall}))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = w.ns.Flush(w.Context())
	}()
	for w.server.CountBy()["extract"] == 0 {
		continue
	}
	w.write("tree/d0/plain", "written meanwhile")
	want["tree/d0/plain"] = "written meanwhile"
	w.remove("tree/d1/e")
	delete(want, "tree/d1/e")
	w.rename("tree/d2/f", "tree/moved", 0)
	want["tree/moved"] = want["tree/d2/f"]
	delete(want, "tree/d2/f")
	w.server.Release()
	<-done
	w.flush()
	w.all(want)
}

// TestATreeThatIsBeingMadeIsSentInFewPieces copies ten files a second, and looks
// when anything of it would be sent.
func TestATreeThatIsBeingMadeIsSentInFewPieces(t *testing.T) {
	c := &clock{start: time.Now()}
	w := newWorld(t, nil, withClock(c), func(w *world) { w.opt.Settle = 2 * time.Second; w.opt.ReadOnly = false })
	w.ns.Stop() // nothing is sent: only readiness counts here
	w.mkdir("top")
	for d := range 20 {
		w.mkdir(fmt.Sprintf("top/d%d", d))
	}
	for i := range 280 {
		w.write(fmt.Sprintf("top/d%d/f%d", i/25, i), "text")
		c.advance(100 * time.Millisecond)
		if n := w.ns.Ready(); n > 0 {
			t.Fatalf("%d nodes would be sent after %d files", n, i+1)
		}
	}
	c.advance(3 * time.Second)
	if n := w.ns.Ready(); n != 301 {
		t.Errorf("%d of 301 nodes would be sent once it is quiet", n)
	}
}

// TestArchiveIsProvenInFewPages: the folder in which an archive is unpacked is
// nobody else's, so its pages need not overlap, and end when all files were seen.
func TestArchiveIsProvenInFewPages(t *testing.T) {
	w := newWorld(t, nil, unhurried, func(w *world) { w.switches = map[string]string{"page-cap": "10"} })
	w.names("")
	want := map[string]string{}
	w.mkdir("all")
	for d := range 4 {
		w.mkdir(fmt.Sprintf("all/d%d", d))
		for f := range 5 {
			name := fmt.Sprintf("all/d%d/f%d", d, f)
			w.write(name, name)
			want[name] = name
		}
	}
	w.costs("20 files in 5 folders", 4+2, func() { w.flush() })
	w.all(want)
	w.costs("a rename of the folder", 1, func() { w.rename("all", "renamed", 0); w.flush() })
	w.remount()
	if got := w.read("renamed/d3/f4"); got != "all/d3/f4" {
		t.Errorf("after a remount: %q", got)
	}
}
