package cache_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// lend opens a file as the kernel does in passthrough, and returns how to read
// the file on disk that it has.
func (w *world) lend(name string) (read func() string) {
	w.Helper()
	h, err := w.ns.Open(w.Context(), w.ino(name), unix.O_RDONLY)
	w.check(err)
	w.Cleanup(h.Release)
	fd, ok := h.Lend()
	if !ok {
		w.Fatal("complete content is not lent")
	}
	own, err := unix.Dup(int(fd))
	w.check(err)
	w.Cleanup(func() { _ = unix.Close(own) })
	return func() string {
		buf := make([]byte, 100)
		n, err := unix.Pread(own, buf, 0)
		w.check(err)
		return string(buf[:n])
	}
}

// TestLentContentIsTheOneWritten writes to a file that the kernel reads by
// itself: clean, being sent, sent, and truncated.
func TestLentContentIsTheOneWritten(t *testing.T) {
	w := newWorld(t, map[string]string{"/f": "first"})
	if got := w.read("/f"); got != "first" {
		t.Fatalf("read %q", got)
	}
	disk := w.lend("/f")
	for _, text := range []string{"second!", "x", ""} {
		w.write("/f", text)
		if got := disk(); got != text {
			t.Errorf("the kernel reads %q, not %q", got, text)
		}
		w.flush()
		if got := w.remoteText("/f"); got != text {
			t.Errorf("sent %q, not %q", got, text)
		}
		if got := w.read("/f"); got != text {
			t.Errorf("read %q, not %q", got, text)
		}
	}
}

// TestOnlyOneFileIsLent changes a file elsewhere while the kernel reads it: the
// new version is not the kernel's file.
func TestOnlyOneFileIsLent(t *testing.T) {
	c := &clock{}
	w := newWorld(t, map[string]string{"/f": "first"}, withClock(c))
	w.read("/f")
	disk := w.lend("/f")
	w.putRemote("/f", "elsewhere")
	c.advance(25 * time.Hour) // no listing is trusted for longer than a day
	w.names("")
	h, err := w.ns.Open(t.Context(), w.ino("/f"), unix.O_RDONLY)
	w.check(err)
	defer h.Release()
	if got := w.read("/f"); got != "elsewhere" {
		t.Fatalf("read %q", got)
	}
	if _, ok := h.Lend(); ok {
		t.Error("two files of one node are lent")
	}
	w.write("/f", "here")
	if got := disk(); got != "first" {
		t.Errorf("the kernel's file became %q", got)
	}
}
