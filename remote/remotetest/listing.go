package remotetest

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

var listChecks = []check{
	{"List", "", list},
	{"ListPages", "", listPages},
	{"ListStops", "", listStops},
	{"ListFile", "", listFile},
	{"Names", "", names},
	{"NamesRefused", "", namesRefused},
	{"Tree", TreeLister, tree},
	{"TreePages", TreeLister, treePages},
}

func list(s *space) {
	if n := len(s.list(root)); n != 0 {
		s.Fatalf("the account has %d entries", n)
	}
	d := s.mkdir(root, "folder")
	want := []remote.Object{s.put(d.Ref(), "a", "1"), s.mkdir(d.Ref(), "b"), s.put(d.Ref(), "c", "")}
	s.put(want[1].Ref(), "below", "x")
	for _, ref := range []remote.Ref{d.Ref(), {Path: d.Path}} {
		before, start := s.Ledger.Count(), time.Now()
		got := s.list(ref)
		if n := s.Ledger.Count() - before; n != 1 && !s.h.NeverComplete && !s.searched(ref) {
			s.Errorf("%d transactions", n)
		}
		_, l := s.gather(s.Remote.List, ref)
		if l.Sent.Before(start) || l.Sent.After(time.Now()) {
			s.Errorf("sent at %v", l.Sent)
		}
		for _, o := range want {
			g := got[o.Name]
			if g.ID != o.ID || g.Size != o.Size || g.Dir != o.Dir || g.Version != o.Version {
				s.Errorf("got %+v, want %+v", g, o)
			}
		}
		if len(got) != len(want) {
			s.Errorf("%d entries", len(got))
		}
	}
}

// listPages lists folders of all sizes around one page and two.
func listPages(s *space) {
	d := s.mkdir(root, "folder").Ref()
	n, size := 0, s.h.PageSize
	for _, want := range []int{0, 1, size - 1, size, size + 1, 2*size - 1, 2 * size, 2*size + 1} {
		for ; n < want; n++ {
			s.put(d, numbered(n), "x")
		}
		before := s.Ledger.Count()
		got := s.list(d)
		if len(got) != n {
			s.Errorf("%d entries, want %d", len(got), n)
		}
		if asked := s.Ledger.Count() - before; asked > s.h.pages(n) && !s.h.NeverComplete {
			s.Errorf("%d entries took %d requests, want %d", n, asked, s.h.pages(n))
		}
	}
}

var errStop = errors.New("enough")

// listStops ends a listing from its callback.
func listStops(s *space) {
	for i := range 2*s.h.PageSize + 1 {
		s.put(root, numbered(i), "")
	}
	before := s.Ledger.Count()
	_, err := s.Remote.List(s.ctx, root, func([]remote.Object) error { return errStop })
	if !errors.Is(err, errStop) || s.Ledger.Count() != before+1 {
		s.Errorf("got %v after %d requests", err, s.Ledger.Count()-before)
	}
}

// listFile lists what is no folder: whatever the error is, it is one, and no
// proof that anything is absent unless the provider says so.
func listFile(s *space) {
	f := s.put(root, "file", "x")
	_, err := s.Remote.List(s.ctx, f.Ref(), func([]remote.Object) error { return nil })
	if err == nil || remote.IsUnknown(err) {
		s.Errorf("got %v", err)
	}
}

// oddNames are names that something on the way might mistake.
var oddNames = []string{
	"ä", "a\u0308", "日本語", "😀 (1)", " leading", "trailing ", "a+b&c=d?e#f%20g.txt", `quote"'`, `back\slash`, "line\nbreak", "tab\t",
	"*", "wild*?.txt", "-dash", ".hidden", "...", "[x]{y}", "id:1", "hash:abc", "semi;colon", "a:b", "null", "1", "~", "<html>", "\u202e",
}

