package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/frugalfs/frugalfs/remote"

	"github.com/frugalfs/frugalfs/remote/remotetest/seed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, o Options) *Store {
	t.Helper()
	if o.Root == "" {
		o.Root = filepath.Join(t.TempDir(), "root")
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // some tests closed it before
	return s
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *Store) put(path, content string, taken Taken) (Node, error) {
	g, err := s.Stage()
	if err != nil {
		return Node{}, err
	}
	_, werr := g.Write([]byte(content))
	done, err := s.Put(g, Put{Path: path, Taken: taken, By: "user"})
	return done.Node, errors.Join(err, werr, g.Discard())
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true}, {"*", "x", true}, {"", "x", false}, {"a*b", "aXXb", true}, {"a*b", "ab", true},
		{"a*b", "abc", false}, {"?", "é", true}, {"?", "", false}, {"**x?", "abcxy", true}, {"A.B", "a.b", true},
		{"*[a]*", "x[a]y", true}, {"*a*a*a*b", strings.Repeat("a", 60), false}, {"é*", "ÉTÉ", true},
	} {
		if got := Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

func TestCleanPath(t *testing.T) {
	for in, want := range map[string]string{"/": "/", "//a///b/": "/a/b", "/a b": "/a b"} {
		got, err := CleanPath(in)
		if err != nil || got != want {
			t.Errorf("CleanPath(%q) = %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "a", "/.", "/a/../b", "/a\x00", "/\xff", "/" + strings.Repeat("x", 256)} {
		if got, err := CleanPath(in); err == nil {
			t.Errorf("CleanPath(%q) = %q", in, got)
		}
	}
}

func TestFreeNameFits(t *testing.T) {
	s := open(t, Options{})
	for _, name := range []string{"a", ".hidden", "a.tar.gz", strings.Repeat("é", 127), "x." + strings.Repeat("e", 250)} {
		for range 3 {
			n, err := s.put("/"+name, "", PickName)
			if err != nil || CheckName(n.Name) != nil {
				t.Errorf("%q: %q, %v", name, n.Name, err)
			}
		}
	}
	if _, err := s.Lookup("/a.tar (2).gz"); err != nil {
		t.Error(err)
	}
}

func TestJournalSurvivesATornLine(t *testing.T) {
	s := open(t, Options{})
	n, err := s.put("/f", "1", Refuse)
	ok(t, err)
	ok(t, s.Close())
	journal := filepath.Join(s.meta, "journal.jsonl")
	f, err := os.OpenFile(journal, os.O_APPEND|os.O_WRONLY, 0)
	ok(t, err)
	_, err = f.WriteString(`{"node":{"id":`)
	ok(t, errors.Join(err, f.Close()))
	s = open(t, Options{Root: s.root})
	again, err := s.Lookup("/f")
	ok(t, err)
	if again.ID != n.ID || again.Hash != n.Hash {
		t.Errorf("%+v is not %+v", again, n)
	}
	ok(t, s.Close())
	ok(t, os.WriteFile(journal, []byte("odd\n"), 0o600))
	if _, err := Open(Options{Root: s.root}); err == nil {
		t.Error("a damaged journal was taken")
	}
}

func TestRootMayBeALink(t *testing.T) {
	dir := t.TempDir()
	ok(t, os.Mkdir(filepath.Join(dir, "real"), 0o755))
	ok(t, os.Symlink("real", filepath.Join(dir, "link")))
	s := open(t, Options{Root: filepath.Join(dir, "link")})
	_, err := s.put("/f", "1", Refuse)
	ok(t, err)
	if _, err := os.Stat(filepath.Join(dir, "real", "f")); err != nil {
		t.Error(err)
	}
}

func TestCompactKeepsIDs(t *testing.T) {
	s := open(t, Options{})
	kept, err := s.put("/kept", "1", Refuse)
	ok(t, err)
	ok(t, s.PutRecord("hook", 7, "value"))
	var last Node
	for range 700 {
		last, err = s.put("/f", "1", Refuse)
		ok(t, err)
		_, err = s.Delete(last.ID)
		ok(t, err)
	}
	ok(t, s.Close())
	for range 2 {
		s = open(t, Options{Root: s.root})
		if s.journal.lines > 100 {
			t.Errorf("%d lines", s.journal.lines)
		}
		n, err := s.Lookup("/kept")
		ok(t, err)
		fresh, err := s.put("/g", "1", Replace)
		ok(t, err)
		if n.ID != kept.ID || fresh.ID <= last.ID || string(s.Records("hook")[7]) != `"value"` {
			t.Errorf("ids %d, %d; records %v", n.ID, fresh.ID, s.Records("hook"))
		}
		ok(t, s.Close())
	}
}

func TestCopyIsWholeOrNothing(t *testing.T) {
	s := open(t, Options{})
	n, err := s.put("/d/f", "1", Refuse)
	ok(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Copy(ctx, n.ParentID, s.Top().ID, PickName, "user"); err == nil {
		t.Error("copied after all")
	}
	if _, err := s.Copy(context.Background(), n.ParentID, s.Top().ID, Refuse, "user"); !remote.IsKind(err, remote.Exist) {
		t.Error(err)
	}
	left, err := os.ReadDir(s.stageDir())
	ok(t, err)
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// The tree in memory, the tree on disk and the tree after a restart are the
// same, whatever happens, and ids are never used twice.
func TestRandomChanges(t *testing.T) {
	seed := seed.Of(t)
	m := &model{T: t, r: rand.New(rand.NewPCG(seed, 1)), s: open(t, Options{}), born: map[int64]string{}}
	for range 600 {
		m.step()
	}
	m.check()
}

type model struct {
	*testing.T
	r    *rand.Rand
	s    *Store
	born map[int64]string // the hash of every id seen
}

func (m *model) name() string { return string(rune('a' + m.r.IntN(4))) }

func (m *model) path() string {
	p := ""
	for range 1 + m.r.IntN(3) {
		p += "/" + m.name()
	}
	return p
}

func (m *model) node() Node {
	n, err := m.s.Lookup(m.path())
	if err != nil {
		return m.s.Top()
	}
	return n
}

func (m *model) step() {
	taken := Taken(m.r.IntN(3))
	var err error
	switch m.r.IntN(10) {
	case 0, 1:
		_, err = m.s.put(m.path(), m.name(), taken)
	case 2:
		_, _, err = m.s.MkdirAll(m.path(), "user")
	case 3, 4:
		_, err = m.s.Move(m.node().ID, Move{Parent: m.node().ID, Name: m.name(), Taken: taken})
	case 5:
		_, err = m.s.Copy(context.Background(), m.node().ID, m.node().ID, taken, "user")
	case 6:
		_, err = m.s.Delete(m.node().ID)
	case 7, 8:
		m.byHand()
	case 9:
		m.check()
	}
	var e *remote.Error
	if err != nil && (!errors.As(err, &e) || e.Kind == remote.Other) {
		m.Errorf("odd error: %v", err)
	}
}

func (m *model) byHand() {
	p := filepath.Join(m.s.root, m.path())
	switch m.r.IntN(3) {
	case 0:
		_ = os.MkdirAll(p, 0o755)
	case 1:
		_ = os.WriteFile(p, []byte(m.path()), 0o644)
	case 2:
		_ = os.RemoveAll(p)
	}
}

func (m *model) check() {
	m.Helper()
	want, got := m.onDisk(), m.known()
	if !slices.Equal(want, got) {
		m.Fatalf("on disk %v\nknown   %v", want, got)
	}
	if m.r.IntN(4) == 0 {
		ok(m.T, m.s.Close())
		before := m.ids()
		m.s = open(m.T, Options{Root: m.s.root})
		if after := m.ids(); !slices.Equal(before, after) {
			m.Fatalf("before %v\nafter  %v", before, after)
		}
	}
}

func (m *model) onDisk() (out []string) {
	ok(m.T, filepath.WalkDir(m.s.root, func(p string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(m.s.root, p)
		if err != nil || rel == "." {
			return err
		}
		c, _ := os.ReadFile(p) // nothing for a folder
		out = append(out, fmt.Sprint("/", rel, e.IsDir(), len(c)))
		return nil
	}))
	slices.Sort(out)
	return out
}

// known lists the tree as a search shows it, and checks the sums.
func (m *model) known() (out []string) {
	page, err := m.s.List(m.s.Top().ID, Query{Tree: true, Limit: -1})
	ok(m.T, err)
	var total int64
	for _, n := range page.Nodes {
		if h := m.born[n.ID]; h != "" && h != n.Hash {
			m.Errorf("id %d was used twice", n.ID)
		}
		m.born[n.ID] = n.Hash
		size := n.Size
		if n.Dir {
			size = 0
		}
		total += size
		out = append(out, fmt.Sprint(n.Path, n.Dir, size))
	}
	if top := m.s.Top().Size; top != total {
		m.Errorf("the root's size is %d, not %d", top, total)
	}
	slices.Sort(out)
	return out
}

func (m *model) ids() (out []string) {
	for id, n := range m.s.byID {
		out = append(out, fmt.Sprint(id, n.path(), n.hash, n.updated.UnixNano()))
	}
	slices.Sort(out)
	return out
}
