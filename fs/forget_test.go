package fs

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache"
)

// eventually polls a condition for up to ten seconds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 10000 {
		if ok() {
			return
		}
		<-tick.C
	}
	t.Errorf("never: %s", what)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// lists tells whether a listing of dir shows name.
func lists(dir, name string) bool {
	entries, _ := os.ReadDir(dir)
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == name })
}

// A change made in the namespace, behind the kernel's back, stands for one made
// elsewhere: the kernel keeps what it knows for an hour, unless it is told.
func TestNamesAreForgotten(t *testing.T) {
	ns := newNamespace(t, cache.Options{})
	s, dir := mountedOver(t, ns)
	path := filepath.Join(dir, "new")
	if exists(path) || lists(dir, "new") {
		t.Fatal("there already")
	}
	if _, err := ns.Mkdir(t.Context(), cache.RootIno, "new", 0o755); err != nil {
		t.Fatal(err)
	}
	if exists(path) || lists(dir, "new") {
		t.Error("the kernel does not keep absences or listings")
	}
	s.fs.inval.Entry(cache.RootIno, "new")
	eventually(t, "the new name is seen", func() bool { return exists(path) && lists(dir, "new") })

	if err := ns.Rmdir(t.Context(), cache.RootIno, "new"); err != nil {
		t.Fatal(err)
	}
	s.fs.inval.Entry(cache.RootIno, "new")
	eventually(t, "the name is gone", func() bool { return !exists(path) && !lists(dir, "new") })
}

func TestContentIsForgotten(t *testing.T) {
	ns := newNamespace(t, cache.Options{})
	s, dir := mountedOver(t, ns)
	s.fs.modes.off.Store(true) // in passthrough there are no pages to forget
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := ns.Lookup(t.Context(), cache.RootIno, "file")
	if err != nil {
		t.Fatal(err)
	}
	if got := readOnly(t, path); got != "old" {
		t.Fatalf("read %q", got)
	}
	h, err := ns.Open(t.Context(), a.Ino, unix.O_WRONLY)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.WriteAt(t.Context(), []byte("new"), 0); err != nil {
		t.Error(err)
	}
	h.Release()
	if got := readOnly(t, path); got != "old" {
		t.Errorf("read %q: the kernel does not keep pages across opens", got)
	}
	s.fs.inval.Content(a.Ino)
	eventually(t, "the new content is read", func() bool { return readOnly(t, path) == "new" })
}

// readOnly reads a short file without a stat, by which the kernel would notice
// a new time and drop the pages it has.
func readOnly(t *testing.T, path string) string {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	buf := make([]byte, 100)
	n, err := unix.Read(fd, buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestAttributesAreForgotten(t *testing.T) {
	ns := newNamespace(t, cache.Options{})
	s, dir := mountedOver(t, ns)
	path := filepath.Join(dir, "d")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	a, err := ns.Lookup(t.Context(), cache.RootIno, "d")
	if err != nil {
		t.Fatal(err)
	}
	mode := uint32(0o700)
	if _, err := ns.Setattr(t.Context(), a.Ino, cache.Set{Mode: &mode}); err != nil {
		t.Fatal(err)
	}
	s.fs.inval.Attr(a.Ino)
	eventually(t, "the new mode is seen", func() bool {
		info, err := os.Lstat(path)
		return err == nil && info.Mode().Perm() == 0o700
	})
}

// When names are too many to be named, their folder is dropped as a whole.
func TestWholeFoldersAreForgotten(t *testing.T) {
	ns := newNamespace(t, cache.Options{})
	s, dir := mountedOver(t, ns)
	path := filepath.Join(dir, "d", "new")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if exists(path) {
		t.Fatal("there already")
	}
	a, err := ns.Lookup(t.Context(), cache.RootIno, "d")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ns.Mkdir(t.Context(), a.Ino, "new", 0o755); err != nil {
		t.Fatal(err)
	}
	s.fs.inval.note(func(b *batch) { b.folders[a.Ino] = struct{}{} })
	eventually(t, "the new name is seen", func() bool { return exists(path) })
}
