package cache_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

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
	h.during = func() {
		shown, _ = w.ns.Getxattr(w.Context(), w.ino("f"), "user.frugalfs.state")
		w.ns.Stop()
	}
	w.names("")
	w.write("f", strings.Repeat("x", 1000))
	_, _ = w.ns.Flush(w.Context())
	if !bytes.Equal(shown, []byte("sending 50%")) {
		t.Errorf("shown: %q", shown)
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
