package exavault_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/exavault"
	"github.com/frugalfs/frugalfs/remote/ledger"
	"github.com/frugalfs/frugalfs/remote/remotetest"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

const pageSize = 8

// faults are the suite's faults in the sandbox's words.
var faults = map[remotetest.Fault]sandbox.Fault{
	remotetest.Lost:        {Kind: sandbox.Lost},
	remotetest.Cut:         {Kind: sandbox.Cut, Bytes: 100},
	remotetest.HTML:        {Kind: sandbox.HTML},
	remotetest.Unavailable: {Kind: sandbox.Status, Status: 503},
	remotetest.Spent:       {Kind: sandbox.Status, Status: 429},
}

// open starts a sandbox with an empty account and a client that uses it.
func open(t *testing.T, switches map[string]string, ask int) remotetest.Instance {
	t.Helper()
	srv, err := sandbox.Open(sandbox.Options{
		Provider: "exavault", Root: filepath.Join(t.TempDir(), "account"), APIKey: "key", AccessToken: "token",
		Switches: switches, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	url, err := srv.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.New(ledger.Options{NewConnsPerSecond: 1000, Jitter: func() float64 { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.CloseIdleConnections()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := exavault.New(exavault.Options{URL: url, APIKey: "key", AccessToken: "token", HTTP: l.Client(), PageSize: ask})
	if err != nil {
		t.Fatal(err)
	}
	return remotetest.Instance{Remote: c, Ledger: l, ServerCount: srv.Count, Fail: func(op string, what remotetest.Fault) {
		f := faults[what]
		f.Contains, f.Method = requests[op].contains, requests[op].method
		if err := srv.Fail(f); err != nil {
			t.Error(err)
		}
	}}
}

// requests tells the request of each operation that the suite lets fail.
var requests = map[string]struct{ method, contains string }{
	"list": {"GET", "/resources/list"}, "info": {"GET", "/resources?"}, "upload": {"POST", "/resources/upload"},
	"mkdir": {"POST", "/resources"}, "delete": {"DELETE", "/resources"}, "download": {"GET", "/resources/download"},
}

// harness tests the client against a sandbox with the switches set so.
func harness(switches map[string]string, change func(*remotetest.Harness)) remotetest.Harness {
	h := remotetest.Harness{
		Open: func(t *testing.T) remotetest.Instance { return open(t, switches, pageSize) },
		Offers: []string{
			remotetest.TreeLister, remotetest.Copier, remotetest.ArchiveDownloader, remotetest.Extractor, remotetest.Quoter, remotetest.Feed,
		},
		PageSize: pageSize,
	}
	if change != nil {
		change(&h)
	}
	return h
}

func TestConformance(t *testing.T) {
	remotetest.Run(t, harness(nil, nil))
}

// TestConformanceSwitched runs the suite with every open point of the
// reference decided the other way: all that go together at once.
func TestConformanceSwitched(t *testing.T) {
	capped := func(h *remotetest.Harness) {
		h.Open = func(t *testing.T) remotetest.Instance {
			return open(t, map[string]string{"page-cap": fmt.Sprint(pageSize)}, 0)
		}
	}
	for _, tt := range []struct {
		name, switches string
		change         func(*remotetest.Harness)
	}{
		{"clamped", "page-cap=8", capped},
		{"other names", "mkdir-existing=rename rename-taken=rename move-taken=rename copy-taken=400 upload-keeps-id=no " +
			"rename-touches-updatedAt=no batch-status=200 batch-order=reverse batch-errors=full range=off zip-layout=bare " +
			"extract=refuse extract-lists=all extract-parents=yes default-order=newest returned=missing list-file=404 slashless=400 activity-empty=400", nil},
		{"replaced", "mkdir-existing=existing move-taken=replace copy-taken=replace upload-parents=404 extract=rename extract-lists=none " +
			"search=400 activity=forbidden download-missing=partial default-limit=none", func(h *remotetest.Harness) {
			h.MoveReplaces, h.CopyReplaces, h.TreeUnsupported, h.FeedForbidden = true, true, true, true
		}},
		{"no totals", "totals=missing default-order=id activity-failures=yes activity-parents=yes case-folding=yes refused-counts=yes foreign-logged=no", func(h *remotetest.Harness) { h.NeverComplete = true }},
	} {
		t.Run(tt.name, func(t *testing.T) { remotetest.Run(t, harness(parse(tt.switches), tt.change)) })
	}
}

func parse(switches string) map[string]string {
	m := map[string]string{}
	for _, s := range strings.Fields(switches) {
		name, value, _ := strings.Cut(s, "=")
		m[name] = value
	}
	return m
}

// TestSwitchesAreCovered finds switches that nobody thought of here.
func TestSwitchesAreCovered(t *testing.T) {
	known := strings.Fields("page-cap over-cap default-limit default-order totals returned search list-file slashless mkdir-existing rename-taken " +
		"move-taken copy-taken upload-keeps-id upload-parents rename-touches-updatedAt batch-status batch-order batch-errors range zip-layout " +
		"download-missing extract extract-lists extract-parents activity activity-lag activity-empty activity-parents activity-failures webhook-data deny " +
		"case-folding foreign-logged refused-counts")
	switches, err := sandbox.Switches("exavault")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range switches {
		if !slices.Contains(known, s.Name) {
			t.Errorf("the switch %q is in no test", s.Name)
		}
	}
}

// TestLimitRefusedBySandbox: a limit that is refused is lowered once.
func TestLimitRefusedBySandbox(t *testing.T) {
	in := open(t, map[string]string{"page-cap": "100", "over-cap": "400"}, 0)
	for i := range 3 {
		l, err := in.Remote.List(context.Background(), remote.Ref{Path: "/"}, func([]remote.Object) error { return nil })
		if err != nil || !l.Complete || in.ServerCount() != i+3 {
			t.Errorf("got %+v, %v after %d requests", l, err, in.ServerCount())
		}
	}
}

// TestFlatSearch: a search that finds a folder's own entries only is noticed,
// whether totals are right or not.
func TestFlatSearch(t *testing.T) {
	ctx := context.Background()
	for _, totals := range []string{"right", "zero", "missing"} {
		in := open(t, map[string]string{"search": "flat", "totals": totals}, 0)
		d, err := in.Remote.Mkdir(ctx, remote.Ref{Path: "/"}, "folder")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.Remote.Mkdir(ctx, d.Ref(), "below"); err != nil {
			t.Fatal(err)
		}
		l, err := in.Remote.(remote.TreeLister).ListTree(ctx, remote.Ref{Path: "/"}, func([]remote.Object) error { return nil })
		if err == nil && l.Complete {
			t.Errorf("totals %s: got %+v, %v", totals, l, err)
		}
	}
}

// TestDenied: what the user may not do is of kind Permission.
func TestDenied(t *testing.T) {
	ctx := context.Background()
	root := remote.Ref{Path: "/"}
	calls := map[string]func(remote.Remote) error{
		"list": func(r remote.Remote) error {
			_, err := r.List(ctx, root, func([]remote.Object) error { return nil })
			return err
		},
		"modify": func(r remote.Remote) error { _, err := r.Mkdir(ctx, root, "x"); return err },
		"upload": func(r remote.Remote) error {
			_, err := r.Upload(ctx, remote.Upload{Parent: root, Name: "x", Content: strings.NewReader("")})
			return err
		},
		"delete": func(r remote.Remote) error {
			rs, err := r.Delete(ctx, []remote.Ref{{Path: "/x"}})
			if err == nil {
				err = rs[0].Err
			}
			return err
		},
	}
	for _, p := range slices.Sorted(maps.Keys(calls)) {
		in := open(t, map[string]string{"deny": p}, 0)
		if err := calls[p](in.Remote); !remote.IsKind(err, remote.Permission) {
			t.Errorf("%s: got %v", p, err)
		}
	}
}

// TestWrongToken: credentials that are not known are of kind Auth.
func TestWrongToken(t *testing.T) {
	srv, err := sandbox.Open(sandbox.Options{Provider: "exavault", Root: filepath.Join(t.TempDir(), "account"), APIKey: "key", AccessToken: "token"})
	if err != nil {
		t.Fatal(err)
	}
	url, err := srv.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.New(ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.CloseIdleConnections(); _ = srv.Close() })
	c, err := exavault.New(exavault.Options{URL: url + "/api/v2", APIKey: "key", AccessToken: "another", HTTP: l.Client()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Stat(context.Background(), remote.Ref{Path: "/"})
	if !remote.IsKind(err, remote.Auth) || strings.Contains(err.Error(), "another") {
		t.Errorf("got %v", err)
	}
}
