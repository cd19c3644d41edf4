package yetishare

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// rawNames are names that a site may have.
var rawNames = []string{
	"", ".", "..", "...", "a", "a/b", "/", "a\x00b", "．", "．．", "‛", "‛‛", "‛．", "‛／", "／", "␀", "a‛b", "‛a", "a／b", "..a", "ä/‛/..", "‛．．", "．a",
}

func TestShow(t *testing.T) {
	shown := map[string]string{}
	for _, raw := range rawNames {
		name := show(raw)
		if !clientkit.ValidName(name) || unshow(name) != raw {
			t.Errorf("%q is shown as %q, and that means %q", raw, name, unshow(name))
		}
		if other, taken := shown[name]; taken {
			t.Errorf("%q and %q are both shown as %q", raw, other, name)
		}
		shown[name] = raw
	}
	for _, plain := range []string{"a", ".profile", "...", "ä b.txt"} {
		if show(plain) != plain {
			t.Errorf("%q is shown as %q", plain, show(plain))
		}
	}
	if _, err := rawName("op", "/‛x", "‛x"); err == nil {
		t.Error("a name that would be lost is taken")
	}
}

func FuzzShow(f *testing.F) {
	for _, n := range rawNames {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n string) {
		if !utf8.ValidString(n) {
			return
		}
		if name := show(n); unshow(name) != n || len(name) <= clientkit.MaxName && !clientkit.ValidName(name) {
			t.Errorf("%q is shown as %q, and that means %q", n, name, unshow(name))
		}
		if raw, err := rawName("op", "/", n); err == nil && show(raw) != n {
			t.Errorf("%q goes as %q and comes back as %q", n, raw, show(raw))
		}
	})
}

func TestNumbered(t *testing.T) {
	for name, want := range map[string]string{
		"a.txt": "a (12).txt", "a": "a (12)", ".bashrc": ".bashrc (12)", "a.tar.gz": "a.tar (12).gz", "a.": "a (12).",
		strings.Repeat("ä", 200):       strings.Repeat("ä", 125) + " (12)",
		"a." + strings.Repeat("x", 40): "a." + strings.Repeat("x", 40) + " (12)",
	} {
		if got := numbered(name, 12); got != want || len(got) > clientkit.MaxName {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

// TestPlace: every entry has a name of its own, whatever the names are, and the
// same one each time.
func TestPlace(t *testing.T) {
	file := func(id int64, raw string) entry { return entry{handle: handle{id: id}, raw: raw} }
	l := listing{entries: []entry{
		{handle: handle{dir: true, id: 7}, raw: "a.txt"}, file(3, "a.txt"), file(4, "a.txt"), file(5, "a (4).txt"), file(6, "a (4) (4).txt"),
		file(8, strings.Repeat("x", 300)), file(9, "a／b"), file(10, "a/b"),
	}}
	l.place(1, "/dir")
	for i, want := range []string{"a.txt", "a (3).txt", "a (4) (4) (4).txt", "a (4).txt", "a (4) (4).txt", strings.Repeat("x", 251) + " (8)", "a‛／b", "a／b"} {
		if o := l.entries[i].object; o.Name != want || o.Path != "/dir/"+want || o.ParentID != "d1" {
			t.Errorf("%+v is shown as %+v, want %q", l.entries[i].handle, o, want)
		}
	}
}

func TestHandles(t *testing.T) {
	for _, h := range []handle{{dir: true, id: 12}, {id: 34, size: 560}, {id: 1}} {
		if got, ok := parseHandle(h.String()); !ok || got != h {
			t.Errorf("%+v is %q, and that %+v", h, h, got)
		}
	}
	for _, s := range []string{"", "12", "d", "d0", "d-1", "f12", "f-1-2", "f1-", "f1-x", "x1", "f0-1", "d99999999999999999999"} {
		if h, ok := parseHandle(s); ok {
			t.Errorf("%q is %+v", s, h)
		}
	}
}

func TestSendable(t *testing.T) {
	for raw, want := range map[string]string{
		"a/b": "a_b", `a\b`: "a_b", `"`: "_", "..": "unnamed", "": "unnamed", "l\nf": "l_f",
	} {
		if !unsendable(raw) || standIn(raw) != want || unsendable(standIn(raw)) {
			t.Errorf("%q: sent as %q, want %q", raw, standIn(raw), want)
		}
	}
	if blanks := " x "; !unsendable(blanks) || standIn(blanks) != "x" {
		t.Errorf("%q: sent as %q", blanks, standIn(blanks))
	}
	for _, raw := range []string{"a", ".profile", "ä 日本.txt", "a%20b", "x;y'z"} {
		if unsendable(raw) {
			t.Errorf("%q", raw)
		}
	}
}
