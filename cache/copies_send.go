package cache

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// fillCopies works out what a Copy step copies.
func (j *job) fillCopies(t txn) error {
	b := &batch{paths: map[uint64]string{}, sizes: map[uint64]int64{}}
	j.refs, j.places = nil, []store.Place{j.place}
	for _, ino := range j.step.Inos {
		n, err := t.get(ino)
		if err != nil || n == nil {
			return staleOr(err, ino)
		}
		from, err := t.copySource(n)
		if err != nil {
			return err
		}
		if from == nil || n.Parent != j.step.Parent {
			return outbox.ErrChanged
		}
		b.tops = append(b.tops, n)
		j.sources = append(j.sources, from)
		j.refs = append(j.refs, t.ref(from))
		j.places = append(j.places, n.Place)
		b.add(n)
	}
	for _, ino := range j.step.Below {
		n, err := t.get(ino)
		if err != nil || n == nil {
			return staleOr(err, ino)
		}
		b.add(n)
	}
	j.batch = b
	return nil
}

// add adds a copied node after the folder that it is in.
func (b *batch) add(n *store.Node) {
	b.nodes = append(b.nodes, n)
	b.paths[n.Ino] = path.Join(b.paths[n.Parent], n.Name)
	if n.Copy != nil {
		b.sizes[n.Ino] = n.Copy.Size
	}
}

// sendCopies carries out a Copy step. What it finds not to be as it should is
// removed, and sent with its content.
func (j *job) sendCopies(ctx context.Context) error {
	results, err := j.copyAll(ctx)
	if err != nil {
		return j.giveUpCopies(ctx, nil, err)
	}
	if err := j.describe(ctx, results); err != nil {
		return j.giveUpCopies(ctx, results, err)
	}
	j.expectCopied(results)
	objects, err := j.proveCopies(ctx, results)
	if err != nil {
		return j.giveUpCopies(ctx, results, err)
	}
	return j.commit(func(t txn) error { return j.commitCopies(t, objects) })
}

func (j *job) copyAll(ctx context.Context) ([]remote.Result, error) {
	if cr, ok := j.ns.remote.(remote.CopyRenamer); ok && len(j.refs) == 1 {
		o, err := cr.CopyRename(ctx, j.refs[0], j.parent, j.batch.tops[0].Name)
		return []remote.Result{{Object: o}}, err
	}
	c, ok := j.ns.remote.(remote.Copier)
	if !ok {
		return nil, remote.E(remote.Unsupported, "copy", j.refs[0].Path, nil)
	}
	return c.Copy(ctx, j.refs, j.parent)
}

// expectCopied tells the feed's reader which entries the call leaves.
func (j *job) expectCopied(results []remote.Result) {
	_ = j.ns.view(func(t txn) error {
		for _, r := range results {
			if r.Err == nil {
				t.ns.feed.Expect(remote.Copied, r.Object.Path, t.ns.now())
			}
		}
		return nil
	})
}

// proveCopies makes sure that everything was copied to its place, whole, and from
// sources that have not changed. It returns the objects by node.
func (j *job) proveCopies(ctx context.Context, results []remote.Result) (map[uint64]remote.Object, error) {
	objects := map[uint64]remote.Object{}
	for i, n := range j.batch.tops {
		o, err := j.copyOf(n, i, results)
		if err != nil {
			return nil, err
		}
		objects[n.Ino] = o
	}
	if err := j.sourcesUnchanged(ctx); err != nil {
		return nil, err
	}
	if len(j.batch.nodes) > len(j.batch.tops) {
		if err := j.proveFolders(ctx, objects); err != nil {
			return nil, err
		}
	}
	n := j.batch.tops[0]
	if len(j.batch.tops) > 1 || objects[n.Ino].Name == n.Name {
		return objects, nil
	}
	o, err := j.ns.remote.Rename(ctx, objects[n.Ino].Ref(), n.Name)
	if err != nil {
		return nil, err
	}
	_ = j.ns.view(func(t txn) error {
		t.ns.feed.Expect(remote.Moved, o.Path, t.ns.now())
		return nil
	})
	objects[n.Ino] = o
	return objects, nil
}

// copyOf is what came of one copy, if that is what it should be.
func (j *job) copyOf(n *store.Node, i int, results []remote.Result) (remote.Object, error) {
	if i >= len(results) || results[i].Err != nil {
		if i < len(results) {
			return remote.Object{}, results[i].Err
		}
		return remote.Object{}, remote.E(remote.Corrupt, "copy", n.Name, nil)
	}
	o := results[i].Object
	named := o.Name == n.Name || (j.step.Name != "" && o.Name == j.step.Name)
	astray := o.ParentID != "" && j.parent.ID != "" && o.ParentID != j.parent.ID
	if !named || astray || o.Dir != (n.Kind == Dir) || (!o.Dir && o.Size != j.batch.sizes[n.Ino]) {
		return o, remote.E(remote.Corrupt, "copy", o.Path, fmt.Errorf("it is not what should be there"))
	}
	return o, nil
}

