package yetishare

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"

	"github.com/frugalfs/frugalfs/remote"
)

// Copy puts copies of files into another folder, each in one request, by the call
// file/copy, which newer sites have. Folders, and everything at a site without
// that call, are refused with kind Unsupported; the site is asked once. A name
// that is taken is taken twice then, as by any other call.
func (c *Client) Copy(ctx context.Context, refs []remote.Ref, in remote.Ref) ([]remote.Result, error) {
	dir, err := c.folder(ctx, opCopy, in)
	if err != nil {
		return nil, err
	}
	return each(refs, func(ref remote.Ref) (remote.Object, error) {
		f, err := c.find(ctx, opCopy, ref)
		switch {
		case err != nil:
			return remote.Object{}, err
		case f.dir:
			return remote.Object{}, &remote.Error{Kind: remote.Unsupported, Op: opCopy, Path: ref.Path, Detail: "the site copies no folders"}
		}
		return c.copyFile(ctx, f.handle, dir.id, in.Path, ref.Path)
	})
}

func (c *Client) copyFile(ctx context.Context, h handle, dir int64, at, about string) (remote.Object, error) {
	k := call{
		op: opCopy, about: about, path: "/file/copy", named: true, mutates: true,
		form: url.Values{"file_id": {itoa(h.id)}, "copy_to_folder_id": {formID(dir)}},
	}
	a, err := c.optional(ctx, k, &c.noFileCopy)
	if err != nil {
		return remote.Object{}, err
	}
	f, ok := copied(a)
	if !ok || f.ID.N == h.id || f.Size.OK && f.handle().size != h.size {
		return remote.Object{}, k.corrupt(0, "the answer does not describe the copy", nil)
	}
	f.complete(h)
	return placed(c.fileEntry(f), f.Folder, at), nil
}

// copied reads the record of a copy. Some sites may have it where all other
// calls have theirs.
func copied(a *answer) (*file, bool) {
	for _, data := range []json.RawMessage{a.NewFile.Data, a.Data} {
		var f file
		if decode(data, &f) && f.ID.OK && f.ID.N > 0 && f.Name.ok {
			return &f, true
		}
	}
	return nil, false
}

// lacksCall tells whether the site said that it has no such call.
func lacksCall(err error) bool { return errors.Is(err, errNoCall) }
