package yetishare_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
	"github.com/frugalfs/frugalfs/remote/remotetest"
	"github.com/frugalfs/frugalfs/remote/sandbox"
	"github.com/frugalfs/frugalfs/remote/yetishare"
)

// clock is a time that stands still until a test moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// account is a sandbox and what it takes to use it.
type account struct {
	*sandbox.Server
	t      *testing.T
	url    string
	ledger *ledger.Ledger
	clock  *clock
}

const userName, password = "the-user", "the-password"

// open starts a sandbox with an empty account.
func open(t *testing.T, switches map[string]string) *account {
	t.Helper()
	a := &account{t: t, clock: &clock{now: time.Now()}}
	var err error
	a.Server, err = sandbox.Open(sandbox.Options{
		Provider: "yetishare", Root: filepath.Join(t.TempDir(), "account"), APIKey: "key-one", AccessToken: "key-two",
		Username: userName, Password: password, Switches: switches, Logger: slog.New(slog.DiscardHandler), Now: a.clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if a.url, err = a.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if a.ledger, err = ledger.New(ledger.Options{NewConnsPerSecond: 1000, Jitter: func() float64 { return 0 }}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.ledger.CloseIdleConnections()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// client makes a client for the account.
func (a *account) client(change ...func(*yetishare.Options)) *yetishare.Client {
	a.t.Helper()
	o := yetishare.Options{URL: a.url, Username: userName, Password: password, HTTP: a.ledger.Client(), Now: a.clock.Now, Root: "/"}
	for _, f := range change {
		f(&o)
	}
	c, err := yetishare.New(o)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// faults are the suite's faults in the sandbox's words.
var faults = map[remotetest.Fault]sandbox.Fault{
	remotetest.Lost:        {Kind: sandbox.Lost},
	remotetest.Cut:         {Kind: sandbox.Cut, Bytes: 100},
	remotetest.HTML:        {Kind: sandbox.HTML},
	remotetest.Unavailable: {Kind: sandbox.Status, Status: http.StatusServiceUnavailable},
	remotetest.Spent:       {Kind: sandbox.Status, Status: http.StatusTooManyRequests},
}

// requests are the operations that the suite names, where the request that it
// means is another one: paths are looked up by listings.
var requests = map[string]string{"info": "list", "download": "fetch"}

func (a *account) fail(op string, what remotetest.Fault) {
	f := faults[what]
	f.Op = op
	if other := requests[op]; other != "" {
		f.Op = other
	}
	if err := a.Fail(f); err != nil {
		a.t.Error(err)
	}
}

// since counts from when the client was connected.
type since struct {
	count func() int
	start int
}

// Count implements remotetest.Counter.
func (s since) Count() int { return s.count() - s.start }

// harness tests the client against a sandbox with the switches set so. The mount
// is a folder of the account.
func harness(switches string, change func(*remotetest.Harness), options ...func(*yetishare.Options)) remotetest.Harness {
	h := remotetest.Harness{
		Open: func(t *testing.T) remotetest.Instance {
			a := open(t, parse(switches))
			c := a.client(append([]func(*yetishare.Options){func(o *yetishare.Options) { o.Root, o.Now = "/some/folder", nil }}, options...)...)
			if err := c.Connect(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := c.OpenRoot(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			server := since{a.Count, a.Count()}
			return remotetest.Instance{Remote: c, Ledger: since{a.ledger.Count, a.ledger.Count()}, ServerCount: server.Count, Fail: a.fail}
		},
		Offers:    []string{remotetest.MoveRenamer, remotetest.Copier, remotetest.Quoter},
		PageSize:  8,
		MkdirCost: 2, PathsSearched: true, SharedReads: true, TakenUnseen: true, CopiesLimited: true,
	}
	if change != nil {
		change(&h)
	}
	return h
}

func parse(switches string) map[string]string {
	m := map[string]string{}
	for _, s := range strings.Fields(switches) {
		name, value, _ := strings.Cut(s, "=")
		m[name] = value
	}
	return m
}

func TestConformance(t *testing.T) {
	remotetest.Run(t, harness("", nil))
}

func placeholder(o *yetishare.Options) { o.EmptyFiles = yetishare.Placeholder }

func keys(o *yetishare.Options) {
	o.Key1, o.Key2, o.Username, o.Password = "key-one", "key-two", "", ""
}

// TestConformanceSwitched runs the suite with every open point of the
// documentation decided the other way: all that go together at once.
func TestConformanceSwitched(t *testing.T) {
	for _, tt := range []struct {
		name, switches string
		options        func(*yetishare.Options)
	}{
		{"old site", "error-shape=old content-type=html dots=dropped upload-name=asked range=off folder-delete=root removed=shown hash=other " +
			"bad-parent=root list-missing=empty no-link=no-url file-move=404 file-copy=404", keys},
		{"new site", "error-shape=message numbers=numbers dates=sent zone=2h duplicates=renamed file-move=yes file-copy=yes records=short " +
			"numbering=shared hash=missing downloads=40 foreign-logged=no refused-counts=yes", placeholder},
		{"another site", "error-shape=success lists=object dots=dropped removed=shown max-upload=10000000 upload-errors=record expired=other case-folding=yes", placeholder},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			remotetest.Run(t, harness(tt.switches, nil, tt.options))
		})
	}
}

// TestSwitchesAreCovered finds switches that nobody thought of here.
func TestSwitchesAreCovered(t *testing.T) {
	known := strings.Fields("error-shape numbers lists content-type records dates zone numbering expired token-life duplicates dots upload-name bad-parent " +
		"list-missing folder-delete removed file-move file-copy upload-errors max-upload hash range link-life no-link downloads " +
		"case-folding foreign-logged refused-counts")
	switches, err := sandbox.Switches("yetishare")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range switches {
		if !slices.Contains(known, s.Name) {
			t.Errorf("the switch %q is in no test", s.Name)
		}
	}
}

var (
	ctx  = context.Background()
	root = remote.Ref{Path: "/"}
)

// put stores a file.
func put(t *testing.T, c *yetishare.Client, in remote.Ref, name, content string) remote.Object {
	t.Helper()
	o, err := store(c, in, name, content, false)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func store(c *yetishare.Client, in remote.Ref, name, content string, overwrite bool) (remote.Object, error) {
	return c.Upload(ctx, remote.Upload{
		Parent: in, Name: name, Size: int64(len(content)), Content: strings.NewReader(content), Overwrite: overwrite,
	})
}

// names lists a folder as "name=content" of its files and "name/" of its folders.
func names(t *testing.T, c *yetishare.Client, in remote.Ref) string {
	t.Helper()
	var all []string
	_, err := c.List(ctx, in, func(os []remote.Object) error {
		for _, o := range os {
			if o.Dir {
				all = append(all, o.Name+"/")
				continue
			}
			all = append(all, o.Name+"="+read(t, c, o.Ref(), 0, -1))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
