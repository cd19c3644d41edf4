package cache_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/filemail"
	"github.com/frugalfs/frugalfs/remote/sandbox"
	dialect "github.com/frugalfs/frugalfs/remote/sandbox/filemail"
)

// mailAccounts are accounts at Filemail, by the API that is used.
var mailAccounts = map[string]accountKind{
	"classic": mailAccount(filemail.Options{APIKey: "key", Username: "me@example.com", Password: "password"}),
	"modern":  mailAccount(filemail.Options{AccessToken: "token"}),
}

func mailAccount(o filemail.Options) accountKind {
	return accountKind{
		sandbox: sandbox.Options{Provider: "filemail", APIKey: "key", AccessToken: "token", Username: "me@example.com", Password: "password"},
		client: func(url string, hc *http.Client) (remote.Remote, error) {
			o := o
			o.URL, o.HTTP, o.Deletes = url, hc, true
			return filemail.New(o)
		},
		renames: true,
	}
}

// received is what an account holds that nobody has sent anything from.
func received() map[string]string {
	return map[string]string{"received/Invoice/a.pdf": "the invoice", "received/Invoice/sub/b": "more"}
}

// mailWorld mounts an account at Filemail.
func mailWorld(t *testing.T, api string, change ...func(*world)) *world {
	t.Helper()
	c := &clock{}
	all := []func(*world){unhurried, withClock(c), func(w *world) { w.provider = mailAccounts[api] }}
	return newWorld(t, received(), append(all, change...)...)
}

// bothAPIs runs a test by either API.
func bothAPIs(t *testing.T, f func(t *testing.T, api string)) {
	for api := range mailAccounts {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			f(t, api)
		})
	}
}

const letter = "# who\nTo: Ann <ann@example.com>, bob@example.com\n\nHello,\nhere they are.\n"

// drafted are the files of a draft.
var drafted = map[string]string{"a.txt": "content of a", "sub/deep/b": strings.Repeat("b", 100_000), "sub/empty": ""}

// draft makes a draft with a recipients file.
func (w *world) draft(name string) {
	w.Helper()
	for _, dir := range []string{"", "/sub", "/sub/deep", "/nothing"} {
		w.mkdir("drafts/" + name + dir)
	}
	for file, text := range drafted {
		w.write("drafts/"+name+"/"+file, text)
	}
	w.write("drafts/"+name+"/"+cache.RecipientsName, letter)
	w.write("drafts/"+name+"/.DS_Store", "local")
}

// tryRename renames, and returns the error.
func (w *world) tryRename(from, to string) error {
	w.Helper()
	d1, n1 := w.parent(from)
	d2, n2 := w.parent(to)
	return w.ns.Rename(w.Context(), d1, n1, d2, n2, 0)
}

func (w *world) wantKind(what string, err error, kind remote.Kind) {
	w.Helper()
	if !remote.IsKind(err, kind) {
		w.Errorf("%s: got %v, want kind %q", what, err, kind)
	}
}

// mails checks how many mails each of the two recipients got.
func (w *world) mails(n int) {
	w.Helper()
	r, ok := w.server.Report().(dialect.Report)
	if !ok || r.Mails["ann@example.com"] != n || r.Mails["bob@example.com"] != n || len(r.Mails) > 2 {
		w.Errorf("got %+v, want %d mails", r, n)
	}
}

// arrived checks that a draft was sent once, and is shown as it is there.
func (w *world) arrived(name string) {
	w.Helper()
	w.mails(1)
	top := "sent/" + name
	for file, text := range drafted {
		if got := w.read(top + "/" + file); got != text {
			w.Errorf("the mount's %s is %.20q", file, got)
		}
		if got := w.remoteText(top + "/" + file); got != text {
			w.Errorf("the provider's %s is %.20q", file, got)
		}
	}
	for _, gone := range []string{cache.RecipientsName, ".DS_Store", "nothing"} {
		if w.ino(top+"/"+gone) != 0 || w.remoteHas(top+"/"+gone) {
			w.Errorf("%s is still there", gone)
		}
	}
	if w.ino("drafts/"+name) != 0 || len(w.names("drafts")) != 0 {
		w.Error("the draft is still there")
	}
	if n := w.names("sent"); len(n) != 1 {
		w.Errorf("sent holds %v", n)
	}
	items, err := w.ns.Pending()
	w.check(err)
	if len(items) > 0 {
		w.Errorf("pending: %+v", items)
	}
}

