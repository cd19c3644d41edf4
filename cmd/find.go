package cmd

import (
	"context"
	"errors"
	"fmt"

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

// find finds the mount on dir without touching it: one that hangs would keep
// us.
func find(dir string) (found, error) {
	resolved, err := fs.Resolve(dir)
	if err != nil {
		return found{}, err
	}
	return findAt(resolved)
}

// findAt is find for a path out of the mount table.
func findAt(dir string) (found, error) {
	f := found{dir: dir}
	mount, isMounted, err := mountAt(dir)
	if err != nil {
		return f, err
	}
	record, ok := control.Lookup(dir)
	switch {
	case isMounted && !mount.Ours():
		return f, failure(remote.Invalid, "%s is a mount of type %s, not one of frugalfs", dir, mount.Type)
	case !isMounted && !ok:
		return f, failure(remote.NotExist, "nothing is mounted on %s; see which mounts there are with: frugalfs status", dir)
	case !ok && fs.Dead(dir):
		return f, f.orphaned()
	case !ok:
		return f, failure(remote.Permission, "the mount on %s is another user's, and answers only to that one", dir)
	}
	f.record, f.client = record, control.NewClient(record.Socket)
	return f, nil
}

// mountAt returns what is visible at a resolved path.
func mountAt(dir string) (top fs.MountEntry, ok bool, err error) {
	all, err := fs.Mounts()
	for _, m := range all {
		if m.Dir == dir {
			top, ok = m, true
		}
	}
	return top, ok, err
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
	text := fmt.Sprintf("the mount on %s does not answer: its process is gone; take it away with: frugalfs unmount %s", f.dir, f.dir)
	return &plainError{remote.Stale, text, control.ErrGone}
}

// explain turns "nobody listens" into what that means for the user.
func (f found) explain(err error) error {
	if !isGone(err) {
		return err
	}
	if _, ok, e := mountAt(f.dir); e == nil && ok {
		return f.orphaned()
	}
	return failure(remote.NotExist, "nothing is mounted on %s any more; mount it again and what was not sent goes on", f.dir)
}

// isGone tells whether an error of find or of asking means that the process of
// the mount is gone.
func isGone(err error) bool { return errors.Is(err, control.ErrGone) }
