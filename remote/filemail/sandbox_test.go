package filemail_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/filemail"
	"github.com/frugalfs/frugalfs/remote/ledger"
	"github.com/frugalfs/frugalfs/remote/remotetest"
	"github.com/frugalfs/frugalfs/remote/sandbox"
	dialect "github.com/frugalfs/frugalfs/remote/sandbox/filemail"
)

var (
	ctx  = context.Background()
	root = remote.Ref{Path: "/"}
)

// account is a sandbox and what its client goes through.
type account struct {
	*testing.T
	*sandbox.Server
	client *filemail.Client
	ledger *ledger.Ledger
	url    string
}

// open starts a sandbox with an empty account, and a client that uses it by the
// classic API or by API 2.0.
func open(t *testing.T, modern bool, switches string, change ...func(*filemail.Options)) *account {
	t.Helper()
	srv, err := sandbox.Open(sandbox.Options{
		Provider: "filemail", Root: filepath.Join(t.TempDir(), "account"), APIKey: "the-key", AccessToken: "the-token",
		Username: "me@example.com", Password: "the-password", Switches: parse(switches), Logger: slog.New(slog.DiscardHandler),
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
	o := filemail.Options{URL: url, HTTP: l.Client(), PageSize: 5, Deletes: true, AddSecret: l.AddSecret}
	if modern {
		o.AccessToken = "the-token"
	} else {
		o.APIKey, o.Username, o.Password = "the-key", "me@example.com", "the-password"
	}
	for _, f := range change {
		f(&o)
	}
	a := &account{T: t, Server: srv, ledger: l, url: url}
	if a.client, err = filemail.New(o); err != nil {
		t.Fatal(err)
	}
	return a
}

func parse(switches string) map[string]string {
	m := map[string]string{}
	for _, s := range strings.Fields(switches) {
		name, value, _ := strings.Cut(s, "=")
		m[name] = value
	}
	return m
}

// byHand stores a file in the account's folder: a transfer is a folder in /sent
// or /received.
func (a *account) byHand(path, content string) {
	a.Helper()
	full := filepath.Join(a.Root(), path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		a.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
		a.Fatal(err)
	}
}

// list returns the names in a folder, and the evidence.
func (a *account) list(path string) ([]string, remote.Listing) {
	a.Helper()
	var names []string
	l, err := a.client.List(ctx, remote.Ref{Path: path}, func(os []remote.Object) error {
		for _, o := range os {
			names = append(names, o.Name)
		}
		return nil
	})
	if err != nil {
		a.Fatal(err)
	}
	return names, l
}

func (a *account) stat(path string) remote.Object {
	a.Helper()
	o, err := a.client.Stat(ctx, remote.Ref{Path: path})
	if err != nil {
		a.Fatal(err)
	}
	return o
}

func (a *account) report() dialect.Report {
	r, ok := a.Report().(dialect.Report)
	if !ok {
		a.Fatal("no report")
	}
	return r
}

func (a *account) failNext(op string, f sandbox.Fault) {
	a.Helper()
	f.Op = op
	if err := a.Fail(f); err != nil {
		a.Fatal(err)
	}
}

func (a *account) want(err error, kind remote.Kind) {
	a.Helper()
	if !remote.IsKind(err, kind) {
		a.Errorf("got %v, want kind %q", err, kind)
	}
}

// faults are the suite's faults in the sandbox's words.
var faults = map[remotetest.Fault]sandbox.Fault{
	remotetest.Lost:        {Kind: sandbox.Lost},
	remotetest.Cut:         {Kind: sandbox.Cut, Bytes: 100},
	remotetest.HTML:        {Kind: sandbox.HTML},
	remotetest.Unavailable: {Kind: sandbox.Status, Status: http.StatusServiceUnavailable},
}

// asked is what the operations of the suite ask of the server.
var asked = map[string]string{"info": "details", "list": "details", "download": "fetch"}

// harness tests the client against a sandbox with the switches set so.
func harness(modern bool, switches string) remotetest.Harness {
	var n atomic.Int64
	servers := func(in remotetest.Instance) *account { return in.Remote.(tested).a }
	put := func(box string) func(*testing.T, remotetest.Instance, map[string]string) remote.Ref {
		return func(_ *testing.T, in remotetest.Instance, files map[string]string) remote.Ref {
			a, name := servers(in), fmt.Sprintf("%s/seed %d", box, n.Add(1))
			for file, content := range files {
				a.byHand(name+"/"+file, content)
			}
			return a.stat("/" + name).Ref()
		}
	}
	return remotetest.Harness{
		Open: func(t *testing.T) remotetest.Instance {
			a := open(t, modern, switches)
			return remotetest.Instance{
				Remote: tested{a.client, a}, Ledger: a.ledger, ServerCount: a.Count,
				Fail: func(op string, what remotetest.Fault) {
					f := faults[what]
					if as := asked[op]; as != "" {
						op = as
					}
					a.failNext(op, f)
				},
			}
		},
		Offers:   []string{remotetest.MoveRenamer},
		PageSize: 5, PathsSearched: true, SharedReads: true,
		Seeded: &remotetest.Seeded{Put: put("sent"), Fixed: put("received")},
	}
}

// tested is a client that knows its account.
type tested struct {
	*filemail.Client
	a *account
}

func TestConformance(t *testing.T) {
	for _, modern := range []bool{false, true} {
		for name, switches := range map[string]string{
			"default": "",
			"other": "errors=named numbers=string dates=milliseconds slash=yes details=bare status=odd inbox-from=90days range=off " +
				"rename-tells=no case-folding=yes foreign-logged=no refused-counts=yes",
		} {
			t.Run(fmt.Sprintf("modern=%v/%s", modern, name), func(t *testing.T) {
				t.Parallel()
				remotetest.Run(t, harness(modern, switches))
			})
		}
	}
}

// TestSwitchesAreCovered finds switches that nobody thought of here.
func TestSwitchesAreCovered(t *testing.T) {
	known := strings.Fields("errors numbers dates slash details status paging page-cap inbox-from list-open files-cap details-open repeat complete-twice " +
		"busy link-life link-refused range rename-tells token-life sign-in case-folding foreign-logged refused-counts")
	switches, err := sandbox.Switches("filemail")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range switches {
		if !slices.Contains(known, s.Name) {
			t.Errorf("the switch %q is in no test", s.Name)
		}
	}
}
