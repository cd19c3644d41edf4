package remotetest

import (
	"fmt"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
)

var changeChecks = []check{
	{"Mkdir", "", mkdir},
	{"MkdirTaken", "", mkdirTaken},
	{"Rename", "", rename},
	{"RenameTaken", "", renameTaken},
	{"Move", "", move},
	{"MoveTaken", "", moveTaken},
	{"MovePartly", "", movePartly},
	{"Delete", "", remove},
	{"DeletePartly", "", removePartly},
	{"DeleteMany", "", removeMany},
}

func mkdir(s *space) {
	before := s.Ledger.Count()
	d := s.mkdir(root, "folder")
	if n := s.Ledger.Count() - before; n != max(s.h.MkdirCost, 1) {
		s.Errorf("%d transactions", n)
	}
	for i, ref := range []remote.Ref{d.Ref(), {Path: d.Path}} {
		sub := s.mkdir(ref, "sub of "+numbered(i))
		if sub.ParentID != "" && sub.ParentID != d.ID {
			s.Errorf("got %+v in %+v", sub, d)
		}
	}
	if n := len(s.list(d.Ref())); n != 2 {
		s.Errorf("%d entries", n)
	}
}

// mkdirTaken makes a folder that is there: it is refused, answered, or gets
// another name, and nothing is lost.
func mkdirTaken(s *space) {
	d := s.mkdir(root, "folder")
	s.put(d.Ref(), "file", "content")
	o, err := s.Remote.Mkdir(s.ctx, root, "folder")
	switch {
	case err != nil:
		s.want(err, remote.Exist)
	case o.Name == "folder" && o.ID != d.ID, o.Name != "folder" && o.ID == d.ID && o.ID != "":
		s.Errorf("got %+v, and there was %+v", o, d)
	}
	s.holds(remote.Ref{Path: "/folder/file"}, "content")
	s.put(root, "taken", "by a file")
	if o, err := s.Remote.Mkdir(s.ctx, root, "taken"); err == nil && o.Name == "taken" {
		s.Errorf("got %+v", o)
	}
	s.holds(remote.Ref{Path: "/taken"}, "by a file")
}

func rename(s *space) {
	d := s.mkdir(root, "old")
	f := s.put(d.Ref(), "file", "content")
	before := s.Ledger.Count()
	g, err := s.Remote.Rename(s.ctx, f.Ref(), "new name")
	s.ok(err)
	if n := s.Ledger.Count() - before; n != max(s.h.ChangeCost, 1) {
		s.Errorf("%d transactions", n)
	}
	if g = s.found(g, "/old/new name"); g.Path != "/old/new name" || g.ID != f.ID || g.Size != f.Size {
		s.Errorf("got %+v, it was %+v", g, f)
	}
	s.gone(remote.Ref{Path: "/old/file"})
	e, err := s.Remote.Rename(s.ctx, remote.Ref{Path: "/old"}, "new")
	s.ok(err)
	if e = s.found(e, "/new"); e.Path != "/new" || e.ID != d.ID {
		s.Errorf("got %+v, it was %+v", e, d)
	}
	s.holds(remote.Ref{Path: "/new/new name"}, "content")
	s.gone(remote.Ref{Path: "/old"})
	h, err := s.Remote.Rename(s.ctx, remote.Ref{ID: g.ID, Path: "/new/new name"}, "NEW NAME")
	s.ok(err)
	if h = s.found(h, "/new/NEW NAME"); h.Name != "NEW NAME" || len(s.list(e.Ref())) != 1 {
		s.Errorf("got %+v", h)
	}
}

// found is what a call returned for an object that it put at a path, or what is
// there if it described nothing.
func (s *space) found(o remote.Object, at string) remote.Object {
	s.Helper()
	if o == (remote.Object{}) {
		o = s.stat(remote.Ref{Path: at})
	}
	s.sane(o)
	return o
}

