package fs

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// through makes a file of n bytes and opens it for reading, in passthrough.
func through(t *testing.T, s *Server, dir string, n int) (*os.File, string) {
	t.Helper()
	if s.fs.modes.kernel == nil {
		t.Log("no passthrough here: the same must hold without it")
	}
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, bytes.Repeat([]byte("a"), n), 0o644); err != nil {
		t.Fatal(err)
	}
	before := s.fs.modes.opens.Load()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if s.fs.modes.kernel != nil && !s.fs.modes.off.Load() && s.fs.modes.opens.Load() == before {
		t.Error("the file was not opened in passthrough")
	}
	return f, path
}

func holds(t *testing.T, f *os.File, want string) {
	t.Helper()
	buf := make([]byte, len(want)+1)
	n, _ := f.ReadAt(buf, 0)
	if string(buf[:n]) != want {
		t.Errorf("read %.40q, not %.40q", buf[:n], want)
	}
}

func change(t *testing.T, path string, flags int, text string) {
	t.Helper()
	f, err := os.OpenFile(path, flags, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestAReaderInPassthroughSeesWrites(t *testing.T) {
	s, dir := mounted(t)
	f, path := through(t, s, dir, 4)
	holds(t, f, "aaaa")
	change(t, path, os.O_RDWR, "b")
	holds(t, f, "baaa")
	change(t, path, os.O_WRONLY|os.O_APPEND, "c")
	holds(t, f, "baaac")
	change(t, path, os.O_WRONLY|os.O_TRUNC, "dd")
	holds(t, f, "dd")
	if err := os.Truncate(path, 1); err != nil {
		t.Error(err)
	}
	holds(t, f, "d")
	other, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close() //nolint:errcheck // only read
	holds(t, other, "d")
}

func TestReadersBesideACachedWriter(t *testing.T) {
	s, dir := mounted(t)
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("aaaa"), 0o644); err != nil {
		t.Fatal(err)
	}
	w, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	before := s.fs.modes.opens.Load()
	r, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // only read
	if s.fs.modes.opens.Load() != before {
		t.Error("passthrough beside a cached handle")
	}
	if _, err := w.WriteAt([]byte("b"), 1); err != nil {
		t.Error(err)
	}
	holds(t, r, "abaa")
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// TestPassthroughOffAfterARefusal serves a file although the kernel does not
// take it over.
func TestPassthroughOffAfterARefusal(t *testing.T) {
	s, dir := mounted(t)
	s.fs.modes.kernel = refusing{}
	path := filepath.Join(dir, "file")
	change(t, path, os.O_WRONLY|os.O_CREATE, "aaaa")
	for range 2 {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, f, "aaaa")
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if s.fs.modes.opens.Load() != 0 || !s.fs.modes.off.Load() {
		t.Error("passthrough goes on")
	}
}

// refusing is a kernel that takes no file over.
type refusing struct{}

func (refusing) RegisterBackingFd(*fuse.BackingMap) (int32, syscall.Errno) { return 0, syscall.EPERM }
func (refusing) UnregisterBackingFd(int32) syscall.Errno                   { return 0 }
