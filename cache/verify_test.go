package cache_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/exavault"
)

// hashing is a provider that tells digests, and spoils downloads.
type hashing struct {
	remote.Remote
	texts map[string]string
	// spoil is how many downloads are still to be wrong.
	spoil     *atomic.Int64
	downloads *atomic.Int64
}

func (h *hashing) Capabilities() remote.Capabilities {
	c := h.Remote.Capabilities()
	c.Hash = "md5"
	return c
}

func (h *hashing) List(ctx context.Context, dir remote.Ref, page func([]remote.Object) error) (remote.Listing, error) {
	return h.Remote.List(ctx, dir, func(objects []remote.Object) error {
		for i, o := range objects {
			sum := md5.Sum([]byte(h.texts[strings.TrimPrefix(o.Path, "/")]))
			objects[i].Hash = hex.EncodeToString(sum[:])
		}
		return page(objects)
	})
}

func (h *hashing) Download(ctx context.Context, ref remote.Ref, offset, length int64) (*remote.Download, error) {
	h.downloads.Add(1)
	d, err := h.Remote.Download(ctx, ref, offset, length)
	if err != nil || h.spoil.Add(-1) < 0 {
		return d, err
	}
	data, err := io.ReadAll(d)
	if err != nil {
		return nil, err
	}
	data[len(data)/2] ^= 1
	d.ReadCloser = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(data), d.ReadCloser}
	return d, nil
}

func withHashes(texts map[string]string, h *hashing) func(*world) {
	return func(w *world) {
		w.as = func(c *exavault.Client) remote.Remote {
			h.Remote, h.texts = c, texts
			h.spoil, h.downloads = &atomic.Int64{}, &atomic.Int64{}
			return h
		}
	}
}

func TestWrongBytesAreNeverServed(t *testing.T) {
	texts := map[string]string{
		"small": "a small file", "middle": strings.Repeat("middle ", 400_000), "large": strings.Repeat("a large file ", 500_000),
	}
	h := &hashing{}
	w := newWorld(t, texts, unhurried, withHashes(texts, h))
	for _, name := range []string{"small", "middle"} {
		h.spoil.Store(1)
		h.downloads.Store(0)
		if w.read(name) != texts[name] || h.downloads.Load() != 2 {
			t.Errorf("%s was not fetched again: %d downloads", name, h.downloads.Load())
		}
	}
	w.ns.Evict(w.ino("small"), w.ino("middle"))
	for name, text := range texts {
		h.spoil.Store(2)
		if err := w.tryRead(name, len(text)); !remote.IsKind(err, remote.Corrupt) {
			t.Errorf("%s: %v", name, err)
		}
		if w.ns.Has(w.ino(name)) {
			t.Errorf("%s counts as cached", name)
		}
		h.spoil.Store(0)
		if w.read(name) != text {
			t.Errorf("%s cannot be read any more", name)
		}
	}
}

// tryRead reads a whole file.
func (w *world) tryRead(name string, size int) error {
	w.Helper()
	h, err := w.ns.Open(w.Context(), w.ino(name), unix.O_RDONLY)
	w.check(err)
	defer h.Release()
	_, err = h.ReadAt(w.Context(), make([]byte, size), 0)
	return err
}