// TestSendingADraft: nothing is sent before the rename, four requests are after
// it, and what was sent is not fetched to be read.
func TestSendingADraft(t *testing.T) {
	bothAPIs(t, func(t *testing.T, api string) {
		w := mailWorld(t, api)
		w.names("sent")
		w.costs("a draft", 0, func() {
			w.draft("Pictures")
			w.flush()
			w.remount()
			w.flush()
		})
		if got := w.read("drafts/Pictures/a.txt"); got != drafted["a.txt"] {
			t.Errorf("the draft's file is %q", got)
		}
		w.rename("drafts/Pictures", "sent/Pictures", 0)
		items, err := w.ns.Pending()
		w.check(err)
		if len(items) != 1 || items[0].Change != "send" || items[0].Size != 100_012 || items[0].Path != "/sent/Pictures" {
			t.Errorf("pending: %+v", items)
		}
		for name, want := range map[string]string{"sent/Pictures/a.txt": "pending", "drafts": "clean"} {
			if got, err := w.ns.Getxattr(w.Context(), w.ino(name), "user.frugalfs.state"); string(got) != want {
				t.Errorf("%s is %q, %v", name, got, err)
			}
		}
		w.wantKind("writing to what is being sent", w.tryWrite("sent/Pictures/a.txt"), remote.Busy)
		w.server.ResetCount()
		w.flush()
		most := map[string]int{"modern": 4, "classic": 5}[api] // one more to sign in
		if n := w.server.Count(); n > most {
			t.Errorf("%d requests: %v", n, w.server.CountBy())
		}
		w.costs("reading what was sent", 0, func() {
			for file := range drafted {
				w.read("sent/Pictures/" + file)
			}
			w.names("sent/Pictures/sub/deep")
		})
		if n := w.downloads(); n != 0 {
			t.Errorf("%d downloads", n)
		}
		w.arrived("Pictures")
		w.remount()
		w.arrived("Pictures")
	})
}

// tryWrite opens a file for writing.
func (w *world) tryWrite(name string) error {
	w.Helper()
	h, err := w.ns.Open(w.Context(), w.ino(name), unix.O_WRONLY)
	if err == nil {
		h.Release()
	}
	return err
}

// mailSteps are the requests of a send: those that begin and complete it are of
// one kind.
var mailSteps = []sandbox.Fault{{Op: "send"}, {Op: "send", Nth: 2}, {Op: "store"}, {Op: "store", Nth: 3}, {Op: "details"}, {Op: "list"}}

// TestSendingSurvivesEachFault has each request of a send fail in every way, and
// the mount end during it: each recipient gets one mail.
func TestSendingSurvivesEachFault(t *testing.T) {
	for n, api := range []string{"classic", "modern"} {
		for k, step := range mailSteps {
			for i := range len(faults) + 1 {
				if (n+k+i)%2 == 1 && os.Getenv("FRUGALFS_FULL") == "" {
					continue // by the other API
				}
				t.Run(fmt.Sprintf("%s/%s%d/%d", api, step.Op, step.Nth, i), func(t *testing.T) {
					t.Parallel()
					w := mailWorld(t, api)
					w.names("sent")
					w.draft("Pictures")
					w.rename("drafts/Pictures", "sent/Pictures", 0)
					f := sandbox.Fault{Kind: sandbox.Lost}
					if i < len(faults) {
						f = faults[i]
					}
					f.Op, f.Nth = step.Op, step.Nth
					w.check(w.server.Fail(f))
					if i == len(faults) {
						w.remount()
					}
					w.flush()
					w.arrived("Pictures")
				})
			}
		}
	}
}

