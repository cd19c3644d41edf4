package yetishare

import (
	"context"
	"net/url"
	"sync/atomic"

	"github.com/frugalfs/frugalfs/remote"
)

// Delete removes files ("File Delete"), each in one request, and empty folders
// ("Folder Delete"), each after a listing that shows that there is nothing in
// it: what becomes of the contents differs from site to site. A folder that is
// not empty is of kind NotEmpty.
func (c *Client) Delete(ctx context.Context, refs []remote.Ref) ([]remote.Result, error) {
	return each(refs, func(ref remote.Ref) (remote.Object, error) {
		f, err := c.find(ctx, opDelete, ref)
		if err == nil {
			err = c.mayMove(opDelete, ref, f, nil, "")
		}
		switch {
		case err != nil:
			return remote.Object{}, err
		case f.dir:
			return remote.Object{}, c.rmdir(ctx, f.id, ref.Path)
		}
		return remote.Object{}, c.remove(ctx, f.id, ref.Path, false)
	})
}

// remove deletes a file. With repeat it is sent until it is answered.
func (c *Client) remove(ctx context.Context, id int64, about string, repeat bool) error {
	k := call{
		op: opDelete, about: about, path: "/file/delete", form: url.Values{"file_id": {itoa(id)}},
		named: true, mutates: true, repeatable: repeat,
	}
	a, err := c.ask(ctx, k)
	if err != nil {
		return err
	}
	var f file
	if decode(a.Data, &f) && f.StatusID.OK && f.active() {
		return k.corrupt(0, "the answer shows the file as it was", nil)
	}
	return nil
}

func (c *Client) rmdir(ctx context.Context, id int64, about string) error {
	l, err := c.list(ctx, id, about)
	if err != nil {
		return renamed(err, opDelete, about)
	}
	if len(l.entries) > 0 || !l.whole {
		return remote.E(remote.NotEmpty, opDelete, about, nil)
	}
	k := call{op: opDelete, about: about, path: "/folder/delete", form: url.Values{"folder_id": {itoa(id)}}, named: true, mutates: true}
	_, err = c.ask(ctx, k)
	return err
}

// optional makes a call that only newer sites have. One that proves to lack it is
// not asked again.
func (c *Client) optional(ctx context.Context, k call, lacks *atomic.Bool) (*answer, error) {
	none := &remote.Error{Kind: remote.Unsupported, Op: k.op, Path: k.about, Detail: "the site has no " + k.path[1:], Err: errNoCall}
	if lacks.Load() {
		return nil, none
	}
	a, err := c.ask(ctx, k)
	if lacksCall(err) {
		lacks.Store(true)
		return nil, none
	}
	return a, err
}
