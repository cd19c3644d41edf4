package cache_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// cp copies a file as cp(1) does, and tells whether the mount took it on.
func (w *world) cp(from, to string) bool {
	w.Helper()
	src, err := w.ns.Open(w.Context(), w.ino(from), unix.O_RDONLY)
	w.check(err)
	defer src.Release()
	a, err := src.Attr(w.Context())
	w.check(err)
	dir, base := w.parent(to)
	_, dst, err := w.ns.Create(w.Context(), dir, base, 0o644, unix.O_WRONLY|unix.O_EXCL)
	w.check(err)
	defer dst.Release()
	n, err := w.ns.CopyRange(w.Context(), src, 0, dst, 0, 1<<30)
	if err == nil && n == a.Size {
		return true
	}
	buf := make([]byte, a.Size)
	_, _ = src.ReadAt(w.Context(), buf, 0)
	_, err = dst.WriteAt(w.Context(), buf, 0)
	w.check(err)
	return false
}

// cpTree copies a folder of two levels.
func (w *world) cpTree(from, to string, want map[string]string) {
	w.Helper()
	w.mkdir(to)
	for d := range 3 {
		w.names(fmt.Sprintf("%s/d%d", from, d))
		w.mkdir(fmt.Sprintf("%s/d%d", to, d))
		for f := range 5 {
			name := fmt.Sprintf("d%d/f%d", d, f)
			if !w.cp(from+"/"+name, to+"/"+name) {
				w.Errorf("%s was not taken on", name)
			}
			want[to+"/"+name] = name
		}
	}
}

var large = strings.Repeat("0123456789abcdef", 9<<16) // 9 MiB

func treeOfCopies() map[string]string {
	files := map[string]string{"large/l": "small", "large/m": "medium"}
	for d := range 3 {
		for f := range 5 {
			files[fmt.Sprintf("from/d%d/f%d", d, f)] = fmt.Sprintf("d%d/f%d", d, f)
		}
	}
	return files
}

func newCopies(t *testing.T) *world {
	return newCopiesOf(t, treeOfCopies())
}

func newCopiesOf(t *testing.T, files map[string]string) *world {
	w := newWorld(t, files, unhurried)
	for _, dir := range []string{"", "large", "from", "from/d0", "from/d1", "from/d2"} {
		w.names(dir)
	}
	return w
}

// newLargeCopy is an account with a file that is worth a third request.
func newLargeCopy(t *testing.T) *world {
	files := treeOfCopies()
	files["large/l"] = large
	return newCopiesOf(t, files)
}

func TestCopyMovesNoBytes(t *testing.T) {
	w := newLargeCopy(t)
	w.costs("a copy under another name", 3, func() {
		if !w.cp("large/l", "copy") {
			t.Error("the content was fetched")
		}
		w.flush()
	})
	if w.server.CountBy()["download"] > 0 || w.server.CountBy()["upload"] > 0 {
		t.Errorf("content was moved: %v", w.server.CountBy())
	}
	w.costs("a copy under its name", 2, func() { w.cp("large/m", "m"); w.flush() })
	w.all(map[string]string{"copy": large, "m": "medium", "large/l": large})
}

func TestCopyOfATreeIsFewRequests(t *testing.T) {
	w := newCopies(t)
	want := map[string]string{}
	w.costs("a tree of 15 files", 4, func() {
		w.cpTree("from", "to", want)
		w.flush()
	})
	w.all(want)
}

func TestCopyOfAFolderUnderItsName(t *testing.T) {
	w := newCopies(t)
	want := map[string]string{}
	w.costs("a folder under its name", 3, func() {
		w.mkdir("large/d0")
		for f := range 5 {
			w.cp(fmt.Sprintf("from/d0/f%d", f), fmt.Sprintf("large/d0/f%d", f))
			want[fmt.Sprintf("large/d0/f%d", f)] = fmt.Sprintf("d0/f%d", f)
		}
		w.flush()
	})
	w.all(want)
}