// dying is an account whose mount dies at a checkpoint of a send: nothing is
// recorded any more from then on.
type dying struct {
	*filemail.Client
	// at is the checkpoint, counted from 0. If late, what comes after it is done,
	// up to the next one.
	at   int
	late bool
	died chan struct{}
	once *sync.Once
}

func (d dying) SendFolder(ctx context.Context, m remote.Draft) (remote.Object, []remote.Object, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n, checkpoint := 0, m.Checkpoint
	dead := false
	m.Checkpoint = func(state []byte) error {
		defer func() { n++ }()
		if n > d.at {
			cancel()
			return ctx.Err()
		}
		dead = n == d.at
		if dead && !d.late {
			defer cancel()
		}
		return checkpoint(state)
	}
	o, inside, err := d.Client.SendFolder(ctx, m)
	if !dead {
		return o, inside, err
	}
	d.once.Do(func() { close(d.died) })
	return o, nil, &remote.Error{Kind: remote.Canceled, Op: "send", Unknown: true}
}

// TestSendingSurvivesACrash ends the mount at each durable step of a send, before
// and after what comes next: each recipient gets one mail.
func TestSendingSurvivesACrash(t *testing.T) {
	for api := range mailAccounts {
		for at := range 3 {
			for _, late := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d/%v", api, at, late), func(t *testing.T) {
					t.Parallel()
					died := make(chan struct{})
					w := mailWorld(t, api, func(w *world) {
						w.switches = map[string]string{"complete-twice": "mail", "status": "odd"}
						alive := w.provider.client
						w.provider.client = func(url string, hc *http.Client) (remote.Remote, error) {
							r, err := alive(url, hc)
							return dying{r.(*filemail.Client), at, late, died, &sync.Once{}}, err
						}
						w.revive = func() { w.provider.client = alive }
					})
					w.draft("Pictures")
					w.rename("drafts/Pictures", "sent/Pictures", 0)
					w.dieSending(died)
					w.revive()
					w.mount()
					w.names("sent")
					w.flush()
					w.arrived("Pictures")
				})
			}
		}
	}
}

// dieSending has everything sent until the mount dies.
func (w *world) dieSending(died chan struct{}) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = w.ns.Flush(ctx)
	}()
	select {
	case <-died:
	case <-time.After(time.Minute):
		w.Error("nothing was sent")
	}
	cancel()
	<-gone
	w.unmount()
}

// TestRefusedSends: what cannot be sent stays a draft, and it is said why.
func TestRefusedSends(t *testing.T) {
	w := mailWorld(t, "modern")
	w.mkdir("drafts/D")
	w.write("drafts/D/file", "text")
	w.write("drafts/single", "text")
	w.names("sent")
	w.names("received/Invoice")
	w.costs("what is refused", 0, func() {
		w.wantKind("no recipients file", w.tryRename("drafts/D", "sent/D"), remote.Invalid)
		for _, text := range []string{"", "\n\nHello", "nobody\n", "a@example.com, b@\n", "\xff@example.com"} {
			w.write("drafts/D/recipients.txt", text)
			w.wantKind(fmt.Sprintf("%q", text), w.tryRename("drafts/D", "sent/D"), remote.Invalid)
		}
		w.write("drafts/D/recipients.txt", "a@example.com")
		w.wantKind("a long subject", w.tryRename("drafts/D", "sent/"+strings.Repeat("x", 201)), remote.NameTooLong)
		w.wantKind("a file", w.tryRename("drafts/single", "sent/D"), remote.Invalid)
		w.wantKind("into a transfer", w.tryRename("drafts/D", "received/Invoice/D"), remote.ReadOnly)
		w.wantKind("into received", w.tryRename("drafts/D", "received/D"), remote.ReadOnly)
		w.wantKind("to the root", w.tryRename("drafts/D", "D"), remote.NotPermitted)
		w.wantKind("a box", w.tryRename("drafts", "other"), remote.NotPermitted)
		w.wantKind("out of a transfer", w.tryRename("received/Invoice/a.pdf", "drafts/D/a.pdf"), remote.CrossDevice)
		h, err := w.ns.Open(w.Context(), w.ino("drafts/D/file"), unix.O_RDWR)
		w.check(err)
		w.wantKind("while it is written", w.tryRename("drafts/D", "sent/D"), remote.Busy)
		h.Release()
		w.remove("drafts/D/file")
		w.wantKind("no files", w.tryRename("drafts/D", "sent/D"), remote.Invalid)
		_, err = w.ns.Symlink(w.Context(), w.ino("drafts/D"), "link", "x")
		w.check(err)
		w.wantKind("a link", w.tryRename("drafts/D", "sent/D"), remote.Invalid)
		w.flush()
	})
	w.mails(0)
	s, err := w.ns.Status()
	w.check(err)
	if n := len(s.Refused); n == 0 || !strings.Contains(s.Refused[n-1].Why, "only files and folders") || s.Pending != 0 {
		t.Errorf("status: %+v", s)
	}
	if w.ino("drafts/D/link") == 0 || w.ino("drafts/single") == 0 {
		t.Error("a draft is gone")
	}
}

