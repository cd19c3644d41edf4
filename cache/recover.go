package cache

import (
	"bytes"
	"context"
	"io"
	"path"
	"slices"
	"sort"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

var errEOF = io.EOF

// reserveOpenIntents keeps listings away from what calls of an earlier run may
// have changed, until Recover has looked.
func (t txn) reserveOpenIntents() error {
	intents, err := t.Intents()
	if err != nil {
		return err
	}
	for _, in := range intents {
		j := jobOf(t.ns, in)
		if j.step.Op == outbox.Archive || j.step.Op == outbox.Copy {
			for _, ino := range in.Inos {
				if n, err := t.get(ino); err == nil && n != nil {
					j.places = append(j.places, n.Place)
				}
			}
		}
		t.reserve(j, 1)
		delete(t.ns.running, in.ID)
		t.ns.unresolved[in.ID] = j
	}
	return nil
}

// sealUnresolved keeps what calls of an earlier run may have sent from changing.
// A generation that is not there any more cannot be compared, and is nobody's.
func (ns *Namespace) sealUnresolved() {
	for _, j := range ns.unresolved {
		switch outbox.Op(j.intent.Op) {
		case outbox.Upload:
			if err := j.seal(); err != nil {
				ns.log.Warn("content of an unfinished upload is not there", "gen", j.intent.Gen, "err", err)
			}
		case outbox.Archive:
			ns.sealBatch(j)
		}
	}
}

// sealBatch keeps what a batch of an earlier run sent from changing.
func (ns *Namespace) sealBatch(j *job) {
	for _, ino := range j.intent.Inos {
		n, err := ns.node(ino)
		if err != nil || n.Gen == 0 || n.Remote.Exists {
			continue
		}
		if err := ns.content.Seal(n.Gen); err == nil {
			j.sealedGens = append(j.sealedGens, n.Gen)
		}
	}
}

// jobOf is the job that an intent announced.
func jobOf(ns *Namespace, in store.Intent) *job {
	place := store.Place{Parent: in.Parent, Name: in.Name}
	j := &job{
		ns: ns, intent: in, place: place,
		step: outbox.Step{Op: outbox.Op(in.Op), Inos: in.Inos, Over: in.Over, Parent: in.Parent, Name: in.Name},
	}
	if op := j.step.Op; op != outbox.Delete && op != outbox.Archive {
		j.places = []store.Place{place}
	}
	j.readMade()
	return j
}

// Recover implements outbox.Tree.
func (tr *tree) Recover(ctx context.Context) error {
	ctx = ledger.WithClass(ctx, ledger.Writeback)
	var open []*job
	err := tr.ns.view(func(t txn) error {
		for _, j := range t.ns.unresolved {
			open = append(open, j)
		}
		return nil
	})
	if err != nil {
		return err
	}
	sort.Slice(open, func(a, b int) bool { return open[a].intent.ID < open[b].intent.ID })
	for _, j := range open {
		if err := j.resolve(ctx); err != nil {
			return err
		}
	}
	return nil
}

// resolve looks up what became of a call, and adopts or forgets it. A late
// arrival of the call does no harm: it does again what was adopted, or makes
// something that the next listing shows.
func (j *job) resolve(ctx context.Context) error {
	j.ns.log.Info("looking up an unfinished change", "op", j.step.Op.String(), "name", j.place.Name)
	j.lookedUp = true
	switch j.step.Op {
	case outbox.Upload:
		return j.resolveUpload(ctx)
	case outbox.Mkdir:
		return j.resolveMkdir(ctx)
	case outbox.Delete:
		return j.resolveEach(ctx, j.resolveDelete)
	case outbox.Archive:
		return j.resolveBatch(ctx)
	case outbox.Copy:
		return j.resolveCopies(ctx)
	case outbox.Send:
		return j.resolveDraft()
	}
	return j.resolveEach(ctx, j.resolvePlace)
}

// resolveEach resolves the nodes of a call one by one, then ends the intent.
func (j *job) resolveEach(ctx context.Context, one func(context.Context, uint64) error) error {
	j.sightings = nil
	for _, ino := range j.step.Inos {
		if err := one(ctx, ino); err != nil {
			return err
		}
	}
	return j.forgo()
}

// sighting is what looking up a call showed of a node's object.
type sighting struct {
	ino    uint64
	object remote.Object
	exists bool
	// sent is when it was asked for.
	sent int64
}

// forgo takes an announcement back whose call did not do what it should, and then
// takes in what was seen: it is newer than the evidence for the call, which
// must not be made again on the old.
func (j *job) forgo() error {
	j.cancel()
	// What is in the call's place was overlooked by listings meanwhile.
	if err := j.ns.update(func(t txn) error { return t.staleListing(j.place.Parent) }); err != nil {
		return err
	}
	for _, s := range j.sightings {
		err := j.ns.update(func(t txn) error {
			switch {
			case s.ino == 0:
				_, err := t.mergeObject(j.place.Parent, s.object, s.sent)
				return err
			case s.exists:
				return t.looked(s.ino, s.object, s.sent)
			}
			return t.lookedGone(s.ino, s.sent)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// saw remembers a sighting for forgo; ino is 0 for what is at the call's target
// and no node stands for.
func (j *job) saw(ino uint64, o remote.Object, exists bool, sent int64) {
	j.sightings = append(j.sightings, sighting{ino, o, exists, sent})
}

// stat looks at a node's object; ok is false if the provider has none.
func (j *job) stat(ctx context.Context, ref remote.Ref) (o remote.Object, ok bool, err error) {
	o, err = j.ns.remote.Stat(ctx, ref)
	if remote.IsKind(err, remote.NotExist) {
		return o, false, nil
	}
	return o, err == nil, err
}

// refOf addresses a node's object; ok is false if it is not known to have one.
func (j *job) refOf(ino uint64) (ref remote.Ref, n *store.Node, ok bool) {
	_ = j.ns.view(func(t txn) error {
		m, err := t.get(ino)
		if err == nil && m != nil && m.Remote.Exists {
			ref, n, ok = t.ref(m), m, true
		}
		return err
	})
	return ref, n, ok
}

// placeRef addresses, by path, what is at the call's target.
func (j *job) placeRef() remote.Ref { return j.refIn(j.announced()) }

// refIn addresses, by path, what the provider has in a place.
func (j *job) refIn(p store.Place) (ref remote.Ref) {
	_ = j.ns.view(func(t txn) error {
		ref.Path = t.ns.rootedPath(path.Join(t.remotePath(p.Parent), p.Name))
		return nil
	})
	return ref
}

func (j *job) resolveDelete(ctx context.Context, ino uint64) error {
	ref, _, ok := j.refOf(ino)
	if !ok {
		return nil
	}
	sent := j.ns.now()
	o, exists, err := j.stat(ctx, ref)
	if err != nil {
		return err
	}
	if exists {
		j.saw(ino, o, true, sent)
		return nil
	}
	return j.ns.update(func(t txn) error { return j.commitDeleted(t, ino, remote.Object{}) })
}

func (j *job) resolvePlace(ctx context.Context, ino uint64) error {
	ref, n, ok := j.refOf(ino)
	if !ok {
		return nil
	}
	want := j.place
	if j.step.Op == outbox.Move {
		want.Name = n.Remote.Name
	}
	sent := j.ns.now()
	o, exists, err := j.stat(ctx, ref)
	if err == nil && !exists && !j.ns.caps.IDs {
		o, exists, err = j.statMoved(ctx, n, want)
	}
	if err != nil {
		return err
	}
	j.saw(ino, o, exists, sent)
	if !exists {
		return nil
	}
	return j.ns.update(func(t txn) error {
		s, err := t.resultState(o, want)
		if err != nil || s.Place != want || !t.parentIs(o, want.Parent) {
			return err
		}
		moved := *j
		moved.place = want
		return moved.commitPlaced(t, ino, o)
	})
}

// statMoved looks at what is in the place that an object without ID was meant
// for, and that is gone from where it was. Something else there is not taken for
// it.
func (j *job) statMoved(ctx context.Context, n *store.Node, to store.Place) (o remote.Object, ok bool, err error) {
	o, ok, err = j.stat(ctx, j.refIn(to))
	same := o.Dir == (n.Kind == Dir) && (o.Dir || o.Size == n.Remote.Size)
	return o, ok && same, err
}

// parentIs tells whether an object is in a folder, by its parent's ID or, if the
// provider does not tell that, by its path.
func (t txn) parentIs(o remote.Object, dir uint64) bool {
	n, err := t.get(dir)
	if err != nil || n == nil {
		return false
	}
	if o.ParentID != "" && n.Remote.ID != "" {
		return o.ParentID == n.Remote.ID
	}
	return path.Dir(o.Path) == t.ns.rootedPath(t.remotePath(dir))
}

func (j *job) resolveMkdir(ctx context.Context) error {
	o, exists, err := j.stat(ctx, j.placeRef())
	if err != nil {
		return err
	}
	if !exists || !o.Dir || j.ns.anothers(o, j.step.Inos[0]) {
		j.cancel()
		return nil
	}
	// Whoever made it: folders of one name merge. What is in it is not known.
	return j.commit(func(t txn) error {
		if err := j.commitPlaced(t, j.step.Inos[0], o); err != nil {
			return err
		}
		return t.putListing(j.step.Inos[0], store.Listing{})
	})
}

// anothers tells whether an object is known to be another node's: it is on its
// way through the place where a call was to make one.
func (ns *Namespace) anothers(o remote.Object, ino uint64) (yes bool) {
	if o.ID == "" {
		return false
	}
	_ = ns.view(func(t txn) error {
		n, err := t.ByRemoteID(o.ID)
		yes = err == nil && n != nil && n.Ino != ino
		return err
	})
	return yes
}

func (j *job) resolveUpload(ctx context.Context) error {
	ref, base, holder := j.placeRef(), store.State{}, uint64(0)
	for _, ino := range []uint64{j.step.Over, j.step.Inos[0]} {
		if r, n, ok := j.refOf(ino); ok && ino != 0 {
			ref, base, holder = r, n.Remote, ino
			break
		}
	}
	sent := j.ns.now()
	o, exists, err := j.stat(ctx, ref)
	if err != nil {
		return err
	}
	j.sightings = nil
	if exists || holder != 0 {
		j.saw(holder, o, exists, sent)
	}
	if !exists && ref.ID != "" {
		// Providers that cannot overwrite give the new file an identifier of its own.
		if o, exists, err = j.stat(ctx, remote.Ref{Path: ref.Path}); err != nil {
			return err
		}
	}
	if base.Exists && exists && j.ns.caps.ReplacesID && o.ID == base.ID && o.Version == base.Version {
		if o, err = j.replacement(ctx, o, base.ID); err != nil {
			return err
		}
	}
	if exists {
		if err := j.foundMade(); err != nil {
			return err
		}
	}
	unchanged := base.Exists && o.Version == base.Version && o.Size == base.Size && o.Size != j.intent.Size
	if !exists || o.Dir || unchanged {
		return j.forgo()
	}
	ours, size, err := j.ours(ctx, o)
	if err != nil {
		return err
	}
	if !ours {
		return j.forgo()
	}
	return j.uploaded(o, size)
}

// ours tells whether an object holds the generation that was sent. Sizes that
// agree prove nothing, so the contents are compared.
func (j *job) ours(ctx context.Context, o remote.Object) (bool, int64, error) {
	body, err := j.ns.openBody(j.intent.Gen)
	if err != nil {
		return false, 0, nil // the generation is gone: nothing to adopt
	}
	defer body.close()
	if o.Size != body.size {
		return false, 0, nil
	}
	if body.size == 0 {
		return true, 0, nil
	}
	d, err := j.ns.remote.Download(ctx, o.Ref(), 0, -1)
	if err != nil {
		return false, 0, err
	}
	defer func() { _ = d.Close() }()
	same, err := sameBytes(d, body, body.size)
	return same, body.size, err
}

// sameBytes compares a stream with size bytes of content.
func sameBytes(r io.Reader, content io.ReaderAt, size int64) (bool, error) {
	a, b := make([]byte, 1<<18), make([]byte, 1<<18)
	for off := int64(0); off < size; {
		n := min(int64(len(a)), size-off)
		if _, err := io.ReadFull(r, a[:n]); err != nil {
			return false, remote.E(remote.Temporary, "compare", "", err)
		}
		if _, err := content.ReadAt(b[:n], off); err != nil && !remote.AtEnd(err) {
			return false, err
		}
		if !bytes.Equal(a[:n], b[:n]) {
			return false, nil
		}
		off += n
	}
	return true, nil
}

// recoverLocal brings rows and content files together after a crash: sizes that
// only staged files know, deleted files that were kept open, and generations
// that no node refers to.
func (ns *Namespace) recoverLocal() error {
	ns.sealUnresolved()
	if err := ns.holdSuspects(); err != nil {
		return err
	}
	if err := ns.sizeWritten(); err != nil {
		return err
	}
	return ns.dropForgotten()
}

// sizeWritten records the sizes and times that only the staged files know, as
// the files were open for writing.
func (ns *Namespace) sizeWritten() error {
	var open []*store.Node
	err := ns.view(func(t txn) (err error) {
		open, err = t.Written()
		return err
	})
	if err != nil {
		return err
	}
	for _, n := range open {
		st, err := ns.content.OpenStaged(n.Gen)
		if err != nil {
			ns.log.Error("written content is missing", "gen", n.Gen, "err", err)
			if err := ns.hold(n, "what was written is missing from the state folder"); err != nil {
				return err
			}
			continue
		}
		size, mtime := st.Size(), st.ModTime().UnixNano()
		_ = st.Close()
		if n.Size == size && n.Mtime == mtime {
			continue
		}
		err = ns.update(func(t txn) error {
			c := *t.loaded(n)
			c.Size, c.Mtime = size, mtime
			return t.put(&c)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// holdSuspects keeps from being sent what was written, and not synced, before the
// machine went down: parts of it may be missing.
func (ns *Namespace) holdSuspects() error {
	for _, r := range ns.content.Suspect() {
		var n *store.Node
		err := ns.view(func(t txn) (err error) {
			n, err = t.get(r.Ino)
			return err
		})
		if err != nil {
			return err
		}
		if n == nil || n.Gen != r.Gen {
			continue
		}
		if err := ns.holdSuspect(n); err != nil {
			return err
		}
	}
	return nil
}

// holdSuspect holds a node, and the folder that was to be sent with it.
func (ns *Namespace) holdSuspect(n *store.Node) error {
	if err := ns.hold(n, "written shortly before the machine went down, so parts may be missing"); err != nil {
		return err
	}
	var top *store.Node
	err := ns.view(func(t txn) (err error) {
		top, err = t.outgoingAbove(n.Ino)
		return err
	})
	if err != nil || top == nil {
		return err
	}
	return ns.hold(top, "parts of "+n.Name+" in it may be missing")
}

// hold keeps a node from being sent until somebody retries, and reports why.
func (ns *Namespace) hold(n *store.Node, why string) error {
	path := ns.pathOf(n.Ino)
	ns.health.noteLost(path + ": " + why)
	ns.log.Error("held back", "path", path, "why", why)
	return ns.update(func(t txn) error {
		c := *t.loaded(n)
		c.Size = max(c.Size, 0)
		if c.Dirty != nil {
			d := *c.Dirty
			d.Failed, d.FailKind = why, uint8(remote.Corrupt)
			c.Dirty = &d
		}
		return t.put(&c)
	})
}

// dropForgotten drops deleted nodes that only open handles kept, and staged
// content that no node refers to and whose node is known: it was sent, or
// replaced, before the crash.
func (ns *Namespace) dropForgotten() error {
	return ns.update(func(t txn) error {
		nodes, err := t.Deleted()
		if err != nil {
			return err
		}
		for _, n := range nodes {
			n = t.loaded(n)
			if !n.Remote.Exists && n.Dirty == nil && t.ns.inflight[n.Ino] == 0 {
				t.ns.unused(n.Gen)
				if err := t.drop(n); err != nil {
					return err
				}
			}
		}
		gens, err := t.UnusedGens()
		if err != nil {
			return err
		}
		for _, gen := range slices.Clip(gens) {
			t.ns.unused(gen)
		}
		return nil
	})
}
