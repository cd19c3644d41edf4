package filescom

import (
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// Whatever a request names, what comes of it is a clean path or an error.
func FuzzUnescape(f *testing.F) {
	for _, path := range []string{"", "a/b%20c", "a%2Fb", "../x", "a//b", "%", "a%00", "x%20/y"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, escaped string) {
		path, err := unescape(escaped)
		if err != nil {
			return
		}
		if clean, err := store.CleanPath(path); err != nil || clean != path || strings.Contains(path, "/../") {
			t.Errorf("%q became %q", escaped, path)
		}
	})
}

// A cursor that is accepted names a place in a listing.
func FuzzCursor(f *testing.F) {
	f.Add("c2:next:MTA")
	f.Add("c2:next:LTE")
	f.Fuzz(func(t *testing.T, cursor string) {
		if n, err := readCursor(cursor); err == nil && n < 0 {
			t.Errorf("%q became %d", cursor, n)
		}
	})
}
