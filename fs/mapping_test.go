package fs

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// The process that serves a mount cannot use mappings of its files: a page fault stops
// a thread in the middle of Go code, the garbage collector waits for that thread, and
// everybody who could serve the fault waits for the collector. So another process does.

const (
	// mapEnv makes the test binary map the file that it names, and use it as
	// mapUseEnv says.
	mapEnv    = "FRUGALFS_TEST_MAP"
	mapUseEnv = "FRUGALFS_TEST_MAP_USE"

	mapSize  = 8192
	storedAt = 4096
	stored   = "late"
)

// The uses of a mapping.
const (
	storeMapped    = "store"             // store, and then close
	storeAfterward = "store after close" // store when the descriptor is closed
	showMapped     = "show"              // print its beginning for each line of input
)

// useMapping is what the test binary does in another process.
func useMapping(path, use string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	if err := f.Truncate(mapSize); err != nil {
		return err
	}
	if use == storeAfterward {
		return storeInto(f, f.Close, func() error { return nil })
	}
	return storeInto(f, func() error { return nil }, f.Close)
}

// storeInto stores through a mapping of a file, between two other things.
func storeInto(f *os.File, before, after func() error) error {
	m, err := unix.Mmap(int(f.Fd()), 0, mapSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	if err := before(); err != nil {
		return err
	}
	copy(m[storedAt:], stored)
	if err := unix.Munmap(m); err != nil {
		return err
	}
	return after()
}

// showMapping prints the first two bytes of a mapping for each line of input.
func showMapping(path string, in io.Reader, out io.Writer) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	m, err := unix.Mmap(int(f.Fd()), 0, mapSize, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if _, err := fmt.Fprintf(out, "%s\n", m[:2]); err != nil {
			return err
		}
	}
	return nil
}

// asked does what another process of the test binary is to do, if it is one.
func asked() {
	path, use := os.Getenv(mapEnv), os.Getenv(mapUseEnv)
	if path == "" {
		return
	}
	run := func() error { return useMapping(path, use) }
	if use == showMapped {
		run = func() error { return showMapping(path, os.Stdin, os.Stdout) }
	}
	if err := run(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// mapping is another process of the test binary that will use a mapping of a file.
func mapping(t *testing.T, path, use string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), mapEnv+"="+path, mapUseEnv+"="+use)
	return cmd
}

func TestMappedReaders(t *testing.T) {
	s, dir := mounted(t)
	_, path := through(t, s, dir, mapSize)
	cmd := mapping(t, path, showMapped)
	ask, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	answers, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(answers)
	for _, want := range []string{"aa\n", "ba\n"} {
		if _, err := io.WriteString(ask, "now\n"); err != nil {
			t.Fatal(err)
		}
		if got, err := lines.ReadString('\n'); got != want {
			t.Errorf("the mapping shows %q, %v, not %q", got, err, want)
		}
		change(t, path, os.O_WRONLY, "b")
	}
	_ = ask.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestMappedWriter stores through a mapping that outlives its descriptor, of a
// file that was written directly.
func TestMappedWriter(t *testing.T) {
	_, dir := mounted(t)
	path := filepath.Join(dir, "made")
	if out, err := mapping(t, path, storeAfterward).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, err := os.ReadFile(path)
	if err != nil || len(got) != mapSize || string(got[storedAt:storedAt+len(stored)]) != stored {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestMappedWriterBesideAReader stores through a mapping of the file that a
// reader has in passthrough: the content counts as changed.
func TestMappedWriterBesideAReader(t *testing.T) {
	s, dir := mounted(t)
	r, path := through(t, s, dir, mapSize)
	w, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := mapping(t, path, storeMapped).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	buf := make([]byte, len(stored))
	for _, f := range []*os.File{r, w} {
		if _, err := f.ReadAt(buf, storedAt); err != nil || string(buf) != stored {
			t.Errorf("read %q, %v", buf, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}