// renameTaken renames to a name that is taken: it is refused, or the object
// gets another name. Both contents stay.
func renameTaken(s *space) {
	d := s.mkdir(root, "folder").Ref()
	a, b := s.put(d, "a", "content of a"), s.put(d, "b", "content of b")
	o, err := s.Remote.Rename(s.ctx, a.Ref(), "b")
	switch {
	case err != nil:
		s.want(err, remote.Exist)
	case o.Name == "b" && !s.h.TakenUnseen || o.ID != a.ID:
		s.Errorf("got %+v", o)
	}
	s.keeps(d, "content of a", "content of b")
	if !s.h.TakenUnseen {
		s.holds(remote.Ref{Path: b.Path}, "content of b")
	}
}

func move(s *space) {
	from, to := s.mkdir(root, "from"), s.mkdir(root, "to")
	f, g := s.put(from.Ref(), "file", "content"), s.put(from.Ref(), "ü", "")
	sub := s.mkdir(from.Ref(), "sub")
	s.put(sub.Ref(), "below", "deep")
	all := []remote.Object{f, g, sub}
	before, n := s.Ledger.Count(), min(len(all), s.Remote.Capabilities().MoveBatch)
	for i := 0; i < len(all); i += n {
		var refs []remote.Ref
		for _, o := range all[i:min(i+n, len(all))] {
			refs = append(refs, o.Ref())
		}
		rs, err := s.Remote.Move(s.ctx, refs, to.Ref())
		s.ok(err)
		for j, r := range rs {
			s.moved(r, all[i+j], to)
		}
	}
	if got, want := s.Ledger.Count()-before, (len(all)+n-1)/n*max(s.h.ChangeCost, 1); got != want {
		s.Errorf("%d transactions, want %d", got, want)
	}
	s.holds(remote.Ref{Path: "/to/file"}, "content")
	s.holds(remote.Ref{Path: "/to/sub/below"}, "deep")
	if len(s.list(from.Ref())) != 0 || len(s.list(to.Ref())) != len(all) {
		s.Error("not everything was moved")
	}
	rs, err := s.Remote.Move(s.ctx, []remote.Ref{{Path: "/to/file"}}, root)
	s.ok(err)
	s.each(rs, good)
	s.holds(remote.Ref{Path: "/file"}, "content")
}

// moved checks the result of moving o.
func (s *space) moved(r remote.Result, o, to remote.Object) {
	s.Helper()
	if r.Err != nil {
		s.Errorf("moving %q: %v", o.Path, r.Err)
		return
	}
	if got := r.Object; got != (remote.Object{}) && (got.Path != join(to.Path, o.Name) || got.ID != o.ID || got.Dir != o.Dir) {
		s.Errorf("moved %+v and got %+v", o, got)
	}
}

// moveTaken moves to where the name is taken, and into a folder's own self.
func moveTaken(s *space) {
	from, to := s.mkdir(root, "from"), s.mkdir(root, "to")
	f := s.put(from.Ref(), "file", "mine")
	s.put(to.Ref(), "file", "theirs")
	if !s.h.MoveReplaces {
		rs, err := s.Remote.Move(s.ctx, []remote.Ref{f.Ref()}, to.Ref())
		s.ok(err)
		if rs[0].Err != nil {
			s.want(rs[0].Err, remote.Exist)
			s.keeps(from.Ref(), "mine")
			s.keeps(to.Ref(), "theirs")
		} else {
			s.keeps(to.Ref(), "mine", "theirs")
		}
		if !s.h.TakenUnseen {
			s.holds(remote.Ref{Path: "/to/file"}, "theirs")
		}
	}
	s.put(from.Ref(), "more", "x")
	if rs, err := s.Remote.Move(s.ctx, []remote.Ref{from.Ref()}, from.Ref()); err == nil && rs[0].Err == nil {
		s.Error("a folder moved into itself")
	}
	s.holds(remote.Ref{Path: "/from/more"}, "x")
	if rs, err := s.Remote.Move(s.ctx, []remote.Ref{{Path: "/from/more"}}, remote.Ref{Path: "/never"}); err == nil && rs[0].Err == nil {
		s.holds(remote.Ref{Path: "/never/more"}, "x") // the folder was made
	} else {
		s.holds(remote.Ref{Path: "/from/more"}, "x")
	}
}

