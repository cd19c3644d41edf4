package cache_test

import (
	"fmt"
	"strings"
	"testing"
)

// newCopiesAt is newCopies at another provider.
func newCopiesAt(t *testing.T, provider string, switches map[string]string) *world {
	t.Helper()
	kind := otherAccounts[provider]
	w := newWorld(t, treeOfCopies(), unhurried, func(w *world) { w.provider, w.switches = kind, switches })
	for _, dir := range []string{"", "large", "from", "from/d0", "from/d1", "from/d2"} {
		w.names(dir)
	}
	return w
}

// TestCopiesAtOtherProviders: copies move no bytes, whatever little is told of them.
func TestCopiesAtOtherProviders(t *testing.T) {
	for _, c := range []struct {
		provider string
		switches map[string]string
		// file and tree are what copies cost at most.
		file, tree int
	}{
		{"filescom", nil, 2, 3},
		{"filescom", map[string]string{"hash-delay": "1h"}, 3, 3},
		{"filescom", map[string]string{"migrations": "2"}, 4, 5},
		{"filescom", map[string]string{"migrations": "1", "hashes": "never"}, 4, 4},
		{"exavault1", nil, 4, 9},
	} {
		t.Run(fmt.Sprint(c.provider, c.switches), func(t *testing.T) {
			t.Parallel()
			w := newCopiesAt(t, c.provider, c.switches)
			want := map[string]string{"l": "small"}
			w.costs("a file", c.file, func() { w.cp("large/l", "l"); w.flush() })
			w.costs("a tree", c.tree, func() { w.cpTree("from", "to", want); w.flush() })
			if ops := w.server.CountBy(); ops["download"]+ops["upload"]+ops["end"] > 0 {
				t.Errorf("content was moved: %v", ops)
			}
			w.all(want)
		})
	}
}

// TestCopiesAtOtherProvidersFail: whatever fails, everything is there in the end.
func TestCopiesAtOtherProvidersFail(t *testing.T) {
	for _, provider := range []string{"filescom", "exavault1"} {
		for _, op := range []string{"copy", "info"} {
			for way := range len(faults) + 1 {
				t.Run(fmt.Sprintf("%s/%s/%d", provider, op, way), func(t *testing.T) {
					t.Parallel()
					w := newCopiesAt(t, provider, nil)
					want := map[string]string{"l": "small"}
					w.cp("large/l", "l")
					w.cpTree("from", "to", want)
					w.spoil(op, way)
					w.flush()
					w.all(want)
				})
			}
		}
	}
}

// TestCopyAtOtherProvidersOfWhatOthersChange: no copy of something else is taken
// for what was copied.
func TestCopyAtOtherProvidersOfWhatOthersChange(t *testing.T) {
	for _, provider := range []string{"filescom", "exavault1"} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			w := newCopiesAt(t, provider, nil)
			w.cp("large/l", "l")
			w.putRemote("large/l", "theirs")
			left, err := w.ns.Flush(w.Context())
			if len(left) != 1 || !left[0].Failed || !strings.Contains(left[0].Reason, "copied from") {
				t.Errorf("left: %+v, %v", left, err)
			}
		})
	}
}
