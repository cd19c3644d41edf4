package cache_test

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/exavault"
)

// halting is a provider whose first upload stops half-way and leaves what a
// later one needs; shown is what was asked for during each.
type halting struct {
	*exavault.Client
	during  func()
	resumed []string
	fails   int
}

func (h *halting) Upload(ctx context.Context, up remote.Upload) (remote.Object, error) {
	h.resumed = append(h.resumed, string(up.Resume))
	if h.fails > 0 {
		h.fails--
		up.Progress(up.Size / 2)
		h.during()
		if err := up.Checkpoint([]byte("half")); err != nil {
			return remote.Object{}, err
		}
		return remote.Object{}, remote.E(remote.Temporary, "upload", up.Name, io.ErrUnexpectedEOF)
	}
	return h.Client.Upload(ctx, up)
}

func TestUploadShowsItsProgressAndIsResumed(t *testing.T) {
	h := &halting{fails: 1}
	w := newWorld(t, nil, unhurried, func(w *world) {
		w.as = func(c *exavault.Client) remote.Remote { h.Client = c; return h }
	})
	var shown []byte
	var s cache.Status
	var pending []cache.PendingItem
	h.during = func() {
		shown, _ = w.ns.Getxattr(w.Context(), w.ino("f"), "user.frugalfs.state")
		s, _ = w.ns.Status()
		pending, _ = w.ns.Pending()
		w.ns.Stop()
	}
	w.names("")
	w.write("f", strings.Repeat("x", 1000))
	_, _ = w.ns.Flush(w.Context())
	if !bytes.Equal(shown, []byte("sending 50%")) {
		t.Errorf("shown: %q", shown)
	}
	if want := []cache.Upload{{Path: "/f", Size: 1000, Percent: 50}}; !slices.Equal(s.Uploads, want) {
		t.Errorf("status: %v", s.Uploads)
	}
	if len(pending) != 1 || pending[0].State != "sending 50%" {
		t.Errorf("pending: %+v", pending)
	}
	w.remount()
	w.flush()
	if len(h.resumed) != 2 || h.resumed[1] != "half" {
		t.Errorf("resumed with %q", h.resumed)
	}
	w.write("f", "another generation")
	w.flush()
	if h.resumed[2] != "" {
		t.Errorf("another generation was resumed with %q", h.resumed[2])
	}
	w.matches("")
}
