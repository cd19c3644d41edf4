package exavault1_test

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/exavault1"
	"github.com/frugalfs/frugalfs/remote/ledger"
	"github.com/frugalfs/frugalfs/remote/remotetest"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

const pageSize = 5

// account is a sandbox and what its client goes through.
type account struct {
	*sandbox.Server
	client *exavault1.Client
	ledger *ledger.Ledger
	url    string
}

// open starts a sandbox with an empty account, and a client that uses it.
func open(t *testing.T, so sandbox.Options, change ...func(*exavault1.Options)) *account {
	t.Helper()
	so.Provider, so.Root, so.APIKey, so.Logger = "exavault1", filepath.Join(t.TempDir(), "account"), "the-key", slog.New(slog.DiscardHandler)
	if so.AccessToken == "" && so.Password == "" {
		so.AccessToken = "the-token"
	}
	srv, err := sandbox.Open(so)
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
	a := &account{Server: srv, ledger: l, url: url}
	o := exavault1.Options{
		URL: url, APIKey: "the-key", AccessToken: so.AccessToken, HTTP: l.Client(), PageSize: pageSize,
		Throttle: l.Throttle, AddSecret: l.AddSecret,
	}
	for _, f := range change {
		f(&o)
	}
	if a.client, err = exavault1.New(o); err != nil {
		t.Fatal(err)
	}
	return a
}

// faults are the suite's faults in the sandbox's words.
var faults = map[remotetest.Fault]sandbox.Fault{
	remotetest.Lost:        {Kind: sandbox.Lost},
	remotetest.Cut:         {Kind: sandbox.Cut, Bytes: 100},
	remotetest.HTML:        {Kind: sandbox.HTML},
	remotetest.Unavailable: {Kind: sandbox.Status, Status: http.StatusServiceUnavailable},
	remotetest.Spent:       {Kind: sandbox.Status, Status: http.StatusTooManyRequests},
}

// transfers are the requests that carry content, by the operation that they are
// part of. A limit is met before them.
var transfers = map[string]string{"upload": "store", "download": "fetch"}

func (a *account) fail(t *testing.T) func(string, remotetest.Fault) {
	return func(op string, what remotetest.Fault) {
		f := faults[what]
		f.Op = op
		if transfer := transfers[op]; transfer != "" && what != remotetest.Spent {
			f.Op = transfer
		}
		if err := a.Fail(f); err != nil {
			t.Error(err)
		}
	}
}

// harness tests the client against a sandbox with the switches set so.
func harness(switches map[string]string, change func(*remotetest.Harness)) remotetest.Harness {
	h := remotetest.Harness{
		Open: func(t *testing.T) remotetest.Instance {
			a := open(t, sandbox.Options{Switches: switches})
			return remotetest.Instance{Remote: a.client, Ledger: a.ledger, ServerCount: a.Count, Fail: a.fail(t)}
		},
		Offers:     []string{remotetest.TreeLister, remotetest.Copier, remotetest.Feed},
		PageSize:   pageSize,
		UploadCost: 3, ChangeCost: 2, FullPagesGoOn: true,
	}
	if change != nil {
		change(&h)
	}
	return h
}

func TestConformance(t *testing.T) {
	remotetest.Run(t, harness(map[string]string{"burst": "none"}, nil))
}

// TestConformanceSwitched runs the suite with every open point of the documents
// decided the other way: all that go together at once.
func TestConformanceSwitched(t *testing.T) {
	for _, tt := range []struct {
		name, switches string
		change         func(*remotetest.Harness)
	}{
		{"other shapes", "prefix=api numbers=string folder-type=folder dates=iso upload-date=create exists-order=reverse all-failed=items " +
			"destination=folder batch-order=reverse range=off content-type=guessed link-refused=410 activity-cap=25", nil},
		{"other names", "folder-type=missing dates=unix rename-touches=yes mkdir-existing=existing rename-taken=rename move-taken=rename copy-taken=refuse upload-taken=refuse " +
			"upload-parents=no messages=mute link-missing=link link-refused=page list-file=itself properties-missing=skip activity-failures=yes", nil},
		{"replaced", "rename-taken=replace move-taken=replace copy-taken=replace search=refused activity=forbidden exists-root=no link-refused=error " +
			"case-folding=yes foreign-logged=no refused-counts=yes", func(h *remotetest.Harness) {
			h.TreeUnsupported, h.FeedForbidden = true, true
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			switches := parse(tt.switches)
			switches["burst"] = "none"
			remotetest.Run(t, harness(switches, tt.change))
		})
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
	known := strings.Fields("prefix numbers folder-type dates upload-date rename-touches messages file-count page-cap total-files undetailed search " +
		"list-file exists-resource exists-order exists-root properties-missing mkdir-existing rename-taken move-taken copy-taken upload-taken " +
		"upload-parents all-failed destination batch-order link-life link-refused link-missing range content-type burst token-life " +
		"activity activity-lag activity-failures activity-zone activity-cap deny case-folding foreign-logged refused-counts")
	switches, err := sandbox.Switches("exavault1")
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
