package filemail_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/filemail"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// TestRoot: the boxes are always there, and cost nothing; the root's look proves
// that the account can be used.
func TestRoot(t *testing.T) {
	both(t, func(t *testing.T, modern bool) {
		a := open(t, modern, "")
		if names, l := a.list("/"); !slices.Equal(names, []string{"sent", "received", "drafts"}) || !l.Complete || l.Total != 3 {
			t.Errorf("got %q, %+v", names, l)
		}
		if names, l := a.list("/drafts"); len(names) != 0 || !l.Complete || a.stat("/drafts").Path != "/drafts" || a.Count() != 0 {
			t.Errorf("got %q, %+v after %d requests", names, l, a.Count())
		}
		_, err := a.client.Stat(ctx, remote.Ref{Path: "/drafts/x"})
		a.want(err, remote.NotExist)
		if a.Count() != 0 {
			t.Error("what is in no account was asked for")
		}
		a.stat("/")
		if a.Count() == 0 {
			t.Error("nothing proved the account")
		}
	})
}

// TestBoxPages: a box of any size is listed whole, unless nothing can show that.
func TestBoxPages(t *testing.T) {
	both(t, func(t *testing.T, modern bool) {
		for _, tt := range []struct {
			transfers int
			switches  string
			size      int // of a page
			complete  bool
			requests  int
		}{
			{0, "", 5, true, 1},
			{4, "", 5, true, 1},
			{5, "", 5, true, 2}, // the page was full
			{12, "", 5, true, 3},
			{100, "", 1000, true, 2}, // suspiciously round
			{9, "paging=no", 1000, true, 1},
			{102, "paging=no page-cap=100", 1000, false, 2},
		} {
			a := open(t, modern, tt.switches, func(o *filemail.Options) { o.PageSize = tt.size })
			for i := range tt.transfers {
				a.byHand(fmt.Sprintf("received/mail %03d/file", i), "x")
			}
			a.Sweep()
			names, l := a.list("/received")
			requests := a.CountBy()["list"]
			if l.Complete != tt.complete || l.Total != len(names) || requests != tt.requests || tt.complete && len(names) != tt.transfers {
				t.Errorf("%+v: %d names, %+v, %d requests", tt, len(names), l, requests)
			}
			_, err := a.client.Stat(ctx, remote.Ref{Path: "/received/never"})
			if tt.complete != remote.IsKind(err, remote.NotExist) {
				t.Errorf("%+v: looked for what is not there: %v", tt, err)
			}
		}
	})
}

// TestNames: several transfers may have one subject, and any subject becomes a
// name.
func TestNames(t *testing.T) {
	a := open(t, false, "")
	for i := range 3 {
		name := fmt.Sprintf("mail %d", i)
		a.byHand("sent/"+name+"/file", name)
		a.Sweep()
	}
	for i := 1; i < 3; i++ {
		o := a.stat(fmt.Sprintf("/sent/mail %d", i))
		a.subject(o, "mail 0")
	}
	names, _ := a.list("/sent")
	if len(names) != 3 || !slices.Contains(names, "mail 0") {
		t.Errorf("got %q", names)
	}
	for _, name := range names {
		o := a.stat("/sent/" + name)
		if !strings.HasPrefix(name, "mail 0") || !strings.HasPrefix(a.read(o.Path+"/file"), "mail ") {
			t.Errorf("got %+v", o)
		}
	}
	for subject, want := range map[string]string{
		"a/b": "a_b", "..": "__", "x\u00a0": "x", "tab\there": "tab_here", strings.Repeat("ü", 150): strings.Repeat("ü", 100),
	} {
		a.subject(a.stat("/sent/mail 0"), subject)
		o := a.stat("/sent/" + want)
		a.subject(o, "mail 0")
	}
}

// subject sets a transfer's subject behind the client's back.
func (a *account) subject(o remote.Object, subject string) {
	a.Helper()
	form := fmt.Sprintf(`{"subject": %q}`, subject)
	id := o.ID[strings.LastIndexByte(o.ID, ':')+1:]
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, a.url+"/transfer/"+id, strings.NewReader(form))
	if err != nil {
		a.Fatal(err)
	}
	req.Header.Set("X-Api-Key", "the-token")
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.ledger.Client().Do(req)
	if err != nil {
		a.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		a.Fatal(resp.Status, err)
	}
}

