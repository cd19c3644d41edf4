package control

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a mount that answers what its fields say.
type fake struct {
	status  Status
	left    Left
	items   []cache.PendingItem
	err     error
	timeout time.Duration
	dir     string
	// waits makes Flush wait for the end of its context.
	waits bool
	// interrupted is closed when Prefetch ends because of that.
	interrupted chan struct{}
}

func (f *fake) Status() (Status, error) { return f.status, f.err }

func (f *fake) Flush(ctx context.Context) (Left, error) {
	if f.waits {
		<-ctx.Done()
	}
	return f.left, f.err
}

func (f *fake) Unmount(_ context.Context, timeout time.Duration) (Left, error) {
	f.timeout = timeout
	return f.left, f.err
}

func (f *fake) Pending() ([]cache.PendingItem, error) { return f.items, f.err }
func (f *fake) Retry() (int, error)                   { return 3, f.err }
func (f *fake) Drop() (int, error)                    { return 4, f.err }
func (f *fake) Explain() (string, error)              { return "1. upload\n", f.err }

func (f *fake) Prefetch(ctx context.Context, path string, tell func(cache.PrefetchProgress)) ([]cache.Missing, error) {
	f.dir = path
	tell(cache.PrefetchProgress{Files: 2, Bytes: 10})
	tell(cache.PrefetchProgress{Files: 2, Bytes: 10, FilesHere: 1, BytesHere: 5})
	if f.waits {
		<-ctx.Done()
		close(f.interrupted)
		return nil, remote.E(remote.Canceled, "prefetch", path, ctx.Err())
	}
	return []cache.Missing{{Path: path + "/a", Reason: "it does not fit the cache"}}, f.err
}

func (f *fake) Export(_ context.Context, dir string) ([]string, error) {
	f.dir = dir
	return []string{dir + "/a"}, f.err
}

// start serves m on a socket whose path is as long as wanted.
func start(t *testing.T, m Mount, deep int) *Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), strings.Repeat("deep/", deep), SocketName)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the socket is %v, %v; only its owner may use it", info, err)
	}
	s := Serve(l, m, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return NewClient(path)
}

func same(t *testing.T, what string, got, want any, err error) {
	t.Helper()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, %v; want %+v", what, got, err, want)
	}
}

func TestRoundTrip(t *testing.T) {
	items := []cache.PendingItem{{Ino: 7, Path: "/a b", Change: "new", State: "failed: no", Reason: "no", Failed: true}}
	f := &fake{
		status: Status{Mountpoint: "/mnt", PID: 12, State: Online},
		left:   Left{Items: items, Trouble: "it is offline"}, items: items,
	}
	f.status.Status = cache.Status{Account: "x", Pending: 3}
	f.status.Ledger.Day.Requests = 17
	for _, deep := range []int{0, 40} { // 40 is more than the address of a socket holds
		c, ctx := start(t, f, deep), t.Context()
		status, err := c.Status(ctx)
		same(t, "status", status, f.status, err)
		left, err := c.Flush(ctx, time.Minute)
		same(t, "flush", left, f.left, err)
		left, err = c.Unmount(ctx, 90*time.Second)
		same(t, "unmount", left, f.left, err)
		same(t, "timeout", f.timeout, 90*time.Second, nil)
		pending, err := c.Pending(ctx)
		same(t, "pending", pending, items, err)
		n, err := c.Retry(ctx)
		same(t, "retry", n, 3, err)
		n, err = c.Drop(ctx)
		same(t, "drop", n, 4, err)
		files, err := c.Export(ctx, "/tmp/x & y")
		same(t, "export", files, []string{"/tmp/x & y/a"}, err)
		same(t, "folder", f.dir, "/tmp/x & y", nil)
		plan, err := c.Explain(ctx)
		same(t, "explain", plan, "1. upload\n", err)
	}
}

// TestErrors has errors arrive as they were.
func TestErrors(t *testing.T) {
	for _, want := range []error{
		&remote.Error{Kind: remote.Busy, Op: "unmount", Path: "/mnt", Detail: "a program is using it"},
		&remote.Error{Kind: remote.Auth, Op: "list", Path: "/", Status: 401, Detail: "no", Err: errors.New("cause")},
	} {
		_, err := start(t, &fake{err: want}, 0).Unmount(t.Context(), 0)
		if err == nil || err.Error() != want.Error() || remote.KindOf(err) != remote.KindOf(want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	_, err := start(t, &fake{err: errors.New("plain")}, 0).Status(t.Context())
	if err == nil || !strings.Contains(err.Error(), "plain") {
		t.Errorf("got %v", err)
	}
}

func TestFlushTimeout(t *testing.T) {
	f := &fake{waits: true, left: Left{Items: []cache.PendingItem{{Path: "/a"}}}}
	left, err := start(t, f, 0).Flush(t.Context(), 10*time.Millisecond)
	same(t, "flush", left, f.left, err)
}

func TestBadTimeout(t *testing.T) {
	c := start(t, &fake{}, 0)
	err := c.do(t.Context(), "POST", "/flush", map[string][]string{"timeout": {"soon"}}, &Left{})
	if !remote.IsKind(err, remote.Invalid) {
		t.Errorf("got %v", err)
	}
	err = c.do(t.Context(), "POST", "/nonsense", nil, nil)
	if !remote.IsKind(err, remote.Unsupported) {
		t.Errorf("got %v", err)
	}
}

// TestGone asks where nobody listens: no socket, and one that a killed process
// left behind.
func TestGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), SocketName)
	for range 2 {
		_, err := NewClient(path).Status(t.Context())
		if !errors.Is(err, ErrGone) {
			t.Errorf("got %v", err)
		}
		l, err := Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		if _, err := os.Stat(path); err != nil {
			t.Errorf("closing removed the socket, which may be the next one's: %v", err)
		}
	}
}

// TestEnded has the process end in the middle of an answer.
func TestEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), SocketName)
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := l.Accept(); err == nil {
			_ = conn.Close()
		}
	}()
	_, err = NewClient(path).Status(t.Context())
	if !remote.IsKind(err, remote.Temporary) || errors.Is(err, ErrGone) {
		t.Errorf("got %v", err)
	}
	<-done
	_ = l.Close()
}

func TestSocketErrors(t *testing.T) {
	_, err := Listen(filepath.Join(t.TempDir(), "missing", SocketName))
	if err == nil {
		t.Fatal("listening in a folder that is not there succeeded")
	}
	if strings.Contains(err.Error(), "/proc/") {
		t.Errorf("the error shows the detour: %v", err)
	}
	var e *net.OpError
	if errors.As(err, &e) {
		t.Errorf("the error holds the short path: %v", e)
	}
}

func TestStanding(t *testing.T) {
	now := time.Now()
	s := Status{}
	if s.Standing() != Offline {
		t.Error("not online is offline")
	}
	s.Online, s.Ledger.At = true, now
	if s.Standing() != Online {
		t.Error("no limit is no budget")
	}
	s.Ledger.Limit = 10
	if s.Standing() != Budget {
		t.Error("nothing is left")
	}
	s.Ledger.Remaining = -1
	if s.Standing() != Online {
		t.Error("what is left is not known")
	}
	s.Ledger.BlockedUntil = now.Add(time.Second)
	if s.Standing() != Budget {
		t.Error("the provider said no")
	}
}
