package exavault1

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// Move puts objects into another folder (the SDK, moveResources), after one look
// at all of them and at the names they would take. What is taken there already
// stays as it is, with a Result of kind Exist.
func (c *Client) Move(ctx context.Context, refs []remote.Ref, parent remote.Ref) ([]remote.Result, error) {
	return c.gather(ctx, opMove, "moveResources", refs, parent)
}

// Copy puts copies into another folder (the SDK, copyResources). What Move says
// about taken names holds. A copy is not described: nothing tells its date.
func (c *Client) Copy(ctx context.Context, refs []remote.Ref, parent remote.Ref) ([]remote.Result, error) {
	return c.gather(ctx, opCopy, "copyResources", refs, parent)
}

// batch is a request about several objects, and what it has come to.
type batch struct {
	call
	paths   []string
	parent  string // where they go, "" for a delete
	results []remote.Result
	before  sight
}

func (c *Client) newBatch(k call, refs []remote.Ref) (*batch, error) {
	if len(refs) > batchSize {
		return nil, &remote.Error{Kind: remote.Invalid, Op: k.op, Path: refs[0].Path, Detail: "too many objects for one request"}
	}
	paths, err := pathsOf(k.op, refs)
	if err != nil {
		return nil, err
	}
	k.about, k.mutates = paths[0], true
	return &batch{call: k, paths: paths, results: make([]remote.Result, len(refs))}, nil
}

// target is where the i-th object goes.
func (b *batch) target(i int) string { return clientkit.Join(b.parent, path.Base(b.paths[i])) }

// places are what must be so for the i-th object to be dealt with.
func (b *batch) places(i int) []place {
	object := place{b.paths[i], anything}
	if b.parent == "" {
		return []place{object}
	}
	return []place{{b.parent, aFolder}, object, {b.target(i), nothing}}
}

// gather moves or copies refs into parent.
func (c *Client) gather(ctx context.Context, op, name string, refs []remote.Ref, parent remote.Ref) ([]remote.Result, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	b, err := c.newBatch(call{op: op, name: name, post: true}, refs)
	if err != nil {
		return nil, err
	}
	if b.parent, err = pathOf(op, parent); err != nil {
		return nil, err
	}
	all := []string{b.parent}
	for i, p := range b.paths {
		all = append(all, p, b.target(i))
	}
	if b.before, err = c.look(ctx, op, all...); err != nil {
		return nil, err
	}
	for i := range b.results {
		b.results[i].Err = b.flaw(i, b.before)
	}
	return b.results, c.run(ctx, b)
}

// flaw is what keeps the i-th object from being dealt with, as far as a look
// shows.
func (b *batch) flaw(i int, seen sight) error {
	for _, p := range b.places(i) {
		if kind, ok := p.wrong(seen); !ok {
			return remote.E(kind, b.op, p.path, nil)
		}
	}
	if b.parent != "" && strings.HasPrefix(b.parent+"/", b.paths[i]+"/") {
		return &remote.Error{Kind: remote.Invalid, Op: b.op, Path: b.paths[i], Detail: "a folder cannot go into itself"}
	}
	return nil
}

// Delete removes objects for good, folders with all that is in them (the SDK,
// deleteResources: a GET, which is never sent twice).
func (c *Client) Delete(ctx context.Context, refs []remote.Ref) ([]remote.Result, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	b, err := c.newBatch(call{op: opDelete, name: "deleteResources"}, refs)
	if err != nil {
		return nil, err
	}
	return b.results, c.run(ctx, b)
}

// run sends the request for those objects that have no error yet, and fills in
// their results. The error is not nil only if nothing can be said about any.
func (c *Client) run(ctx context.Context, b *batch) error {
	var open []int
	form := url.Values{}
	for i, p := range b.paths {
		if b.results[i].Err == nil {
			open = append(open, i)
			form.Add("filePaths[]", p)
		}
	}
	if len(open) == 0 {
		return nil
	}
	if b.parent != "" {
		form.Set("destinationPath", b.parent)
	}
	k := b.call
	k.form = form
	a, err := c.ask(ctx, k)
	if err != nil && !definite(err) {
		return err
	}
	failed := b.outcome(a, err, open)
	if len(failed) > 0 {
		c.examine(ctx, b, failed)
	}
	return nil
}

// done is what became of one object (the SDK, ModifiedResource and
// DeletedResource).
type done struct {
	File        clientkit.Text `json:"file"`
	Destination clientkit.Text `json:"destination"`
	Success     clientkit.Flag `json:"success"`
}

// outcome fills in results from an answer, or its refusal of everything, and
// returns the objects that failed or of which nothing is said.
func (b *batch) outcome(a *answer, refusal error, open []int) (failed []int) {
	told := map[string]done{}
	if refusal == nil {
		var list []done
		_ = json.Unmarshal(a.Results, &list) // what cannot be read tells nothing
		for _, d := range list {
			told["/"+strings.Trim(d.File.S, "/")] = d
		}
	}
	for _, i := range open {
		d, known := told[b.paths[i]]
		switch {
		case refusal != nil:
			b.results[i].Err = refusal
		case !b.done(a, d, known):
			b.results[i].Err = b.refusedAlone(i)
		default:
			b.results[i].Object = b.moved(i, d)
			continue
		}
		failed = append(failed, i)
	}
	return failed
}

// done tells whether an answer says that an object was dealt with: by itself,
// or with all others.
func (b *batch) done(a *answer, d done, known bool) bool {
	if known && d.Success.OK {
		return d.Success.Yes
	}
	return a.Success.N == 1
}

// refusedAlone is the error of an object that failed among others: no reason is
// given.
func (b *batch) refusedAlone(i int) error {
	return &remote.Error{Kind: remote.Other, Op: b.op, Path: b.paths[i], Status: http.StatusOK, Detail: "refused without a reason"}
}

// moved describes an object where it is now: as it was, in its new place. Only
// a name that somebody else took after the look makes a difference.
func (b *batch) moved(i int, d done) remote.Object {
	if b.op == opDelete {
		return remote.Object{}
	}
	to := b.target(i)
	if told := "/" + strings.Trim(d.Destination.S, "/"); path.Dir(told) == b.parent && told != to && !b.before.isDir(told) && clientkit.ValidPath(told) {
		to = told
	} else if b.op == opCopy {
		return remote.Object{}
	}
	o := b.before[b.paths[i]].object
	o.Path, o.Name = to, path.Base(to)
	return o
}

// examine looks at objects that failed, and corrects their results: what is not
// where it was, and is where it should go, has been moved.
func (c *Client) examine(ctx context.Context, b *batch, failed []int) {
	var paths []string
	for _, i := range failed {
		for _, p := range b.places(i) {
			paths = append(paths, p.path)
		}
	}
	seen, err := c.look(ctx, b.op, paths...)
	for _, i := range failed {
		r := &b.results[i]
		e, ok := errors.AsType[*remote.Error](r.Err)
		switch {
		case !ok:
		case err != nil:
			r.Err = unproven(e)
		case b.op == opMove && !seen[b.paths[i]].exists && seen[b.target(i)].exists:
			*r = remote.Result{Object: b.moved(i, done{})}
		default:
			own := *e
			own.Path = b.paths[i]
			r.Err = settle(&own, seen, b.places(i))
		}
	}
}
