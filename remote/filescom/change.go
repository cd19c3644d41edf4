package filescom

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// Mkdir makes a folder, with missing ones above it (the SDK, "create"; the
// reference, "Create folder", knows no answer to it).
func (c *Client) Mkdir(ctx context.Context, parent remote.Ref, name string) (remote.Object, error) {
	full, err := child(opMkdir, parent, name)
	if err != nil {
		return remote.Object{}, err
	}
	k := call{
		op: opMkdir, about: full, method: http.MethodPost, path: pathIn("/folders", full), mutates: true,
		body: map[string]any{"mkdir_parents": true},
	}
	var a one
	r, err := c.ask(ctx, k, &a)
	if err != nil {
		return remote.Object{}, err
	}
	c.made.put(full)
	if a.Path.S == "" && a.DisplayName.S == "" {
		return c.undescribed(ctx, remote.Object{Name: name, Path: full, Dir: true}, respelled(name))
	}
	o, err := c.about(k, &a.entry, r.status)
	if err == nil && !o.Dir {
		return remote.Object{}, k.corrupt(r.status, "a folder was made, and the answer shows a file", nil)
	}
	return o, err
}

// undescribed is an object that no answer describes; it takes a look if the
// service may have written its name another way.
func (c *Client) undescribed(ctx context.Context, o remote.Object, look bool) (remote.Object, error) {
	if !look {
		return o, nil
	}
	found, err := c.Stat(ctx, o.Ref())
	if err != nil {
		return o, unknown(err)
	}
	return found, nil
}

// unknown marks the error of a look at what a change came to.
func unknown(err error) error {
	e := *remote.E(remote.KindOf(err), opInfo, "", err)
	e.Unknown = true
	return &e
}

// child is the path of a name in a folder.
func child(op string, parent remote.Ref, name string) (string, error) {
	dir, err := pathOf(op, parent)
	if err != nil {
		return "", err
	}
	full := clientkit.Join(dir, name)
	return full, checkName(op, full, name)
}

// Rename gives an object another name (the SDK, "move"). The answer does not
// describe the object, so that the result is the zero Object; with a name that
// the service may write another way it is looked up, for one transaction.
func (c *Client) Rename(ctx context.Context, ref remote.Ref, name string) (remote.Object, error) {
	return c.transfer(ctx, opRename, ref, remote.Ref{Path: path.Dir(ref.Path)}, name)
}

// MoveRename changes folder and name at once; the result is as for Rename.
func (c *Client) MoveRename(ctx context.Context, ref, parent remote.Ref, name string) (remote.Object, error) {
	return c.transfer(ctx, opMove, ref, parent, name)
}

// Move puts objects into another folder, one transaction for each.
func (c *Client) Move(ctx context.Context, refs []remote.Ref, parent remote.Ref) ([]remote.Result, error) {
	return each(ctx, refs, func(ref remote.Ref) (remote.Object, error) {
		return c.transfer(ctx, opMove, ref, parent, path.Base(ref.Path))
	})
}

// Copy puts copies into another folder, one transaction for each.
func (c *Client) Copy(ctx context.Context, refs []remote.Ref, parent remote.Ref) ([]remote.Result, error) {
	return each(ctx, refs, func(ref remote.Ref) (remote.Object, error) {
		return c.transfer(ctx, opCopy, ref, parent, path.Base(ref.Path))
	})
}

// CopyRename copies an object to another name (the SDK, "copy"). The answer tells
// when all was copied, and not what the copy is like: the result has a name and a
// path only, unless the service may write the name another way.
func (c *Client) CopyRename(ctx context.Context, ref, parent remote.Ref, name string) (remote.Object, error) {
	return c.transfer(ctx, opCopy, ref, parent, name)
}