func TestCopiesCanBeReadWrittenAndOutliveTheirSources(t *testing.T) {
	for name, act := range map[string]func(*world, map[string]string){
		"read":    func(w *world, want map[string]string) { w.read("l") },
		"written": func(w *world, want map[string]string) { w.write("l", "new"); want["l"] = "new" },
		"renamed": func(w *world, want map[string]string) {
			w.rename("l", "c2", 0)
			want["c2"] = want["l"]
			delete(want, "l")
		},
		"deleted":        func(w *world, want map[string]string) { w.remove("l"); delete(want, "l") },
		"source written": func(w *world, want map[string]string) { w.write("large/l", "new"); want["large/l"] = "new" },
		"source deleted": func(w *world, want map[string]string) { w.remove("large/l"); delete(want, "large/l") },
		"source renamed": func(w *world, want map[string]string) {
			w.rename("large/l", "l2", 0)
			want["l2"] = "small"
			delete(want, "large/l")
		},
		"source replaced": func(w *world, want map[string]string) {
			w.rename("large/m", "large/l", 0)
			want["large/l"] = "medium"
			delete(want, "large/m")
		},
		"swapped":          func(w *world, want map[string]string) { w.rename("l", "large/l", unix.RENAME_EXCHANGE) },
		"put in its place": func(w *world, want map[string]string) { w.rename("l", "large/l", 0); delete(want, "l") },
		"folder deleted": func(w *world, want map[string]string) {
			w.removeTree("large")
			delete(want, "large/l")
			delete(want, "large/m")
		},
		"copied again": func(w *world, want map[string]string) {
			w.mkdir("c")
			w.cp("large/l", "c/l")
			want["c/l"] = "small"
		},
	} {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", name, again), func(t *testing.T) {
				t.Parallel()
				w := newCopies(t)
				want := map[string]string{"l": "small", "large/l": "small", "large/m": "medium"}
				w.cp("large/l", "l")
				if again {
					w.remount()
				}
				act(w, want)
				if again {
					w.remount()
				}
				for name, text := range want {
					if w.read(name) != text {
						t.Errorf("%s reads wrong before it is sent", name)
					}
				}
				w.flush()
				w.all(want)
			})
		}
	}
}

func TestCopiesFailInEveryWay(t *testing.T) {
	for _, op := range []string{"copy", "info", "rename", "mkdir", "tree", "activity", "delete"} {
		for i, f := range faults {
			t.Run(fmt.Sprintf("%s/%s%d", op, f.Kind, i), func(t *testing.T) {
				t.Parallel()
				w := newCopies(t)
				want := map[string]string{"l": "small"}
				w.cp("large/l", "l")
				w.cpTree("from", "to", want)
				f.Op = op
				w.check(w.server.Fail(f))
				w.flush()
				w.all(want)
			})
		}
	}
}

func TestCopiesSurviveARestart(t *testing.T) {
	for _, op := range []string{"copy", "info", "rename", "mkdir", "tree", "activity"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			w := newCopies(t)
			want := map[string]string{"l": "small"}
			w.cp("large/l", "l")
			w.cpTree("from", "to", want)
			w.check(w.server.Fail(sandbox.Fault{Op: op, Kind: sandbox.Lost, Count: 3}))
			w.remountDuring(op)
			w.flush()
			w.all(want)
		})
	}
}

func TestCopyOfWhatOthersChangeIsHeldBack(t *testing.T) {
	w := newCopies(t)
	w.cp("large/l", "l")
	w.putRemote("large/l", "theirs")
	left, err := w.ns.Flush(w.Context())
	if len(left) != 1 || !left[0].Failed || !strings.Contains(left[0].Reason, "copied from") {
		t.Errorf("left: %+v, %v", left, err)
	}
	if w.remoteHas("l") {
		t.Error("a copy of something else is at the provider")
	}
}

func TestLargeCopyFailsInEveryWay(t *testing.T) {
	for _, op := range []string{"copy", "info", "rename"} {
		w := newLargeCopy(t)
		w.cp("large/l", "copied")
		w.check(w.server.Fail(sandbox.Fault{Op: op, Kind: sandbox.Lost}))
		w.flush()
		w.all(map[string]string{"copied": large})
	}
}
