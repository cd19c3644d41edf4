package cache_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
)

func TestListingAnswersForNamesThatDoNotExist(t *testing.T) {
	w := newWorld(t, map[string]string{"d/a": "1", "d/b": "22"})
	w.names("d")
	w.costs("lookups in a listed folder", 0, func() {
		for i := range 100 {
			if w.ino(fmt.Sprintf("d/none%d", i)) != 0 {
				t.Error("a name exists that does not")
			}
		}
		if w.names("d")["b"].Size != 2 {
			t.Error("wrong size")
		}
	})
}

func TestRemountIsWarm(t *testing.T) {
	w := newWorld(t, map[string]string{"d/a": "hello"})
	w.names("d")
	ino := w.ino("d/a")
	if got := w.read("d/a"); got != "hello" {
		t.Fatalf("read %q", got)
	}
	w.costs("remounting and reading again", 0, func() {
		w.remount()
		if w.read("d/a") != "hello" || w.ino("d/a") != ino {
			t.Error("other content or another number after a remount")
		}
	})
}

func TestCreateAndDeleteSendsNothing(t *testing.T) {
	w := newWorld(t, nil, unhurried)
	w.costs("creating and deleting", 0, func() {
		w.mkdir("d")
		w.write("d/x", "text")
		w.remove("d/x")
		w.rmdir("d")
		w.flush()
	})
}

func TestNewTreeArrives(t *testing.T) {
	w := newWorld(t, nil, unhurried)
	w.costs("a folder in a folder with a file", 3, func() {
		w.mkdir("a")
		w.mkdir("a/b")
		w.write("a/b/x", "text")
		w.flush()
	})
	if got := w.remoteText("a/b/x"); got != "text" {
		t.Errorf("the provider has %q", got)
	}
	if got := w.read("a/b/x"); got != "text" {
		t.Errorf("read %q", got)
	}
}

func TestManyWritesAreOneUpload(t *testing.T) {
	w := newWorld(t, map[string]string{"x": "old"}, unhurried)
	w.names("")
	w.costs("ten writes", 2, func() {
		for i := range 10 {
			w.write("x", fmt.Sprintf("version %d", i))
		}
		w.flush()
	})
	if got := w.remoteText("x"); got != "version 9" {
		t.Errorf("the provider has %q", got)
	}
}

func TestSaveByRenameIsOneOverwrite(t *testing.T) {
	w := newWorld(t, map[string]string{"x": "old"}, unhurried)
	w.names("")
	w.costs("three saves by rename", 2, func() {
		for i := range 3 {
			w.write("x.tmp~", fmt.Sprintf("version %d", i))
			w.rename("x.tmp~", "x", 0)
		}
		w.flush()
	})
	if got := w.remoteText("x"); got != "version 2" || w.remoteHas("x.tmp~") {
		t.Errorf("the provider has %q", got)
	}
}

func TestRenamesAreOneRename(t *testing.T) {
	w := newWorld(t, map[string]string{"x": "old", "d/y": "1"}, unhurried)
	w.names("")
	w.costs("ten renames", 1, func() {
		for i := range 10 {
			w.rename(nth(i), nth(i+1), 0)
		}
		w.flush()
	})
	if !w.remoteHas("x10") || w.remoteHas("x") {
		t.Error("the file is not where it should be")
	}
	w.costs("reading after a rename", 1, func() { w.read("x10") })
}

func nth(i int) string {
	if i == 0 {
		return "x"
	}
	return fmt.Sprintf("x%d", i)
}

func TestTreeDeleteIsOneCall(t *testing.T) {
	files := map[string]string{}
	for i := range 40 {
		files[fmt.Sprintf("top/d%d/f%d", i%4, i)] = "text"
	}
	w := newWorld(t, files, unhurried)
	w.removeTree("top")
	w.costs("deleting a tree", 2, func() { w.flush() })
	if w.remoteHas("top") {
		t.Error("the tree is still there")
	}
}

