package filemail

import (
	"context"
	"encoding/json"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// maxFilePath is how many characters a path in a transfer has (API 2.0, "PUT
// /transfer/file/rename").
const maxFilePath = 2000

// Upload refuses: a transfer that was sent takes nothing more, as its recipients
// were told already, and a draft is nothing at the provider.
func (c *Client) Upload(_ context.Context, up remote.Upload) (remote.Object, error) {
	return remote.Object{}, refuseNew(opUpload, up.Parent, up.Name)
}

// Mkdir refuses, as Upload does.
func (c *Client) Mkdir(_ context.Context, parent remote.Ref, name string) (remote.Object, error) {
	return remote.Object{}, refuseNew(opMkdir, parent, name)
}

func refuseNew(op string, parent remote.Ref, name string) error {
	p, err := placeOf(op, parent)
	if err != nil {
		return err
	}
	full := clientkit.Join(parent.Path, name)
	if err := clientkit.CheckName(op, full, name); err != nil {
		return err
	}
	e := &remote.Error{Kind: remote.ReadOnly, Op: op, Path: full}
	switch {
	case p.level == inRoot:
		e.Kind = remote.NotPermitted
	case p.box == boxDrafts:
		e.Kind, e.Detail = remote.Unsupported, "a draft is kept on this machine until it is sent"
	case p.box == boxSent && p.level == inBox:
		e.Kind, e.Detail = remote.NotPermitted, "make it in /drafts, and move it here to send it"
	case p.box == boxSent:
		e.Detail = "a transfer that was sent takes no more files"
	}
	return e
}

// mayChange tells whether what is at a place may be renamed or deleted.
func mayChange(op string, p place) error {
	switch {
	case p.level <= inBox:
		return remote.E(remote.NotPermitted, op, p.path, nil)
	case p.box != boxSent:
		return &remote.Error{Kind: remote.ReadOnly, Op: op, Path: p.path, Detail: "what was received belongs to its sender"}
	}
	return nil
}

// Rename gives a file or folder of a sent transfer another name, or a transfer
// another subject: a look at what is there, and the change. A folder takes a
// change for each file in it.
func (c *Client) Rename(ctx context.Context, ref remote.Ref, name string) (remote.Object, error) {
	p, err := placeOf(opRename, ref)
	if err == nil {
		err = mayChange(opRename, p)
	}
	if err == nil {
		err = clientkit.CheckName(opRename, p.path, name)
	}
	if err != nil {
		return remote.Object{}, err
	}
	if p.level == inTransfer {
		return c.renameTransfer(ctx, p, name)
	}
	t, err := c.open(ctx, opRename, p)
	if err != nil {
		return remote.Object{}, err
	}
	p, f, err := t.locate(opRename, p)
	if err != nil {
		return remote.Object{}, err
	}
	return c.relocate(ctx, opRename, t, p, f, path.Join(path.Dir(p.rel), name))
}

// renameTransfer changes a transfer's subject, which its recipients see.
func (c *Client) renameTransfer(ctx context.Context, p place, name string) (remote.Object, error) {
	switch {
	case len(name) > maxSubject:
		return remote.Object{}, remote.E(remote.NameTooLong, opRename, p.path, nil)
	case safe(name) != name:
		return remote.Object{}, &remote.Error{Kind: remote.InvalidName, Op: opRename, Path: p.path, Detail: "this cannot be a subject"}
	}
	all, l, err := c.box(ctx, opRename, p.box)
	if err != nil {
		return remote.Object{}, err
	}
	var found *transfer
	for i := range all {
		switch t := &all[i]; {
		case p.transfer != "" && t.id() == p.transfer, p.transfer == "" && t.name == p.name:
			found = t
		case t.name == name:
			return remote.Object{}, remote.E(remote.Exist, opRename, p.path, nil)
		}
	}
	switch {
	case found == nil && l.Complete:
		return remote.Object{}, remote.E(remote.NotExist, opRename, p.path, nil)
	case found == nil || !l.Complete:
		return remote.Object{}, &remote.Error{Kind: remote.Temporary, Op: opRename, Path: p.path, Detail: "the list of transfers is not complete"}
	case found.name == name:
		return found.object(p.box), nil
	}
	k := c.api.update(found.id(), name, found.Message.S).named(opRename, p.path)
	if _, err := c.ask(ctx, k); err != nil {
		return remote.Object{}, err
	}
	found.name = name
	return found.object(p.box), nil
}

// MoveRename gives what is in a sent transfer another place in it. Nothing can
// leave its transfer: such a move is an error of kind CrossDevice.
func (c *Client) MoveRename(ctx context.Context, ref, parent remote.Ref, name string) (remote.Object, error) {
	p, err := placeOf(opMove, ref)
	if err == nil {
		err = mayChange(opMove, p)
	}
	if err == nil {
		err = clientkit.CheckName(opMove, p.path, name)
	}
	if err != nil {
		return remote.Object{}, err
	}
	to, err := placeOf(opMove, parent)
	switch {
	case err != nil:
		return remote.Object{}, err
	case p.level == inTransfer && to.level == inBox && to.box == p.box:
		return c.renameTransfer(ctx, p, name)
	case p.level == inTransfer, to.level < inTransfer, to.box != p.box:
		return remote.Object{}, crossing(p)
	}
	return c.moveFile(ctx, p, to, name)
}

func crossing(p place) error {
	return &remote.Error{Kind: remote.CrossDevice, Op: opMove, Path: p.path, Detail: "nothing can leave its transfer"}
}

// moveFile moves a file or folder to a folder of its transfer.
func (c *Client) moveFile(ctx context.Context, p, to place, name string) (remote.Object, error) {
	if p.transfer != "" && to.transfer != "" && p.transfer != to.transfer {
		return remote.Object{}, crossing(p)
	}
	t, err := c.open(ctx, opMove, p)
	if err != nil {
		return remote.Object{}, err
	}
	if to.transfer == "" && to.name != t.name || to.transfer != "" && to.transfer != t.id() {
		return remote.Object{}, crossing(p)
	}
	p, f, err := t.locate(opMove, p)
	if err != nil {
		return remote.Object{}, err
	}
	dir, file, err := t.locate(opMove, to)
	switch {
	case err != nil:
		return remote.Object{}, err
	case file != nil:
		return remote.Object{}, remote.E(remote.NotDir, opMove, to.path, nil)
	}
	return c.relocate(ctx, opMove, t, p, f, path.Join(dir.rel, name))
}

// Move moves what is in a sent transfer to other folders of it.
func (c *Client) Move(ctx context.Context, refs []remote.Ref, parent remote.Ref) ([]remote.Result, error) {
	rs := make([]remote.Result, len(refs))
	for i, ref := range refs {
		rs[i].Object, rs[i].Err = c.MoveRename(ctx, ref, parent, path.Base(ref.Path))
	}
	return rs, nil
}

// relocate changes the path of a file, or of all files in a folder (f is nil),
// in their transfer.
func (c *Client) relocate(ctx context.Context, op string, t *tree, p place, f *entry, rel string) (remote.Object, error) {
	switch {
	case rel == p.rel:
		return t.object(rel, f), nil
	case t.has(rel):
		return remote.Object{}, remote.E(remote.Exist, op, p.path, nil)
	case !t.whole:
		return remote.Object{}, t.missing(op, p.path)
	case strings.HasPrefix(rel, p.rel+"/"):
		return remote.Object{}, &remote.Error{Kind: remote.Invalid, Op: op, Path: p.path, Detail: "a folder cannot move into itself"}
	}
	moved := []*entry{f}
	if f == nil {
		moved = t.below(p.rel)
	}
	for _, e := range moved {
		if utf8.RuneCountInString(rel+strings.TrimPrefix(e.rel, p.rel)) > maxFilePath {
			return remote.Object{}, remote.E(remote.NameTooLong, op, p.path, nil)
		}
	}
	for i, e := range moved {
		got, err := c.renameFile(ctx, op, p.path, e, rel+strings.TrimPrefix(e.rel, p.rel))
		switch {
		case err != nil && i > 0:
			return remote.Object{}, partly(op, p.path, err)
		case err != nil:
			return remote.Object{}, err
		case f != nil:
			rel = got
		}
	}
	return t.object(rel, f), nil
}

// partly is the error of a change that was done in part, and must be looked at.
func partly(op, about string, err error) error {
	e := clientkit.Lost(op, about, true, err)
	e.Unknown = true
	return e
}

// renameFile changes a file's path in its transfer, and returns which one it has.
func (c *Client) renameFile(ctx context.Context, op, about string, f *entry, rel string) (string, error) {
	b, err := c.ask(ctx, c.api.renameFile(f.id, rel).named(op, about))
	if err != nil {
		return "", err
	}
	var got struct {
		Name clientkit.Text `json:"fileName"`
	}
	_ = json.Unmarshal(b, &got) // the classic API may tell nothing
	if name := strings.TrimPrefix(got.Name.S, "/"); clientkit.ValidPath("/" + name) {
		return name, nil
	}
	return rel, nil
}

// Delete deletes files and transfers that were sent, for those who received
// them, too: one transaction each. A folder takes one for each file in it, and
// one to know them.
func (c *Client) Delete(ctx context.Context, refs []remote.Ref) ([]remote.Result, error) {
	rs := make([]remote.Result, len(refs))
	for i, ref := range refs {
		rs[i].Err = c.remove(ctx, ref)
	}
	return rs, nil
}

func (c *Client) remove(ctx context.Context, ref remote.Ref) error {
	p, err := placeOf(opDelete, ref)
	if err == nil {
		err = mayChange(opDelete, p)
	}
	switch {
	case err != nil:
		return err
	case !c.deletes:
		return &remote.Error{Kind: remote.NotPermitted, Op: opDelete, Path: p.path, Detail: "it would be taken from its recipients, too, and for good"}
	case p.level == inTransfer:
		return c.removeTransfer(ctx, p)
	case p.file != "":
		return c.removeFile(ctx, p.path, ref.ID, p.file)
	}
	return c.removeFound(ctx, p)
}

func (c *Client) removeTransfer(ctx context.Context, p place) error {
	if p.transfer == "" {
		t, err := c.find(ctx, opDelete, p)
		if err != nil {
			return err
		}
		p.transfer = t.id()
	}
	_, err := c.ask(ctx, c.api.remove(p.transfer).named(opDelete, p.path))
	return err
}

func (c *Client) removeFile(ctx context.Context, about, id, file string) error {
	_, err := c.ask(ctx, c.api.removeFile(file).named(opDelete, about))
	if err == nil {
		c.links.Remove(id)
	}
	return err
}

// removeFound deletes what only the details tell: a file that is known by its
// path, or all files in a folder, which then is not there any more.
func (c *Client) removeFound(ctx context.Context, p place) error {
	t, err := c.open(ctx, opDelete, p)
	if err != nil {
		return err
	}
	p, f, err := t.locate(opDelete, p)
	switch {
	case err != nil:
		return err
	case f != nil:
		return c.removeFile(ctx, p.path, fileID(p.box, t.id(), f.id), f.id)
	case !t.whole:
		return t.missing(opDelete, p.path)
	}
	for i, e := range t.below(p.rel) {
		err := c.removeFile(ctx, p.path, fileID(p.box, t.id(), e.id), e.id)
		if err != nil && !remote.IsKind(err, remote.NotExist) {
			if i > 0 {
				return partly(opDelete, p.path, err)
			}
			return err
		}
	}
	return nil
}
