package filemail_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/filemail"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// journal is what a caller keeps of a draft that it sends.
type journal struct {
	mu     sync.Mutex
	states [][]byte
	refuse int // the checkpoint that fails, counted from 1
}

func (j *journal) checkpoint(state []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.states = append(j.states, state)
	if len(j.states) == j.refuse {
		return errors.New("the disk is full")
	}
	return nil
}

func (j *journal) last() []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.states) == 0 {
		return nil
	}
	return j.states[len(j.states)-1]
}

var draftFiles = map[string]string{"a.txt": "content of a", "sub/empty": "", "sub/ü %+&.bin": strings.Repeat("0123456789", 1000)}

func draft(j *journal) remote.Draft {
	d := remote.Draft{Name: "Holiday pictures", To: []string{"ann@example.com", "bob@example.com"}, Message: "Hello", Checkpoint: j.checkpoint, State: j.last()}
	for _, path := range []string{"a.txt", "sub/empty", "sub/ü %+&.bin"} {
		d.Files = append(d.Files, remote.DraftFile{
			Path: path, Size: int64(len(draftFiles[path])), Content: strings.NewReader(draftFiles[path]), ModTime: time.Unix(1_700_000_000, 0),
		})
	}
	return d
}

// arrived checks that the draft is in sent, whole, and that each recipient got
// one mail.
func (a *account) arrived() {
	a.Helper()
	if names, l := a.list("/sent"); len(names) != 1 || names[0] != "Holiday pictures" || !l.Complete {
		a.Errorf("sent holds %q", names)
	}
	for path, content := range draftFiles {
		if got := a.read("/sent/Holiday pictures/" + path); got != content {
			a.Errorf("%s holds %.30q", path, got)
		}
	}
	a.mailed(1)
}

// mailed checks how many mails each recipient got, and that nothing is left
// open.
func (a *account) mailed(n int) {
	a.Helper()
	r := a.report()
	if r.Mails["ann@example.com"] != n || r.Mails["bob@example.com"] != n || r.Open != 0 || len(r.Mails) != 2*n {
		a.Errorf("got %+v, want %d mails", r, n)
	}
}

func (a *account) read(path string) string {
	a.Helper()
	d, err := a.client.Download(ctx, remote.Ref{Path: path}, 0, -1)
	if err != nil {
		a.Fatal(err)
	}
	b, err := io.ReadAll(d)
	if err = errors.Join(err, d.Close()); err != nil {
		a.Fatal(err)
	}
	return string(b)
}

// both runs a test with both APIs.
func both(t *testing.T, f func(t *testing.T, modern bool)) {
	for _, modern := range []bool{false, true} {
		t.Run(fmt.Sprintf("modern=%v", modern), func(t *testing.T) {
			t.Parallel()
			f(t, modern)
		})
	}
}

// TestSend: a draft is opened, stored, checked, completed and named: four
// transactions, whatever the number of files.
func TestSend(t *testing.T) {
	both(t, func(t *testing.T, modern bool) {
		for _, switches := range []string{
			"", "details-open=incomplete", "details-open=missing", "status=odd list-open=yes", "status=missing busy=2",
			"errors=named numbers=string dates=milliseconds slash=yes details=bare repeat=duplicate",
		} {
			a := open(t, modern, switches, func(o *filemail.Options) { o.ChunkSize = 3000 })
			j := &journal{}
			d := draft(j)
			var sent atomic.Int64
			d.Progress = func(n int64) { sent.Add(0); sent.Store(max(n, sent.Load())) }
			top, files, err := a.client.SendFolder(ctx, d)
			if err != nil {
				t.Fatalf("%s: %v", switches, err)
			}
			want := map[bool]int{true: 4, false: 5}[modern] // one more to sign in
			if strings.HasPrefix(switches, "details-open") {
				want++
			}
			if n := a.ledger.Count(); n != want || a.Count() != n {
				t.Errorf("%s: %d transactions, %d at the server", switches, n, a.Count())
			}
			if top != a.stat("/sent/Holiday pictures") || len(files) != 4 || files[0].Path != "/sent/Holiday pictures/a.txt" || files[0] != a.stat(files[0].Path) {
				t.Errorf("%s: got %+v, %+v", switches, top, files)
			}
			if sent.Load() != 10012 {
				t.Errorf("%d bytes of progress", sent.Load())
			}
			a.arrived()
			// Whoever asks again with the state gets the same, and nobody a mail.
			again, _, err := a.client.SendFolder(ctx, draft(j))
			if err != nil || again != top {
				t.Errorf("%s: got %+v, %v", switches, again, err)
			}
			a.arrived()
		}
	})
}

