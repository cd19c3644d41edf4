package cache

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
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
		return ns.listTree(ctx, step.Parent)
	}
	j, err := ns.begin(ctx, step, in)
	if err != nil {
		return err
	}
	return j.run(ctx)
}

// observed puts off a node that cannot be looked at.
func (ns *Namespace) observed(ino uint64, err error) error {
	if err != nil {
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
	// place is where the result is expected.
	place store.Place
	// moves are the folders that the call moves or deletes, above all folders
	// above what it is about.
	moves, above []uint64
	// sealed is true while the generation that is sent is kept from changing.
	sealed bool
}

// nodes are all nodes that the call is about.
func (j *job) nodes() []uint64 {
	all := slices.Concat(j.step.Inos, j.step.Below)
	if j.step.Over != 0 {
		all = append(all, j.step.Over)
	}
	return all
}

// begin announces a call: its intent is durable when begin returns.
func (ns *Namespace) begin(ctx context.Context, step outbox.Step, in *outbox.Input) (*job, error) {
	j := &job{ns: ns, step: step}
	if err := ns.keepForReaders(ctx, step); err != nil {
		return nil, err
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
			_ = ns.view(func(t txn) error {
				t.reserve(j, -1)
				return nil
			})
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

// fill works out what is called with what.
func (j *job) fill(t txn) error {
	n, err := t.get(j.step.Inos[0])
	if err != nil {
		return err
	}
	j.node = n
	j.cause = ledger.Cause{Path: t.path(n.Ino)}
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
		j.refs = append(j.refs, t.ref(m))
	}
	j.place = j.target()
	if j.parent, err = t.folderRef(j.place.Parent); err != nil {
		return err
	}
	if err := j.checkPaths(t); err != nil {
		return err
	}
	j.intent = store.Intent{
		Op: uint8(j.step.Op), Inos: slices.Concat(j.step.Inos, j.step.Below), Parent: j.place.Parent, Name: j.place.Name,
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
	count(t.ns.busyBelow, j.above, by)
	if j.step.Op != outbox.Delete {
		count(t.ns.inflightPlaces, []store.Place{j.place}, by)
	}
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

// cancel takes an announcement back: no request was made, or its failure is
// known.
func (j *job) cancel() {
	j.unseal()
	err := j.ns.updateAtAnyCost(func(t txn) error { return t.DropIntent(j.intent.ID) })
	if err != nil {
		j.ns.log.Error("taking back an intent", "err", err)
	}
	_ = j.ns.view(func(t txn) error {
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
	if err == nil {
		return nil
	}
	if remote.IsUnknown(err) {
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
	case outbox.Mkdir:
		o, err := r.Mkdir(ctx, j.parent, j.place.Name)
		return j.placed(o, err)
	case outbox.Rename:
		o, err := r.Rename(ctx, j.refs[0], j.step.Name)
		return j.placed(o, err)
	case outbox.MoveRename:
		mr, ok := r.(remote.MoveRenamer)
		if !ok {
			return remote.E(remote.Unsupported, "move", j.refs[0].Path, nil)
		}
		o, err := mr.MoveRename(ctx, j.refs[0], j.parent, j.step.Name)
		return j.placed(o, err)
	case outbox.Move:
		results, err := r.Move(ctx, j.refs, j.parent)
		return j.each(results, err, (*job).commitMoved)
	case outbox.Delete:
		results, err := r.Delete(ctx, j.refs)
		return j.each(results, err, (*job).commitDeleted)
	}
	return remote.E(remote.Unsupported, j.step.Op.String(), j.refs[0].Path, nil)
}

// placed commits the result of a call about one node.
func (j *job) placed(o remote.Object, err error) error {
	if err != nil {
		return err
	}
	return j.commit(func(t txn) error { return j.commitPlaced(t, j.step.Inos[0], o) })
}

// commit commits a result and ends the intent. What the provider did must not be
// lost for want of space here. A result that cannot be committed is looked up
// again.
func (j *job) commit(f func(txn) error) error {
	err := j.ns.updateAtAnyCost(func(t txn) error {
		if err := f(t); err != nil {
			return err
		}
		return t.DropIntent(j.intent.ID)
	})
	if err != nil {
		j.abandonUnknown()
		return &remote.Error{Kind: remote.KindOf(err), Op: "record the result of", Path: j.place.Name, Unknown: true, Err: err}
	}
	return j.ns.view(func(t txn) error {
		t.reserve(j, -1)
		return nil
	})
}

// each commits the results of a call about several nodes; those that failed are
// put off one by one.
func (j *job) each(results []remote.Result, err error, one func(*job, txn, uint64, remote.Object) error) error {
	if err != nil {
		return err
	}
	var failures []error
	err = j.commit(func(t txn) error {
		failures = nil
		for i, r := range results {
			gone := j.step.Op == outbox.Delete && remote.IsKind(r.Err, remote.NotExist)
			if r.Err != nil && !gone {
				failures = append(failures, r.Err)
				if err := t.fail([]uint64{j.step.Inos[i]}, r.Err); err != nil {
					return err
				}
				continue
			}
			if err := one(j, t, j.step.Inos[i], r.Object); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && len(failures) == len(results) {
		err = errors.Join(failures...)
	}
	return err
}

// failed decides what becomes of the nodes of a call that failed.
func (j *job) failed(ctx context.Context, err error) error {
	switch remote.KindOf(err) {
	case remote.Exist, remote.Conflict, remote.NotExist:
		// The provider is not as it was thought to be: look again.
		j.ns.putOff(j.step.Inos, err)
		if e := j.lookAgain(ctx); e != nil {
			return e
		}
		return err
	}
	j.ns.putOff(j.step.Inos, err)
	return err
}

// lookAgain brings what is known of the call's folder and nodes up to date.
func (j *job) lookAgain(ctx context.Context) error {
	if err := j.ns.list(ctx, j.place.Parent); err != nil {
		return err
	}
	for _, ino := range j.step.Inos {
		n, err := j.ns.node(ino)
		if err != nil || !n.Remote.Exists {
			continue
		}
		if err := j.ns.look(ctx, ino); err != nil {
			return err
		}
	}
	return nil
}

// lastRetry is the longest pause of a node after passing failures, maxTries how
// many of them in a row it takes to give up.
const (
	lastRetry = 5 * time.Minute
	maxTries  = 20
)

// putOff records a failure in the nodes that it concerns.
func (ns *Namespace) putOff(inos []uint64, cause error) {
	if err := ns.update(func(t txn) error { return t.fail(inos, cause) }); err != nil {
		ns.log.Error("recording a failure", "err", err)
	}
}

// fail records a failure: a passing one delays the nodes, another keeps them
// until somebody retries.
func (t txn) fail(inos []uint64, cause error) error {
	for _, ino := range inos {
		n, err := t.get(ino)
		if err != nil {
			return err
		}
		if n == nil || n.Dirty == nil {
			continue
		}
		c, d := *n, *n.Dirty
		d.Tries++
		switch kind := remote.KindOf(cause); {
		case lasting(kind) || d.Tries > maxTries:
			d.Failed, d.FailKind = cause.Error(), uint8(kind)
			t.ns.log.Error("cannot be sent: kept here", "path", t.path(ino), "err", cause)
		case global(kind):
			d.Tries-- // the executor pauses as a whole
		default:
			d.RetryAt = t.ns.now() + int64(min(t.ns.opt.RetryPause<<min(d.Tries-1, 10), lastRetry))
		}
		c.Dirty = &d
		if err := t.put(&c); err != nil {
			return err
		}
	}
	return nil
}

// lasting tells whether a failure will be the same until somebody does
// something about it.
func lasting(k remote.Kind) bool {
	switch k {
	case remote.Permission, remote.NotPermitted, remote.StorageFull, remote.TooLarge, remote.NameTooLong,
		remote.InvalidName, remote.Invalid, remote.Unsupported, remote.IsDir, remote.NotDir, remote.ReadOnly:
		return true
	}
	return false
}

// global tells whether a failure concerns everything.
func global(k remote.Kind) bool {
	switch k {
	case remote.Offline, remote.Budget, remote.Auth, remote.Canceled, remote.NoSpace:
		return true
	}
	return false
}

// sending tells whether a call about a node is under way.
func (ns *Namespace) sending(ino uint64) (yes bool) {
	_ = ns.view(func(t txn) error {
		yes = t.ns.inflight[ino] > 0
		return nil
	})
	return yes
}
