package cache

import (
	"context"
	"errors"
	"slices"

	"github.com/frugalfs/frugalfs/cache/content"
	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// A copy of a whole file whose content is not on disk is made by a note in the
// new file's row: its content is that of the source's object. Readers of it are
// served from the source's content. It is written out, which fetches the
// content, before anything is written to it and before the source's object is
// overwritten or deleted from here; otherwise the provider is asked to copy.

// noteCopy makes dst a copy of src, if all of src is asked for, src is as the
// provider has it, and dst is new, empty, and nowhere else. It returns src's
// size. Content that is on disk is better copied and sent, which takes one
// request.
func (ns *Namespace) noteCopy(_ context.Context, src, dst *Handle, n int64) (int64, bool) {
	if !ns.copies() || src.in == dst.in {
		return 0, false
	}
	if _, _, ok := src.ReadFd(0, 1); ok {
		return 0, false
	}
	in := dst.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.staged == nil || in.staged.Size() != 0 {
		return 0, false
	}
	noted := int64(0)
	err := ns.update(func(t txn) error {
		from, err := t.get(src.in.ino)
		if err != nil || !copyable(from, n) {
			return err
		}
		to, err := t.get(in.ino)
		if err != nil || to == nil || !to.Exists || to.LocalOnly || to.Remote.Exists || t.ns.inflight[in.ino] > 0 {
			return err
		}
		c := t.touch(to, func(c *store.Node) {
			c.Copy = &store.Copy{Source: from.Ino, Content: from.Remote.ContentKey(), Size: from.Remote.Size}
			c.Gen, c.Size, c.Mtime, c.Ctime = 0, from.Remote.Size, t.ns.now(), t.ns.now()
			c.Dirty.Content = true
		})
		t.ns.unused(to.Gen)
		noted = from.Remote.Size
		return t.put(c)
	})
	if err != nil || noted == 0 {
		return 0, false // it is copied byte by byte, and says what is wrong
	}
	in.retired = append(in.retired, in.staged)
	in.staged = nil
	in.epoch.Add(1)
	return noted, true
}

// copyable tells whether a node is a clean file of at most n bytes, and at least
// one.
func copyable(n *store.Node, most int64) bool {
	return n != nil && n.Kind == File && n.Exists && n.Dirty == nil && n.Copy == nil && n.Gen == 0 &&
		n.Remote.Exists && n.Remote.Size > 0 && n.Remote.Size <= most
}

// copies tells whether the provider copies.
func (ns *Namespace) copies() bool {
	_, ok := ns.remote.(remote.Copier)
	return ok
}

// source returns the node whose object has a copy's content, nil if no object
// has it any more.
func (t txn) source(c *store.Copy) (*store.Node, error) {
	n, err := t.get(c.Source)
	if err != nil || n == nil || !n.Remote.Exists || n.Remote.ContentKey() != c.Content || n.Remote.Size != c.Size {
		return nil, err
	}
	return n, nil
}

// copiedFrom is where the content of a copy is: its key in the cache, and how it
// is fetched.
func (ns *Namespace) copiedFrom(ctx context.Context, n *store.Node) (content.Key, content.Fetch, error) {
	var from *store.Node
	err := ns.view(func(t txn) (err error) {
		from, err = t.source(n.Copy)
		return err
	})
	key := content.Key{Ino: n.Copy.Source, Version: n.Copy.Content, Size: n.Copy.Size}
	if err == nil && from != nil {
		return key, ns.fetcher(ctx, from.Ino, from.Remote), nil
	}
	gone := remote.E(remote.Stale, "read", n.Name, errors.New(sourceGone))
	return key, func(context.Context, int64, int64) (*remote.Download, error) { return nil, gone }, err
}

// sourceGone says why a copy cannot be made any more.
const sourceGone = "what it was copied from was changed elsewhere before the copy was made"

// sourceGone tells whether no object has a copy's content any more.
func (ns *Namespace) sourceGone(n *store.Node) (gone bool) {
	_ = ns.view(func(t txn) error {
		from, err := t.source(n.Copy)
		gone = err == nil && from == nil
		return err
	})
	return gone
}

// copied opens the content of a copy.
func (ns *Namespace) copied(ctx context.Context, n *store.Node) (*content.File, error) {
	key, fetch, err := ns.copiedFrom(ctx, n)
	if err != nil {
		return nil, err
	}
	return ns.content.Read(key, fetch)
}

// fetchCopied makes sure that the content of a copy is complete on disk.
func (ns *Namespace) fetchCopied(ctx context.Context, n *store.Node) error {
	key, fetch, err := ns.copiedFrom(ctx, n)
	if err != nil {
		return err
	}
	return ns.content.Ensure(ctx, key, fetch)
}

// writeOut makes a copy a file with content of its own. One whose source is gone
// is held back, and reported.
func (ns *Namespace) writeOut(ctx context.Context, ino uint64) error {
	n, err := ns.node(ino)
	if err != nil || n.Copy == nil {
		return err
	}
	in := ns.acquire(ino, false)
	defer in.release(false)
	err = in.stage(ctx, nil)
	if remote.IsKind(err, remote.Conflict) || remote.IsKind(err, remote.NotExist) {
		if e := ns.look(ctx, n.Copy.Source); e != nil && !remote.IsKind(e, remote.NotExist) {
			return e
		}
	}
	if err != nil && ns.sourceGone(n) {
		return ns.hold(n, sourceGone)
	}
	if err != nil {
		return err
	}
	if err := ns.setContentTime(ino, n.Mtime); err != nil {
		return err
	}
	in.settle()
	return nil
}

// writeOutFor writes out what a step would make impossible to copy, or can only
// send with content. It tells whether there was anything: the plan is made again
// then.
func (ns *Namespace) writeOutFor(ctx context.Context, step outbox.Step) (any bool, err error) {
	var inos []uint64
	err = ns.view(func(t txn) (err error) {
		inos, err = t.toWriteOut(step)
		return err
	})
	for _, ino := range inos {
		if err := ns.writeOut(ctx, ino); err != nil {
			ns.putOff([]uint64{ino}, err)
			return true, err
		}
	}
	return len(inos) > 0, err
}

// sendsContent tells whether an operation needs the contents of its nodes.
func sendsContent(op outbox.Op) bool { return op == outbox.Upload || op == outbox.Archive }

func (t txn) toWriteOut(step outbox.Step) (inos []uint64, err error) {
	sends := sendsContent(step.Op)
	if !sends && step.Op != outbox.Delete {
		return nil, nil
	}
	for _, ino := range append(slices.Concat(step.Inos, step.Below), step.Over) {
		n, err := t.get(ino)
		if err != nil || n == nil {
			continue
		}
		if n.Copy != nil && sends {
			inos = append(inos, ino)
		}
		if !n.Remote.Exists {
			continue
		}
		nodes, err := t.CopiesOf(ino)
		if err != nil {
			return nil, err
		}
		for _, c := range nodes {
			if c.Exists || t.ns.isOpen(c.Ino) {
				inos = append(inos, c.Ino)
			}
		}
	}
	return inos, nil
}
