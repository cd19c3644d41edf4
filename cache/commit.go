package cache

import (
	"context"
	"fmt"
	"path"
	"time"

	"github.com/frugalfs/frugalfs/cache/content"
	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// upload sends one generation of a file.
func (j *job) upload(ctx context.Context) error {
	body, err := j.ns.openBody(j.node.Gen)
	if err != nil {
		return err
	}
	defer body.close()
	if err := j.seal(); err != nil {
		return err
	}
	report, done := j.showProgress(body.size)
	defer done()
	up := remote.Upload{
		Parent: j.parent, Name: j.place.Name, Size: body.size, Content: body, Progress: report,
		Overwrite: j.over != nil || j.node.Remote.Exists, Replaces: j.replaced(),
	}
	if j.ns.caps.ModTime {
		up.ModTime = time.Unix(0, j.node.Mtime)
	}
	if err := j.resumable(&up); err != nil {
		return err
	}
	o, err := j.ns.remote.Upload(ctx, up)
	if err != nil {
		return err
	}
	if o.Size != body.size || o.Dir {
		return &remote.Error{
			Kind: remote.Corrupt, Op: "upload", Path: j.parent.Path + "/" + j.place.Name, Unknown: true,
			Err: fmt.Errorf("%d bytes were sent, the provider has %d", body.size, o.Size),
		}
	}
	if o, err = j.bringHome(ctx, o); err != nil {
		return err
	}
	return j.uploaded(o, body.size)
}

// replaced addresses the object that an upload overwrites, if it does.
func (j *job) replaced() (ref remote.Ref) {
	n := j.over
	if n == nil && j.node.Remote.Exists {
		n = j.node
	}
	if n == nil {
		return ref
	}
	_ = j.ns.view(func(t txn) error {
		ref = t.ref(n)
		return nil
	})
	return ref
}

// seal keeps the generation that is sent as it is until the outcome is known: to
// tell what became of the call, what was sent must still be there.
func (j *job) seal() error {
	if j.intent.Gen == 0 || j.sealed {
		return nil
	}
	err := j.ns.content.Seal(j.intent.Gen)
	j.sealed = err == nil
	return err
}

func (j *job) unseal() {
	for _, gen := range j.sealedGens {
		_ = j.ns.content.Unseal(gen) // it may be adopted, or gone
	}
	j.sealedGens = nil
	if j.sealed {
		j.sealed = false
		_ = j.ns.content.Unseal(j.intent.Gen) // it may be adopted, or gone
	}
}

// bringHome moves an uploaded object to the folder that it was meant for, if it
// landed in another: an upload is addressed by path, and somebody may have moved
// the folder meanwhile.
func (j *job) bringHome(ctx context.Context, o remote.Object) (remote.Object, error) {
	if o.ParentID == "" || j.parent.ID == "" || o.ParentID == j.parent.ID {
		return o, nil
	}
	j.ns.log.Warn("an upload landed in another folder: moving it", "path", o.Path)
	results, err := j.ns.remote.Move(ctx, []remote.Ref{o.Ref()}, j.parent)
	if err == nil && len(results) == 1 {
		err = results[0].Err
	}
	gone := remote.IsKind(err, remote.NotExist)
	if err != nil && !gone {
		if e := j.ns.lookAbove(ctx, j.place.Parent); e != nil {
			return o, e
		}
		return o, err
	}
	// Folders that the upload made on its way are not known yet.
	if err := j.ns.update(func(t txn) error { return t.staleAll() }); err != nil {
		return o, err
	}
	if gone {
		// The folder was deleted meanwhile, and the upload made another in its
		// place, which the next listing shows. Sent again, the file would meet
		// itself there.
		return o, nil
	}
	if moved := results[0].Object; moved.Name != "" {
		return moved, nil
	}
	o.ParentID, o.Path = j.parent.ID, path.Join(j.parent.Path, o.Name)
	return o, nil
}

// body is the content of an upload: one generation, sealed while it is sent.
type body struct {
	ns     *Namespace
	staged *content.Staged
	size   int64
}

// openBody opens and seals a generation; 0 is a file that nothing was written
// to.
func (ns *Namespace) openBody(gen uint64) (*body, error) {
	b := &body{ns: ns}
	if gen == 0 {
		return b, nil
	}
	if err := ns.content.Seal(gen); err != nil {
		return nil, err
	}
	st, err := ns.content.OpenStaged(gen)
	if err != nil {
		_ = ns.content.Unseal(gen)
		return nil, err
	}
	b.staged, b.size = st, st.Size()
	return b, nil
}

// ReadAt is io.ReaderAt.
func (b *body) ReadAt(p []byte, off int64) (int, error) {
	if b.staged == nil {
		return 0, errEOF
	}
	return b.staged.ReadAt(p, off)
}

func (b *body) close() {
	if b.staged != nil {
		_ = b.ns.content.Unseal(b.staged.Gen())
		_ = b.staged.Close()
	}
}

// uploaded commits an upload and makes what was staged the cached content of
// the new version.
func (j *job) uploaded(o remote.Object, size int64) error {
	var adopted string
	err := j.commit(func(t txn) (err error) {
		adopted, err = j.commitUploaded(t, o, size)
		return err
	})
	switch {
	case err != nil:
	case adopted == "":
		j.ns.unused(j.intent.Gen) // the file has another by now
	case j.intent.Gen != 0:
		j.ns.adoptContent(j.step.Inos[0], j.intent.Gen, adopted)
	}
	if err == nil {
		j.unseal()
	}
	return err
}

// commitUploaded takes in that the provider has a generation of a file. It
// returns the key of the content if that generation is still the file's.
func (j *job) commitUploaded(t txn, o remote.Object, size int64) (adopted string, err error) {
	ino := j.step.Inos[0]
	n, err := t.get(ino)
	if err != nil {
		return "", err
	}
	if j.step.Over != 0 {
		if err := t.dropOver(j.step.Over); err != nil {
			return "", err
		}
	}
	if err := j.commitMade(t); err != nil {
		return "", err
	}
	s, err := t.resultState(o, j.place)
	if err != nil || n == nil {
		return "", err
	}
	j.expect(t, remote.Changed, o.Path)
	t.heated(j.place)
	if err := forgetResumptions(t.Tx, []uint64{j.intent.Gen}); err != nil {
		return "", err
	}
	return t.commitSent(n, s, j.intent.Gen, size, j.place)
}

// commitSent takes in that the provider has a generation of a file, of some size
// and meant for a place. It returns the key of the content if that generation is
// still the file's.
func (t txn) commitSent(n *store.Node, s store.State, gen uint64, size int64, wanted store.Place) (adopted string, err error) {
	c := *n
	d := t.rebased(n, s)
	c.Remote, c.Dirty = s, d
	if n.Gen == gen {
		d.Content, c.Gen, c.Size = false, 0, size
		adopted = s.ContentKey()
	} else {
		d.Since = d.Changed // another generation waits since then
	}
	if s.Name != wanted.Name {
		if err := t.tookAnotherName(&c, wanted); err != nil {
			return "", err
		}
	}
	if !differs(&c) {
		c.Dirty = nil
	}
	return adopted, t.put(&c)
}

// dropOver forgets the node whose object was overwritten: its object is the new
// file's.
func (t txn) dropOver(ino uint64) error {
	over, err := t.get(ino)
	if err != nil || over == nil {
		return err
	}
	if t.ns.isOpen(ino) {
		c := *over
		c.Remote, c.Dirty = store.State{}, nil
		return t.put(&c)
	}
	return t.linger(over)
}

// tookAnotherName handles that the provider stored a file under a name of its
// own making, because the name was taken: a conflict.
func (t txn) tookAnotherName(c *store.Node, wanted store.Place) error {
	if err := t.staleListing(wanted.Parent); err != nil {
		return err
	}
	t.ns.health.noteConflict(t.path(c.Ino), t.ns.opt.Now())
	if c.Place != wanted {
		return nil
	}
	name, err := t.freeConflictName(wanted)
	if err != nil {
		return err
	}
	t.ns.invalidateEntry(wanted)
	t.ns.invalidateContent(wanted.Parent)
	c.Name = name
	return nil
}

// resultState is the state that a call's answer shows, at the expected place
// unless the answer tells another one.
func (t txn) resultState(o remote.Object, expected store.Place) (store.State, error) {
	parent := expected.Parent
	p, err := t.get(parent)
	if err != nil {
		return store.State{}, err
	}
	if o.ParentID != "" && p != nil && p.Remote.ID != o.ParentID { // the root's is not known
		other, err := t.ByRemoteID(o.ParentID)
		if err != nil {
			return store.State{}, err
		}
		if other != nil {
			parent = other.Ino
		}
	}
	s := stateOf(o, parent, t.ns.now())
	if s.Name == "" {
		s.Name = expected.Name
	}
	return s, nil
}

// adoptContent turns a staged generation into the cached content of a version,
// and lets readers look anew.
func (ns *Namespace) adoptContent(ino, gen uint64, version string) {
	if err := ns.content.Adopt(gen, version); err != nil {
		ns.log.Error("keeping sent content in the cache", "err", err)
		return
	}
	in := ns.openInode(ino)
	if in == nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.staged != nil && in.staged.Gen() == gen {
		in.retired = append(in.retired, in.staged)
		in.staged = nil
		in.epoch.Add(1)
	}
}

// commitPlaced takes in where a node's object is now.
func (j *job) commitPlaced(t txn, ino uint64, o remote.Object) error {
	n, err := t.get(ino)
	if err != nil || n == nil {
		return err
	}
	if o.Name == "" {
		return j.commitUndescribed(t, n, j.place)
	}
	s, err := t.resultState(o, j.place)
	if err != nil {
		return err
	}
	if n.Kind == Dir {
		s.Version, s.Size = "", 0
	}
	j.expectPlaced(t, n, o)
	if !n.Remote.Exists || n.Remote.ID != s.ID || n.Kind != File {
		return t.commitState(n, s)
	}
	if n.Remote.Size == s.Size {
		s.Content = n.Remote.ContentKey() // a new version of the same content
		return t.commitState(n, s)
	}
	return t.commitChanged(n, s)
}

// commitChanged takes in that a file was moved whose content others changed
// meanwhile: first that it moved, and then what is in it now.
func (t txn) commitChanged(n *store.Node, s store.State) error {
	placed := n.Remote
	placed.Place, placed.Content = s.Place, n.Remote.ContentKey()
	if err := t.commitState(n, placed); err != nil {
		return err
	}
	n, err := t.get(n.Ino)
	if err == nil && n != nil {
		_, err = t.mergeState(n, s)
	}
	return err
}

// commitState makes s a node's remote state and base.
func (t txn) commitState(n *store.Node, s store.State) error {
	if !t.ns.caps.IDs && n.Remote.Exists && !t.ns.samePlace(n.Remote.Place, s.Place) {
		t.remember(n.Remote) // a listing from before shows another object there
	}
	c := *n
	c.Remote, c.Dirty = s, t.rebased(n, s)
	if !differs(&c) {
		c.Dirty = nil
	}
	if n.Kind == Dir && !n.Remote.Exists {
		// Made just now, so nothing is in it that is not from here.
		if err := t.putListing(n.Ino, store.Listing{Complete: true, Sent: t.ns.now()}); err != nil {
			return err
		}
	}
	return t.put(&c)
}

// rebased is a node's Dirty part with a new base. What is clean may differ from
// it: it was changed back while the call was under way.
func (t txn) rebased(n *store.Node, s store.State) *store.Dirty {
	d := store.Dirty{Since: n.Ctime, Changed: n.Ctime}
	if n.Dirty != nil {
		d = *n.Dirty
	}
	d.Base, d.Tries, d.RetryAt = s, 0, 0
	return &d
}

// expectPlaced tells the feed's reader which entry the call will leave.
func (j *job) expectPlaced(t txn, n *store.Node, o remote.Object) {
	if j.step.Op == outbox.Mkdir {
		j.expect(t, remote.MadeDir, o.Path)
		return
	}
	j.expectMoved(t, t.ref(n).Path, o.Path)
}

// expect tells the feed's reader which entry the call leaves.
func (j *job) expect(t txn, op remote.ChangeOp, p string) {
	if !j.mayBeRead(t) {
		t.ns.feed.Expect(op, p, t.ns.now())
	}
}

// expectMoved is expect for an object that was moved from another path.
func (j *job) expectMoved(t txn, from, p string) {
	if !j.mayBeRead(t) {
		t.ns.feed.ExpectMoved(from, p, t.ns.now())
	}
}

// mayBeRead tells whether the entry of a call that was looked up may have come
// already: to wait for it would take the next one like it, of others, for ours.
func (j *job) mayBeRead(t txn) bool { return j.lookedUp && t.ns.feed.Read() >= j.intent.At }

// commitUndescribed takes in that an object is elsewhere. Providers that do not
// describe it there leave it as it was.
func (j *job) commitUndescribed(t txn, n *store.Node, place store.Place) error {
	s := n.Remote
	s.Place, s.Seen, s.Content = place, t.ns.now(), n.Remote.ContentKey()
	j.expectMoved(t, t.ref(n).Path, path.Join(j.parent.Path, place.Name))
	return t.commitState(n, s)
}

// commitMoved takes in one item of a Move.
func (j *job) commitMoved(t txn, ino uint64, o remote.Object) error {
	n, err := t.get(ino)
	if err != nil || n == nil {
		return err
	}
	if o.Name == "" {
		return j.commitUndescribed(t, n, store.Place{Parent: j.step.Parent, Name: n.Remote.Name})
	}
	moved := *j
	moved.place = store.Place{Parent: j.step.Parent, Name: n.Remote.Name}
	return moved.commitPlaced(t, ino, o)
}

// commitDeleted takes in that an object is gone, and with a folder all that was
// deleted with it.
func (j *job) commitDeleted(t txn, ino uint64, _ remote.Object) error {
	n, err := t.get(ino)
	if err != nil || n == nil {
		return err
	}
	j.expect(t, remote.Deleted, t.ref(n).Path)
	if n.Kind == Dir {
		if err := j.commitBelow(t, n.Ino); err != nil {
			return err
		}
	}
	return t.deleted(n)
}

// commitBelow takes in the deletes of what was in a deleted folder.
func (j *job) commitBelow(t txn, dir uint64) error {
	nodes, err := t.RemoteChildren(dir)
	if err != nil {
		return err
	}
	for _, c := range nodes {
		c = t.loaded(c)
		if c.Kind == Dir {
			if err := j.commitBelow(t, c.Ino); err != nil {
				return err
			}
		}
		if err := t.deleted(c); err != nil {
			return err
		}
	}
	return nil
}

// deleted takes in that a node's object is gone by our own doing.
func (t txn) deleted(n *store.Node) error {
	t.remember(n.Remote)
	if n.Exists {
		// Shown again meanwhile: it is new now.
		c := *n
		c.Remote, c.Dirty = store.State{}, nil
		return t.put(t.touch(&c, func(c *store.Node) { c.Dirty.Content = c.Kind == File }))
	}
	c := *n
	c.Remote, c.Dirty = store.State{}, nil
	return t.forgetDeletedNode(&c)
}

// forgetDeletedNode drops a deleted node, or keeps its row while it is open.
func (t txn) forgetDeletedNode(c *store.Node) error {
	if !t.ns.isOpen(c.Ino) {
		return t.linger(c)
	}
	return t.put(c)
}
