package cache_test

import (
	"context"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/exavault"
)

// noEmpty is a provider that stores no empty files.
type noEmpty struct{ *exavault.Client }

func (n noEmpty) Capabilities() remote.Capabilities {
	c := n.Client.Capabilities()
	c.EmptyFiles = false
	return c
}

func (n noEmpty) Upload(ctx context.Context, up remote.Upload) (remote.Object, error) {
	if up.Size == 0 {
		return remote.Object{}, remote.E(remote.Unsupported, "upload", up.Name, nil)
	}
	return n.Client.Upload(ctx, up)
}

func TestEmptyFilesThatCannotBeStored(t *testing.T) {
	w := newWorld(t, account(), unhurried, func(w *world) {
		w.as = func(c *exavault.Client) remote.Remote { return noEmpty{c} }
	})
	w.walk("")
	w.write("new", "")
	w.mkdir("n")
	w.write("n/empty", "")
	w.write("n/full", "text")
	w.write("a", "")
	w.rename("a", "z", 0)
	w.flush()
	if w.remoteHas("new") || w.remoteHas("n/empty") || w.remoteText("z") != "A" || w.remoteText("n/full") != "text" {
		t.Error("the account is not as it should be")
	}
	w.remount()
	for _, name := range []string{"new", "n/empty", "z"} {
		if w.read(name) != "" {
			t.Errorf("%s is not empty after a remount", name)
		}
	}
	s, err := w.ns.Status()
	w.check(err)
	if s.KeptHere != 3 {
		t.Errorf("%d files are kept here", s.KeptHere)
	}
	items, err := w.ns.Pending()
	w.check(err)
	if len(items) != 3 || !strings.Contains(items[0].Reason, "empty") || !items[0].KeptHere {
		t.Errorf("pending: %+v", items)
	}
	w.write("new", "something")
	w.write("z", "Z")
	w.remove("n/empty")
	w.flush()
	w.holds(map[string]string{"new": "something", "z": "Z", "n/full": "text"}, []string{"a", "n/empty"})
	w.matches("")
}