// unhurried lets nothing settle before a flush.
func unhurried(w *world) { w.opt.Settle = time.Hour }

func (w *world) removeTree(name string) {
	w.Helper()
	for base, a := range w.names(name) {
		if a.Kind == cache.Dir {
			w.removeTree(name + "/" + base)
		} else {
			w.remove(name + "/" + base)
		}
	}
	w.rmdir(name)
}

func TestTreeDeleteSparesWhatOthersPutThere(t *testing.T) {
	w := newWorld(t, map[string]string{"top/d/a": "1", "top/e/b": "2"})
	w.removeTree("top")
	w.putRemote("top/d/theirs", "precious")
	w.flush()
	if got := w.remoteText("top/d/theirs"); got != "precious" {
		t.Errorf("their file: %q", got)
	}
	if w.remoteHas("top/d/a") || w.remoteHas("top/e") {
		t.Error("what was deleted here is still there")
	}
	if got := w.read("top/d/theirs"); got != "precious" {
		t.Errorf("their file reads %q here", got)
	}
}

func TestRenameOverExisting(t *testing.T) {
	w := newWorld(t, map[string]string{"a": "new", "b": "old"})
	w.names("")
	w.rename("a", "b", 0)
	w.flush()
	if got := w.remoteText("b"); got != "new" || w.remoteHas("a") {
		t.Errorf("b is %q", got)
	}
}

func TestExchange(t *testing.T) {
	w := newWorld(t, map[string]string{"a": "1", "d/b": "2"})
	w.rename("a", "d/b", cache.RenameExchange)
	w.flush()
	if w.remoteText("a") != "2" || w.remoteText("d/b") != "1" {
		t.Error("not exchanged")
	}
}

func TestConflictKeepsBothSides(t *testing.T) {
	w := newWorld(t, map[string]string{"x.txt": "base"})
	w.names("")
	w.write("x.txt", "mine")
	w.putRemote("x.txt", "theirs, longer")
	w.flush()
	if got := w.read("x.txt"); got != "theirs, longer" {
		t.Errorf("x.txt is %q", got)
	}
	if kept := w.conflictCopy(); w.read(kept) != "mine" || w.remoteText(kept) != "mine" {
		t.Errorf("%s is %q", kept, w.read(kept))
	}
}

func (w *world) conflictCopy() string {
	w.Helper()
	for name := range w.names("") {
		if strings.Contains(name, " (conflict ") {
			return name
		}
	}
	w.Fatalf("there is no conflict copy: %v", w.names(""))
	return ""
}

func TestNewFileMeetsTheirs(t *testing.T) {
	w := newWorld(t, nil)
	w.names("")
	w.write("x.txt", "mine")
	w.putRemote("x.txt", "theirs, longer")
	w.flush()
	w.opt.MaxAge = 1
	w.remount()
	if got := w.read("x.txt"); got != "theirs, longer" {
		t.Errorf("x.txt is %q", got)
	}
	if kept := w.conflictCopy(); w.read(kept) != "mine" {
		t.Errorf("%s is %q", kept, w.read(kept))
	}
}

func TestDeleteOfWhatOthersChangedIsTakenBack(t *testing.T) {
	w := newWorld(t, map[string]string{"x": "base"})
	w.names("")
	w.remove("x")
	w.putRemote("x", "theirs, longer")
	w.flush()
	if w.remoteText("x") != "theirs, longer" || w.read("x") != "theirs, longer" {
		t.Error("their change was lost")
	}
}

func TestUnlinkedFileStaysReadable(t *testing.T) {
	w := newWorld(t, map[string]string{"x": "precious"})
	h, err := w.ns.Open(t.Context(), w.ino("x"), unix.O_RDONLY)
	w.check(err)
	w.remove("x")
	w.flush()
	if w.remoteHas("x") {
		t.Error("still at the provider")
	}
	buf := make([]byte, 8)
	if n, _ := h.ReadAt(t.Context(), buf, 0); string(buf[:n]) != "precious" {
		t.Errorf("read %q", buf[:n])
	}
	h.Release()
}

