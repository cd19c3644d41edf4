package cache

import (
	"context"
	"errors"

	"github.com/frugalfs/frugalfs/remote"
)

// transferOf returns the transfer whose listing tells what is in a folder, 0 if
// the folder is in none that the mount shows.
func (ns *Namespace) transferOf(dir uint64) (top uint64, err error) {
	if !ns.boxed() {
		return 0, nil
	}
	err = ns.view(func(t txn) error {
		p, err := t.positionOf(dir)
		top = p.top
		return err
	})
	return top, err
}

// listTransfer asks for everything in a transfer, and takes it in: the provider
// tells all of it or nothing, so that one request does for all of its folders.
func (ns *Namespace) listTransfer(ctx context.Context, top uint64) error {
	return ns.share(ctx, "transfer "+formatIno(top), func(ctx context.Context) error {
		q, err := ns.aboutToList(top)
		if err != nil {
			return err
		}
		l, err := ns.mergeTransfer(ctx, top, q, q.known.Complete && q.known.Entries > 0)
		if err == nil && !l.Complete {
			err = remote.E(remote.Temporary, "list", q.ref.Path, errors.New("the provider does not tell all that is in it"))
		}
		ns.health.note(err, ns.opt.Now())
		if noFolder(err) {
			return ns.lostFolder(ctx, top, q, err)
		}
		return err
	})
}

// mergeTransfer makes the request, and once more if something that was full
// comes back empty.
func (ns *Namespace) mergeTransfer(ctx context.Context, top uint64, q question, full bool) (remote.Listing, error) {
	m := newTreeMerge(ns, top, q)
	l, err := ns.sender.ListTransfer(ctx, q.ref, func(page []remote.Object) error {
		ns.health.beats.Add(1)
		return ns.updateIf(q, func(t txn) error { return m.page(t, page) })
	})
	switch {
	case err != nil || !l.Complete:
		return l, err
	case l.Total == 0 && full:
		return ns.mergeTransfer(ctx, top, q, false)
	}
	return l, m.finish(l)
}
