package cache_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/exavault"
)

// noIDs is an account at a provider that knows objects by path only.
type noIDs struct {
	*exavault.Client
	folds bool
}

// withoutIDs mounts the account as if the provider had no ids.
func withoutIDs(w *world) {
	w.as = func(c *exavault.Client) remote.Remote { return noIDs{Client: c} }
}

// folding mounts the account of a provider that folds case, and has no ids.
func folding(w *world) {
	w.switches = map[string]string{"case-folding": "yes"}
	w.as = func(c *exavault.Client) remote.Remote { return noIDs{Client: c, folds: true} }
}

func byPath(refs ...remote.Ref) []remote.Ref {
	var out []remote.Ref
	for _, r := range refs {
		out = append(out, remote.Ref{Path: r.Path})
	}
	return out
}

func without(o remote.Object) remote.Object {
	o.ID, o.ParentID = "", ""
	return o
}

func pageWithout(page func([]remote.Object) error) func([]remote.Object) error {
	return func(objects []remote.Object) error {
		var all []remote.Object
		for _, o := range objects {
			all = append(all, without(o))
		}
		return page(all)
	}
}

func resultsWithout(rs []remote.Result) []remote.Result {
	for i := range rs {
		rs[i].Object = without(rs[i].Object)
	}
	return rs
}

func (n noIDs) Capabilities() remote.Capabilities {
	c := n.Client.Capabilities()
	c.IDs, c.CaseFolds = false, n.folds
	return c
}

func (n noIDs) Stat(ctx context.Context, ref remote.Ref) (remote.Object, error) {
	o, err := n.Client.Stat(ctx, remote.Ref{Path: ref.Path})
	return without(o), err
}

func (n noIDs) List(ctx context.Context, dir remote.Ref, page func([]remote.Object) error) (remote.Listing, error) {
	return n.Client.List(ctx, remote.Ref{Path: dir.Path}, pageWithout(page))
}

func (n noIDs) ListTree(ctx context.Context, dir remote.Ref, page func([]remote.Object) error) (remote.Listing, error) {
	return n.Client.ListTree(ctx, remote.Ref{Path: dir.Path}, pageWithout(page))
}

func (n noIDs) Download(ctx context.Context, ref remote.Ref, offset, length int64) (*remote.Download, error) {
	return n.Client.Download(ctx, remote.Ref{Path: ref.Path}, offset, length)
}

func (n noIDs) Upload(ctx context.Context, up remote.Upload) (remote.Object, error) {
	up.Parent.ID = ""
	o, err := n.Client.Upload(ctx, up)
	return without(o), err
}

func (n noIDs) Mkdir(ctx context.Context, parent remote.Ref, name string) (remote.Object, error) {
	o, err := n.Client.Mkdir(ctx, remote.Ref{Path: parent.Path}, name)
	return without(o), err
}

func (n noIDs) Rename(ctx context.Context, ref remote.Ref, name string) (remote.Object, error) {
	o, err := n.Client.Rename(ctx, remote.Ref{Path: ref.Path}, name)
	return without(o), err
}

func (n noIDs) Move(ctx context.Context, refs []remote.Ref, parent remote.Ref) ([]remote.Result, error) {
	rs, err := n.Client.Move(ctx, byPath(refs...), remote.Ref{Path: parent.Path})
	return resultsWithout(rs), err
}

func (n noIDs) Delete(ctx context.Context, refs []remote.Ref) ([]remote.Result, error) {
	return n.Client.Delete(ctx, byPath(refs...))
}

func (n noIDs) Extract(ctx context.Context, archive, into remote.Ref) ([]remote.Object, error) {
	all, err := n.Client.Extract(ctx, remote.Ref{Path: archive.Path}, remote.Ref{Path: into.Path})
	for i := range all {
		all[i] = without(all[i])
	}
	return all, err
}

// TestChangesByPath makes every change at a provider without ids, without and
// with faults of every kind, and once with a crash.
func TestChangesByPath(t *testing.T) {
	for name, c := range changes {
		for i := range len(faults) + 1 {
			t.Run(fmt.Sprintf("%s/%d", name, i), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, account(), unhurried, withoutIDs)
				w.walk("")
				c.do(w)
				if i < len(faults) {
					f := faults[i]
					f.Op = c.op
					w.check(w.server.Fail(f))
				}
				w.flush()
				w.holds(c.want, c.gone)
				w.matches("")
			})
		}
	}
}

func TestArchiveByPath(t *testing.T) {
	w := newWorld(t, map[string]string{"old": "1"}, unhurried, withoutIDs)
	w.names("")
	var want map[string]string
	w.costs("a tree of 21 files", 5, func() {
		want = w.plant("tree")
		w.flush()
	})
	w.all(want)
}

// TestOldListingsByPath lists folders anew while what was in them was moved and
// deleted here, and is not sent yet.
func TestOldListingsByPath(t *testing.T) {
	c := &clock{}
	w := newWorld(t, account(), unhurried, withoutIDs, withClock(c), func(w *world) { w.opt.Settle = 100 * time.Hour })
	w.walk("")
	w.rename("a", "z", 0)
	w.remove("b")
	w.rename("d", "e/d", 0)
	w.putRemote("c", "C")
	c.advance(25 * time.Hour) // older than any listing is believed
	w.walk("")
	w.holds(map[string]string{"c": "C"}, nil)
	if w.ino("a") != 0 || w.ino("b") != 0 || w.ino("d") != 0 {
		t.Errorf("shown again: %v", w.names(""))
	}
	w.flush()
	w.holds(map[string]string{"z": "A", "e/d/x": "X", "c": "C"}, []string{"a", "b", "d"})
	w.matches("")
}

func TestFoldedNames(t *testing.T) {
	w := newWorld(t, map[string]string{"README": "1", "Docs/Grüße.txt": "2"}, unhurried, folding)
	w.names("")
	if w.read("readme") != "1" || w.read("DOCS/GRÜSSE.TXT") != "2" || w.ino("readme") != w.ino("README") {
		t.Error("names do not fold")
	}
	w.write("ReadMe", "new")
	if names := w.names(""); len(names) != 2 || names["README"].Size != 3 {
		t.Errorf("there are %v", names)
	}
	if _, err := w.ns.Mkdir(w.Context(), cache.RootIno, "docs", 0o755); !remote.IsKind(err, remote.Exist) {
		t.Errorf("a folder under a name that is taken: %v", err)
	}
	w.rename("README", "ReadMe.md", 0)
	w.rename("readme.md", "README.MD", 0)
	w.flush()
	w.holds(map[string]string{"README.MD": "new"}, nil)
	w.remount()
	if w.read("readme.md") != "new" {
		t.Error("names do not fold after a remount")
	}
	w.remove("readme.MD")
	w.flush()
	w.matches("")
}