func TestPendingSurvivesARemount(t *testing.T) {
	w := newWorld(t, map[string]string{"x": "base"}, unhurried)
	w.write("x", "changed")
	w.write("new", "file")
	w.remount()
	if w.read("x") != "changed" || w.read("new") != "file" {
		t.Error("changes are gone after a remount")
	}
	w.flush()
	if w.remoteText("x") != "changed" || w.remoteText("new") != "file" {
		t.Error("not sent")
	}
}

func TestLocalNamesStayHere(t *testing.T) {
	w := newWorld(t, map[string]string{"doc": "1"})
	w.costs("a lock file", 1, func() {
		w.names("")
		w.write(".~lock.doc#", "me")
		w.flush()
	})
	if w.remoteHas(".~lock.doc#") {
		t.Error("a lock file was sent")
	}
	w.rename(".~lock.doc#", "real", 0)
	w.flush()
	if w.remoteText("real") != "me" {
		t.Error("a renamed local file was not sent")
	}
}

func TestErrorsHaveKinds(t *testing.T) {
	w := newWorld(t, map[string]string{"d/x": "1", "f": "2"})
	root := uint64(cache.RootIno)
	ctx := t.Context()
	tests := map[string]struct {
		err  error
		want remote.Kind
	}{
		"rmdir of a full folder": {w.ns.Rmdir(ctx, root, "d"), remote.NotEmpty},
		"rmdir of a file":        {w.ns.Rmdir(ctx, root, "f"), remote.NotDir},
		"unlink of a folder":     {w.ns.Unlink(ctx, root, "d"), remote.IsDir},
		"unlink of nothing":      {w.ns.Unlink(ctx, root, "none"), remote.NotExist},
		"rename into itself":     {w.ns.Rename(ctx, root, "d", w.ino("d"), "e", 0), remote.Invalid},
		"rename over a folder":   {w.ns.Rename(ctx, root, "f", root, "d", 0), remote.IsDir},
		"rename, no replace":     {w.ns.Rename(ctx, root, "f", root, "d", cache.RenameNoReplace), remote.Exist},
		"long name":              {mkdirErr(w, strings.Repeat("n", 256)), remote.NameTooLong},
		"a name of ours":         {mkdirErr(w, ".frugalfs-x"), remote.Permission},
		"taken name":             {mkdirErr(w, "d"), remote.Exist},
	}
	for what, tt := range tests {
		if !remote.IsKind(tt.err, tt.want) {
			t.Errorf("%s: %v, want kind %v", what, tt.err, tt.want)
		}
	}
}

func mkdirErr(w *world, name string) error {
	_, err := w.ns.Mkdir(w.Context(), cache.RootIno, name, 0o755)
	return err
}

func TestSyncCloseReturnsWhenSent(t *testing.T) {
	w := newWorld(t, nil, func(w *world) { w.opt.SyncClose, w.opt.Settle = true, time.Hour })
	w.mkdir("d")
	w.write("d/x", "text")
	if got := w.remoteText("d/x"); got != "text" {
		t.Errorf("after close the provider has %q", got)
	}
}

func TestFullDiskStillDeletes(t *testing.T) {
	w := newWorld(t, map[string]string{"x": "1", "y": "2"}, unhurried)
	w.names("")
	w.ns.FailStore(func(label string) error {
		if label == "commit" && w.ns.HasBallast() {
			return unix.ENOSPC
		}
		return nil
	})
	w.remove("x")
	if w.ns.HasBallast() {
		t.Error("the kept space was not used")
	}
	w.ns.FailStore(nil)
	w.flush()
	if w.remoteHas("x") || !w.remoteHas("y") {
		t.Error("not what was deleted")
	}
}
