package filescom_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/filescom"
	"github.com/frugalfs/frugalfs/remote/ledger"
	"github.com/frugalfs/frugalfs/remote/remotetest"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

const pageSize = 5

// faults are the suite's faults in the sandbox's words.
var faults = map[remotetest.Fault]sandbox.Fault{
	remotetest.Lost:        {Kind: sandbox.Lost},
	remotetest.Cut:         {Kind: sandbox.Cut, Bytes: 100},
	remotetest.HTML:        {Kind: sandbox.HTML},
	remotetest.Unavailable: {Kind: sandbox.Status, Status: 503},
	remotetest.Spent:       {Kind: sandbox.Status, Status: 429},
}

// requests tells the request of each operation that the suite lets fail. An
// upload fails at its end: what is before it changes nothing that can be seen.
var requests = map[string]struct{ method, contains string }{
	"list": {"GET", "/folders"}, "info": {"GET", "/file_actions/metadata"}, "upload": {"POST", "/rest/v1/files/"},
	"mkdir": {"POST", "/folders"}, "delete": {"DELETE", "/files"}, "download": {"GET", "/storage/"},
}

// open starts a sandbox with an empty account and a client that uses it.
func open(t *testing.T, switches map[string]string, change ...func(*filescom.Options)) remotetest.Instance {
	t.Helper()
	srv, err := sandbox.Open(sandbox.Options{
		Provider: "filescom", Root: filepath.Join(t.TempDir(), "account"), APIKey: "key", Username: "me", Password: "word",
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
	o := filescom.Options{
		URL: url, APIKey: "key", HTTP: l.Client(), PageSize: pageSize,
		Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	for _, f := range change {
		f(&o)
	}
	c, err := filescom.New(o)
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

// keeps tells whether the service keeps a name as it is: in NFC, and without
// white space at its end.
func keeps(name string) bool {
	return name != "a\u0308" && strings.TrimRightFunc(name, unicode.IsSpace) == name
}

// harness tests the client against a sandbox with the switches set so.
func harness(switches map[string]string, change func(*remotetest.Harness)) remotetest.Harness {
	h := remotetest.Harness{
		Open:     func(t *testing.T) remotetest.Instance { return open(t, switches) },
		Offers:   []string{remotetest.TreeLister, remotetest.MoveRenamer, remotetest.Copier, remotetest.Feed},
		PageSize: pageSize, UploadCost: 2, SharedReads: true, UploadResolves: true, Keeps: keeps,
	}
	if change != nil {
		change(&h)
	}
	return h
}

func TestConformance(t *testing.T) {
	remotetest.Run(t, harness(nil, nil))
}

// TestConformanceSwitched runs the suite with every open point of the documents
// decided the other way: all that go together at once.
func TestConformanceSwitched(t *testing.T) {
	const capped = "page-cap=5 cursor-header=X-Files-Cursor-Next recursive-order=newest ids=yes rate-headers=yes mkdir-answer=full " +
		"root-metadata=entry upload-parents=yes etag=bare etags=required hash-delay=0s activity-order=oldest"
	for _, tt := range []struct {
		name, switches string
		change         func(*remotetest.Harness)
	}{
		{"capped", "", func(h *remotetest.Harness) {
			h.Open = func(t *testing.T) remotetest.Instance {
				return open(t, parse(capped), func(o *filescom.Options) { o.PageSize = 0 })
			}
		}},
		{"refused", "hashes=never etag=missing cursor-header=both last-cursor=empty-page parallel-parts=no range=off overwrite-status=201 " +
			"size-checked=no stale-download=new recursive=400 activity=forbidden upload-parents=no move-touches=yes", func(h *remotetest.Harness) {
			h.TreeUnsupported, h.FeedForbidden, h.NeverComplete = true, true, true
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { remotetest.Run(t, harness(parse(tt.switches), tt.change)) })
	}
}

func parse(switches string) map[string]string {
	m := map[string]string{}
	for s := range strings.FieldsSeq(switches) {
		name, value, _ := strings.Cut(s, "=")
		m[name] = value
	}
	return m
}

// TestSwitchesAreCovered finds switches that nobody thought of here.
func TestSwitchesAreCovered(t *testing.T) {
	known := strings.Fields("case-folding foreign-logged refused-counts api ids rate-headers recursive recursive-order page-cap default-page " +
		"cursor-header last-cursor hashes hash-delay mkdir-answer root-metadata partsize least-part largest-part parallel-parts etag etags " +
		"size-checked upload-parents overwrite-status upload-life download-life stale-download range migrations migrations-fail move-touches " +
		"activity activity-lag activity-order")
	switches, err := sandbox.Switches("filescom")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range switches {
		if !slices.Contains(known, s.Name) {
			t.Errorf("the switch %q is in no test", s.Name)
		}
	}
}

var _ remote.CopyRenamer = (*filescom.Client)(nil)