// TestWhatIsFixed: nothing but drafts is made, and what was received stays.
func TestWhatIsFixed(t *testing.T) {
	w := mailWorld(t, "modern")
	make := func(name string) error {
		dir, base := w.parent(name)
		_, err := w.ns.Mkdir(w.Context(), dir, base, 0o755)
		_, h, err2 := w.ns.Create(w.Context(), dir, base+"2", 0o644, unix.O_WRONLY)
		if err2 == nil {
			h.Release()
		}
		if (err == nil) != (err2 == nil) || remote.KindOf(err) != remote.KindOf(err2) {
			t.Errorf("%s: %v, but %v", name, err, err2)
		}
		return err
	}
	w.wantKind("a new box", make("new"), remote.NotPermitted)
	w.wantKind("new in sent", make("sent/new"), remote.NotPermitted)
	w.wantKind("new in received", make("received/new"), remote.ReadOnly)
	w.wantKind("new in a transfer", make("received/Invoice/new"), remote.ReadOnly)
	w.wantKind("writing", w.tryWrite("received/Invoice/a.pdf"), remote.ReadOnly)
	w.wantKind("shortening", w.tryTruncate("received/Invoice/a.pdf"), remote.ReadOnly)
	dir, base := w.parent("received/Invoice/a.pdf")
	w.wantKind("deleting", w.ns.Unlink(w.Context(), dir, base), remote.ReadOnly)
	w.wantKind("renaming", w.tryRename("received/Invoice/a.pdf", "received/Invoice/b"), remote.ReadOnly)
	for _, box := range []string{"sent", "drafts"} {
		w.wantKind("deleting "+box, w.ns.Rmdir(w.Context(), cache.RootIno, box), remote.NotPermitted)
	}
	w.flush()
	if w.read("received/Invoice/a.pdf") != "the invoice" || w.read("received/Invoice/sub/b") != "more" {
		t.Error("what was received is not as it was")
	}
}

func (w *world) tryTruncate(name string) error {
	w.Helper()
	size := int64(1)
	_, err := w.ns.Setattr(w.Context(), w.ino(name), cache.Set{Size: &size})
	return err
}

