package control

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func register(t *testing.T, r Record) func() {
	t.Helper()
	remove, err := Register(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
	return remove
}

func TestRegistry(t *testing.T) {
	run := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", run)
	r := Record{Mountpoint: "/mnt/a b", Socket: "/s/control", StateDir: "/s", PID: os.Getpid()}
	remove := register(t, r)
	if got, ok := Lookup("/mnt/a b"); !ok || got != r {
		t.Errorf("got %+v, %v", got, ok)
	}
	if _, ok := Lookup("/mnt/a"); ok {
		t.Error("found what is not there")
	}
	remove()
	if _, ok := Lookup("/mnt/a b"); ok {
		t.Error("found what was removed")
	}
}

// TestReplaced has a mount that ends leave the record of the next one alone.
func TestReplaced(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	removeOld := register(t, Record{Mountpoint: "/m", Socket: "/old", PID: os.Getpid()})
	next := Record{Mountpoint: "/m", Socket: "/new", PID: os.Getpid()}
	register(t, next)
	removeOld()
	if got, ok := Lookup("/m"); !ok || got != next {
		t.Errorf("got %+v, %v", got, ok)
	}
}

// TestElsewhere finds a mount that was made with another environment, and
// prefers it to the record of a process that is gone.
func TestElsewhere(t *testing.T) {
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", "")
	live := Record{Mountpoint: filepath.Join(t.TempDir(), "m"), Socket: "/live", PID: os.Getpid()}
	register(t, live)
	run := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", run)
	stale := live
	stale.Socket, stale.PID = "/stale", ended.Process.Pid
	dir := filepath.Join(run, "frugalfs-mounts")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := write(filepath.Join(dir, fileName(stale.Mountpoint)), stale); err != nil {
		t.Fatal(err)
	}
	if got, ok := Lookup(live.Mountpoint); !ok || got != live {
		t.Errorf("got %+v, %v", got, ok)
	}
	register(t, Record{Mountpoint: "/other", PID: os.Getpid()})
	if _, err := read(filepath.Join(dir, fileName(stale.Mountpoint))); err == nil {
		t.Error("the record of a process that is gone stays")
	}
}

// TestForeignFolder does not trust a folder that others can write to.
func TestForeignFolder(t *testing.T) {
	run := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", run)
	dir := filepath.Join(run, "frugalfs-mounts")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	mountpoint := filepath.Join(run, "m")
	if err := write(filepath.Join(dir, fileName(mountpoint)), Record{Mountpoint: mountpoint}); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if r, ok := Lookup(mountpoint); ok {
		t.Errorf("found %+v", r)
	}
}

// TestGarbage is about records that cannot be read.
func TestGarbage(t *testing.T) {
	run := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", run)
	mountpoint := filepath.Join(run, "m")
	register(t, Record{Mountpoint: mountpoint, PID: os.Getpid()})
	file := filepath.Join(run, "frugalfs-mounts", fileName(mountpoint))
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, ok := Lookup(mountpoint); ok {
		t.Errorf("found %+v", r)
	}
}