// names stores, finds, reads, renames and deletes files with odd names.
func names(s *space) {
	long := strings.Repeat("x", 255)
	if m := s.Remote.Capabilities().MaxName; m > 0 {
		long = long[:m]
	}
	all := append([]string{long}, oddNames...)
	if s.h.Keeps != nil {
		all = slices.DeleteFunc(all, func(n string) bool { return !s.h.Keeps(n) })
	}
	d := s.mkdir(root, "földer +&%").Ref()
	for _, n := range all {
		s.holds(s.put(d, n, "content of "+n).Ref(), "content of "+n)
		s.holds(remote.Ref{Path: join(d.Path, n)}, "content of "+n)
	}
	got := s.list(d)
	for _, n := range all {
		if got[n].Name != n {
			s.Errorf("%q is not listed", n)
		}
	}
	if len(got) != len(all) {
		s.Errorf("%d entries, want %d", len(got), len(all))
	}
	f := s.put(root, "plain", "x")
	for _, n := range all {
		o, err := s.Remote.Rename(s.ctx, f.Ref(), n)
		s.ok(err)
		if o = s.found(o, join("/", n)); o.Name != n {
			s.Errorf("renamed to %q and got %q", n, o.Name)
		}
		f = o
	}
	var refs []remote.Ref
	for _, o := range got {
		refs = append(refs, remote.Ref{Path: o.Path})
	}
	for batch := range slices.Chunk(refs, s.Remote.Capabilities().DeleteBatch) {
		rs, err := s.Remote.Delete(s.ctx, batch)
		s.ok(err)
		for _, r := range rs {
			s.ok(r.Err)
		}
	}
	if left := s.list(d); len(left) != 0 {
		s.Errorf("%d entries are left", len(left))
	}
}

// namesRefused sends names that cannot be: none reaches the provider.
func namesRefused(s *space) {
	f := s.put(root, "file", "x")
	before := s.Ledger.Count()
	for _, n := range []string{"", ".", "..", "a/b", "/", "a\x00b", strings.Repeat("x", 256)} {
		kind := remote.InvalidName
		if len(n) == 256 {
			kind = remote.NameTooLong
		}
		_, err := s.Remote.Mkdir(s.ctx, root, n)
		s.want(err, kind)
		_, err = s.Remote.Rename(s.ctx, f.Ref(), n)
		s.want(err, kind)
		_, err = s.upload(root, n, "x", false)
		s.want(err, kind)
	}
	if s.Ledger.Count() != before {
		s.Error("something was sent")
	}
}

// grow makes a tree and returns its top folder.
func (s *space) grow() remote.Object {
	s.Helper()
	top := s.mkdir(root, "top")
	s.put(top.Ref(), "one", "1")
	a := s.mkdir(top.Ref(), "a")
	s.mkdir(top.Ref(), "empty")
	b := s.mkdir(a.Ref(), "b")
	for i := range s.h.PageSize {
		s.put(b.Ref(), numbered(i), strings.Repeat("y", i))
	}
	s.put(a.Ref(), "ünï", "code")
	s.put(root, "outside", "x")
	return top
}

// tree compares the listing of a tree with those of its folders.
func tree(s *space) {
	lister := s.Remote.(remote.TreeLister)
	top := s.grow()
	for _, ref := range []remote.Ref{top.Ref(), root} {
		if s.h.TreeUnsupported {
			_, err := lister.ListTree(s.ctx, ref, func([]remote.Object) error { return nil })
			s.want(err, remote.Unsupported)
			continue
		}
		all, l := s.gather(lister.ListTree, ref)
		if !s.h.NeverComplete && (!l.Complete || l.Total != len(all)) {
			s.Errorf("%d objects, %+v", len(all), l)
		}
		want := s.walk(ref)
		if !slices.EqualFunc(byPath(all), want, same) {
			s.Errorf("the tree has\n%+v\nand its folders have\n%+v", all, want)
		}
	}
}

// treePages lists trees of all sizes around one page and two.
func treePages(s *space) {
	if s.h.TreeUnsupported {
		s.Log("this server lists no trees")
		return
	}
	lister := s.Remote.(remote.TreeLister)
	top := s.mkdir(root, "top").Ref()
	below := s.mkdir(top, "below").Ref()
	n, size := 1, s.h.PageSize
	for _, want := range []int{size - 1, size, size + 1, 2 * size} {
		for ; n < want; n++ {
			s.put(below, numbered(n), "")
		}
		before := s.Ledger.Count()
		all, l := s.gather(lister.ListTree, top)
		if len(all) != n || !s.h.NeverComplete && !l.Complete {
			s.Errorf("got %d of %d objects, %+v", len(all), n, l)
		}
		if asked := s.Ledger.Count() - before; asked > s.h.pages(n) && !s.h.NeverComplete {
			s.Errorf("%d objects took %d requests", n, asked)
		}
	}
}
