package remotetest

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

// Seeded is how the suite tests the client of a provider that does not take any
// file anywhere: what it works with comes to the account by another way. Only
// the checks run that need no more: of looking, listing and reading, of renaming
// and deleting in one folder, and of faults.
type Seeded struct {
	// Put stores files, by their paths in a new folder, and returns that folder.
	// What is in it can be renamed, moved within it, and deleted.
	Put func(t *testing.T, in Instance, files map[string]string) remote.Ref
	// Fixed puts files likewise where nothing can be changed (kind ReadOnly).
	Fixed func(t *testing.T, in Instance, files map[string]string) remote.Ref
}

var seededChecks = []check{
	{"SeededLook", "", seededLook},
	{"SeededMissing", "", seededMissing},
	{"SeededRead", "", seededRead},
	{"SeededRename", "", seededRename},
	{"SeededMove", "", seededMove},
	{"SeededMoveRename", MoveRenamer, seededMoveRename},
	{"SeededDelete", "", seededDelete},
	{"SeededFixed", "", seededFixed},
	{"SeededCanceled", "", seededCanceled},
	{"SeededUnavailable", "", seededUnavailable},
	{"SeededPage", "", seededPage},
	{"SeededCut", "", seededCut},
	{"SeededLost", "", seededLost},
}

// seeds are what most of the checks work with.
var seeds = map[string]string{
	"a": "content of a", "b": "", "sub/c": "content of c", "sub/deeper/d": strings.Repeat("0123456789", 10_000), "ü ö 'x' %41+.txt": "x",
}

// seed puts files into a new folder.
func (s *space) seed(files map[string]string) remote.Ref {
	s.Helper()
	return s.h.Seeded.Put(s.T, s.Instance, files)
}

// tree returns what is below a folder, by the paths in it, folders with a slash.
func (s *space) tree(dir remote.Ref) map[string]remote.Object {
	s.Helper()
	all := map[string]remote.Object{}
	for _, o := range s.walk(dir) {
		name := strings.TrimPrefix(o.Path, dir.Path+"/")
		if o.Dir {
			name += "/"
		}
		all[name] = o
	}
	return all
}

// seededIs checks that a tree has these files, and their folders.
func (s *space) seededIs(dir remote.Ref, files map[string]string) map[string]remote.Object {
	s.Helper()
	want := map[string]bool{}
	for name := range files {
		for i := range name {
			if name[i] == '/' {
				want[name[:i+1]] = true
			}
		}
		want[name] = true
	}
	tree := s.tree(dir)
	if got, want := slices.Sorted(maps.Keys(tree)), slices.Sorted(maps.Keys(want)); !slices.Equal(got, want) {
		s.Fatalf("%q holds %q, want %q", dir.Path, got, want)
	}
	for name, content := range files {
		if o := tree[name]; o.Size != int64(len(content)) {
			s.Errorf("%q has %d bytes, want %d", name, o.Size, len(content))
		}
		s.holds(tree[name].Ref(), content)
	}
	return tree
}

// seededLook: a listing and a look tell the same, by path and by ID.
func seededLook(s *space) {
	s.stat(root)
	dir := s.seed(seeds)
	for _, o := range s.seededIs(dir, seeds) {
		if by := s.stat(o.Ref()); !same(o, by) {
			s.Errorf("listed %+v and looked %+v", o, by)
		}
		if by := s.stat(remote.Ref{Path: o.Path}); !same(o, by) {
			s.Errorf("listed %+v and looked, by path, %+v", o, by)
		}
	}
	top := s.stat(dir)
	if parent := s.list(remote.Ref{Path: top.Path[:strings.LastIndexByte(top.Path, '/')]}); !same(parent[top.Name], top) {
		s.Errorf("listed %+v and looked %+v", parent[top.Name], top)
	}
}

func seededMissing(s *space) {
	dir := s.seed(seeds)
	s.gone(remote.Ref{Path: "/never"})
	for _, p := range []string{"/never", "/sub/never", "/never/never", "/a/never"} {
		s.gone(remote.Ref{Path: dir.Path + p})
		_, err := s.Remote.Download(s.ctx, remote.Ref{Path: dir.Path + p}, 0, -1)
		s.want(err, remote.NotExist)
	}
	_, err := s.Remote.List(s.ctx, remote.Ref{Path: dir.Path + "/a"}, func([]remote.Object) error { return nil })
	s.want(err, remote.NotDir)
	_, err = s.Remote.Download(s.ctx, remote.Ref{Path: dir.Path + "/sub"}, 0, -1)
	s.want(err, remote.IsDir)
}

