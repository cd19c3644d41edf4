package remote

import (
	"testing"
	"unicode/utf8"
)

func TestFoldName(t *testing.T) {
	for _, same := range [][]string{
		{"readme", "README", "ReadMe"}, {"grüße", "GRÜSSE", "Gru\u0308ße"}, {"ä", "Ä", "a\u0308", "A\u0308"},
		{"ΣΊΣΥΦΟΣ", "σίσυφος"}, {"", ""}, {"日本", "日本"},
	} {
		for _, name := range same {
			if FoldName(name) != FoldName(same[0]) {
				t.Errorf("%q and %q fold to %q and %q", name, same[0], FoldName(name), FoldName(same[0]))
			}
		}
	}
	for _, two := range [][2]string{{"a", "b"}, {"a", "ä"}, {"a b", "ab"}, {"é", "e"}} {
		if FoldName(two[0]) == FoldName(two[1]) {
			t.Errorf("%q and %q are one name", two[0], two[1])
		}
	}
}

func FuzzFoldName(f *testing.F) {
	for _, s := range []string{"README", "Grüße", "\xff\xfe", "a\u0308A", "İ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		once := FoldName(name)
		if utf8.ValidString(name) && FoldName(once) != once {
			t.Errorf("%q folds to %q, and that to %q", name, once, FoldName(once))
		}
	})
}
