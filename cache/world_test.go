package cache_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/exavault"
	"github.com/frugalfs/frugalfs/remote/ledger"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

// world is a sandbox with a namespace over it.
type world struct {
	*testing.T
	dir      string
	server   *sandbox.Server
	url      string
	ns       *cache.Namespace
	led      *ledger.Ledger
	opt      cache.Options
	switches map[string]string
	// provider is whose account it is.
	provider accountKind
	// as, if not nil, is what the mount takes the account for.
	as func(*exavault.Client) remote.Remote
	// revive, if not nil, makes the mount's client one that does not die.
	revive func()
	// retries is how often a request is repeated, -1 for never.
	retries int
	// conns is how many connections may be made in a second, 0 for as many as
	// the provider allows.
	conns int
	log   bytes.Buffer
}

// newWorld starts a sandbox whose account holds files, by path, and mounts it.
func newWorld(t *testing.T, files map[string]string, change ...func(*world)) *world {
	t.Helper()
	w := &world{T: t, dir: tempDir(t), provider: exavaultAccount, retries: 1}
	w.opt = cache.Options{Settle: 20 * time.Millisecond, RetryPause: time.Millisecond, Patience: time.Minute}
	for _, f := range change {
		f(w)
	}
	for name, text := range files {
		w.putRemote(name, text)
	}
	var err error
	o := w.provider.sandbox
	o.Root, o.Switches, o.Logger = w.root(), w.switches, quiet()
	w.server, err = sandbox.Open(o)
	w.check(err)
	w.url, err = w.server.Start("127.0.0.1:0")
	w.check(err)
	t.Cleanup(func() { _ = w.server.Close() })
	w.mount()
	t.Cleanup(func() { w.unmount() })
	return w
}

