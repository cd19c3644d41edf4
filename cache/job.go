package cache

import (
	"context"
	"errors"
	"slices"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// job is one mutating call from its announcement to its commit.
type job struct {
	ns     *Namespace
	step   outbox.Step
	intent store.Intent
	// node is the first of the step's nodes as it was announced, over the one
	// whose object is overwritten.
	node, over *store.Node
	refs       []remote.Ref
	parent     remote.Ref
	cause      ledger.Cause
	// place is where the result is expected; for an Archive step its Name is
	// that of the batch's own folder, and places are where the top nodes go.
	place  store.Place
	places []store.Place
	batch  *batch
	// made are the new folders that an upload makes, the topmost first, and
	// absentSince is when the listing was asked for that shows that they were not
	// there, 0 if there is none.
	made        []made
	absentSince int64
	// sources are, for a Copy step, the nodes whose objects are copied.
	sources []*store.Node
	// moves are the folders that the call moves or deletes, above all folders
	// above what it is about.
	moves, above []uint64
	// ended is true once the result is committed.
	ended bool
	// sealed is true while the generation that is sent is kept from changing,
	// sealedGens are those of a batch.
	sealed     bool
	sealedGens []uint64
	// lookedUp is true once it had to be looked up what became of the call.
	lookedUp bool
	// sightings are what looking up the call showed.
	sightings []sighting
}

// nodes are all nodes that the call is about.
func (j *job) nodes() []uint64 {
	all := slices.Concat(j.step.Inos, j.step.Below)
	if j.step.Over != 0 {
		all = append(all, j.step.Over)
	}
	return all
}

// fill works out what is called with what.
func (j *job) fill(t txn) error {
	n, err := t.get(j.step.Inos[0])
	if err != nil {
		return err
	}
	j.node = n
	j.cause = ledger.Cause{Program: t.ns.causes[n.Ino], Path: t.path(n.Ino)}
	if j.step.Over != 0 {
		if j.over, err = t.get(j.step.Over); err != nil {
			return err
		}
	}
	for _, ino := range j.step.Inos {
		m, err := t.get(ino)
		if err != nil || m == nil {
			return staleOr(err, ino)
		}
		if sendsContent(j.step.Op) && m.Copy != nil {
			return outbox.ErrChanged // its content is not here
		}
		j.refs = append(j.refs, t.ref(m))
	}
	j.place = j.target()
	j.places = []store.Place{j.place}
	switch j.step.Op {
	case outbox.Delete:
		j.places = nil
	case outbox.Copy:
		if err := j.fillCopies(t); err != nil {
			return err
		}
	case outbox.Archive:
		j.places = nil
		if err := j.fillBatch(t); err != nil {
			return err
		}
	}
	if err := j.fillMade(t); err != nil {
		return err
	}
	if j.parent, err = j.parentRef(t); err != nil {
		return err
	}
	if err := j.checkPaths(t); err != nil {
		return err
	}
	at := j.announced()
	j.intent = store.Intent{
		Op: uint8(j.step.Op), Inos: slices.Concat(j.step.Inos, j.step.Below), Parent: at.Parent, Name: at.Name,
		Over: j.step.Over, Gen: n.Gen, Size: max(n.Size, 0), At: t.ns.now(),
	}
	return nil
}

// checkPaths makes sure that no path changes under a call: a folder is not moved
// or deleted while requests are in flight below it, and nothing is sent to below
// a folder that is being moved or deleted.
func (j *job) checkPaths(t txn) error {
	above := map[uint64]bool{}
	if err := t.addAbove(j.place.Parent, above); err != nil {
		return err
	}
	for _, ino := range j.step.Inos {
		n, err := t.get(ino)
		if err != nil {
			return err
		}
		if !n.Remote.Exists {
			continue
		}
		if err := t.addAbove(n.Remote.Parent, above); err != nil {
			return err
		}
		if n.Kind == Dir && j.step.Op != outbox.Mkdir {
			j.moves = append(j.moves, ino)
		}
	}
	for _, from := range j.sources {
		if t.ns.inflight[from.Ino] > 0 || t.ns.moving[from.Ino] > 0 {
			return outbox.ErrChanged
		}
		if err := t.addAbove(from.Remote.Parent, above); err != nil {
			return err
		}
	}
	for ino := range above {
		if t.ns.moving[ino] > 0 {
			return outbox.ErrChanged
		}
		j.above = append(j.above, ino)
	}
	for _, ino := range j.moves {
		if t.ns.busyBelow[ino] > 0 {
			return outbox.ErrChanged
		}
	}
	return nil
}

// addAbove adds a folder and the folders above it at the provider.
func (t txn) addAbove(ino uint64, above map[uint64]bool) error {
	for range maxDepth {
		if ino == store.RootIno || above[ino] {
			return nil
		}
		above[ino] = true
		n, err := t.get(ino)
		if err != nil || n == nil {
			return err
		}
		ino = n.Parent
		if n.Remote.Exists {
			ino = n.Remote.Parent
		}
	}
	return nil
}

// target is where the call puts its first node.
func (j *job) target() store.Place {
	n := j.node
	switch j.step.Op {
	case outbox.Rename:
		return store.Place{Parent: n.Remote.Parent, Name: j.step.Name}
	case outbox.Move:
		return store.Place{Parent: j.step.Parent, Name: n.Remote.Name}
	case outbox.MoveRename:
		return store.Place{Parent: j.step.Parent, Name: j.step.Name}
	case outbox.Upload:
		if j.over != nil {
			return j.over.Remote.Place
		}
		if n.Remote.Exists {
			return n.Remote.Place
		}
	case outbox.Delete:
		return n.Remote.Place
	case outbox.Copy:
		return store.Place{Parent: j.step.Parent, Name: j.step.Name}
	}
	return n.Place
}

func (t txn) folderRef(ino uint64) (remote.Ref, error) {
	n, err := t.get(ino)
	if err != nil || n == nil {
		return remote.Ref{}, staleOr(err, ino)
	}
	if !n.Remote.Exists && ino != RootIno {
		return remote.Ref{}, outbox.ErrChanged
	}
	return t.ref(n), nil
}

// reserve keeps listings, and other calls that would collide, away from the
// nodes and the place of a call, or gives them free with by = -1.
func (t txn) reserve(j *job, by int) {
	count(t.ns.inflight, j.nodes(), by)
	count(t.ns.moving, j.moves, by)
	if len(j.moves) > 0 {
		t.ns.moves++
	}
	count(t.ns.busyBelow, j.above, by)
	count(t.ns.inflightPlaces, j.places, by)
	if by > 0 {
		t.ns.running[j.intent.ID] = true
	} else {
		delete(t.ns.running, j.intent.ID)
		delete(t.ns.unresolved, j.intent.ID)
	}
}

// count adds to counters, and drops those that come to nothing.
func count[K comparable](counters map[K]int, keys []K, by int) {
	for _, k := range keys {
		if counters[k] += by; counters[k] <= 0 {
			delete(counters, k)
		}
	}
}

// cancel takes an announcement back: no request was made, or its failure is
// known.
func (j *job) cancel() {
	j.unseal()
	err := j.ns.updateAtAnyCost(func(t txn) error { return t.DropIntent(j.intent.ID) })
	if err != nil {
		j.ns.log.Error("taking back an intent", "err", err)
	}
	_ = j.free()
	if err := j.ns.db.UpdateLazily(j.forgetNodes); err != nil {
		j.ns.log.Error("forgetting what was deleted meanwhile", "err", err)
	}
}

// forgetNodes drops what nodes that were deleted, or closed after that, while the
// call was under way need no more, and what was sent if nobody needs it.
func (j *job) forgetNodes(tx *store.Tx) error {
	t := txn{tx, j.ns}
	if err := t.settleDoubts(j.nodes()); err != nil {
		return err
	}
	if used, err := t.GenInUse(j.intent.Gen); err != nil || !used {
		if err != nil {
			return err
		}
		t.ns.unused(j.intent.Gen)
	}
	for _, ino := range j.nodes() {
		n, err := t.get(ino)
		if err != nil {
			return err
		}
		if n == nil || n.Exists {
			continue
		}
		if err := t.forgetDeleted(n); err != nil {
			return err
		}
	}
	return nil
}

// free gives free what the call held, outside a transaction.
func (j *job) free() error {
	return j.ns.view(func(t txn) error {
		t.reserve(j, -1)
		return nil
	})
}

// abandonUnknown leaves the intent open for Recover.
func (j *job) abandonUnknown() {
	_ = j.ns.view(func(t txn) error {
		delete(t.ns.running, j.intent.ID)
		t.ns.unresolved[j.intent.ID] = j
		return nil
	})
}

// run makes the call and commits its result.
func (j *job) run(ctx context.Context) error {
	ctx = ledger.WithCause(ctx, j.cause)
	err := j.call(ctx)
	j.ns.log.Debug("sent", "op", j.step.Op.String(), "inos", j.step.Inos, "over", j.step.Over, "parent", j.place.Parent,
		"name", j.place.Name, "gen", j.intent.Gen, "err", err)
	j.ns.health.note(err, j.ns.opt.Now())
	if err == nil || j.ended {
		return err
	}
	if remote.IsUnknown(err) {
		if j.step.Op == outbox.Send {
			j.ns.putOff(j.step.Inos, err)
		}
		j.abandonUnknown()
		return err
	}
	j.cancel()
	return j.failed(ctx, err)
}

func (j *job) call(ctx context.Context) error {
	r := j.ns.remote
	switch j.step.Op {
	case outbox.Upload:
		return j.upload(ctx)
	case outbox.Archive:
		return j.sendBatch(ctx)
	case outbox.Copy:
		return j.sendCopies(ctx)
	case outbox.Send:
		return j.sendDraft(ctx)
	case outbox.Mkdir:
		o, err := r.Mkdir(ctx, j.parent, j.place.Name)
		return j.placed(ctx, o, err)
	case outbox.Rename:
		o, err := r.Rename(ctx, j.refs[0], j.step.Name)
		return j.placed(ctx, o, err)
	case outbox.MoveRename:
		mr, ok := r.(remote.MoveRenamer)
		if !ok {
			return remote.E(remote.Unsupported, "move", j.refs[0].Path, nil)
		}
		o, err := mr.MoveRename(ctx, j.refs[0], j.parent, j.step.Name)
		return j.placed(ctx, o, err)
	case outbox.Move:
		results, err := r.Move(ctx, j.refs, j.parent)
		return j.each(ctx, results, err, (*job).commitMoved)
	case outbox.Delete:
		results, err := r.Delete(ctx, j.refs)
		return j.each(ctx, results, err, (*job).commitDeleted)
	}
	return remote.E(remote.Unsupported, j.step.Op.String(), j.refs[0].Path, nil)
}

// placed commits the result of a call about one node. Another name than the one
// that was asked for tells that something not known has it: the folder is listed,
// as asking again would bring a third name.
func (j *job) placed(ctx context.Context, o remote.Object, err error) error {
	if err != nil {
		return err
	}
	err = j.commit(func(t txn) error { return j.commitPlaced(t, j.step.Inos[0], o) })
	if err != nil || o.Name == "" || o.Name == j.place.Name {
		return err
	}
	j.ns.putOff(j.step.Inos, remote.E(remote.Exist, j.step.Op.String(), j.place.Name, nil))
	return j.lookAgain(ctx, nil, nil)
}

// commit commits a result and ends the intent. What the provider did must not be
// lost for want of space here. A result that cannot be committed is looked up
// again.
func (j *job) commit(f func(txn) error) error {
	err := j.ns.updateAtAnyCost(func(t txn) error {
		if err := f(t); err != nil {
			return err
		}
		if err := t.settleDoubts(j.nodes()); err != nil {
			return err
		}
		return t.DropIntent(j.intent.ID)
	})
	if err != nil {
		j.abandonUnknown()
		return &remote.Error{Kind: remote.KindOf(err), Op: "record the result of", Path: j.place.Name, Unknown: true, Err: err}
	}
	j.ended = true
	return j.free()
}

// each commits the results of a call about several nodes; those that failed are
// put off one by one, and looked at again where the provider is not as it was
// thought to be.
func (j *job) each(ctx context.Context, results []remote.Result, err error, one func(*job, txn, uint64, remote.Object) error) error {
	if err != nil {
		return err
	}
	var failures []error
	var odd []uint64
	err = j.commit(func(t txn) error {
		failures, odd = nil, nil
		for i, r := range results {
			ino := j.step.Inos[i]
			if r.Err == nil || (j.step.Op == outbox.Delete && remote.IsKind(r.Err, remote.NotExist)) {
				renamed, err := j.renamed(t, ino, r.Object)
				if err == nil {
					err = one(j, t, ino, r.Object)
				}
				if err != nil {
					return err
				}
				if renamed {
					odd = append(odd, ino)
				}
				continue
			}
			failure := j.verdict(r.Err)
			failures = append(failures, failure)
			if unexpected(failure) {
				odd = append(odd, ino)
			}
			if err := t.fail([]uint64{ino}, failure); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && len(odd) > 0 {
		err = j.lookAgain(ctx, odd, errors.Join(failures...))
	}
	if err == nil && len(failures) == len(results) {
		err = errors.Join(failures...)
	}
	return err
}

// renamed tells whether a node got another name than it had when it was moved.
func (j *job) renamed(t txn, ino uint64, o remote.Object) (bool, error) {
	n, err := t.get(ino)
	return err == nil && n != nil && o.Name != "" && o.Name != n.Remote.Name, err
}