// transfer moves or copies one object. The service refuses a taken name unless
// told to overwrite, which never happens here.
func (c *Client) transfer(ctx context.Context, op string, ref, parent remote.Ref, name string) (remote.Object, error) {
	from, err := pathOf(op, ref)
	if err != nil {
		return remote.Object{}, err
	}
	to, err := child(op, parent, name)
	if err != nil {
		return remote.Object{}, err
	}
	if detail := nonsense(op, from, to); detail != "" {
		return remote.Object{}, &remote.Error{Kind: remote.Invalid, Op: op, Path: from, Detail: detail}
	}
	action := "/file_actions/move"
	if op == opCopy {
		action = "/file_actions/copy"
	}
	k := call{
		op: op, about: from, method: http.MethodPost, path: pathIn(action, from), mutates: true,
		body: map[string]any{"destination": wirePath(to), "overwrite": false},
	}
	err = c.migrate(ctx, k, to)
	c.sums.moved(from, to) // whatever came of it: a hash holds for one time stamp and size only
	if err != nil {
		return remote.Object{}, c.explain(ctx, err, ref)
	}
	switch {
	case respelled(name):
		return c.undescribed(ctx, remote.Object{Path: to}, true)
	case op == opCopy:
		return remote.Object{Name: name, Path: to}, nil
	}
	return remote.Object{}, nil
}

// nonsense says why something cannot be put where it shall be, "" if it can.
func nonsense(op, from, to string) string {
	switch {
	case from == "/":
		return "the root stays where it is"
	case op == opCopy && from == to:
		return "" // the name is taken, as the service will say
	case to != from && within(from, to) && len(to) > len(from):
		return "a folder cannot be in itself"
	}
	return ""
}

// explain finds out what a bare 404 to a move or copy is about: the object, or
// an operation that a server of 2020 does not know.
func (c *Client) explain(ctx context.Context, err error, ref remote.Ref) error {
	if c.flow.known.Load() == flowToday || !routeMissing(err) {
		return err
	}
	if _, seen := c.Stat(ctx, ref); seen != nil {
		return seen
	}
	return &remote.Error{Kind: remote.Unsupported, Op: opMove, Path: ref.Path, Err: err}
}

// Delete removes objects, folders with all in them, one transaction for each
// (the reference, "Delete file/folder"; recursive is the SDK's).
func (c *Client) Delete(ctx context.Context, refs []remote.Ref) ([]remote.Result, error) {
	return each(ctx, refs, func(ref remote.Ref) (remote.Object, error) {
		full, err := pathOf(opDelete, ref)
		if err != nil {
			return remote.Object{}, err
		}
		if full == "/" {
			return remote.Object{}, remote.E(remote.NotPermitted, opDelete, full, nil)
		}
		c.links.drop(full)
		defer c.links.drop(full)
		k := call{
			op: opDelete, about: full, method: http.MethodDelete, path: pathIn("/files", full), mutates: true,
			query: url.Values{"recursive": {"true"}},
		}
		var ignored any
		_, err = c.ask(ctx, k, &ignored)
		return remote.Object{}, err
	})
}

// SetModTime changes the time of a file or folder (the reference, "Update
// file/folder metadata"), in whole seconds.
func (c *Client) SetModTime(ctx context.Context, ref remote.Ref, t time.Time) (remote.Object, error) {
	full, err := pathOf(opTouch, ref)
	if err != nil {
		return remote.Object{}, err
	}
	k := call{
		op: opTouch, about: full, method: http.MethodPatch, path: pathIn("/files", full), mutates: true, again: true,
		body: map[string]any{"provided_mtime": wireTime(t)},
	}
	var a one
	r, err := c.ask(ctx, k, &a)
	if err != nil {
		return remote.Object{}, err
	}
	return c.about(k, &a.entry, r.status)
}

// wireTime writes a time as requests have it: whole seconds, and nothing before
// 1970, which the service may refuse (recorded answers).
func wireTime(t time.Time) string {
	return time.Unix(max(t.Unix(), 0), 0).UTC().Format(time.RFC3339)
}

// each makes one call for each object. An error that says nothing about any of
// them ends it if it is the first.
func each(ctx context.Context, refs []remote.Ref, one func(remote.Ref) (remote.Object, error)) ([]remote.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, remote.E(remote.Canceled, "change", "", err)
	}
	results := make([]remote.Result, len(refs))
	for i, ref := range refs {
		o, err := one(ref)
		if i == 0 && err != nil && (remote.IsUnknown(err) && len(refs) == 1 || general(err)) {
			return nil, err
		}
		results[i] = remote.Result{Object: o, Err: err}
	}
	return results, nil
}

// general tells whether an error is about the account or the network, not about
// one object.
func general(err error) bool {
	switch remote.KindOf(err) {
	case remote.Auth, remote.Budget, remote.Offline, remote.Canceled:
		return !remote.IsUnknown(err)
	}
	return false
}
