package fs

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/posixtest"
	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
)

// newNamespace returns the namespace of an empty account. Nothing in it
// settles while a test runs, so nothing is sent.
func newNamespace(t *testing.T, opt cache.Options) *cache.Namespace {
	t.Helper()
	return newNamespaceOver(t, emptyAccount{}, opt)
}

func newNamespaceOver(t *testing.T, account remote.Remote, opt cache.Options) *cache.Namespace {
	t.Helper()
	state, err := cache.OpenState(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	opt.Remote, opt.Logger = account, quiet()
	opt.UID, opt.GID = uint32(os.Getuid()), uint32(os.Getgid())
	opt.MaxAge, opt.Settle = time.Hour, time.Hour
	ns, err := cache.New(t.Context(), state, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ns.Close(); err != nil {
			t.Error(err)
		}
	})
	return ns
}

// mounted mounts an empty account for the length of a test.
func mounted(t *testing.T) (*Server, string) {
	t.Helper()
	return mountedOver(t, newNamespace(t, cache.Options{}))
}

func mountedOver(t *testing.T, ns *cache.Namespace) (*Server, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := Mount(ns, dir, Options{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Not the test's own context: that is over.
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Unmount(ctx); err != nil {
			t.Error(err)
			_ = s.UnmountLazy()
		}
	})
	return s, dir
}

func TestPosix(t *testing.T) {
	for name, test := range posixtest.All {
		t.Run(name, func(t *testing.T) {
			_, dir := mounted(t)
			switch name {
			case "Link", "LinkUnlinkRename":
				hardLinksAreRefused(t, dir)
			case "FcntlFlockLocksFile":
				locksKnowTheirProcess(t, dir)
			default:
				test(t, dir)
			}
		})
	}
}

// locksKnowTheirProcess stands for FcntlFlockLocksFile, which wants a lock to
// conflict with another one of its own process: on no file system does it.
func locksKnowTheirProcess(t *testing.T, dir string) {
	for _, dir := range []string{dir, t.TempDir()} {
		for _, file := range []string{"a", "a"} {
			f, err := os.Create(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			lock := unix.Flock_t{Type: unix.F_WRLCK}
			if err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &lock); err != nil {
				t.Errorf("a lock in %s: %v", dir, err)
			}
		}
	}
}

func hardLinksAreRefused(t *testing.T, dir string) {
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(file, filepath.Join(dir, "link")); !errors.Is(err, unix.EPERM) {
		t.Errorf("a hard link: %v, want EPERM", err)
	}
}

