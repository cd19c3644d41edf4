package content

import (
	"io"
	"os"
	"testing"
)

// TestStageInPlace writes to a generation that took over the file of another.
func TestStageInPlace(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	old, err := s.Stage(1, "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.WriteAt([]byte("aaaa"), 0); err != nil {
		t.Fatal(err)
	}
	if err := old.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(old.Gen()); err != nil {
		t.Fatal(err)
	}
	before, err := IdentityOf(old.Fd())
	if err != nil {
		t.Fatal(err)
	}
	g, err := s.StageInPlace(t.Context(), 1, old, "a")
	if err != nil {
		t.Fatal(err)
	}
	if after, err := IdentityOf(g.Fd()); err != nil || after != before {
		t.Errorf("the new generation has another file: %v", err)
	}
	if r, ok := rec.get(g.Gen()); !ok || r.Synced {
		t.Error("the new generation counts as synced before it was")
	}
	if _, err := g.WriteAt([]byte("b"), 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		g    *Staged
		want string
	}{{old, "aaaa"}, {g, "baaa"}} {
		got, err := io.ReadAll(io.NewSectionReader(c.g, 0, c.g.Size()))
		if err != nil || string(got) != c.want {
			t.Errorf("%q, %v; want %q", got, err, c.want)
		}
		named, err := os.ReadFile(s.path(c.g.Gen()))
		if err != nil || string(named) != c.want {
			t.Errorf("under its name: %q, %v; want %q", named, err, c.want)
		}
	}
	if err := g.Sync(t.Context()); err != nil {
		t.Error(err)
	}
	if r, _ := rec.get(g.Gen()); !r.Synced {
		t.Error("the new generation is not recorded as synced")
	}
	for _, h := range []*Staged{old, g} {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}