func seededRead(s *space) {
	big := seeds["sub/deeper/d"]
	o := s.tree(s.seed(seeds))["sub/deeper/d"]
	for _, r := range [][2]int64{{0, 10}, {5, 10}, {99_990, -1}, {99_990, 100}, {50_000, 0}, {0, -1}} {
		want := big[r[0]:]
		if r[1] >= 0 {
			want = want[:min(r[1], int64(len(want)))]
		}
		if got := s.read(o.Ref(), r[0], r[1]); got != want {
			s.Errorf("range %v: %d bytes, want %d", r, len(got), len(want))
		}
	}
}

// renamed is seeds with one name changed.
func renamed(from, to string) map[string]string {
	files := map[string]string{}
	for name, content := range seeds {
		if rest, below := strings.CutPrefix(name, from); below && (rest == "" || rest[0] == '/') {
			name = to + rest
		}
		files[name] = content
	}
	return files
}

func seededRename(s *space) {
	for from, to := range map[string]string{"a": "ä new", "sub/": "other/", "sub/deeper/": "sub/deep/"} {
		dir := s.seed(seeds)
		before := s.tree(dir)
		to, from := strings.TrimSuffix(to, "/"), from
		name := to[strings.LastIndexByte(to, '/')+1:]
		o, err := s.Remote.Rename(s.ctx, before[from].Ref(), name)
		s.ok(err)
		if o.Name != name || o.Path != dir.Path+"/"+to || o.Dir != before[from].Dir {
			s.Errorf("renamed %q and got %+v", from, o)
		}
		after := s.seededIs(dir, renamed(strings.TrimSuffix(from, "/"), to))
		if !o.Dir && !same(after[to], o) {
			s.Errorf("the rename told %+v, and the listing %+v", o, after[to])
		}
		if strings.Contains(to, "/") {
			continue // nothing there has the name
		}
		_, err = s.Remote.Rename(s.ctx, o.Ref(), "b")
		s.want(err, remote.Exist)
		s.seededIs(dir, renamed(strings.TrimSuffix(from, "/"), to))
	}
}

func seededMove(s *space) {
	dir := s.seed(seeds)
	tree := s.tree(dir)
	rs, err := s.Remote.Move(s.ctx, []remote.Ref{tree["a"].Ref()}, tree["sub/deeper/"].Ref())
	s.ok(err)
	s.each(rs, good)
	s.seededIs(dir, renamed("a", "sub/deeper/a"))
	rs, err = s.Remote.Move(s.ctx, []remote.Ref{tree["sub/"].Ref()}, tree["sub/deeper/"].Ref())
	s.ok(err)
	s.each(rs, int(remote.Invalid))
	other := s.seed(map[string]string{"x": "x"})
	rs, err = s.Remote.Move(s.ctx, []remote.Ref{tree["a"].Ref()}, other)
	s.ok(err)
	if rs[0].Err == nil {
		s.seededIs(other, map[string]string{"x": "x", "a": seeds["a"]})
		return
	}
	s.want(rs[0].Err, remote.CrossDevice)
	s.seededIs(other, map[string]string{"x": "x"})
	s.seededIs(dir, renamed("a", "sub/deeper/a"))
}

func seededMoveRename(s *space) {
	dir := s.seed(seeds)
	tree := s.tree(dir)
	m, ok := s.Remote.(remote.MoveRenamer)
	if !ok {
		s.Fatal("no MoveRenamer")
	}
	o, err := m.MoveRename(s.ctx, tree["sub/c"].Ref(), dir, "c2")
	s.ok(err)
	if after := s.seededIs(dir, renamed("sub/c", "c2")); !same(after["c2"], o) {
		s.Errorf("the move told %+v, and the listing %+v", o, after["c2"])
	}
	_, err = m.MoveRename(s.ctx, o.Ref(), tree["sub/"].Ref(), "deeper")
	s.want(err, remote.Exist)
}

func seededDelete(s *space) {
	dir := s.seed(seeds)
	tree := s.tree(dir)
	for _, name := range []string{"a", "sub/", "b"} {
		rs, err := s.Remote.Delete(s.ctx, []remote.Ref{tree[name].Ref()})
		s.ok(err)
		s.each(rs, good)
		s.gone(tree[name].Ref())
	}
	s.seededIs(dir, map[string]string{"ü ö 'x' %41+.txt": "x"})
	rs, err := s.Remote.Delete(s.ctx, []remote.Ref{tree["a"].Ref()})
	s.ok(err)
	s.each(rs, int(remote.NotExist))
	rs, err = s.Remote.Delete(s.ctx, []remote.Ref{dir})
	s.ok(err)
	s.each(rs, good)
	s.gone(dir)
}