var errSourceChanged = errors.New("what is copied was changed meanwhile")

// sourcesUnchanged asks the provider, in the cheapest way, whether the sources
// are still what they were when the copies were made here: then they were also
// when the provider copied them.
func (j *job) sourcesUnchanged(ctx context.Context) error {
	if err := j.observeSources(ctx); err != nil {
		return err
	}
	return j.ns.view(func(t txn) error {
		for i, n := range j.batch.tops {
			if n.Kind == Dir {
				same, err := t.sameAsBatch(n.Ino, j.sources[i].Ino, j.batch)
				if err != nil || !same {
					return errors.Join(err, remote.E(remote.Conflict, "copy", n.Name, errSourceChanged))
				}
				continue
			}
			if from, err := t.source(n.Copy); err != nil || from == nil {
				return errors.Join(err, remote.E(remote.Conflict, "copy", n.Name, errSourceChanged))
			}
		}
		return nil
	})
}

// sameAsBatch tells whether a folder holds now what was copied of it: nothing
// less, nothing more, and in the versions that were copied.
func (t txn) sameAsBatch(dir, from uint64, b *batch) (bool, error) {
	there, err := t.RemoteChildren(from)
	l, lerr := t.listing(from)
	if err != nil || lerr != nil || !l.Complete || l.Stale {
		return false, errors.Join(err, lerr)
	}
	byName := map[string]*store.Node{}
	for _, n := range there {
		byName[n.Remote.Name] = t.loaded(n)
	}
	entries := 0
	for _, n := range b.nodes {
		if n.Parent != dir {
			continue
		}
		entries++
		source := byName[n.Name]
		switch {
		case source == nil || source.Kind != n.Kind:
			return false, nil
		case n.Kind == Dir:
			if same, err := t.sameAsBatch(n.Ino, source.Ino, b); err != nil || !same {
				return false, err
			}
		case n.Copy == nil || n.Copy.Source != source.Ino:
			return false, nil
		default:
			if valid, err := t.source(n.Copy); err != nil || valid == nil {
				return false, err
			}
		}
	}
	return entries == len(byName), nil
}

// observeSources looks at the one source, reads the change feed, or lists.
func (j *job) observeSources(ctx context.Context) error {
	if len(j.sources) == 1 && j.sources[0].Kind != Dir {
		return j.ns.look(ctx, j.sources[0].Ino)
	}
	if j.followed() {
		err := j.ns.readFeed(ctx)
		if err != nil || j.followed() {
			return err
		}
	}
	_, trees := j.ns.remote.(remote.TreeLister)
	listed := map[uint64]bool{}
	for _, from := range j.sources {
		list, dir := j.ns.list, from.Remote.Parent
		if from.Kind == Dir {
			dir = from.Ino
			if !trees {
				return remote.E(remote.Unsupported, "copy", from.Name, nil)
			}
			list = func(ctx context.Context, dir uint64) error { return j.ns.listTree(ctx, dir, nil) }
		}
		if listed[dir] {
			continue
		}
		listed[dir] = true
		if err := list(ctx, dir); err != nil {
			return err
		}
	}
	return nil
}

// followed tells whether the change feed has been followed since before the
// sources' folders were listed.
func (j *job) followed() (yes bool) {
	if _, ok := j.ns.remote.(remote.Feed); !ok {
		return false
	}
	_ = j.ns.view(func(t txn) error {
		yes = true
		for _, from := range j.sources {
			dir := from.Remote.Parent
			if from.Kind == Dir {
				dir = from.Ino
			}
			l, err := t.listing(dir)
			yes = yes && err == nil && l.Complete && t.ns.feed.Covers(l.Sent)
		}
		return nil
	})
	return yes
}

