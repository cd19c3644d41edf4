package fs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

// refusedAs fails unless err is of the kind, one line, and has all words.
func refusedAs(t *testing.T, err error, kind remote.Kind, words ...string) {
	t.Helper()
	if !remote.IsKind(err, kind) {
		t.Fatalf("%v: want an error of kind %q", err, kind)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than a line: %q", err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not name %q", err, word)
		}
	}
}

func TestMountPointsThatWillNotDo(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, c := range map[string]struct {
		kind remote.Kind
		word string
	}{
		filepath.Join(dir, "missing"):       {remote.NotExist, "mkdir"},
		filepath.Join(dir, "missing/below"): {remote.NotExist, "mkdir"},
		file:                                {remote.NotDir, "empty folder"},
		dir:                                 {remote.NotEmpty, "empty folder"},
	} {
		_, err := prepare(path, Options{})
		refusedAs(t, err, c.kind, path, c.word)
	}
}

func TestAnEmptyFolderWillDo(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "a b")
	link := filepath.Join(dir, "link")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(folder, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{folder, link, folder + "/", filepath.Join(dir, "x/../a b")} {
		if got, err := prepare(path, Options{}); err != nil || got != folder {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
}

func TestMountPointsThatAreTaken(t *testing.T) {
	for name, words := range map[string][]string{
		typeName:  {"frugalfs unmount"},
		"another": {"fuse.another", "choose another folder"},
	} {
		dir := filepath.Join(t.TempDir(), "mount point")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		server, err := mountRaw(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		_, err = prepare(dir, Options{})
		refusedAs(t, err, remote.Busy, append(words, dir)...)
		m, ok, err := Mounted(dir)
		if err != nil || !ok || m.Source != "test" || m.Ours() != (name == typeName) {
			t.Errorf("mounted: %+v, %v, %v", m, ok, err)
		}
		if err := server.Unmount(); err != nil {
			t.Error(err)
		}
		if _, ok, err := Mounted(dir); ok || err != nil {
			t.Errorf("still mounted: %v, %v", ok, err)
		}
	}
}

func TestMountsOfKilledProgramsAreClearedAway(t *testing.T) {
	dir := t.TempDir()
	killedMount(t, dir)
	if _, err := os.ReadDir(dir); err == nil {
		t.Fatal("the mount is not dead")
	}
	if got, err := prepare(dir, Options{}); err != nil || got != dir {
		t.Fatalf("%q, %v", got, err)
	}
	if _, ok, _ := Mounted(dir); ok {
		t.Error("the dead mount is still there")
	}
}

func TestUnmountErrors(t *testing.T) {
	if err := unmountError("/m", nil); err != nil {
		t.Error(err)
	}
	if err := unmountError("/m", unix.EINVAL); err != nil {
		t.Errorf("not mounted: %v", err)
	}
	refusedAs(t, unmountError("/m", unix.EBUSY), remote.Busy, "/m", "fuser")
	refusedAs(t, unmountError("/m", unix.EPERM), remote.NotPermitted, "/m", "owner")
	refusedAs(t, unmountError("/m", unix.EIO), remote.Other, "/m")
}

func TestRefusedMounts(t *testing.T) {
	refusedAs(t, refused("/m", unix.EPERM), remote.NotPermitted, "/m", "may not mount")
	refusedAs(t, refused("/m", os.NewSyscallError("mount", unix.EIO)), remote.Other, "/m")
}

func TestOthersAllowed(t *testing.T) {
	conf := filepath.Join(t.TempDir(), "fuse.conf")
	if othersAllowed(conf) {
		t.Error("allowed without a file")
	}
	for text, want := range map[string]bool{
		"#user_allow_other\n":                  false,
		"mount_max = 10\n user_allow_other \n": true,
		"user_allow_other":                     true,
	} {
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := othersAllowed(conf); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