// TestRenameTransfer: a transfer's name is its subject.
func TestRenameTransfer(t *testing.T) {
	both(t, func(t *testing.T, modern bool) {
		a := open(t, modern, "")
		a.byHand("sent/one/file", "1")
		a.byHand("sent/two/file", "2")
		one := a.stat("/sent/one")
		o, err := a.client.Rename(ctx, one.Ref(), "uno")
		if err != nil || o != a.stat("/sent/uno") || o.ID != one.ID {
			t.Errorf("got %+v, %v", o, err)
		}
		for name, kind := range map[string]remote.Kind{
			"two": remote.Exist, strings.Repeat("x", 201): remote.NameTooLong, "a\tb": remote.InvalidName, "x\u00a0": remote.InvalidName,
		} {
			_, err = a.client.Rename(ctx, o.Ref(), name)
			a.want(err, kind)
		}
		for _, to := range []string{"/received", "/drafts", "/", "/sent/two"} {
			_, err = a.client.MoveRename(ctx, o.Ref(), remote.Ref{Path: to}, "uno")
			a.want(err, remote.CrossDevice)
		}
		if o, err = a.client.MoveRename(ctx, o.Ref(), remote.Ref{Path: "/sent"}, "uno 1"); err != nil || o.Path != "/sent/uno 1" {
			t.Errorf("got %+v, %v", o, err)
		}
		if a.read("/sent/uno 1/file") != "1" || a.read("/sent/two/file") != "2" {
			t.Error("something was lost")
		}
	})
}

