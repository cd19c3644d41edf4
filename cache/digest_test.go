package cache_test

import (
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// undigested mounts an account whose provider has not computed any digest yet.
func undigested(w *world) {
	w.provider = otherAccounts["filescom"]
	w.switches = map[string]string{"hash-delay": "1h"}
}

// digest lets the provider have computed all digests.
func (w *world) digest() {
	w.Helper()
	w.check(w.server.Set("hash-delay", "0s"))
}

// askPut stores a file as another program on the account would.
func (w *world) askPut(name, text string) {
	w.Helper()
	_, err := w.asker().Upload(w.Context(), remote.Upload{
		Parent: remote.Ref{Path: "/"}, Name: name, Size: int64(len(text)), Content: strings.NewReader(text), Overwrite: true,
		ModTime: time.Unix(1_234_567_890, 0),
	})
	w.check(err)
}

// TestDigestThatAppearsIsNoChange: what was deleted, or written, before the
// provider had its digest is not changed by that.
func TestDigestThatAppearsIsNoChange(t *testing.T) {
	for _, whose := range []string{"ours", "another's"} {
		t.Run(whose, func(t *testing.T) {
			t.Parallel()
			c := &clock{}
			w := newWorld(t, nil, unhurried, undigested, withClock(c))
			w.names("")
			for _, name := range []string{"gone", "written", "renamed"} {
				if whose == "ours" {
					w.write(name, "text")
				} else {
					w.askPut(name, "text")
				}
			}
			w.flush()
			c.advance(25 * time.Hour)
			w.names("")
			w.remove("gone")
			w.write("written", "other")
			w.rename("renamed", "new", 0)
			w.digest()
			w.flush()
			names := w.names("")
			if len(names) != 2 || w.remoteHas("gone") || w.remoteText("written") != "other" || w.remoteText("new") != "text" {
				t.Errorf("there are %v", names)
			}
		})
	}
}

// TestReplacedBeforeItsDigest: a file that somebody else replaced is not deleted,
// although nothing but its digest tells.
func TestReplacedBeforeItsDigest(t *testing.T) {
	w := newWorld(t, nil, unhurried, undigested)
	w.names("")
	w.write("file", "text")
	w.flush()
	w.remove("file")
	w.askPut("file", "mine")
	w.digest()
	w.flush()
	if !w.remoteHas("file") || w.remoteText("file") != "mine" {
		t.Error("it was deleted")
	}
}
