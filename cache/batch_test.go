package cache_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// manyFiles makes files of different contents: folders of them, by path.
func manyFiles(folders []string, each int) map[string]string {
	files := map[string]string{}
	for _, d := range folders {
		for i := range each {
			name := fmt.Sprintf("%s/f%03d", d, i)
			files[name] = name + strings.Repeat(" text", 200)
		}
	}
	return files
}

// readAll reads files in the order of their names, and checks them.
func (w *world) readAll(files map[string]string, in string) {
	w.Helper()
	for _, base := range w.sorted(in) {
		name := strings.TrimPrefix(in+"/"+base, "/")
		if text, ok := files[name]; ok {
			if got := w.read(name); got != text {
				w.Errorf("%s has %d bytes that are wrong", name, len(got))
			}
			continue
		}
		w.readAll(files, name)
	}
}

func (w *world) sorted(dir string) (names []string) {
	w.Helper()
	d, err := w.ns.OpenDir(w.Context(), w.ino(dir))
	w.check(err)
	defer d.Close()
	for cookie := uint64(0); ; {
		entries, err := d.Next(w.Context(), cookie, 100)
		w.check(err)
		if len(entries) == 0 {
			return names
		}
		for _, e := range entries {
			names, cookie = append(names, e.Name), e.Cookie
		}
	}
}

var leaves = []string{"t/0/0", "t/0/1", "t/0/2", "t/1/0", "t/1/1", "t/1/2"}

func TestFilesOfManyFoldersComeTogether(t *testing.T) {
	for _, layout := range []string{"relative", "bare"} {
		t.Run(layout, func(t *testing.T) {
			files := manyFiles(leaves, 12)
			w := newWorld(t, files, unhurried, withSwitch("zip-layout", layout))
			w.walk("")
			// On a slow machine a file may be asked for before the archive with it came.
			w.costs("reading 72 files in 6 folders", 8, func() { w.readAll(files, "") })
			w.costs("reading them again", 0, func() { w.readAll(files, "") })
			w.remount()
			w.costs("reading them after a remount", 1, func() { w.readAll(files, "") })
		})
	}
}

func withSwitch(name, value string) func(*world) {
	return func(w *world) {
		if w.switches == nil {
			w.switches = map[string]string{}
		}
		w.switches[name] = value
	}
}

func TestOneFileIsNoBatch(t *testing.T) {
	files := manyFiles([]string{"a", "b"}, 10)
	w := newWorld(t, files, unhurried)
	w.walk("")
	w.costs("reading one file of each folder", 2, func() {
		w.read("a/f001")
		w.read("b/f001")
	})
	if n := w.server.CountBy()["archive"]; n != 0 {
		t.Errorf("%d archives", n)
	}
}

func TestConcurrentReadersShareOneArchive(t *testing.T) {
	files := manyFiles([]string{"images"}, 60)
	w := newWorld(t, files, unhurried)
	w.walk("")
	w.server.ResetCount()
	names := w.sorted("images")
	var group sync.WaitGroup
	for part := range 4 {
		group.Go(func() {
			for i := part; i < len(names); i += 4 {
				name := "images/" + names[i]
				if w.read(name) != files[name] {
					t.Errorf("%s is wrong", name)
				}
			}
		})
	}
	group.Wait()
	if n := w.server.Count(); n > 2 {
		t.Errorf("%d requests: %v", n, w.server.CountBy())
	}
}

// TestABrokenArchiveCostsNoBytes breaks archives in every way: files are right
// all the same.
func TestABrokenArchiveCostsNoBytes(t *testing.T) {
	for _, f := range []sandbox.Fault{
		{Kind: sandbox.Cut, Bytes: 900}, {Kind: sandbox.Flip, Bytes: 300}, {Kind: sandbox.Flip, Bytes: 31},
		{Kind: sandbox.Status, Status: 404}, {Kind: sandbox.Status, Status: 400}, {Kind: sandbox.HTML},
	} {
		t.Run(fmt.Sprintf("%s%d", f.Kind, f.Bytes+int64(f.Status)), func(t *testing.T) {
			t.Parallel()
			files := manyFiles([]string{"a"}, 20)
			w := newWorld(t, files, unhurried)
			w.walk("")
			f.Op, f.Count = "archive", -1
			w.check(w.server.Fail(f))
			w.costs("reading 20 files", 22, func() { w.readAll(files, "a") })
		})
	}
}

func TestAChangedFileIsNotTakenFromAnArchive(t *testing.T) {
	files := manyFiles([]string{"a"}, 8)
	w := newWorld(t, files, unhurried)
	w.walk("")
	w.putRemote("a/f005", "of another length")
	w.server.Sweep()
	w.read("a/f000")
	w.read("a/f001")
	w.read("a/f007") // it comes last
	if w.ns.Has(w.ino("a/f005")) {
		t.Error("a file that is another one now was taken")
	}
	if !w.ns.Has(w.ino("a/f006")) {
		t.Error("the others were not")
	}
}

func TestBatchesStayWithinTheCache(t *testing.T) {
	files := manyFiles([]string{"a"}, 40) // about 1 KiB each
	w := newWorld(t, files, unhurried, func(w *world) { w.opt.CacheSize = 40 << 10 })
	w.walk("")
	w.readAll(files, "a")
	s, err := w.ns.Status()
	w.check(err)
	if s.Content.Cached > s.Content.Limit {
		t.Errorf("%d bytes are cached, %d allowed", s.Content.Cached, s.Content.Limit)
	}
}