// proveFolders lists what was copied, in one go where it fills a folder that
// nothing else is in.
func (j *job) proveFolders(ctx context.Context, objects map[uint64]remote.Object) error {
	others := 0
	err := j.ns.view(func(t txn) (err error) {
		others, err = t.CountRemote(j.step.Parent)
		return err
	})
	if err != nil {
		return err
	}
	if others == 0 && j.step.Parent != RootIno {
		return j.proveFolder(ctx, j.batch, j.parent, objects)
	}
	for _, n := range j.batch.tops {
		if n.Kind != Dir {
			continue
		}
		if err := j.proveFolder(ctx, j.batch.of(n), objects[n.Ino].Ref(), objects); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) proveFolder(ctx context.Context, b *batch, where remote.Ref, objects map[uint64]remote.Object) error {
	p := &proof{batch: b, where: where, byPath: map[string]remote.Object{}}
	if err := p.list(ctx, j.ns.remote); err != nil {
		return err
	}
	found, err := p.compare()
	if err != nil {
		return err
	}
	for ino, o := range found {
		if o.ID == "" && j.ns.caps.IDs {
			o = objects[ino] // a top folder, described by the answer to the copy
		}
		objects[ino] = o
	}
	return nil
}

// of is the part of a batch that is below one of its tops.
func (b *batch) of(top *store.Node) *batch {
	sub := &batch{paths: map[uint64]string{top.Ino: ""}, sizes: b.sizes}
	for _, n := range b.nodes {
		if above, in := sub.paths[n.Parent]; in {
			sub.nodes = append(sub.nodes, n)
			sub.paths[n.Ino] = path.Join(above, n.Name)
		}
	}
	return sub
}

// commitCopies takes in where everything is now.
func (j *job) commitCopies(t txn, objects map[uint64]remote.Object) error {
	for _, planned := range j.batch.nodes {
		n, err := t.get(planned.Ino)
		if err != nil {
			return err
		}
		if n == nil {
			continue
		}
		s := stateOf(objects[planned.Ino], planned.Parent, t.ns.now())
		if n.Kind == Dir {
			s.Version, s.Size = "", 0
			err = t.commitState(n, s)
		} else {
			err = t.commitCopy(n, planned, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// commitCopy takes in that the provider has a copy. What was written to the file
// meanwhile is still to be sent.
func (t txn) commitCopy(n, planned *store.Node, s store.State) error {
	c := *n
	c.Remote, c.Dirty = s, t.rebased(n, s)
	if n.Copy != nil && *n.Copy == *planned.Copy {
		c.Copy, c.Size, c.Dirty.Content = nil, s.Size, false
	}
	if !differs(&c) {
		c.Dirty = nil
	}
	return t.put(&c)
}

// giveUpCopies removes what was copied, so that it can be sent with its content.
// Where that does not work now, or it is not known what was, the intent stays
// open, and Recover looks.
func (j *job) giveUpCopies(ctx context.Context, results []remote.Result, cause error) error {
	kind := remote.KindOf(cause)
	if !global(kind) {
		_ = j.ns.view(func(txn) error {
			for _, n := range j.batch.nodes {
				j.ns.noCopy[n.Ino] = true
			}
			return nil
		})
	}
	unknown := &remote.Error{Kind: kind, Op: "copy", Path: j.parent.Path, Unknown: true, Err: cause}
	switch {
	case remote.IsUnknown(cause):
		return cause
	case global(kind) && results == nil:
		return cause
	case global(kind):
		return unknown
	}
	j.ns.log.Warn("a copy at the provider did not work: it is sent with its content", "into", j.parent.Path, "err", cause)
	for _, r := range results {
		if r.Err == nil && (!j.isNews(r.Object) || !j.removeTemp(ctx, r.Object.Ref())) {
			return unknown
		}
	}
	return remote.E(remote.Conflict, "copy", j.parent.Path, cause)
}

// isNews tells whether an object is one that was not known before: what a server
// answers with may also be what was there.
func (j *job) isNews(o remote.Object) bool {
	if o.ID == "" {
		return false
	}
	known := true
	_ = j.ns.view(func(t txn) error {
		n, err := t.ByRemoteID(o.ID)
		known = err != nil || n != nil
		return err
	})
	return !known
}

// resolveCopies looks up what became of copies whose outcome is not known. What
// is where it should be is compared with the content, and adopted if it is the
// same.
func (j *job) resolveCopies(ctx context.Context) error {
	for _, ino := range j.intent.Inos {
		n, err := j.ns.node(ino)
		if err != nil || n.Remote.Exists {
			continue // gone, or adopted in an earlier try
		}
		_ = j.ns.view(func(txn) error {
			j.ns.noCopy[ino] = true
			return nil
		})
		if err := j.resolveCopy(ctx, n); err != nil {
			return err
		}
	}
	j.cancel()
	return nil
}

func (j *job) resolveCopy(ctx context.Context, n *store.Node) error {
	places := []store.Place{n.Place}
	if j.intent.Name != "" {
		places = append(places, store.Place{Parent: j.intent.Parent, Name: j.intent.Name})
	}
	for _, place := range places {
		if n.Copy != nil {
			one := *j
			one.place = place
			o, exists, err := one.stat(ctx, one.placeRef())
			if err != nil {
				return err
			}
			if !exists || o.Dir || o.Size != n.Copy.Size {
				continue
			}
			if err := j.ns.writeOut(ctx, n.Ino); err != nil {
				return err
			}
			if n, err = j.ns.node(n.Ino); err != nil || n.Copy != nil {
				return err
			}
		}
		there := *n
		there.Place = place
		if err := j.resolveOne(ctx, &there); err != nil {
			return err
		}
	}
	return nil
}
