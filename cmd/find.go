package cmd

import (
	"context"
	"errors"

	"github.com/frugalfs/frugalfs/cmd/control"
	"github.com/frugalfs/frugalfs/fs"
	"github.com/frugalfs/frugalfs/remote"
)

// found is a mount point that a command is about.
type found struct {
	// dir is resolved.
	dir    string
	record control.Record
	client *control.Client
}

// find finds the mount on dir without touching it: one that is dead or hangs
// would keep us.
func find(dir string) (found, error) {
	resolved, err := fs.Resolve(dir)
	if err != nil {
		return found{}, err
	}
	f := found{dir: resolved}
	mount, isMounted, err := fs.Mounted(resolved)
	if err != nil {
		return f, err
	}
	record, ok := control.Lookup(resolved)
	switch {
	case isMounted && !mount.Ours():
		return f, failure(remote.Invalid, "%s is a mount of type %s, not one of frugalfs", resolved, mount.Type)
	case !isMounted && !ok:
		return f, failure(remote.NotExist, "nothing is mounted on %s; see which mounts there are with: frugalfs status", resolved)
	case !ok:
		return f, f.orphaned()
	}
	f.record, f.client = record, control.NewClient(record.Socket)
	return f, nil
}

// checkFree finds out whether a mount answers on dir already, before a request
// is spent on another one. All else that may be wrong with dir package fs finds.
func checkFree(ctx context.Context, dir string) error {
	f, err := find(dir)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	s, err := f.client.Status(ctx)
	if err != nil {
		return nil
	}
	return failure(remote.Busy, "%s is mounted already, by process %d; unmount it first with: frugalfs unmount %s", f.dir, s.PID, f.dir)
}

// orphaned is the error for a mount that is there and does not answer.
func (f found) orphaned() error {
	return wayOut(&remote.Error{Kind: remote.Offline, Op: "ask the mount on", Path: f.dir, Err: control.ErrGone},
		"take the dead mount away with: frugalfs unmount %s", f.dir)
}

// explain turns "nobody listens" into what that means for the user.
func (f found) explain(err error) error {
	if !errors.Is(err, control.ErrGone) {
		return err
	}
	if _, ok, e := fs.Mounted(f.dir); e == nil && ok {
		return f.orphaned()
	}
	return failure(remote.NotExist, "nothing is mounted on %s any more; mount it again and what was not sent goes on", f.dir)
}

// isDead tells whether an error of find or of asking means that the process of
// the mount is gone.
func isDead(err error) bool { return errors.Is(err, control.ErrGone) }