func movePartly(s *space) {
	if s.Remote.Capabilities().MoveBatch < 3 {
		s.Log("one object at a time only")
		return
	}
	to := s.mkdir(root, "to")
	a, gone, c := s.put(root, "a", "1"), s.put(root, "b", "2"), s.put(root, "c", "3")
	_, err := s.Remote.Delete(s.ctx, []remote.Ref{gone.Ref()})
	s.ok(err)
	for _, refs := range [][]remote.Ref{{a.Ref(), gone.Ref(), c.Ref()}, {{Path: "/to/a"}, {Path: "/never"}, {Path: "/to/c"}}} {
		target := to.Ref()
		if refs[0].Path == "/to/a" {
			target = root
		}
		rs, err := s.Remote.Move(s.ctx, refs, target)
		s.ok(err)
		s.each(rs, good, int(remote.NotExist), good)
	}
	s.keeps(root, "1", "3")
}

func remove(s *space) {
	d := s.mkdir(root, "folder")
	f := s.put(d.Ref(), "file", "x")
	s.put(d.Ref(), "other", "y")
	for _, ref := range []remote.Ref{f.Ref(), {Path: "/folder/other"}} {
		before := s.Ledger.Count()
		rs, err := s.Remote.Delete(s.ctx, []remote.Ref{ref})
		s.ok(err)
		s.each(rs, good)
		if n := s.Ledger.Count() - before; n != 1 && !s.searched(ref) {
			s.Errorf("%d transactions", n)
		}
		s.gone(ref)
	}
	if !s.Remote.Capabilities().RecursiveDelete {
		return
	}
	sub := s.mkdir(d.Ref(), "sub")
	below := s.put(sub.Ref(), "below", "z")
	rs, err := s.Remote.Delete(s.ctx, []remote.Ref{d.Ref()})
	s.ok(err)
	s.each(rs, good)
	for _, o := range []remote.Object{d, sub, below} {
		s.gone(o.Ref())
	}
	if n := len(s.list(root)); n != 0 {
		s.Errorf("%d entries are left", n)
	}
}

func removePartly(s *space) {
	if s.Remote.Capabilities().DeleteBatch < 3 {
		s.Log("one object at a time only")
		return
	}
	a, gone, c := s.put(root, "a", "1"), s.put(root, "b", "2"), s.put(root, "c", "3")
	keep := s.put(root, "keep", "me")
	rs, err := s.Remote.Delete(s.ctx, []remote.Ref{gone.Ref()})
	s.ok(err)
	s.each(rs, good)
	rs, err = s.Remote.Delete(s.ctx, []remote.Ref{a.Ref(), gone.Ref(), {Path: c.Path}})
	s.ok(err)
	s.each(rs, good, int(remote.NotExist), good)
	s.keeps(root, "me")
	s.holds(keep.Ref(), "me")
}

// removeMany deletes as many as go into one request, or 100.
func removeMany(s *space) {
	n := min(100, s.Remote.Capabilities().DeleteBatch)
	var refs []remote.Ref
	for i := range n {
		refs = append(refs, s.put(root, fmt.Sprint(i), strings.Repeat("x", i%3)).Ref())
	}
	before := s.Ledger.Count()
	rs, err := s.Remote.Delete(s.ctx, refs)
	s.ok(err)
	for _, r := range rs {
		s.ok(r.Err)
	}
	if asked := s.Ledger.Count() - before; len(rs) != n || asked != 1 || len(s.list(root)) != 0 {
		s.Errorf("%d results after %d requests", len(rs), asked)
	}
}