// TestRefusals: what a sent transfer cannot take is refused without a request.
func TestRefusals(t *testing.T) {
	a := open(t, true, "", func(o *filemail.Options) { o.Deletes = false })
	a.byHand("sent/one/file", "1")
	one := a.stat("/sent/one")
	file := a.stat("/sent/one/file")
	before := a.Count()
	for parent, kind := range map[string]remote.Kind{
		"/": remote.NotPermitted, "/sent": remote.NotPermitted, "/sent/one": remote.ReadOnly, "/received": remote.ReadOnly,
		"/drafts": remote.Unsupported, "/never": remote.NotExist,
	} {
		_, err := a.client.Mkdir(ctx, remote.Ref{Path: parent}, "new")
		a.want(err, kind)
		_, err = a.client.Upload(ctx, remote.Upload{Parent: remote.Ref{Path: parent}, Name: "new"})
		a.want(err, kind)
	}
	rs, err := a.client.Delete(ctx, []remote.Ref{file.Ref(), one.Ref(), root, {Path: "/sent"}, {ID: "z", Path: "/sent"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, kind := range []remote.Kind{remote.NotPermitted, remote.NotPermitted, remote.NotPermitted, remote.NotPermitted, remote.Invalid} {
		a.want(rs[i].Err, kind)
	}
	if a.Count() != before {
		t.Errorf("%d requests", a.Count()-before)
	}
}

// TestReadingATransfer: the details tell where all its files are, so that
// reading them takes no more. An address that has expired is asked for once.
func TestReadingATransfer(t *testing.T) {
	both(t, func(t *testing.T, modern bool) {
		for _, refused := range []string{"403", "410", "page"} {
			a := open(t, modern, "link-refused="+refused+" busy=1")
			var refs []remote.Ref
			for i := range 10 {
				a.byHand(fmt.Sprintf("received/mail/file %d", i), "some content")
			}
			for i := range 10 {
				refs = append(refs, remote.Ref{Path: fmt.Sprintf("/received/mail/file %d", i)})
			}
			_, err := a.client.List(ctx, a.stat("/received/mail").Ref(), func(os []remote.Object) error {
				for i := range os {
					refs[i] = os[i].Ref()
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			before := a.Count()
			for _, ref := range refs {
				a.readRef(ref)
			}
			if a.Count() != before {
				t.Errorf("%d transactions", a.Count()-before)
			}
			if err := a.Set("link-life", "1ns"); err != nil {
				t.Fatal(err)
			}
			_, err = a.client.Download(ctx, refs[0], 0, -1)
			if err == nil || remote.IsKind(err, remote.NotExist) || a.Count() != before+1 {
				t.Errorf("%s: %v after %d transactions", refused, err, a.Count()-before)
			}
			if err := a.Set("link-life", "0s"); err != nil {
				t.Fatal(err)
			}
			a.readRef(refs[0])
		}
	})
}

func (a *account) readRef(ref remote.Ref) {
	a.Helper()
	d, err := a.client.Download(ctx, ref, 0, -1)
	if err != nil {
		a.Fatal(err)
	}
	b := make([]byte, 12)
	if n, err := d.Read(b); n != 12 && err != nil || string(b) != "some content" {
		a.Errorf("read %q, %v", b[:n], err)
	}
	if err := d.Close(); err != nil {
		a.Error(err)
	}
}

// TestTooManyFiles: details that leave files out prove nothing about them.
func TestTooManyFiles(t *testing.T) {
	a := open(t, true, "files-cap=2")
	for _, name := range []string{"a", "b", "c"} {
		a.byHand("sent/one/"+name, "x")
	}
	if names, l := a.list("/sent/one"); len(names) != 2 || l.Complete {
		t.Errorf("got %q, %+v", names, l)
	}
	_, err := a.client.Stat(ctx, remote.Ref{Path: "/sent/one/c"})
	if err == nil || remote.IsKind(err, remote.NotExist) {
		t.Errorf("got %v", err)
	}
}

// TestDeletedFolder: a transfer that somebody deletes is gone.
func TestDeletedFolder(t *testing.T) {
	a := open(t, true, "")
	a.byHand("received/one/file", "x")
	file := a.stat("/received/one/file")
	if err := os.RemoveAll(filepath.Join(a.Root(), "received", "one")); err != nil {
		t.Fatal(err)
	}
	_, err := a.client.Stat(ctx, file.Ref())
	a.want(err, remote.NotExist)
	_, err = a.client.Download(ctx, file.Ref(), 0, -1)
	a.want(err, remote.NotExist)
}

// TestSession: all who need one share a sign-in; a token that expired is
// replaced once; a password that was refused is never sent again.
func TestSession(t *testing.T) {
	a := open(t, false, "")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { a.list("/sent") })
	}
	wg.Wait()
	if n := a.CountBy()["login"]; n != 1 {
		t.Errorf("%d sign-ins", n)
	}
	if err := a.Set("token-life", "1ns"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, err := a.client.Stat(ctx, root)
		a.want(err, remote.Auth)
	}
	if n := a.CountBy()["login"]; n != 2 {
		t.Errorf("%d sign-ins", n)
	}
}

// TestSignInRefused: each way to be refused says what to do, and is not tried
// twice.
func TestSignInRefused(t *testing.T) {
	for _, tt := range []struct{ switches, password, says string }{
		{"", "wrong-password", "check the user name"},
		{"errors=named", "wrong-password", "check the user name"},
		{"sign-in=captcha", "the-password", "captcha"},
		{"sign-in=second-factor", "the-password", "application key"},
		{"sign-in=sso", "the-password", "application key"},
	} {
		a := open(t, false, tt.switches, func(o *filemail.Options) { o.Password = tt.password })
		for range 3 {
			_, err := a.client.Stat(ctx, root)
			a.want(err, remote.Auth)
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), tt.password) {
				t.Errorf("%+v: got %v", tt, err)
			}
		}
		if a.Count() != 1 {
			t.Errorf("%+v: %d requests", tt, a.Count())
		}
	}
	a := open(t, true, "", func(o *filemail.Options) { o.AccessToken = "wrong-key" })
	_, err := a.client.Stat(ctx, root)
	if err == nil || a.Count() != 1 || strings.Contains(err.Error(), "wrong-key") {
		t.Errorf("got %v", err)
	}
}

// TestOptions: what cannot be right is refused when the client is made.
func TestOptions(t *testing.T) {
	good := filemail.Options{URL: "https://www.filemail.com", AccessToken: "key", HTTP: http.DefaultClient}
	if _, err := filemail.New(good); err != nil {
		t.Error(err)
	}
	for i, f := range []func(o *filemail.Options){
		func(o *filemail.Options) { o.HTTP = nil }, func(o *filemail.Options) { o.AccessToken = "" },
		func(o *filemail.Options) { o.AccessToken = "a b" }, func(o *filemail.Options) { o.PageSize = 1001 },
		func(o *filemail.Options) { o.ChunkSize = 51 << 20 }, func(o *filemail.Options) { o.URL = "http://www.filemail.com" },
		func(o *filemail.Options) { o.URL = "" },
	} {
		o := good
		f(&o)
		if _, err := filemail.New(o); !remote.IsKind(err, remote.Invalid) {
			t.Errorf("case %d: %v", i, err)
		}
	}
}

// TestDailyLimit: the limit is told as such.
func TestDailyLimit(t *testing.T) {
	a := open(t, true, "")
	a.failNext("list", sandbox.Fault{Kind: sandbox.Status, Status: http.StatusTooManyRequests})
	_, err := a.client.Stat(ctx, root)
	a.want(err, remote.Budget)
}

// TestListTransfer: everything in a transfer is one request, folders first.
func TestListTransfer(t *testing.T) {
	both(t, func(t *testing.T, modern bool) {
		a := open(t, modern, "")
		a.byHand("received/Invoice/z/y/x", "x")
		a.byHand("received/Invoice/a", "a")
		ref := a.stat("/received/Invoice").Ref()
		before := a.Count()
		var paths []string
		page := func(os []remote.Object) error {
			for _, o := range os {
				paths = append(paths, strings.TrimPrefix(o.Path, "/received/Invoice/"))
			}
			return nil
		}
		l, err := a.client.ListTransfer(ctx, ref, page)
		if err != nil || !l.Complete || l.Total != 4 || strings.Join(paths, " ") != "a z z/y z/y/x" || a.Count() != before+1 {
			t.Errorf("%v, %+v, %v, %d requests", paths, l, err, a.Count()-before)
		}
		_, err = a.client.ListTransfer(ctx, remote.Ref{Path: "/received"}, page)
		a.want(err, remote.Invalid)
		_, err = a.client.ListTransfer(ctx, remote.Ref{Path: "/received/None"}, page)
		a.want(err, remote.NotExist)
	})
}
