package cache

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// Do implements outbox.Tree.
func (tr *tree) Do(ctx context.Context, step outbox.Step, in *outbox.Input) error {
	ns := tr.ns
	ctx = ledger.WithClass(ctx, ledger.Writeback)
	switch step.Op {
	case outbox.Settle:
		return ns.update(func(t txn) error { return t.settleNodes(step.Inos) })
	case outbox.Look:
		return ns.observed(step.Inos[0], ns.look(ctx, step.Inos[0]))
	case outbox.ListDir:
		return ns.list(ctx, step.Parent)
	case outbox.ListTree:
		return ns.listTree(ctx, step.Parent, nil)
	}
	j, err := ns.begin(ctx, step, in)
	if err != nil {
		return err
	}
	return j.run(ctx)
}

// observed puts off a node that cannot be looked at.
func (ns *Namespace) observed(ino uint64, err error) error {
	if err != nil && !errors.Is(err, outbox.ErrChanged) {
		ns.putOff([]uint64{ino}, err)
	}
	return err
}

// settleNodes takes nodes that need nothing out of the outbox.
func (t txn) settleNodes(inos []uint64) error {
	for _, ino := range inos {
		n, err := t.get(ino)
		if err != nil || n == nil {
			return err
		}
		switch {
		case !n.Exists && !n.Remote.Exists:
			err = t.forgetDeleted(n)
		case !differs(n):
			c := *n
			c.Dirty = nil
			err = t.put(&c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// begin announces a call: its intent is durable when begin returns.
func (ns *Namespace) begin(ctx context.Context, step outbox.Step, in *outbox.Input) (*job, error) {
	j := &job{ns: ns, step: step}
	if err := ns.keepForReaders(ctx, step); err != nil {
		return nil, err
	}
	if any, err := ns.writeOutFor(ctx, step); any || err != nil {
		return nil, cmp.Or(err, outbox.ErrChanged)
	}
	reserved := false
	err := ns.update(func(t txn) error {
		if err := t.unchanged(j.nodes(), in); err != nil {
			return err
		}
		if err := j.fill(t); err != nil {
			return err
		}
		if err := t.PutIntent(&j.intent); err != nil {
			return err
		}
		t.reserve(j, 1)
		reserved = true
		return nil
	})
	if err != nil {
		if reserved {
			_ = j.free()
		}
		return nil, err
	}
	if err := ns.db.Sync(); err != nil {
		j.cancel()
		return nil, err
	}
	return j, nil
}

// unchanged makes sure that the nodes are as they were when the plan was made.
func (t txn) unchanged(inos []uint64, in *outbox.Input) error {
	for _, ino := range inos {
		planned := find(in, ino)
		n, err := t.get(ino)
		if err != nil {
			return err
		}
		if n == nil || n.Dirty == nil || planned == nil || n.Dirty.Changed != planned.Changed ||
			known(n.Remote) != planned.Remote || t.ns.inflight[ino] > 0 {
			return outbox.ErrChanged
		}
	}
	return nil
}

// keepForReaders fetches what somebody still has open before it is deleted or
// overwritten.
func (ns *Namespace) keepForReaders(ctx context.Context, step outbox.Step) error {
	var inos []uint64
	switch {
	case step.Op == outbox.Delete:
		inos = slices.Concat(step.Inos, step.Below)
	case step.Over != 0:
		inos = []uint64{step.Over}
	}
	for _, ino := range inos {
		in := ns.openInode(ino)
		if in == nil {
			continue
		}
		if err := in.keep(ctx); err != nil {
			return err
		}
	}
	return nil
}

// sending tells whether a call about a node is under way.
func (ns *Namespace) sending(ino uint64) (yes bool) {
	_ = ns.view(func(t txn) error {
		yes = t.ns.inflight[ino] > 0
		return nil
	})
	return yes
}