// TestChangingWhatWasSent: files and transfers are renamed, and deleted where
// that is allowed.
func TestChangingWhatWasSent(t *testing.T) {
	bothAPIs(t, func(t *testing.T, api string) {
		w := mailWorld(t, api)
		w.draft("Pictures")
		w.rename("drafts/Pictures", "sent/Pictures", 0)
		w.flush()
		w.rename("sent/Pictures/a.txt", "sent/Pictures/sub/z.txt", 0)
		w.flush()
		w.rename("sent/Pictures", "sent/Photos", 0)
		w.wantKind("out of its transfer", w.tryRename("sent/Photos/sub/z.txt", "sent/z.txt"), remote.CrossDevice)
		w.wantKind("to another box", w.tryRename("sent/Photos", "drafts/Photos"), remote.CrossDevice)
		w.flush()
		if got := w.remoteText("sent/Photos/sub/z.txt"); got != drafted["a.txt"] {
			t.Errorf("the provider has %q", got)
		}
		w.removeTree("sent/Photos")
		w.flush()
		if w.remoteHas("sent/Photos") || len(w.names("sent")) != 0 {
			t.Error("it is still there")
		}
		w.mails(1)
	})
}

// TestDeletesMayBeRefused: what was sent stays, unless deletes are allowed.
func TestDeletesMayBeRefused(t *testing.T) {
	w := mailWorld(t, "modern", func(w *world) {
		w.provider.client = func(url string, hc *http.Client) (remote.Remote, error) {
			return filemail.New(filemail.Options{URL: url, HTTP: hc, AccessToken: "token"})
		}
	})
	w.draft("Pictures")
	w.rename("drafts/Pictures", "sent/Pictures", 0)
	w.flush()
	dir, base := w.parent("sent/Pictures/a.txt")
	w.wantKind("deleting", w.ns.Unlink(w.Context(), dir, base), remote.NotPermitted)
	w.wantKind("replacing", w.tryRename("sent/Pictures/a.txt", "sent/Pictures/sub/empty"), remote.NotPermitted)
	w.flush()
	w.arrived("Pictures")
}

// TestSendingIsTakenBack: before it has begun, and after it was given up.
func TestSendingIsTakenBack(t *testing.T) {
	w := mailWorld(t, "modern")
	w.draft("Pictures")
	w.rename("drafts/Pictures", "sent/Pictures", 0)
	w.rename("sent/Pictures", "drafts/Pictures", 0)
	w.write("drafts/Pictures/more", "more")
	w.flush()
	w.mails(0)
	w.remove("drafts/Pictures/more")

	w.check(w.server.Fail(sandbox.Fault{Op: "send", Kind: sandbox.Status, Status: 403, Count: -1}))
	w.rename("drafts/Pictures", "sent/Pictures", 0)
	left, err := w.ns.Flush(w.Context())
	if len(left) != 1 || !left[0].Failed || left[0].Change != "send" {
		t.Fatalf("left: %+v, %v", left, err)
	}
	w.remount()
	files, err := w.ns.Export(w.Context(), t.TempDir())
	if err != nil || len(files) != len(drafted)+2 {
		t.Errorf("exported %v, %v", files, err)
	}
	if n, err := w.ns.Drop(); n != 1 || err != nil {
		t.Errorf("dropped %d, %v", n, err)
	}
	w.flush()
	if w.read("drafts/Pictures/a.txt") != drafted["a.txt"] || len(w.names("sent")) != 0 {
		t.Error("the draft is not back")
	}
	w.rename("drafts/Pictures", "sent/Pictures", 0)
	if left, _ = w.ns.Flush(w.Context()); len(left) != 1 {
		t.Fatalf("left: %+v", left)
	}
	w.server.ClearFaults()
	if n, err := w.ns.Retry(); n != 1 || err != nil {
		t.Errorf("retried %d, %v", n, err)
	}
	w.flush()
	w.arrived("Pictures")
}

