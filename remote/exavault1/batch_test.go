package exavault1_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

func refs(paths ...string) []remote.Ref {
	var rs []remote.Ref
	for _, p := range paths {
		rs = append(rs, remote.Ref{Path: p})
	}
	return rs
}

// each checks results: 0 for success, and kinds.
func each(t *testing.T, rs []remote.Result, err error, kinds ...remote.Kind) {
	t.Helper()
	if err != nil || len(rs) != len(kinds) {
		t.Fatalf("%d results, %v", len(rs), err)
	}
	for i, r := range rs {
		if kinds[i] == 0 && r.Err != nil || kinds[i] != 0 && !remote.IsKind(r.Err, kinds[i]) {
			t.Errorf("result %d: %v, want %v", i, r.Err, kinds[i])
		}
	}
}

// changing opens an account in which somebody else acts before one operation.
func changing(t *testing.T, switches, name string, act func(a *account)) *account {
	t.Helper()
	var a *account
	a = open(t, sandbox.Options{Switches: parse(switches)}, before(func(n string) {
		if n == name {
			act(a)
		}
	}))
	if err := os.Mkdir(filepath.Join(a.Root(), "to"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{"a", "b", "c"} {
		a.byHand(t, n, "content of "+n)
	}
	return a
}

// TestPartialMove: some of several fail between the look and the move. What
// became of each is told, however the answer is written.
func TestPartialMove(t *testing.T) {
	for _, switches := range []string{"", "batch-order=reverse numbers=string destination=folder", "messages=mute"} {
		a := changing(t, switches, "moveResources", func(a *account) {
			_ = os.Remove(filepath.Join(a.Root(), "a"))
			a.byHand(t, "to/b", "somebody else's")
		})
		rs, err := a.client.Move(ctx, refs("/a", "/b", "/c"), remote.Ref{Path: "/to"})
		each(t, rs, err, remote.NotExist, remote.Exist, 0)
		if a.content("to/b") != "somebody else's" || a.content("b") != "content of b" || a.content("to/c") != "content of c" {
			t.Error("something was lost")
		}
		if o := rs[2].Object; o.Path != "/to/c" || o.Name != "c" || o.Size != 12 || o.Version == "" {
			t.Errorf("got %+v", o)
		}
	}
}

// TestMoveRenamedUnseen: a name that somebody took between the look and the move
// is told by the destination.
func TestMoveRenamedUnseen(t *testing.T) {
	a := changing(t, "move-taken=rename", "moveResources", func(a *account) { a.byHand(t, "to/a", "somebody else's") })
	rs, err := a.client.Move(ctx, refs("/a"), remote.Ref{Path: "/to"})
	each(t, rs, err, 0)
	if o := rs[0].Object; o.Path != "/to/a (1)" || a.content("to/a (1)") != "content of a" || a.content("to/a") != "somebody else's" {
		t.Errorf("got %+v", o)
	}
	c := changing(t, "", "copyResources", func(a *account) { a.byHand(t, "to/a", "somebody else's") })
	rs, err = c.client.Copy(ctx, refs("/a", "/b"), remote.Ref{Path: "/to"})
	each(t, rs, err, 0, 0)
	if o := rs[0].Object; o.Path != "/to/a (1)" || rs[1].Object != (remote.Object{}) {
		t.Errorf("got %+v", rs)
	}
}

// TestAllFailed: a batch that failed as a whole tells each one's fate.
func TestAllFailed(t *testing.T) {
	for _, switches := range []string{"all-failed=error", "all-failed=items", "messages=mute"} {
		a := changing(t, switches, "moveResources", func(a *account) {
			_ = os.Remove(filepath.Join(a.Root(), "a"))
			a.byHand(t, "to/b", "somebody else's")
		})
		rs, err := a.client.Move(ctx, refs("/a", "/b"), remote.Ref{Path: "/to"})
		each(t, rs, err, remote.NotExist, remote.Exist)
		rs, err = a.client.Delete(ctx, refs("/never", "/a"))
		each(t, rs, err, remote.NotExist, remote.NotExist)
	}
}

// TestFlawsCostOneLook: what cannot be done is not asked for.
func TestFlawsCostOneLook(t *testing.T) {
	a := changing(t, "", "", nil)
	if err := os.MkdirAll(filepath.Join(a.Root(), "to/deeper"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		from, to string
		kind     remote.Kind
	}{
		{"/never", "/to", remote.NotExist}, {"/a", "/never", remote.NotExist}, {"/a", "/b", remote.NotDir},
		{"/a", "/", remote.Exist}, {"/to", "/to/deeper", remote.Invalid}, {"/to", "/to", remote.Invalid},
	} {
		n := a.Count()
		rs, err := a.client.Move(ctx, refs(tt.from), remote.Ref{Path: tt.to})
		each(t, rs, err, tt.kind)
		rs, err = a.client.Copy(ctx, refs(tt.from), remote.Ref{Path: tt.to})
		each(t, rs, err, tt.kind)
		if a.Count() != n+2 {
			t.Errorf("%v: %d transactions", tt, a.Count()-n)
		}
	}
}

// TestLongDelete: many long names do not fit in an address. They go as a form,
// in one transaction.
func TestLongDelete(t *testing.T) {
	a := open(t, sandbox.Options{})
	var all []string
	for i := range 100 {
		name := fmt.Sprintf("%s %d", strings.Repeat("x", 200), i)
		a.byHand(t, name, "x")
		all = append(all, "/"+name)
	}
	rs, err := a.client.Delete(ctx, refs(all...))
	each(t, rs, err, make([]remote.Kind, 100)...)
	left, err := os.ReadDir(a.Root())
	if a.Count() != 1 || len(left) != 0 || err != nil || a.Requests()[0].Method != "POST" {
		t.Errorf("%d requests, %d files are left", a.Count(), len(left))
	}
}

// TestDeleteOnce: a delete is a GET, and still not sent twice.
func TestDeleteOnce(t *testing.T) {
	for _, fault := range []sandbox.Fault{
		{Kind: sandbox.Lost}, {Kind: sandbox.Reset}, {Kind: sandbox.Status, Status: 503}, {Kind: sandbox.Status, Status: 500}, {Kind: sandbox.HTML}, {Kind: sandbox.Cut, Bytes: 5},
	} {
		a := changing(t, "", "", nil)
		if _, err := a.client.Stat(ctx, root); err != nil { // there is a connection to lose
			t.Fatal(err)
		}
		fault.Op = "delete"
		if err := a.Fail(fault); err != nil {
			t.Fatal(err)
		}
		_, err := a.client.Delete(ctx, refs("/a"))
		if !remote.IsUnknown(err) || a.CountBy()["delete"] != 1 {
			t.Errorf("%s: %v after %d requests", fault.Kind, err, a.CountBy()["delete"])
		}
	}
}

// TestRenames: what is replaced or renamed at the provider is not, here.
func TestRenames(t *testing.T) {
	for _, taken := range []string{"refuse", "rename", "replace"} {
		a := changing(t, "rename-taken="+taken, "", nil)
		_, err := a.client.Rename(ctx, remote.Ref{Path: "/a"}, "b")
		wantKind(t, err, remote.Exist)
		if o, err := a.client.Rename(ctx, remote.Ref{Path: "/a"}, "a"); err != nil || o.Path != "/a" {
			t.Errorf("got %+v, %v", o, err)
		}
		if a.content("a") != "content of a" || a.content("b") != "content of b" || a.CountBy()["rename"] != 0 {
			t.Errorf("%s: something was changed", taken)
		}
	}
	late := changing(t, "messages=mute", "renameResource", func(a *account) { a.byHand(t, "d", "x") })
	_, err := late.client.Rename(ctx, remote.Ref{Path: "/a"}, "d")
	wantKind(t, err, remote.Exist)
}
