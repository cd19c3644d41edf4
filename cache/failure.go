package cache

import (
	"context"
	"time"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/remote"
)

// failed decides what becomes of the nodes of a call that failed.
func (j *job) failed(ctx context.Context, err error) error {
	err = j.verdict(err)
	j.giveUpMade(err)
	j.ns.putOff(j.step.Inos, err)
	if unexpected(err) && j.step.Op != outbox.Send {
		if e := j.lookAgain(ctx, j.step.Inos, err); e != nil {
			return e
		}
	}
	return err
}

// verdict is what an error means. A folder that cannot be moved where it shall
// goes below itself there: others moved the target into it. Where only paths
// count, a folder that is none any more is gone.
func (j *job) verdict(err error) error {
	switch {
	case len(j.moves) > 0 && remote.IsKind(err, remote.Invalid):
		return remote.E(remote.Conflict, j.step.Op.String(), j.place.Name, err)
	case !j.ns.caps.IDs && remote.IsKind(err, remote.NotDir):
		return remote.E(remote.NotExist, j.step.Op.String(), j.place.Name, err)
	}
	return err
}

// unexpected tells whether the provider is not as it was thought to be.
func unexpected(err error) bool {
	switch remote.KindOf(err) {
	case remote.Exist, remote.Conflict, remote.NotExist:
		return true
	}
	return false
}

// lookAgain brings what is known of the call's folder, and of nodes of it, up to
// date, and of the folder's own place if that may be the cause.
func (j *job) lookAgain(ctx context.Context, inos []uint64, cause error) error {
	folder := j.nearest()
	if err := j.ns.list(ctx, folder); err != nil {
		return err
	}
	if (len(j.moves) > 0 || remote.IsKind(cause, remote.NotExist)) && folder != RootIno {
		inos = append(inos[:len(inos):len(inos)], folder)
	}
	for _, ino := range inos {
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
		case lasting(kind) || d.Tries > maxTries || kind == remote.Conflict && t.outgoing(n):
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
