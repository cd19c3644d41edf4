package cache

import (
	"slices"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

func TestReadLetter(t *testing.T) {
	for text, want := range map[string]letter{
		"a@example.com":                                     {[]string{"a@example.com"}, ""},
		"To: a@example.com\n\nHello\n\nagain\n":             {[]string{"a@example.com"}, "Hello\n\nagain"},
		"\ufeffto:a@example.com\r\n\r\nHello\r\n":           {[]string{"a@example.com"}, "Hello"},
		"# me\n\n\na@example.com; b@example.com,\n\n\nHi":   {[]string{"a@example.com", "b@example.com"}, "\nHi"},
		"Ann <a@example.com>, a@example.com\nb@example.com": {[]string{"a@example.com", "b@example.com"}, ""},
	} {
		l, err := readLetter(text)
		if err != nil || !slices.Equal(l.to, want.to) || l.message != want.message {
			t.Errorf("%q: %+v, %v", text, l, err)
		}
	}
	for _, text := range []string{"", "\n\n", "# nobody", "a@", "a@example.com b@example.com", "\xff@example.com", "To:\n\nHello"} {
		if l, err := readLetter(text); !remote.IsKind(err, remote.Invalid) {
			t.Errorf("%q: %+v, %v", text, l, err)
		}
	}
}

func FuzzReadLetter(f *testing.F) {
	f.Add("To: Ann <a@example.com>, b@example.com\n\nHello")
	f.Add("# x\r\n;,\r\n\"quoted name\" <q@example.com>")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := readLetter(text)
		switch {
		case err != nil && !remote.IsKind(err, remote.Invalid):
			t.Error(err)
		case err == nil && len(l.to) == 0:
			t.Error("nobody to send it to")
		}
		for _, to := range l.to {
			if !strings.Contains(to, "@") || strings.Contains(to, "\n") {
				t.Errorf("%q is no address", to)
			}
		}
	})
}