// TestRefusedDrafts: what the provider would not take is not begun.
func TestRefusedDrafts(t *testing.T) {
	a := open(t, true, "")
	for kind, change := range map[remote.Kind][]func(d *remote.Draft){
		remote.Invalid: {
			func(d *remote.Draft) { d.To = nil }, func(d *remote.Draft) { d.To = []string{"nobody"} },
			func(d *remote.Draft) { d.To = []string{"Ann <ann@example.com>"} },
			func(d *remote.Draft) { d.Files = nil }, func(d *remote.Draft) { d.Files = append(d.Files, d.Files[0]) },
			func(d *remote.Draft) { d.Files[0].Path = "sub" }, func(d *remote.Draft) { d.Files[0].Size = -1 },
			func(d *remote.Draft) { d.Files[0].Content = nil },
		},
		remote.NameTooLong: {
			func(d *remote.Draft) { d.Name = strings.Repeat("x", 201) },
			func(d *remote.Draft) { d.Files[0].Path = strings.Repeat("x/", 1000) + "x" },
		},
		remote.InvalidName: {
			func(d *remote.Draft) { d.Name = "" }, func(d *remote.Draft) { d.Name = "a/b" }, func(d *remote.Draft) { d.Name = " a" },
			func(d *remote.Draft) { d.Files[0].Path = "/a" }, func(d *remote.Draft) { d.Files[0].Path = "../a" },
		},
	} {
		for i, f := range change {
			d := draft(&journal{})
			f(&d)
			_, _, err := a.client.SendFolder(ctx, d)
			if !remote.IsKind(err, kind) || remote.IsUnknown(err) {
				t.Errorf("%v, case %d: %v", kind, i, err)
			}
		}
	}
	if a.Count() != 0 {
		t.Errorf("%d requests", a.Count())
	}
}

