package cache

import (
	"cmp"
	"context"
	"path"
	"sync"

	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// Providers tell more or less about what they copied. Some describe it. Some vouch
// for a copy of that name and say no more: what it is like is known from its
// source, once that turns out to be what it was. Others prove nothing: what they
// copied has to be looked at.

// describe completes what an answer to a copy tells.
func (j *job) describe(ctx context.Context, results []remote.Result) error {
	var bare []int
	for i, n := range j.batch.tops {
		switch {
		case i >= len(results) || results[i].Err != nil:
		case results[i].Object.Name == "":
			bare = append(bare, i)
		case vouched(results[i].Object):
			if j.known(n, i) {
				results[i].Object = j.likeSource(results[i].Object, n, i)
			} else {
				bare = append(bare, i)
			}
		}
	}
	if len(bare) > 2 {
		return j.listCopies(ctx, bare, results)
	}
	return j.lookAtCopies(ctx, bare, results)
}

// vouched tells whether an answer names a copy without describing it.
func vouched(o remote.Object) bool { return o.Name != "" && !o.Dir && o.Version == "" }

// known tells whether a copy's version follows from what is known of its source:
// for a folder there is none, for a file it takes a digest, as times differ.
func (j *job) known(n *store.Node, i int) bool {
	return n.Kind == Dir || j.sources[i].Remote.Hash != ""
}

func (j *job) likeSource(o remote.Object, n *store.Node, i int) remote.Object {
	if n.Kind == Dir {
		o.Dir = true
		return o
	}
	from := j.sources[i].Remote
	o.Size, o.Version, o.Hash = from.Size, from.Version, from.Hash
	return o
}

// copyName is the name that a copy has at first.
func (j *job) copyName(n *store.Node) string {
	return cmp.Or(j.step.Name, n.Name)
}

// lookAtCopies looks at copies by their paths, all at the same time.
func (j *job) lookAtCopies(ctx context.Context, bare []int, results []remote.Result) error {
	errs := make([]error, len(bare))
	var looks sync.WaitGroup
	for k, i := range bare {
		looks.Go(func() {
			full := path.Join(j.parent.Path, j.copyName(j.batch.tops[i]))
			results[i].Object, errs[k] = j.ns.remote.Stat(ctx, remote.Ref{Path: full})
		})
	}
	looks.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// listCopies lists the folder that copies went to.
func (j *job) listCopies(ctx context.Context, bare []int, results []remote.Result) error {
	there := map[string]remote.Object{}
	_, err := j.ns.remote.List(ctx, j.parent, func(objects []remote.Object) error {
		for _, o := range objects {
			there[o.Name] = o
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, i := range bare {
		o, ok := there[j.copyName(j.batch.tops[i])]
		if !ok {
			results[i].Err = remote.E(remote.NotExist, "copy", path.Join(j.parent.Path, j.batch.tops[i].Name), nil)
		}
		results[i].Object = o
	}
	return nil
}
