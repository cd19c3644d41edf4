package exavault1

import (
	"context"
	"net/url"
	"path"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// Mkdir makes a folder (the SDK, createFolder). No document says what becomes of
// a taken name: a server may refuse it, which is kind Exist, or answer as if the
// folder were new.
func (c *Client) Mkdir(ctx context.Context, parent remote.Ref, name string) (remote.Object, error) {
	dir, err := pathOf(opMkdir, parent)
	if err != nil {
		return remote.Object{}, err
	}
	full := clientkit.Join(dir, name)
	if err := clientkit.CheckName(opMkdir, full, name); err != nil {
		return remote.Object{}, err
	}
	k := call{
		op: opMkdir, about: full, name: "createFolder", post: true, mutates: true,
		form: url.Values{"folderName": {name}, "path": {dir}},
	}
	if _, err := c.ask(ctx, k); err != nil {
		return remote.Object{}, c.explain(ctx, err, parentOf(full), place{full, nothing})
	}
	return remote.Object{Name: name, Path: full, Dir: true}, nil
}

// Rename gives an object another name (the SDK, renameResource), after a look
// that shows what it is and that the name is free.
func (c *Client) Rename(ctx context.Context, ref remote.Ref, name string) (remote.Object, error) {
	from, err := pathOf(opRename, ref)
	if err != nil {
		return remote.Object{}, err
	}
	if err := clientkit.CheckName(opRename, from, name); err != nil {
		return remote.Object{}, err
	}
	to := clientkit.Join(path.Dir(from), name)
	seen, err := c.look(ctx, opRename, from, to)
	if err != nil {
		return remote.Object{}, err
	}
	o := seen[from].object
	switch {
	case !seen[from].exists:
		return remote.Object{}, remote.E(remote.NotExist, opRename, from, nil)
	case from == to:
		return o, nil
	case seen[to].exists && !sameName(o, seen[to].object):
		return remote.Object{}, remote.E(remote.Exist, opRename, to, nil)
	}
	k := call{
		op: opRename, about: from, name: "renameResource", post: true, mutates: true,
		form: url.Values{"filePath": {from}, "newName": {name}},
	}
	if _, err := c.ask(ctx, k); err != nil {
		return remote.Object{}, c.explain(ctx, err, place{from, anything}, place{to, nothing})
	}
	o.Name, o.Path = name, to
	return o, nil
}

// sameName tells whether two names that were asked for proved to be one: a
// server that folds case shows the name as it keeps it.
func sameName(a, b remote.Object) bool {
	return a.Path == b.Path && strings.EqualFold(a.Name, b.Name)
}
