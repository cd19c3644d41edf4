package yetishare

import (
	"context"
	"net/url"
	"path"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// Stat describes one object ("File Information", "Folder Information"). With an
// ID it takes one request; the path in the Object is then made of the folder in
// ref.Path, or of the folders above if there is none, a request for each. Without
// an ID the listing of its folder has all there is.
func (c *Client) Stat(ctx context.Context, ref remote.Ref) (remote.Object, error) {
	f, err := c.find(ctx, opInfo, ref)
	switch {
	case err != nil:
		return remote.Object{}, err
	case f.entry != nil:
		return f.entry.object, nil
	case ref.Path == "/":
		return c.statRoot(ctx, f.handle)
	case f.dir:
		return c.statFolder(ctx, f.id, ref.Path)
	}
	return c.statFile(ctx, f.handle, ref.Path)
}

// statRoot describes the folder that is shown as "/". The account's own root has
// no record: that it can be listed is all there is to say.
func (c *Client) statRoot(ctx context.Context, h handle) (remote.Object, error) {
	if h.id == 0 {
		_, err := c.list(ctx, 0, "/")
		return remote.Object{Path: "/", Dir: true}, err
	}
	f, err := c.folderInfo(ctx, h.id, "/")
	if err != nil {
		return remote.Object{}, err
	}
	o := c.folderEntry(f).object
	o.Path = "/"
	return o, nil
}

func (c *Client) folderInfo(ctx context.Context, id int64, about string) (*folder, error) {
	k := call{op: opInfo, about: about, path: "/folder/info", named: true, form: url.Values{"parent_folder_id": {itoa(id)}}}
	a, err := c.ask(ctx, k)
	if err != nil {
		return nil, err
	}
	return k.folder(a, id)
}

func (c *Client) statFolder(ctx context.Context, id int64, at string) (remote.Object, error) {
	f, err := c.folderInfo(ctx, id, at)
	if err != nil {
		return remote.Object{}, err
	}
	return c.at(ctx, c.folderEntry(f), f.Parent, at)
}

func (c *Client) statFile(ctx context.Context, h handle, at string) (remote.Object, error) {
	f, err := c.fileInfo(ctx, h.id, at)
	if err != nil {
		return remote.Object{}, err
	}
	f.complete(h)
	return c.at(ctx, c.fileEntry(f), f.Folder, at)
}

// fileInfo asks for a file's record, of which perhaps only number and name are
// told: the documentation's sample ends there.
func (c *Client) fileInfo(ctx context.Context, id int64, about string) (*file, error) {
	k := call{op: opInfo, about: about, path: "/file/info", named: true, form: url.Values{"file_id": {itoa(id)}}}
	a, err := c.ask(ctx, k)
	if err != nil {
		return nil, err
	}
	var f file
	switch {
	case !decode(a.Data, &f) || f.ID.N != id || !f.Name.ok:
		return nil, k.corrupt(0, "the answer does not describe the file", nil)
	case !f.active():
		return nil, remote.E(remote.NotExist, k.op, k.about, nil)
	}
	return &f, nil
}

// at completes an object that was addressed by its ID. Where it is known by a
// name with its number, because another one has the name, it keeps that.
func (c *Client) at(ctx context.Context, e entry, in parent, at string) (remote.Object, error) {
	o := e.object
	o.Name, o.ParentID = show(e.raw), in.handle()
	if known := path.Base(at); len(o.Name) > clientkit.MaxName || known == numbered(o.Name, e.id) {
		o.Name = numbered(o.Name, e.id)
	}
	if at != "" {
		o.Path = clientkit.Join(path.Dir(at), o.Name)
		return o, nil
	}
	dir, err := c.climb(ctx, in)
	o.Path = clientkit.Join(dir, o.Name)
	return o, err
}

// maxDepth is how many folders are looked through on the way up: a site that
// shows a folder below itself must not keep anybody there.
const maxDepth = 1000

// climb makes the path of a folder by asking for those above it.
func (c *Client) climb(ctx context.Context, in parent) (string, error) {
	top, err := c.root.get(ctx, c)
	if err != nil {
		return "", lostRoot(opInfo, "", err)
	}
	p := ""
	for range maxDepth {
		switch {
		case !in.told:
			return "", &remote.Error{Kind: remote.Corrupt, Op: opInfo, Detail: "the site does not tell in which folder it is"}
		case in.id == top:
			return "/" + p, nil
		case in.id == 0:
			return "", &remote.Error{Kind: remote.NotExist, Op: opInfo, Detail: "it is outside of " + c.root.path}
		}
		f, err := c.folderInfo(ctx, in.id, "")
		if err != nil {
			return "", err
		}
		in, p = f.Parent, path.Join(show(f.Name.s), p)
	}
	return "", &remote.Error{Kind: remote.Corrupt, Op: opInfo, Detail: "the folder is below itself"}
}

// folder reads the folder record of an answer about a folder; id 0 means a new
// one.
func (k call) folder(a *answer, id int64) (*folder, error) {
	var f folder
	if !decode(a.Data, &f) || !f.whole() || id != 0 && f.ID.N != id {
		return nil, k.corrupt(0, "the answer does not describe the folder", nil)
	}
	return &f, nil
}