// seededCanceled calls with a context that ended: nothing leaves.
func seededCanceled(s *space) {
	dir := s.seed(seeds)
	a := s.tree(dir)["a"].Ref()
	before := s.ServerCount()
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	for name, call := range map[string]func() error{
		"stat": func() error { _, err := s.Remote.Stat(ctx, a); return err },
		"list": func() error {
			_, err := s.Remote.List(ctx, dir, func([]remote.Object) error { return nil })
			return err
		},
		"root": func() error {
			_, err := s.Remote.List(ctx, root, func([]remote.Object) error { return nil })
			return err
		},
		"download": func() error { _, err := s.Remote.Download(ctx, a, 0, -1); return err },
		"rename":   func() error { _, err := s.Remote.Rename(ctx, a, "y"); return err },
		"delete": func() error {
			rs, err := s.Remote.Delete(ctx, []remote.Ref{a})
			if err == nil {
				err = rs[0].Err
			}
			return err
		},
	} {
		if err := call(); !remote.IsKind(err, remote.Canceled) {
			s.Errorf("%s: got %v", name, err)
		}
	}
	if s.ServerCount() != before {
		s.Error("something was sent")
	}
}

// seededFixed: what cannot be changed is not, and not asked for.
func seededFixed(s *space) {
	if s.h.Seeded.Fixed == nil {
		return
	}
	dir := s.h.Seeded.Fixed(s.T, s.Instance, seeds)
	a := s.seededIs(dir, seeds)["a"].Ref()
	before := s.Ledger.Count()
	_, err := s.Remote.Rename(s.ctx, a, "a2")
	s.want(err, remote.ReadOnly)
	rs, err := s.Remote.Delete(s.ctx, []remote.Ref{a})
	s.ok(err)
	s.each(rs, int(remote.ReadOnly))
	_, err = s.upload(dir, "new", "x", false)
	s.want(err, remote.ReadOnly)
	_, err = s.Remote.Mkdir(s.ctx, dir, "new")
	s.want(err, remote.ReadOnly)
	if n := s.Ledger.Count() - before; n != 0 {
		s.Errorf("%d requests for what is never done", n)
	}
	s.seededIs(dir, seeds)
}

func seededUnavailable(s *space) {
	if !s.faults() {
		return
	}
	dir := s.seed(seeds)
	a := s.tree(dir)["a"]
	for _, op := range []string{"info", "list", "download"} {
		s.Fail(op, Unavailable)
		switch op {
		case "info":
			s.stat(a.Ref())
		case "list":
			s.list(dir)
		default:
			s.holds(a.Ref(), seeds["a"])
		}
	}
}

// seededPage: a page with status 200 is neither an answer nor a file.
func seededPage(s *space) {
	if !s.faults() {
		return
	}
	dir := s.seed(seeds)
	a := s.tree(dir)["a"]
	s.Fail("list", HTML)
	l, err := s.Remote.List(s.ctx, dir, func([]remote.Object) error { return nil })
	if err == nil || l.Complete || remote.IsKind(err, remote.NotExist) {
		s.Errorf("got %+v, %v", l, err)
	}
	s.Fail("info", HTML)
	_, err = s.Remote.Stat(s.ctx, a.Ref())
	s.want(err, remote.Corrupt)
	s.Fail("download", HTML)
	s.holds(a.Ref(), seeds["a"]) // it is asked for once more
	s.Fail("delete", HTML)
	rs, err := s.Remote.Delete(s.ctx, []remote.Ref{a.Ref()})
	if err == nil && rs[0].Err == nil {
		s.Error("a page passed for success")
	}
	s.seededIs(dir, seeds)
}

func seededCut(s *space) {
	if !s.faults() {
		return
	}
	dir := s.seed(seeds)
	d := s.tree(dir)["sub/deeper/d"]
	s.Fail("download", Cut)
	body, err := s.Remote.Download(s.ctx, d.Ref(), 0, -1)
	s.ok(err)
	var b strings.Builder
	if _, err := io.Copy(&b, body); err == nil {
		s.Errorf("%d bytes of %d came to a good end", b.Len(), d.Size)
	}
	_ = body.Close()
	s.Fail("list", Cut)
	if l, err := s.Remote.List(s.ctx, dir, func([]remote.Object) error { return nil }); err == nil != l.Complete {
		s.Errorf("got %+v, %v", l, err)
	}
	s.holds(d.Ref(), seeds["sub/deeper/d"])
}

// seededLost loses the answers to changes: what became of them is unknown.
func seededLost(s *space) {
	if !s.faults() {
		return
	}
	dir := s.seed(seeds)
	tree := s.tree(dir)
	s.Fail("rename", Lost)
	_, err := s.Remote.Rename(s.ctx, tree["a"].Ref(), "z")
	s.unknown(err)
	s.seededIs(dir, renamed("a", "z"))
	s.Fail("delete", Lost)
	s.unknown(s.removeEach(tree["a"].Ref()))
	left := maps.Clone(seeds)
	delete(left, "a")
	s.seededIs(dir, left)
}
