package cache

import (
	"context"

	"github.com/frugalfs/frugalfs/remote"
)

// replacement looks in the folder of a file that was to be replaced by an object
// of another ID, and finishes what was begun: the old one goes once the new one
// is known to be whole. old is the file as it is now, and what is returned if
// nothing was begun.
func (j *job) replacement(ctx context.Context, old remote.Object, oldID string) (remote.Object, error) {
	candidates, err := j.replacements(ctx, oldID)
	if err != nil {
		return old, err
	}
	for _, o := range candidates {
		ours, _, err := j.ours(ctx, o)
		if err != nil {
			return old, err
		}
		if !ours {
			continue
		}
		o.Name = j.place.Name // which the old one has until now
		return o, j.dropReplaced(ctx, old)
	}
	return old, nil
}

// replacements are the files in the target's folder that may be the new one.
func (j *job) replacements(ctx context.Context, oldID string) (found []remote.Object, err error) {
	_, err = j.ns.remote.List(ctx, j.folderNow(), func(page []remote.Object) error {
		for _, o := range page {
			if !o.Dir && o.Size == j.intent.Size && o.ID != oldID && !j.ns.anothers(o, 0) {
				found = append(found, o)
			}
		}
		return nil
	})
	return found, err
}

// folderNow addresses the folder that the call's target is in.
func (j *job) folderNow() (ref remote.Ref) {
	_ = j.ns.view(func(t txn) error {
		n, err := t.get(j.place.Parent)
		if err == nil && n != nil {
			ref = t.ref(n)
		}
		return err
	})
	return ref
}

// dropReplaced deletes a file that its replacement stands beside.
func (j *job) dropReplaced(ctx context.Context, old remote.Object) error {
	results, err := j.ns.remote.Delete(ctx, []remote.Ref{old.Ref()})
	if err == nil && len(results) == 1 && !remote.IsKind(results[0].Err, remote.NotExist) {
		err = results[0].Err
	}
	return err
}
