package cache

import (
	"context"
	"fmt"
	"strings"

	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// sendDraft carries out a Send step. What the client needs to know to go on after
// an interruption is durable before the first byte leaves, and stays until the
// draft was sent or given back: whoever sends it again begins with that, and asks
// what became of the last attempt before anything else.
func (j *job) sendDraft(ctx context.Context) error {
	d, kept, err := j.draftToSend()
	if err != nil {
		return err
	}
	m, done, err := j.ns.message(d, kept)
	if err != nil {
		return err
	}
	defer done()
	if err := j.secure(ctx, d); err != nil {
		return err
	}
	var total int64
	for _, f := range m.Files {
		total += f.Size
	}
	report, end := j.showProgress(total)
	defer end()
	m.Progress, m.State, m.Checkpoint = report, kept.State, func(state []byte) error {
		return j.checkpoint(dispatch{Subject: kept.Subject, At: kept.At, State: state})
	}
	o, inside, err := j.ns.sender.SendFolder(ctx, m)
	if err != nil {
		return err
	}
	return j.draftSent(d, o, inside)
}

func (j *job) draftToSend() (d *draft, kept dispatch, err error) {
	err = j.ns.view(func(t txn) error {
		if kept, err = t.dispatch(j.node.Ino); err != nil {
			return err
		}
		d, err = t.collect(j.node)
		return err
	})
	return d, kept, err
}

// secure makes the contents of a draft durable, and keeps them as they are: what
// is sent after a crash must be what was sent before it.
func (j *job) secure(ctx context.Context, d *draft) error {
	for _, n := range d.nodes {
		if n.Kind != File || n.Gen == 0 {
			continue
		}
		if err := j.ns.content.Seal(n.Gen); err != nil {
			return err
		}
		j.sealedGens = append(j.sealedGens, n.Gen)
		if err := j.syncStaged(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) syncStaged(ctx context.Context, n *store.Node) error {
	st, err := j.ns.content.OpenStaged(n.Gen)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	if st.Size() != n.Size {
		return remote.E(remote.Corrupt, "send", n.Name, fmt.Errorf("it has %d bytes, and %d were written", st.Size(), n.Size))
	}
	return st.Sync(ctx)
}

// checkpoint makes durable what the client wants to know later.
func (j *job) checkpoint(d dispatch) error {
	err := j.ns.updateAtAnyCost(func(t txn) error { return t.keepDispatch(j.node.Ino, d) })
	if err != nil {
		return err
	}
	return j.ns.db.Sync()
}

// draftSent takes in that a draft was sent: what is in it are the provider's
// objects from now on.
func (j *job) draftSent(d *draft, o remote.Object, inside []remote.Object) error {
	adopted := map[*store.Node]string{}
	err := j.commit(func(t txn) error {
		clear(adopted)
		return j.commitDraft(t, d, o, inside, adopted)
	})
	if err != nil {
		return err
	}
	for n, key := range adopted {
		if n.Gen != 0 {
			j.ns.adoptContent(n.Ino, n.Gen, key)
		}
	}
	j.unseal()
	return nil
}

func (j *job) commitDraft(t txn, d *draft, o remote.Object, inside []remote.Object, adopted map[*store.Node]string) error {
	if err := t.dropTwin(o.ID, j.node.Ino); err != nil {
		return err
	}
	if err := t.commitTransfer(j.node.Ino, stateOf(o, j.place.Parent, t.ns.now())); err != nil {
		return err
	}
	objects := map[string]remote.Object{}
	for _, c := range inside {
		objects[strings.TrimPrefix(c.Path, o.Path+"/")] = c
	}
	for _, n := range d.nodes {
		c, ok := objects[d.paths[n.Ino]]
		if !ok || c.Dir != (n.Kind == Dir) || !c.Dir && c.Size != n.Size {
			if err := t.dropSent(n); err != nil {
				return err
			}
			continue
		}
		delete(objects, d.paths[n.Ino])
		key, err := t.commitInside(n, c)
		if err != nil {
			return err
		}
		adopted[n] = key
	}
	if len(objects) > 0 {
		// Something is there under another name than it was sent under.
		if err := t.staleTree(j.node.Ino); err != nil {
			return err
		}
	}
	return t.DropMeta(draftKey(j.node.Ino))
}

// dropTwin forgets the node of an object that another node turned out to stand
// for: a listing showed the transfer before it was known what became of it.
func (t txn) dropTwin(id string, ino uint64) error {
	n, err := t.ByRemoteID(id)
	if err != nil || n == nil || n.Ino == ino {
		return err
	}
	return t.remoteGone(t.loaded(n))
}

// commitTransfer makes a folder that was sent the provider's. It is shown under
// the name that it has there.
func (t txn) commitTransfer(ino uint64, s store.State) error {
	n, err := t.get(ino)
	if err != nil || n == nil {
		return staleOr(err, ino)
	}
	s.Version, s.Size = "", 0
	c := *n
	c.Remote, c.Dirty = s, nil
	if s.Place != n.Place {
		c.Place = s.Place
		if err := t.followPlace(n, &c); err != nil {
			return err
		}
	}
	if err := t.put(&c); err != nil {
		return err
	}
	return t.putListing(ino, store.Listing{Complete: true, Sent: t.ns.now()})
}

// commitInside makes what was sent with a folder the provider's. It returns the
// key of a file's content.
func (t txn) commitInside(planned *store.Node, o remote.Object) (key string, err error) {
	n, err := t.get(planned.Ino)
	if err != nil || n == nil {
		return "", err
	}
	c := *n
	c.Remote, c.LocalOnly, c.Dirty = stateOf(o, n.Parent, t.ns.now()), false, nil
	if n.Kind == Dir {
		if err := t.putListing(n.Ino, store.Listing{Complete: true, Sent: t.ns.now()}); err != nil {
			return "", err
		}
		return "", t.put(&c)
	}
	c.Gen = 0
	return c.Remote.ContentKey(), t.put(&c)
}

// dropSent takes what is no part of a transfer out of the tree once it was sent:
// the recipients file, and folders with nothing in them.
func (t txn) dropSent(planned *store.Node) error {
	n, err := t.get(planned.Ino)
	if err != nil || n == nil || !n.Exists {
		return err
	}
	t.ns.invalidateEntry(n.Place)
	t.ns.invalidateContent(n.Parent)
	return t.dropLost(n)
}

// resolveDraft ends an attempt of which it is not known what became. The next one
// finds out, before it sends anything.
func (j *job) resolveDraft() error {
	j.cancel()
	return nil
}