// tempDir is a folder for a test, in memory where there is room: most of the time
// of these tests went into waiting for a disk.
func tempDir(t *testing.T) string {
	t.Helper()
	var fs unix.Statfs_t
	if unix.Statfs("/dev/shm", &fs) != nil || fs.Type != unix.TMPFS_MAGIC || fs.Bavail*uint64(fs.Bsize) < 512<<20 {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("/dev/shm", "frugalfs-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (w *world) root() string { return filepath.Join(w.dir, "account") }

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// putRemote changes the account behind the mount's back.
func (w *world) putRemote(name, text string) {
	w.Helper()
	full := filepath.Join(w.root(), name)
	w.check(os.MkdirAll(filepath.Dir(full), 0o755))
	w.check(os.WriteFile(full, []byte(text), 0o644))
}

func (w *world) remoteText(name string) string {
	w.Helper()
	if w.provider.renames {
		return w.askText(name)
	}
	text, err := os.ReadFile(filepath.Join(w.root(), name))
	w.check(err)
	return string(text)
}

func (w *world) remoteHas(name string) bool {
	if w.provider.renames {
		_, err := w.asker().Stat(w.Context(), remote.Ref{Path: "/" + name})
		return err == nil
	}
	_, err := os.Lstat(filepath.Join(w.root(), name))
	return err == nil
}

func (w *world) mount() {
	w.Helper()
	state, err := cache.OpenState(filepath.Join(w.dir, "state"))
	w.check(err)
	w.led, err = ledger.New(ledger.Options{Journal: state.Journal(), Retries: w.retries, NewConnsPerSecond: w.conns})
	w.check(err)
	opt := w.opt
	opt.Account = "sandbox"
	opt.Remote, err = w.provider.client(w.url, w.led.Client())
	w.check(err)
	if w.as != nil {
		opt.Remote = w.as(opt.Remote.(*exavault.Client))
	}
	w.ns, err = cache.New(w.Context(), state, opt)
	w.check(err)
}

func (w *world) unmount() {
	if w.ns == nil {
		return
	}
	if err := w.ns.Close(); err != nil {
		w.Error(err)
	}
	w.led.CloseIdleConnections()
	w.ns = nil
	w.quiesce()
}

// quiesce waits until the sandbox has ended what a closed mount left under way:
// a change that arrives after its look-up shows at the next listing only, which
// is not what these tests are about.
func (w *world) quiesce() {
	busy := func(r sandbox.Request) bool { return r.Status == 0 && r.Fault == "" }
	for end := time.Now().Add(5 * time.Second); slices.ContainsFunc(w.server.Requests(), busy) && time.Now().Before(end); {
		runtime.Gosched()
	}
}

// remount ends the mount and makes it anew.
func (w *world) remount() {
	w.Helper()
	w.unmount()
	w.mount()
}

// ino finds a path's node, 0 if it is proven not to exist.
func (w *world) ino(name string) uint64 {
	w.Helper()
	ino := uint64(cache.RootIno)
	for _, part := range splitPath(name) {
		a, err := w.ns.Lookup(w.Context(), ino, part)
		if remote.IsKind(err, remote.NotExist) {
			return 0
		}
		w.check(err)
		ino = a.Ino
	}
	return ino
}

func splitPath(name string) []string {
	var parts []string
	for _, p := range bytes.Split([]byte(name), []byte("/")) {
		if len(p) > 0 {
			parts = append(parts, string(p))
		}
	}
	return parts
}

func (w *world) parent(name string) (uint64, string) {
	w.Helper()
	return w.ino(filepath.Dir("/" + name)), filepath.Base(name)
}

func (w *world) mkdir(name string) {
	w.Helper()
	dir, base := w.parent(name)
	_, err := w.ns.Mkdir(w.Context(), dir, base, 0o755)
	w.check(err)
}

func (w *world) write(name, text string) {
	w.Helper()
	dir, base := w.parent(name)
	_, h, err := w.ns.Create(w.Context(), dir, base, 0o644, unix.O_WRONLY|unix.O_TRUNC)
	w.check(err)
	defer h.Release()
	_, err = h.WriteAt(w.Context(), []byte(text), 0)
	w.check(err)
	w.check(h.Flush(w.Context()))
}

func (w *world) read(name string) string {
	w.Helper()
	h, err := w.ns.Open(w.Context(), w.ino(name), unix.O_RDONLY)
	w.check(err)
	defer h.Release()
	a, err := h.Attr(w.Context())
	w.check(err)
	buf := make([]byte, a.Size)
	n, err := h.ReadAt(w.Context(), buf, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		w.Fatal(err)
	}
	return string(buf[:n])
}

func (w *world) remove(name string) {
	w.Helper()
	dir, base := w.parent(name)
	w.check(w.ns.Unlink(w.Context(), dir, base))
}

func (w *world) rmdir(name string) {
	w.Helper()
	dir, base := w.parent(name)
	w.check(w.ns.Rmdir(w.Context(), dir, base))
}

func (w *world) rename(from, to string, flags uint32) {
	w.Helper()
	d1, n1 := w.parent(from)
	d2, n2 := w.parent(to)
	w.check(w.ns.Rename(w.Context(), d1, n1, d2, n2, flags))
}

// names lists a folder.
func (w *world) names(name string) map[string]cache.Attr {
	w.Helper()
	d, err := w.ns.OpenDir(w.Context(), w.ino(name))
	w.check(err)
	defer d.Close()
	all := map[string]cache.Attr{}
	for cookie := uint64(0); ; {
		entries, err := d.Next(w.Context(), cookie, 7)
		w.check(err)
		if len(entries) == 0 {
			return all
		}
		for _, e := range entries {
			all[e.Name], cookie = e.Attr, e.Cookie
		}
	}
}

// flush sends everything and returns the number of requests that took.
func (w *world) flush() int {
	w.Helper()
	before := w.server.Count()
	ctx, cancel := context.WithTimeout(w.Context(), 2*time.Minute)
	defer cancel()
	left, err := w.ns.Flush(ctx)
	if err != nil || len(left) > 0 {
		plan, _ := w.ns.Explain()
		stacks := make([]byte, 1<<20)
		w.Logf("%s", stacks[:runtime.Stack(stacks, true)])
		w.Log(w.log.String())
		w.Fatalf("not sent: %+v (%v)\nplan:\n%s\nrequests: %v\n%s", left, err, plan, w.server.CountBy(), w.ns.Dump())
	}
	return w.server.Count() - before
}

// costs checks what f costs in requests.
func (w *world) costs(what string, most int, f func()) {
	w.Helper()
	w.server.ResetCount()
	f()
	if got := w.server.Count(); got > most {
		w.Errorf("%s cost %d requests, at most %d expected: %v", what, got, most, w.server.CountBy())
	}
}

// until polls a condition.
func (w *world) until(ok func() bool) {
	for end := time.Now().Add(time.Minute); !ok(); runtime.Gosched() {
		if time.Now().After(end) {
			w.Error("a condition does not come true")
			return
		}
	}
}

// removeRemote deletes from the account behind the mount's back.
func (w *world) removeRemote(names ...string) {
	w.Helper()
	for _, name := range names {
		w.check(os.RemoveAll(filepath.Join(w.root(), name)))
	}
}
