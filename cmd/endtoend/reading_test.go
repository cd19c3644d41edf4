package endtoend

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// piece is how much these tests read at once.
const piece = 64 << 10

// readOn reads a file from an offset to its end or an error, compares every
// byte, and returns how far it came.
func readOn(f *os.File, want []byte, off int) (int, error) {
	buf := make([]byte, piece)
	for off < len(want) {
		n, err := f.ReadAt(buf[:min(piece, len(want)-off)], int64(off))
		if !bytes.Equal(buf[:n], want[off:off+n]) {
			return off, fmt.Errorf("wrong bytes between %d and %d", off, off+n)
		}
		off += n
		if err != nil {
			return off, err
		}
	}
	return off, nil
}

// clear tells whether an error is one of those that say what is wrong.
func clear(err error, of ...syscall.Errno) bool {
	return slices.ContainsFunc(of, func(e syscall.Errno) bool { return errors.Is(err, e) })
}

// largeFile puts a file that is not fetched as a whole into the account.
func (w *world) largeFile(name string, size int) []byte {
	w.t.Helper()
	text := stream(uint64(size)+uint64(len(name)), size)
	must(w.t, os.WriteFile(filepath.Join(w.box.Root, name), text, 0o644))
	return text
}

// TestProviderDiesWhileReading takes the provider away in the middle of a large
// file: the reader gets the right bytes or an error that says so, and the rest
// when the provider is back.
func TestProviderDiesWhileReading(t *testing.T) {
	t.Parallel()
	w := newAccount(t, rig.SandboxOptions{Restarts: true})
	want := w.largeFile("film", 24<<20)
	w.mountWith(short...)
	// What is beyond has not left the provider when it dies.
	must(t, w.box.Fail(w.ctx, map[string]any{"op": "download", "kind": "stall", "bytes": 5 << 20, "count": -1}))
	f, err := os.Open(w.path("film"))
	must(t, err)
	defer f.Close() //nolint:errcheck // only read
	off, err := readOn(f, want[:1<<20], 0)
	must(t, err)
	must(t, w.box.Kill())
	off, err = readOn(f, want, off)
	if !clear(err, syscall.ENETUNREACH, syscall.EIO, syscall.ETIMEDOUT) {
		t.Fatalf("reading without the provider came to %d, and ended with %v", off, err)
	}
	t.Logf("at %d: %v", off, err)
	must(t, w.box.Start(w.ctx))
	must(t, rig.Until(w.ctx, "the rest of the file", func() bool {
		off, err = readOn(f, want, off)
		if err != nil && !clear(err, syscall.ENETUNREACH, syscall.EIO, syscall.ETIMEDOUT) {
			t.Fatal(err)
		}
		return err == nil
	}))
	w.diff()
}

// TestEvictionWhileReading has files read at the same time that do not fit the
// cache, not even one of them.
func TestEvictionWhileReading(t *testing.T) {
	t.Parallel()
	w := newAccount(t, rig.SandboxOptions{})
	var want [3][]byte
	for i := range want {
		want[i] = w.largeFile(fmt.Sprintf("film%d", i), 3<<20+i)
	}
	w.mountWith(append([]string{"--cache-size", "2M"}, short...)...)
	for range rounds(2, 20) {
		var readers sync.WaitGroup
		for i := range want {
			readers.Go(func() {
				f, err := os.Open(w.path(fmt.Sprintf("film%d", i)))
				if err != nil {
					t.Error(err)
					return
				}
				defer f.Close() //nolint:errcheck // only read
				if off, err := readOn(f, want[i], 0); err != nil {
					t.Errorf("film%d, at %d: %v", i, off, err)
				}
			})
		}
		readers.Wait()
	}
	w.diff()
}

// TestFullDiskWhileReading has the cache's disk fill up in the middle of a large
// file: what is read is right, whether it can be kept or not.
func TestFullDiskWhileReading(t *testing.T) {
	t.Parallel()
	w := newAccount(t, rig.SandboxOptions{})
	want := w.largeFile("film", 24<<20)
	w.mountOnSmallDisk(48 << 20)
	f, err := os.Open(w.path("film"))
	must(t, err)
	defer f.Close() //nolint:errcheck // only read
	off, err := readOn(f, want[:1<<20], 0)
	must(t, err)
	w.run(`cat /dev/zero >"$DIR/small/fill" 2>/dev/null || true`)
	off, err = readOn(f, want, off)
	if err != nil && !clear(err, syscall.ENOSPC) {
		t.Errorf("on a full disk, at %d: %v", off, err)
	}
	t.Logf("on the full disk it came to %d: %v", off, err)
	w.run(`rm "$DIR/small/fill"`)
	if off, err = readOn(f, want, 0); err != nil {
		t.Errorf("with space again, at %d: %v", off, err)
	}
	w.diff()
}

// TestCrashWhileOpen kills the mount while programs have files open that the
// kernel reads by itself, one of which is being written to.
func TestCrashWhileOpen(t *testing.T) {
	t.Parallel()
	w := newAccount(t, rig.SandboxOptions{})
	want := w.largeFile("film", 4<<20)
	write(t, filepath.Join(w.box.Root, "notes"), "notes\n")
	w.mountWith("--settle", "10m")
	w.run(`cat "$MNT/film" "$MNT/notes" >/dev/null`)
	film, err := os.Open(w.path("film"))
	must(t, err)
	defer film.Close() //nolint:errcheck // only read
	notes, err := os.Open(w.path("notes"))
	must(t, err)
	defer notes.Close() //nolint:errcheck // only read
	if off, err := readOn(film, want, 0); err != nil {
		t.Fatalf("at %d: %v", off, err)
	}
	writer, err := os.OpenFile(w.path("notes"), os.O_WRONLY, 0)
	must(t, err)
	defer writer.Close() //nolint:errcheck // the mount is killed first
	_, err = writer.WriteAt([]byte("NOTES, longer\n"), 0)
	must(t, err)
	must(t, w.mnt.Kill())
	if off, err := readOn(film, want, 0); err != nil && !clear(err, syscall.ENOTCONN, syscall.ECONNABORTED) {
		t.Errorf("after the kill, at %d: %v", off, err)
	}
	w.options.Args = short
	w.mount()
	w.run(`test "$(cat "$MNT/notes")" = "NOTES, longer"; cmp "$MNT/film" "$ROOT/film"`)
	w.same()
	w.run(`test "$(cat "$ROOT/notes")" = "NOTES, longer"`)
}
