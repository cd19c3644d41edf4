package filescom

import (
	"context"
	"net/http"
	"path"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// maxProbes is how many folders are listed to find out whether a tree listing
// looked into them.
const maxProbes = 3

// ListTree lists everything below a folder with the parameter recursive (the
// SDK, in its own code, not in the documentation). A server that ignores it
// gets an error of kind Unsupported. As long as it has not shown once that it
// does not, a listing in which all folders are empty is checked by listing some
// of them, which is one transaction each.
func (c *Client) ListTree(ctx context.Context, dir remote.Ref, page func([]remote.Object) error) (remote.Listing, error) {
	full, err := pathOf(opTree, dir)
	if err != nil {
		return remote.Listing{}, err
	}
	w := &walk{
		c: c, dir: full, hand: page, tree: true,
		call: call{op: opTree, about: full, method: http.MethodGet, path: pathIn("/folders", full)},
	}
	l, r, err := w.list(ctx)
	if err != nil || !l.Complete {
		return l, c.noTrees(err)
	}
	shallow, orphans := r.shape()
	if l.Complete = !orphans; !shallow {
		c.treesWork.Store(true)
	}
	if shallow && len(r.seen) > 0 && !c.treesWork.Load() {
		l.Complete, err = w.probe(ctx, r)
	}
	return l, err
}

// noTrees reads a refusal of the parameter.
func (c *Client) noTrees(err error) error {
	if !isStatus(err, http.StatusBadRequest, http.StatusUnprocessableEntity) || c.treesWork.Load() {
		return err
	}
	return &remote.Error{Kind: remote.Unsupported, Op: opTree, Err: err}
}

// shape tells whether a tree has no entry below its first level, and whether
// there is an entry whose folder is not listed.
func (r *run) shape() (shallow, orphans bool) {
	shallow = true
	for full := range r.seen {
		parent := path.Dir(full)
		if parent == r.w.dir {
			continue
		}
		shallow = false
		if !r.seen[parent] {
			orphans = true
		}
	}
	return shallow, orphans
}

// probe lists folders that a tree listing shows as empty. One that is not proves
// that the server ignores the parameter; all of them empty, that the listing is
// right.
func (w *walk) probe(ctx context.Context, r *run) (complete bool, err error) {
	probes := 0
	for full, dir := range r.seen {
		if !dir {
			continue
		}
		if probes++; probes > maxProbes {
			return false, nil
		}
		l, err := w.c.List(ctx, remote.Ref{Path: full}, func([]remote.Object) error { return nil })
		switch {
		case err != nil:
			return false, err
		case l.Total > 0:
			return false, &remote.Error{Kind: remote.Unsupported, Op: opTree, Path: w.dir, Detail: "the provider lists no trees"}
		}
	}
	return true, nil
}

// below writes a path below dir as it was asked for; false if it is not below.
func below(dir, full string) (string, bool) {
	if dir == "/" {
		return full, true
	}
	depth := strings.Count(dir, "/")
	names := strings.SplitN(full[1:], "/", depth+1)
	if len(names) <= depth || !alike(strings.Join(names[:depth], "/"), dir) {
		return full, false
	}
	return clientkit.Join(dir, names[depth]), true
}