func TestMountEntry(t *testing.T) {
	s, dir := mounted(t)
	m, ok, err := Mounted(dir)
	if err != nil || !ok || !m.Ours() || m.Source != "frugalfs" || m.Dir != s.Dir() {
		t.Errorf("%+v, %v, %v", m, ok, err)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	for flag, name := range map[int64]string{unix.ST_NOSUID: "nosuid", unix.ST_NODEV: "nodev"} {
		if st.Flags&flag == 0 {
			t.Errorf("the mount lacks %s", name)
		}
	}
	if _, err := Mount(newNamespace(t, cache.Options{}), dir, Options{Logger: quiet()}); !remote.IsKind(err, remote.Busy) {
		t.Errorf("mounted twice: %v", err)
	}
}

func TestReadOnlyMount(t *testing.T) {
	dir := t.TempDir()
	s, err := Mount(newNamespace(t, cache.Options{ReadOnly: true}), dir, Options{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o700); !errors.Is(err, unix.EROFS) {
		t.Errorf("mkdir: %v, want EROFS", err)
	}
	if err := s.Unmount(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestUnmountOfAMountInUse(t *testing.T) {
	s, dir := mounted(t)
	f, err := os.Create(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	refusedAs(t, s.Unmount(t.Context()), remote.Busy, dir, "fuser")
	if _, err := f.WriteString("still works"); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestLazyUnmount(t *testing.T) {
	s, dir := mounted(t)
	f, err := os.Create(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.UnmountLazy(); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := Mounted(dir); ok {
		t.Error("still visible")
	}
	if _, err := f.WriteString("still works"); err != nil {
		t.Error(err)
	}
	if closed(s.Done()) {
		t.Error("done although a file is open")
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	s.Wait()
}

func TestMountAfterAKill(t *testing.T) {
	dir := t.TempDir()
	killedMount(t, dir)
	s, err := Mount(newNamespace(t, cache.Options{}), dir, Options{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o600); err != nil {
		t.Error(err)
	}
	if err := s.Unmount(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Unmount(t.Context()); err != nil {
		t.Errorf("unmounting what is not mounted: %v", err)
	}
}

func TestAttributesOutsideUser(t *testing.T) {
	_, dir := mounted(t)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"security.selinux", "system.posix_acl_access", "trusted.x"} {
		if _, err := unix.Getxattr(file, name, nil); !errors.Is(err, unix.EOPNOTSUPP) {
			t.Errorf("get %s: %v", name, err)
		}
	}
	for _, name := range []string{"security.x", "trusted.x"} {
		if err := unix.Setxattr(file, name, []byte("x"), 0); !errors.Is(err, unix.EOPNOTSUPP) {
			t.Errorf("set %s: %v", name, err)
		}
	}
	if err := unix.Setxattr(file, "user.a", []byte("value"), 0); err != nil {
		t.Fatal(err)
	}
	if n, err := unix.Getxattr(file, "user.a", make([]byte, 2)); !errors.Is(err, unix.ERANGE) {
		t.Errorf("into a small buffer: %d, %v", n, err)
	}
	list := make([]byte, 1000)
	n, err := unix.Listxattr(file, list)
	if err != nil || !bytes.Equal(list[:n], []byte("user.a\x00")) {
		t.Errorf("listed %q, %v", list[:max(n, 0)], err)
	}
}

func TestRenameFlags(t *testing.T) {
	_, dir := mounted(t)
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for _, path := range []string{a, b} {
		if err := os.WriteFile(path, []byte(path), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rename := func(flags uint) error { return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, flags) }
	if err := rename(unix.RENAME_NOREPLACE); !errors.Is(err, unix.EEXIST) {
		t.Errorf("NOREPLACE: %v", err)
	}
	if err := rename(unix.RENAME_WHITEOUT); !errors.Is(err, unix.EINVAL) {
		t.Errorf("WHITEOUT: %v", err)
	}
	if err := rename(unix.RENAME_EXCHANGE); err != nil {
		t.Errorf("EXCHANGE: %v", err)
	}
	if got, err := os.ReadFile(a); err != nil || string(got) != b {
		t.Errorf("after the exchange %s holds %q, %v", a, got, err)
	}
}

func TestAppendAfterReopening(t *testing.T) {
	_, dir := mounted(t)
	file := filepath.Join(dir, "file")
	for i := range 5 {
		f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("line\n"); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(file); err != nil || info.Size() != int64(5*(i+1)) {
			t.Errorf("after %d lines: %d bytes, %v", i+1, info.Size(), err)
		}
	}
}

func TestSeeksAndIoctls(t *testing.T) {
	_, dir := mounted(t)
	f, err := os.Create(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteAt([]byte("data"), 1<<20); err != nil {
		t.Fatal(err)
	}
	if off, err := f.Seek(0, unix.SEEK_DATA); err != nil || off != 1<<20 {
		t.Errorf("data begins at %d, %v", off, err)
	}
	if _, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("ioctl: %v", err)
	}
}

func TestTimesAndModes(t *testing.T) {
	_, dir := mounted(t)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Date(1955, 11, 5, 6, 15, 0, 123456789, time.UTC)
	if err := os.Chtimes(file, old, old); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Chmod(file, 0o6755); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil {
		t.Fatal(err)
	}
	if got := time.Unix(st.Mtim.Unix()); !got.Equal(old) {
		t.Errorf("mtime %v, want %v", got, old)
	}
	if st.Mode != unix.S_IFREG|0o755 {
		t.Errorf("mode %o: set-id bits are never kept", st.Mode)
	}
	if st.Blksize != blockSize {
		t.Errorf("block size %d", st.Blksize)
	}
}
