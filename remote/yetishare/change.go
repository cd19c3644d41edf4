package yetishare

import (
	"context"
	"errors"
	"net/url"
	"path"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// Mkdir makes a private folder ("Folder Create"), after a listing that shows that
// the name is free: the site would make a second folder of that name.
func (c *Client) Mkdir(ctx context.Context, in remote.Ref, name string) (remote.Object, error) {
	full := clientkit.Join(in.Path, name)
	if _, err := rawName(opMkdir, full, name); err != nil {
		return remote.Object{}, firstEnded(ctx, opMkdir, full, err)
	}
	dir, err := c.folder(ctx, opMkdir, in)
	if err != nil {
		return remote.Object{}, err
	}
	l, err := c.list(ctx, dir.id, in.Path)
	if err != nil {
		return remote.Object{}, renamed(err, opMkdir, full)
	}
	if _, taken := l.named(name); taken {
		return remote.Object{}, remote.E(remote.Exist, opMkdir, full, nil)
	}
	return c.mkdir(ctx, dir.id, in.Path, name)
}

// firstEnded returns that ctx has ended if it has, and err otherwise.
func firstEnded(ctx context.Context, op, about string, err error) error {
	if e := ended(ctx, op, about); e != nil {
		return e
	}
	return err
}

// mkdir makes a folder whose name is free. If the site gave it another name, that
// is set right once.
func (c *Client) mkdir(ctx context.Context, dir int64, at, name string) (remote.Object, error) {
	full := clientkit.Join(at, name)
	raw, err := rawName(opMkdir, full, name)
	if err != nil {
		return remote.Object{}, err
	}
	form := url.Values{"folder_name": {raw}, "is_public": {"0"}}
	if dir != 0 {
		form.Set("parent_id", itoa(dir))
	}
	k := call{op: opMkdir, about: full, path: "/folder/create", form: form, named: dir != 0, mutates: true}
	a, err := c.ask(ctx, k)
	if err != nil {
		return remote.Object{}, err
	}
	f, err := k.folder(a, 0)
	if err == nil && !f.Parent.is(dir) {
		err = k.corrupt(0, "the folder was made in another folder", nil)
	}
	if err != nil {
		return remote.Object{}, err
	}
	if f.Name.s != raw {
		if g, err := c.editFolder(ctx, opMkdir, f.ID.N, full, url.Values{"folder_name": {raw}}); err == nil {
			f = g
		}
	}
	return placed(c.folderEntry(f), f.Parent, at), nil
}

// placed is an object that an answer describes, in a folder that is shown at a
// path.
func placed(e entry, in parent, at string) remote.Object {
	o := e.object
	o.Name, o.ParentID = show(e.raw), in.handle()
	if len(o.Name) > clientkit.MaxName {
		o.Name = numbered(o.Name, e.id)
	}
	o.Path = clientkit.Join(at, o.Name)
	return o
}

// editFolder changes a folder ("Folder Edit"): only what the form names.
func (c *Client) editFolder(ctx context.Context, op string, id int64, about string, form url.Values) (*folder, error) {
	form.Set("folder_id", itoa(id))
	k := call{op: op, about: about, path: "/folder/edit", form: form, named: true, mutates: true}
	a, err := c.ask(ctx, k)
	if err != nil {
		return nil, err
	}
	return k.folder(a, id)
}

// editFile changes a file's record ("File Edit"): only what the form names.
func (c *Client) editFile(ctx context.Context, op string, id int64, about string, form url.Values) (*file, error) {
	form.Set("file_id", itoa(id))
	k := call{op: op, about: about, path: "/file/edit", form: form, named: true, mutates: true}
	a, err := c.ask(ctx, k)
	if err != nil {
		return nil, err
	}
	return k.file(a, id)
}

// file reads the file record of an answer about a file. Only its number and name
// are sure to be there.
func (k call) file(a *answer, id int64) (*file, error) {
	var f file
	if !decode(a.Data, &f) || !f.ID.OK || f.ID.N != id || !f.Name.ok {
		return nil, k.corrupt(0, "the answer does not describe the file", nil)
	}
	return &f, nil
}

// complete fills in what an answer left out and the handle tells.
func (f *file) complete(h handle) {
	if !f.Size.OK || f.Type.S == "" && h.size == 0 {
		f.Size = clientkit.Number{N: h.size, OK: true}
	}
}

// Rename gives an object another name, in one request.
func (c *Client) Rename(ctx context.Context, ref remote.Ref, name string) (remote.Object, error) {
	return c.edit(ctx, opRename, ref, nil, path.Dir(ref.Path), name)
}

// MoveRename moves an object and gives it another name, in one request ("File
// Edit" and "Folder Edit" take both); in two if it goes to the account's own
// root.
func (c *Client) MoveRename(ctx context.Context, ref, in remote.Ref, name string) (remote.Object, error) {
	full := clientkit.Join(in.Path, name)
	if _, err := rawName(opMove, full, name); err != nil {
		return remote.Object{}, firstEnded(ctx, opMove, full, err)
	}
	dir, err := c.folder(ctx, opMove, in)
	if err != nil {
		return remote.Object{}, err
	}
	if dir.id != 0 {
		return c.edit(ctx, opMove, ref, &dir, in.Path, name)
	}
	o, err := c.move(ctx, ref, dir, in.Path)
	if err != nil {
		return o, err
	}
	return c.edit(ctx, opMove, o.Ref(), nil, in.Path, name)
}

// edit gives an object a name and, if dir is not nil, another folder, which is
// shown at a path and is not the account's root.
func (c *Client) edit(ctx context.Context, op string, ref remote.Ref, dir *found, at, name string) (remote.Object, error) {
	full := clientkit.Join(at, name)
	raw, err := rawName(op, full, name)
	if err != nil {
		return remote.Object{}, firstEnded(ctx, op, full, err)
	}
	f, err := c.find(ctx, op, ref)
	if err == nil {
		err = c.mayMove(op, ref, f, dir, at)
	}
	if err != nil {
		return remote.Object{}, err
	}
	if f.dir {
		return c.editTheFolder(ctx, op, f.id, dir, at, full, raw)
	}
	form := url.Values{"filename": {raw}}
	if dir != nil {
		form.Set("folder_id", itoa(dir.id))
	}
	g, err := c.editFile(ctx, op, f.id, full, form)
	if err != nil {
		return remote.Object{}, err
	}
	if dir != nil && !g.Folder.is(dir.id) {
		return remote.Object{}, elsewhere(op, full)
	}
	g.complete(f.handle)
	return placed(c.fileEntry(g), g.Folder, at), nil
}

func (c *Client) editTheFolder(ctx context.Context, op string, id int64, dir *found, at, full, raw string) (remote.Object, error) {
	form := url.Values{"folder_name": {raw}}
	if dir != nil {
		form.Set("parent_id", itoa(dir.id))
	}
	g, err := c.editFolder(ctx, op, id, full, form)
	if err != nil {
		return remote.Object{}, err
	}
	if dir != nil && !g.Parent.is(dir.id) {
		return remote.Object{}, elsewhere(op, full)
	}
	return placed(c.folderEntry(g), g.Parent, at), nil
}

func elsewhere(op, full string) error {
	return &remote.Error{Kind: remote.Corrupt, Op: op, Path: full, Detail: "the answer shows it in another folder", Unknown: true}
}

// mayMove refuses what the site would perhaps do: it may not check that a folder
// stays out of itself, and what is in such a ring is out of reach.
func (c *Client) mayMove(op string, ref remote.Ref, f found, dir *found, at string) error {
	top, known := c.root.have()
	switch {
	case f.dir && (f.id == 0 || known && f.id == top):
		return invalid(op, ref.Path, "the top folder stays where it is")
	case !f.dir || dir == nil:
		return nil
	case f.id == dir.id, ref.Path != "" && strings.HasPrefix(at+"/", ref.Path+"/"):
		return invalid(op, ref.Path, "a folder cannot go into itself")
	}
	return nil
}

// Move puts objects into another folder, each in one request: files by "File
// Edit", folders by "Folder Move". Files go to the account's own root only where
// the site has file/move, which newer ones have.
func (c *Client) Move(ctx context.Context, refs []remote.Ref, in remote.Ref) ([]remote.Result, error) {
	dir, err := c.folder(ctx, opMove, in)
	if err != nil {
		return nil, err
	}
	return each(refs, func(ref remote.Ref) (remote.Object, error) { return c.move(ctx, ref, dir, in.Path) })
}

// each makes a call for every reference. Once one shows that no other can
// succeed, those are not tried.
func each(refs []remote.Ref, do func(remote.Ref) (remote.Object, error)) ([]remote.Result, error) {
	results := make([]remote.Result, len(refs))
	var over error
	for i, ref := range refs {
		if over != nil {
			results[i].Err = over
			continue
		}
		results[i].Object, results[i].Err = do(ref)
		if err := results[i].Err; err != nil && hopeless(err) {
			if over = untried(err); i == 0 && !remote.IsUnknown(err) {
				return nil, err
			}
		}
	}
	return results, nil
}

// hopeless tells whether an error is about the account or the network.
func hopeless(err error) bool {
	switch remote.KindOf(err) {
	case remote.Auth, remote.Budget, remote.Offline, remote.Canceled:
		return true
	}
	return false
}

// untried is an error for what was not sent after it.
func untried(err error) error {
	var e *remote.Error
	if !errors.As(err, &e) {
		return err
	}
	n := *e
	n.Unknown = false
	return &n
}

func (c *Client) move(ctx context.Context, ref remote.Ref, dir found, at string) (remote.Object, error) {
	f, err := c.find(ctx, opMove, ref)
	if err == nil {
		err = c.mayMove(opMove, ref, f, &dir, at)
	}
	if err != nil {
		return remote.Object{}, err
	}
	full := clientkit.Join(at, path.Base(ref.Path))
	if f.dir {
		return c.moveFolder(ctx, f.id, dir.id, at, full)
	}
	var g *file
	if dir.id == 0 {
		g, err = c.fileMove(ctx, f.id, dir.id, full)
	} else {
		g, err = c.editFile(ctx, opMove, f.id, full, url.Values{"folder_id": {itoa(dir.id)}})
	}
	if err != nil {
		return remote.Object{}, err
	}
	if !g.Folder.is(dir.id) {
		return remote.Object{}, elsewhere(opMove, full)
	}
	g.complete(f.handle)
	return placed(c.fileEntry(g), g.Folder, at), nil
}

func (c *Client) moveFolder(ctx context.Context, id, dir int64, at, full string) (remote.Object, error) {
	k := call{
		op: opMove, about: full, path: "/folder/move", named: true, mutates: true,
		form: url.Values{"folder_id": {itoa(id)}, "new_parent_folder_id": {formID(dir)}},
	}
	a, err := c.ask(ctx, k)
	if err != nil {
		return remote.Object{}, err
	}
	f, err := k.folder(a, id)
	if err == nil && !f.Parent.is(dir) {
		err = elsewhere(opMove, full)
	}
	if err != nil {
		return remote.Object{}, err
	}
	return placed(c.folderEntry(f), f.Parent, at), nil
}

// fileMove moves a file by the call that newer sites have.
func (c *Client) fileMove(ctx context.Context, id, dir int64, full string) (*file, error) {
	k := call{
		op: opMove, about: full, path: "/file/move", named: true, mutates: true,
		form: url.Values{"file_id": {itoa(id)}, "new_parent_folder_id": {formID(dir)}},
	}
	a, err := c.optional(ctx, k, &c.noFileMove)
	if err != nil {
		return nil, err
	}
	return k.file(a, id)
}