// TestRestoredStateFolderMailsNothing: what was to be sent may have been, from
// where the state folder was copied from. It is sent again only if a person says
// so, or is a draft again.
func TestRestoredStateFolderMailsNothing(t *testing.T) {
	w := mailWorld(t, "modern", witnessed)
	w.draft("Pictures")
	w.rename("drafts/Pictures", "sent/Pictures", 0)
	w.unmount()
	w.copyState("state", "backup")
	w.mount()
	w.flush()
	w.arrived("Pictures")
	w.unmount()
	w.copyState("backup", "state")
	w.mount()
	if w.unproven() == "" {
		t.Error("the copy is believed")
	}
	left, _ := w.ns.Flush(w.Context())
	if len(left) != 1 || !left[0].Failed || !strings.Contains(left[0].Reason, "unproven") {
		t.Errorf("left: %+v", left)
	}
	if n, err := w.ns.Drop(); n != 1 || err != nil {
		t.Errorf("dropped %d, %v", n, err)
	}
	w.flush()
	w.mails(1)
	if w.read("drafts/Pictures/a.txt") != drafted["a.txt"] || w.read("sent/Pictures/a.txt") != drafted["a.txt"] {
		t.Error("it is not what was sent, and a draft")
	}
}

// TestSentUnderATakenName: subjects need not differ. What was sent is shown under
// the name that it has, and what has that name meanwhile is not taken for it.
func TestSentUnderATakenName(t *testing.T) {
	c := &clock{}
	w := mailWorld(t, "modern", withClock(c))
	w.names("sent")
	w.draft("Pictures")
	w.rename("drafts/Pictures", "sent/Pictures", 0)
	w.putRemote("sent/Pictures/old", "an older one")
	c.advance(2 * time.Minute)
	w.names("sent")
	if w.ino("sent/Pictures/old") != 0 || w.ino("sent/Pictures/a.txt") == 0 {
		t.Error("another transfer was taken for the one that is to be sent")
	}
	w.flush()
	w.mails(1)
	names := w.names("sent")
	if len(names) != 2 {
		t.Errorf("sent holds %v", names)
	}
	found := 0
	for name := range names {
		for _, file := range []string{"old", "a.txt"} {
			if w.ino("sent/"+name+"/"+file) != 0 {
				found++
			}
		}
	}
	if found != 2 {
		t.Errorf("sent holds %v, with %d of the two files", names, found)
	}
}

// TestReceivedFilesAreFetchedOnce: wherever a program begins to read, a file is
// one download.
func TestReceivedFilesAreFetchedOnce(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 9<<16)
	w := mailWorld(t, "modern", func(w *world) { w.putRemote("received/Big/file", big) })
	h, err := w.ns.Open(w.Context(), w.ino("received/Big/file"), unix.O_RDONLY)
	w.check(err)
	defer h.Release()
	for _, off := range []int64{int64(len(big)) - 10, 0, 5 << 20, 1 << 20} {
		buf := make([]byte, 10)
		if _, err := h.ReadAt(w.Context(), buf, off); err != nil || string(buf) != big[off:off+10] {
			t.Errorf("at %d: %q, %v", off, buf, err)
		}
	}
	if w.read("received/Big/file") != big {
		t.Error("the file is not what it should be")
	}
	if n := w.downloads(); n != 1 {
		t.Errorf("%d downloads", n)
	}
}

// TestATransferIsListedOnce: what is in its folders comes with it, and what went
// from them is seen.
func TestATransferIsListedOnce(t *testing.T) {
	c := &clock{}
	w := mailWorld(t, "modern", withClock(c), func(w *world) { w.putRemote("received/Invoice/sub/deep/c", "c") })
	w.costs("a walk", 2, func() { // the list of transfers, and one of them
		w.walk("received")
	})
	w.removeRemote("received/Invoice/sub/b")
	c.advance(2 * time.Minute)
	w.costs("another walk", 2, func() {
		w.walk("received")
	})
	if w.ino("received/Invoice/sub/b") != 0 || w.read("received/Invoice/sub/deep/c") != "c" {
		t.Error("the transfer is not shown as it is")
	}
	w.removeRemote("received/Invoice")
	c.advance(2 * time.Minute)
	if len(w.names("received")) != 0 {
		t.Error("the transfer is still there")
	}
}

// downloads counts the requests for content since the count was reset.
func (w *world) downloads() (n int) {
	for _, r := range w.server.Requests() {
		if r.Op == "fetch" {
			n++
		}
	}
	return n
}
