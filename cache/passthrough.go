package cache

import (
	"context"

	"github.com/frugalfs/frugalfs/cache/content"
)

// # Files that the kernel reads by itself
//
// A file whose content is complete on disk can be lent to the kernel, which then
// reads it without asking. It is one file on disk for as long as any handle has
// it lent, so what is written meanwhile must end up in that very file: a new
// generation takes it over, and what it was made from is left with a copy
// (content.StageInPlace).

// Lend gives the content of an open file to the kernel for reading: a
// descriptor, good until the handle is released. It is false if the content is empty or not complete. A lend ends with Return or with
// the release of the handle.
//
// While a file is lent, only that file on disk is: another one, such as a newer
// version, is refused.
func (h *Handle) Lend() (fd uintptr, ok bool) {
	st, f, err := h.source(context.Background())
	if err != nil || (st == nil && f == nil) {
		return 0, false
	}
	in := h.in
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case h.lent || in.staged != st:
		return 0, false
	case st != nil:
		fd = st.Fd()
	case f.Key().Size == 0:
		return 0, false
	default:
		if fd, ok = f.Fd(); !ok {
			return 0, false
		}
	}
	id, err := content.IdentityOf(fd)
	if err != nil || (in.lends > 0 && in.lent != id) {
		return 0, false
	}
	in.lent = id
	in.lends++
	h.lent = true
	return fd, true
}

// Join counts one more handle of a file that is lent: the kernel keeps the file on
// disk for as long as any is open.
func (h *Handle) Join() {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	if !h.lent {
		h.lent = true
		h.in.lends++
	}
}

// Announce tells that the content may change without a word from the kernel
// from now on, through a mapping: it becomes a staged one, which counts as
// changed.
func (h *Handle) Announce(ctx context.Context) error {
	return h.in.withStaged(ctx, (*content.Staged).Announce)
}

// Return takes back what was lent to the kernel through the handle, if anything
// was.
func (h *Handle) Return() {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	if h.lent {
		h.lent = false
		h.in.lends--
	}
}

// stageFrom copies src, which has the descriptor fd, into a new generation; if
// the kernel reads src by itself, the new generation gets the kernel's file. The
// caller holds in.mu.
func (in *inode) stageFrom(ctx context.Context, src content.Source, fd uintptr, path string) (*content.Staged, error) {
	if in.lends > 0 {
		if id, err := content.IdentityOf(fd); err == nil && id == in.lent {
			return in.ns.content.StageInPlace(ctx, in.ino, src, path)
		}
	}
	return in.ns.content.StageCopy(ctx, in.ino, src, path)
}