// TestFailuresBeforeComplete: nobody is told of what failed before, and nothing
// is left of it.
func TestFailuresBeforeComplete(t *testing.T) {
	both(t, func(t *testing.T, modern bool) {
		for name, fail := range map[string]func(a *account, j *journal){
			"a file is refused":      func(a *account, _ *journal) { a.failNext("store", sandbox.Fault{Kind: sandbox.Status, Status: 400}) },
			"a page took a file":     func(a *account, _ *journal) { a.failNext("store", sandbox.Fault{Kind: sandbox.HTML}) },
			"the details are a page": func(a *account, _ *journal) { a.failNext("details", sandbox.Fault{Kind: sandbox.HTML}) },
			"nothing can be noted":   func(_ *account, j *journal) { j.refuse = 1 },
			"nor that it is sent":    func(_ *account, j *journal) { j.refuse = 2 },
		} {
			a, j := open(t, modern, ""), &journal{}
			fail(a, j)
			_, _, err := a.client.SendFolder(ctx, draft(j))
			if err == nil || remote.IsUnknown(err) {
				t.Errorf("%s: got %v", name, err)
			}
			if j.last() != nil || a.report().Canceled != 1 {
				t.Errorf("%s: something is left", name)
			}
			a.mailed(0)
			if _, _, err := a.client.SendFolder(ctx, draft(j)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			a.arrived()
		}
	})
}

// TestPassingTrouble: what can be repeated is.
func TestPassingTrouble(t *testing.T) {
	both(t, func(t *testing.T, modern bool) {
		a, j := open(t, modern, ""), &journal{}
		a.failNext("store", sandbox.Fault{Kind: sandbox.Lost})
		a.failNext("details", sandbox.Fault{Kind: sandbox.Status, Status: 503})
		if _, _, err := a.client.SendFolder(ctx, draft(j)); err != nil {
			t.Error(err)
		}
		a.arrived()
	})
}

// TestDuplicates: a file that is there twice is not sent.
func TestDuplicates(t *testing.T) {
	a, j := open(t, true, "repeat=duplicate"), &journal{}
	a.failNext("store", sandbox.Fault{Kind: sandbox.Lost})
	_, _, err := a.client.SendFolder(ctx, draft(j))
	a.want(err, remote.Corrupt)
	a.mailed(0)
}

// atComplete makes the request go wrong that completes a transfer: it is the
// second of the operation.
func (a *account) atComplete(j *journal, f sandbox.Fault) remote.Draft {
	d := draft(j)
	d.Checkpoint = func(state []byte) error {
		if strings.Contains(string(state), `"completing":true`) && !strings.Contains(string(state), `"completed":true`) {
			a.failNext("send", f)
		}
		return j.checkpoint(state)
	}
	return d
}

// TestLostComplete: when the answer to the call that mails is lost, nobody gets
// two mails, and everybody one.
func TestLostComplete(t *testing.T) {
	both(t, func(t *testing.T, modern bool) {
		switches := []string{"status=odd"}
		if modern {
			switches = []string{"status=odd", "details-open=incomplete"}
		}
		for _, how := range switches {
			for _, f := range []sandbox.Fault{
				{Kind: sandbox.Lost}, {Kind: sandbox.HTML}, {Kind: sandbox.Status, Status: 503}, {Kind: sandbox.Status, Status: 503, Apply: true},
			} {
				a, j := open(t, modern, how+" complete-twice=mail"), &journal{}
				if _, _, err := a.client.SendFolder(ctx, a.atComplete(j, f)); err != nil {
					t.Errorf("%s: %v", f.Kind, err)
				}
				a.arrived()
			}
		}
	})
}

// TestCrash: a crash after any checkpoint, and then another attempt: one mail.
func TestCrash(t *testing.T) {
	both(t, func(t *testing.T, modern bool) {
		switches := "status=odd repeat=duplicate complete-twice=mail"
		if modern {
			switches = "details-open=incomplete complete-twice=mail"
		}
		done := &journal{}
		if _, _, err := open(t, modern, switches).client.SendFolder(ctx, draft(done)); err != nil {
			t.Fatal(err)
		}
		for n := range len(done.states) {
			for _, after := range []bool{false, true} {
				a := open(t, modern, switches)
				d := draft(&journal{states: [][]byte{a.crash(n, after)}})
				if _, _, err := a.client.SendFolder(ctx, d); err != nil {
					t.Errorf("crashed after %d: %v", n, err)
				}
				a.arrived()
			}
		}
	})
}

// crash sends a draft, and stops for good at its checkpoint n: before it does
// what was to come next, or after it. It returns what was noted.
func (a *account) crash(n int, after bool) []byte {
	a.Helper()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	j := &journal{}
	d := draft(j)
	var kept []byte
	d.Checkpoint = func(state []byte) error {
		err := j.checkpoint(state)
		if len(j.states) == n+1 {
			kept = state
			if !after {
				cancel()
			}
		} else if len(j.states) == n+2 {
			cancel()
		}
		return err
	}
	if _, _, err := a.client.SendFolder(ctx, d); err != nil && !remote.IsKind(err, remote.Canceled) {
		a.Errorf("crashing: %v", err)
	}
	return kept
}

// TestUndecidable: if nothing tells whether it was sent, it is not sent again.
func TestUndecidable(t *testing.T) {
	both(t, func(t *testing.T, modern bool) {
		a := open(t, modern, "complete-twice=mail")
		j := &journal{}
		if _, _, err := a.client.SendFolder(ctx, draft(j)); err != nil {
			t.Fatal(err)
		}
		if rs, err := a.client.Delete(ctx, []remote.Ref{a.stat("/sent/Holiday pictures").Ref()}); err != nil || rs[0].Err != nil {
			t.Fatal(rs, err)
		}
		for _, state := range j.states[1:] {
			_, _, err := a.client.SendFolder(ctx, draft(&journal{states: [][]byte{state}}))
			a.want(err, remote.Conflict)
		}
		a.mailed(1)
	})
}

// TestDraftChanged: what was stored of an earlier state of the draft is not sent.
func TestDraftChanged(t *testing.T) {
	both(t, func(t *testing.T, modern bool) {
		a := open(t, modern, "")
		state := a.crash(0, true)
		d := draft(&journal{states: [][]byte{state}})
		d.Files[0].Content, d.Files[0].ModTime = strings.NewReader("CONTENT OF A"), time.Unix(1_800_000_000, 0)
		if _, _, err := a.client.SendFolder(ctx, d); err != nil {
			t.Fatal(err)
		}
		if got := a.read("/sent/Holiday pictures/a.txt"); got != "CONTENT OF A" {
			t.Errorf("sent %q", got)
		}
		a.mailed(1)
		// And what was sent already is not sent once more with other content.
		b, j := open(t, modern, ""), &journal{}
		if _, _, err := b.client.SendFolder(ctx, draft(j)); err != nil {
			t.Fatal(err)
		}
		d.State = j.last()
		_, _, err := b.client.SendFolder(ctx, d)
		b.want(err, remote.Conflict)
		b.mailed(1)
	})
}

// TestResumeSendsTheRest: what is whole at the provider is not sent twice.
func TestResumeSendsTheRest(t *testing.T) {
	both(t, func(t *testing.T, modern bool) {
		a := open(t, modern, "repeat=duplicate")
		state := a.crash(0, true) // all is stored
		stored := stores(a)
		if _, _, err := a.client.SendFolder(ctx, draft(&journal{states: [][]byte{state}})); err != nil {
			t.Fatal(err)
		}
		if n := stores(a) - stored; n != 0 {
			t.Errorf("%d files were stored again", n)
		}
		a.arrived()
	})
}

func stores(a *account) int {
	n := 0
	for _, r := range a.Requests() {
		if r.Op == "store" {
			n++
		}
	}
	return n
}

// TestUnreadableDraft: a file here that cannot be read ends the attempt.
func TestUnreadableDraft(t *testing.T) {
	a, j := open(t, true, ""), &journal{}
	d := draft(j)
	d.Files[0].Size++
	_, _, err := a.client.SendFolder(ctx, d)
	if err == nil || remote.IsUnknown(err) {
		t.Errorf("got %v", err)
	}
	a.mailed(0)
}
