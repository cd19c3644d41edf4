package yetishare_test

import (
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/yetishare"
)

func at(path, id string) func(*yetishare.Options) {
	return func(o *yetishare.Options) { o.Root, o.RootID = path, id }
}

// TestRoot: the folder that is shown as "/" is made only if that is wanted, and
// its ID saves the search for it.
func TestRoot(t *testing.T) {
	a := open(t, nil)
	c := a.client(at("/deep/root", ""))
	if _, err := c.OpenRoot(ctx, false); !remote.IsKind(err, remote.NotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Stat(ctx, root); !remote.IsKind(err, remote.NotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Stat(ctx, remote.Ref{Path: "/below"}); !remote.IsKind(err, remote.Stale) {
		t.Errorf("got %v: a missing root proves nothing about what was in it", err)
	}
	id, err := c.OpenRoot(ctx, true)
	if err != nil || id == "" {
		t.Fatal(id, err)
	}
	put(t, c, root, "file", "content")
	for name, other := range map[string]*yetishare.Client{"by path": a.client(at("/deep/root", "")), "by ID": a.client(at("/deep/root", id))} {
		if again, err := other.OpenRoot(ctx, true); err != nil || again != id {
			t.Errorf("%s: got %q, %v, want %q", name, again, err, id)
		}
		equal(t, name, names(t, other, root), "file=content")
	}
	equal(t, "from above", read(t, a.client(), remote.Ref{Path: "/deep/root/file"}, 0, -1), "content")
	before := a.Count()
	equal(t, "by ID", names(t, a.client(at("/", "")), root), "deep/")
	equal(t, "requests", a.Count()-before, 2)
	o, err := c.Stat(ctx, root)
	if err != nil || o.ID != id || o.Path != "/" || o.Name != "" || !o.Dir {
		t.Errorf("got %+v, %v", o, err)
	}
}

// TestDefaultRoot: without a word it is a folder of its own, into which files can
// be moved back.
func TestDefaultRoot(t *testing.T) {
	a := open(t, nil)
	c := a.client(at("", ""))
	if _, err := c.OpenRoot(ctx, true); err != nil {
		t.Fatal(err)
	}
	put(t, c, root, "file", "content")
	equal(t, "root", names(t, a.client(), remote.Ref{Path: yetishare.DefaultRoot}), "file=content")
}

// TestRootStays: nobody moves, renames or deletes it.
func TestRootStays(t *testing.T) {
	a := open(t, nil)
	c := a.client(at("/root", ""))
	if _, err := c.OpenRoot(ctx, true); err != nil {
		t.Fatal(err)
	}
	d, err := c.Mkdir(ctx, root, "d")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Rename(ctx, root, "x")
	wantInvalid(t, err)
	_, err = c.MoveRename(ctx, root, d.Ref(), "x")
	wantInvalid(t, err)
	rs, err := c.Move(ctx, []remote.Ref{root}, d.Ref())
	wantInvalid(t, first(rs, err))
	rs, err = c.Delete(ctx, []remote.Ref{root})
	wantInvalid(t, first(rs, err))
	equal(t, "content", names(t, c, root), "d/")
}

func wantInvalid(t *testing.T, err error) {
	t.Helper()
	if !remote.IsKind(err, remote.Invalid) {
		t.Errorf("got %v", err)
	}
}

func first(rs []remote.Result, err error) error {
	if err == nil && len(rs) > 0 {
		err = rs[0].Err
	}
	return err
}

// TestIntoItself: a folder goes neither into itself nor below.
func TestIntoItself(t *testing.T) {
	a := open(t, nil)
	c := a.client()
	d := mkdir(t, c, root, "d")
	below := mkdir(t, c, d.Ref(), "below")
	for _, to := range []remote.Object{d, below} {
		rs, err := c.Move(ctx, []remote.Ref{d.Ref()}, to.Ref())
		wantInvalid(t, first(rs, err))
		_, err = c.MoveRename(ctx, d.Ref(), to.Ref(), "x")
		wantInvalid(t, err)
	}
	equal(t, "content", names(t, c, d.Ref()), "below/")
}

func mkdir(t *testing.T, c *yetishare.Client, in remote.Ref, name string) remote.Object {
	t.Helper()
	o, err := c.Mkdir(ctx, in, name)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestToAccountRoot: folders go to the account's own root; files only where the
// site has a call for it, which is asked for once.
func TestToAccountRoot(t *testing.T) {
	for _, has := range []string{"no", "404", "yes"} {
		a := open(t, map[string]string{"file-move": has})
		c := a.client()
		d := mkdir(t, c, root, "d")
		sub := mkdir(t, c, d.Ref(), "sub")
		f, g := put(t, c, d.Ref(), "f", "1"), put(t, c, d.Ref(), "g", "2")
		if o, err := c.MoveRename(ctx, sub.Ref(), root, "up"); err != nil || o.Path != "/up" {
			t.Errorf("got %+v, %v", o, err)
		}
		before := a.Count()
		rs, err := c.Move(ctx, []remote.Ref{f.Ref(), g.Ref()}, root)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs {
			if has == "yes" && r.Err != nil || has != "yes" && (!remote.IsKind(r.Err, remote.Unsupported) || remote.IsUnknown(r.Err)) {
				t.Errorf("%s: got %v", has, r.Err)
			}
		}
		want, cost := "d/ up/", 1
		if has == "yes" {
			want, cost = "d/ f=1 g=2 up/", 2
		}
		equal(t, "requests", a.Count()-before, cost)
		equal(t, has, names(t, c, root), want)
	}
}

// TestCopy: files are copied where the site has the call.
func TestCopy(t *testing.T) {
	for _, has := range []string{"no", "404", "yes"} {
		a := open(t, map[string]string{"file-copy": has})
		c := a.client(placeholder)
		d := mkdir(t, c, root, "d")
		f, e := put(t, c, root, "f", "content"), put(t, c, root, "e", "")
		before := a.Count()
		rs, err := c.Copy(ctx, []remote.Ref{f.Ref(), e.Ref(), d.Ref()}, d.Ref())
		if err != nil {
			t.Fatal(err)
		}
		if has != "yes" {
			for _, r := range rs {
				if !remote.IsKind(r.Err, remote.Unsupported) {
					t.Errorf("got %+v", r)
				}
			}
			equal(t, "requests", a.Count()-before, 1)
			continue
		}
		if rs[0].Err != nil || rs[0].Object.ID == f.ID || rs[0].Object.Path != "/d/f" || rs[1].Err != nil || rs[1].Object.Size != 0 || !remote.IsKind(rs[2].Err, remote.Unsupported) {
			t.Errorf("got %+v", rs)
		}
		equal(t, "requests", a.Count()-before, 2)
		equal(t, "copies", names(t, c, d.Ref()), "e= f=content")
		equal(t, "originals", names(t, c, root), "d/ e= f=content")
	}
}

// TestDeleteFolder: only an empty one goes, whatever the site would do.
func TestDeleteFolder(t *testing.T) {
	for _, how := range []string{"recursive", "root"} {
		a := open(t, map[string]string{"folder-delete": how, "removed": "shown"})
		c := a.client()
		d := mkdir(t, c, root, "d")
		f := put(t, c, d.Ref(), "f", "content")
		rs, err := c.Delete(ctx, []remote.Ref{d.Ref()})
		if e := first(rs, err); !remote.IsKind(e, remote.NotEmpty) {
			t.Errorf("got %v", e)
		}
		equal(t, "content", names(t, c, d.Ref()), "f=content")
		for _, ref := range []remote.Ref{f.Ref(), d.Ref()} {
			if rs, err := c.Delete(ctx, []remote.Ref{ref}); first(rs, err) != nil {
				t.Error(first(rs, err))
			}
		}
		equal(t, "root", names(t, c, root), "")
	}
}

// TestOnlyAnID: a path is made of the folders above.
func TestOnlyAnID(t *testing.T) {
	a := open(t, nil)
	c := a.client(at("/root", ""))
	if _, err := c.OpenRoot(ctx, true); err != nil {
		t.Fatal(err)
	}
	d := mkdir(t, c, mkdir(t, c, root, "a").Ref(), "b")
	f := put(t, c, d.Ref(), "f", "x")
	for _, want := range []remote.Object{f, d} {
		if o, err := c.Stat(ctx, remote.Ref{ID: want.ID}); err != nil || o.Path != want.Path {
			t.Errorf("got %+v, %v, want %+v", o, err, want)
		}
	}
	outside := put(t, a.client(), root, "outside", "x")
	if _, err := c.Stat(ctx, remote.Ref{ID: outside.ID}); !remote.IsKind(err, remote.NotExist) {
		t.Errorf("got %v", err)
	}
}

// TestDates: they are in the site's own time, and become right.
func TestDates(t *testing.T) {
	for _, zone := range []string{"0s", "2h", "5h45m"} {
		a := open(t, map[string]string{"dates": "sent", "zone": zone})
		c := a.client()
		put(t, c, root, "f", "x")
		mkdir(t, c, root, "d")
		made := a.clock.Now().Truncate(time.Second)
		a.clock.add(10 * time.Hour)
		if _, err := c.List(ctx, root, func(os []remote.Object) error {
			for _, o := range os {
				if !o.ModTime.Equal(made) {
					t.Errorf("zone %s: %s has %v, want %v", zone, o.Name, o.ModTime, made)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNothingMoreAfterCancel: a batch ends with the first error that concerns all.
func TestNothingMoreAfterRefusal(t *testing.T) {
	a := open(t, nil)
	c := a.client()
	f, g := put(t, c, root, "f", "1"), put(t, c, root, "g", "2")
	a.SetLimit(1)
	rs, err := c.Delete(ctx, []remote.Ref{f.Ref(), g.Ref(), f.Ref()})
	if err != nil || rs[0].Err != nil || !remote.IsKind(rs[1].Err, remote.Budget) || !remote.IsKind(rs[2].Err, remote.Budget) {
		t.Errorf("got %+v, %v", rs, err)
	}
	if !strings.Contains(rs[1].Err.Error(), "429") {
		t.Errorf("got %v", rs[1].Err)
	}
}
