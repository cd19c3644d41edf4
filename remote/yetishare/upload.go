package yetishare

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// Upload stores a file in one request ("File Upload"; there is no way to send
// parts). Further requests are made for names that the site may not keep: one
// that sets the name, and for the first name that begins with a dot one that
// looks what became of it.
//
// With up.Overwrite the file that has the name is deleted when the new one is
// stored and checked, in one request more; if up.Replaces has no ID, a listing
// before the upload finds it. Other files of that name, which are shown with
// their numbers, are then given these names for good.
//
// Files without content are of kind Unsupported, or stored as Options.EmptyFiles
// says, in two requests.
func (c *Client) Upload(ctx context.Context, up remote.Upload) (remote.Object, error) {
	full := clientkit.Join(up.Parent.Path, up.Name)
	s := &sending{c: c, up: up, full: full}
	err := s.check()
	if err := firstEnded(ctx, opUpload, full, err); err != nil {
		return remote.Object{}, err
	}
	if s.dir, err = c.folder(ctx, opUpload, up.Parent); err != nil {
		return remote.Object{}, err
	}
	if err := c.fits(ctx, full, up.Size); err != nil {
		return remote.Object{}, err
	}
	if up.Overwrite {
		if err := s.findOld(ctx); err != nil {
			return remote.Object{}, err
		}
	}
	o, err := s.store(ctx)
	if err != nil || s.old == nil {
		return o, err
	}
	return o, s.dropOld(ctx, o)
}

// sending is one upload.
type sending struct {
	c    *Client
	up   remote.Upload
	full string // the path, for errors
	raw  string // the name as the site shall have it
	dir  found
	// old is the file that is replaced, and others have its name, too, and are
	// shown under another.
	old    *handle
	others []entry
}

func (s *sending) check() (err error) {
	if s.raw, err = rawName(opUpload, s.full, s.up.Name); err != nil {
		return err
	}
	switch {
	case s.up.Size < 0, s.up.Content == nil && s.up.Size > 0:
		return invalid(opUpload, s.full, "no content")
	case s.up.Size == 0 && !s.c.placeholder:
		return &remote.Error{Kind: remote.Unsupported, Op: opUpload, Path: s.full, Detail: "the site stores no files without content"}
	}
	return nil
}

// findOld finds the file that is replaced.
func (s *sending) findOld(ctx context.Context) error {
	h, ok := parseHandle(s.up.Replaces.ID)
	if ok && !h.dir {
		s.old = &h
		return nil
	}
	l, err := s.c.list(ctx, s.dir.id, s.up.Parent.Path)
	if err != nil {
		return renamed(err, opUpload, s.full)
	}
	e, ok := l.named(s.up.Name)
	if !ok {
		return nil
	}
	if e.dir {
		return remote.E(remote.IsDir, opUpload, s.full, nil)
	}
	s.old = &e.handle
	for _, o := range l.entries {
		if o.raw == e.raw && o.handle != e.handle && !o.dir {
			s.others = append(s.others, o)
		}
	}
	return nil
}

// dropOld deletes the file that was replaced. If it may still be there, what came
// of the whole is unknown: two files have the name, and the old one keeps it.
func (s *sending) dropOld(ctx context.Context, o remote.Object) error {
	err := s.c.remove(ctx, s.old.id, s.full, true)
	if err != nil && !remote.IsKind(err, remote.NotExist) {
		e := remote.E(remote.KindOf(err), opUpload, s.full, err)
		e.Unknown, e.Detail = true, "stored as number "+o.Version+", and the old file is still there"
		return e
	}
	for _, e := range s.others {
		raw := unshow(e.object.Name)
		if _, err := s.c.editFile(ctx, opRename, e.id, e.object.Path, url.Values{"filename": {raw}}); err != nil {
			s.c.log.Warn("two files have one name", "path", s.full, "number", e.id, "err", err)
		}
	}
	return nil
}

// store sends the file, checks what the site says about it, and sets right what
// it did not take over.
func (s *sending) store(ctx context.Context) (remote.Object, error) {
	f := s.form()
	defer f.src.Shut()
	k := call{op: opUpload, about: s.full, path: "/file/upload", named: s.dir.id != 0, mutates: true}
	a, err := s.c.withToken(ctx, k, func(t token) (*answer, error) { return s.c.sendForm(ctx, k, f, t) })
	if failed := f.src.Failure(); failed != nil {
		e := remote.E(remote.KindOf(failed), opUpload, s.full, failed)
		e.Unknown = true
		return remote.Object{}, e
	}
	if err != nil {
		return remote.Object{}, err
	}
	rec, err := k.stored(a)
	if err != nil {
		return remote.Object{}, err
	}
	if err := s.verify(ctx, rec, f); err != nil {
		return remote.Object{}, s.undo(ctx, rec.ID.N, err)
	}
	return s.settle(ctx, rec, f)
}

// stored reads the upload record. An answer may be a success although the file
// was not stored, and then has the reason in the record.
func (k call) stored(a *answer) (*upload, error) {
	var list []upload
	if clientkit.Lenient(json.Unmarshal(a.Data, &list)) != nil {
		var one upload
		if !decode(a.Data, &one) {
			return nil, k.corrupt(0, "the answer does not describe the file", nil)
		}
		list = []upload{one}
	}
	switch {
	case len(list) != 1:
		return nil, k.corrupt(0, "the answer does not describe one file", nil)
	case list[0].Error.S != "":
		return nil, k.explain(0, clientkit.Clean(list[0].Error.S))
	case !list[0].ID.OK || list[0].ID.N <= 0:
		return nil, k.corrupt(0, "the answer has no number for the file", nil)
	}
	return &list[0], nil
}

// verify compares what the site says about the file with what was sent.
func (s *sending) verify(ctx context.Context, rec *upload, f *form) error {
	if !rec.Size.OK || rec.Size.N != f.src.Size {
		return &remote.Error{
			Kind: remote.Corrupt, Op: opUpload, Path: s.full,
			Detail: fmt.Sprintf("%d bytes were sent, and the site stored %d", f.src.Size, rec.Size.N),
		}
	}
	sum, ok := f.digest()
	if !ok {
		return nil
	}
	return s.c.digests.check(ctx, s.c, handle{id: rec.ID.N, size: rec.Size.N}, s.full, rec.Hash.S, sum)
}

// undo deletes a file that did not come out right. If that fails it is still
// there, so the outcome is unknown.
func (s *sending) undo(ctx context.Context, id int64, cause error) error {
	err := s.c.remove(ctx, id, s.full, true)
	e := remote.E(remote.KindOf(cause), opUpload, s.full, cause)
	e.Unknown = err != nil && !remote.IsKind(err, remote.NotExist)
	return e
}

// settle sets name and type of the stored file where they are not as they shall
// be.
func (s *sending) settle(ctx context.Context, rec *upload, f *form) (remote.Object, error) {
	h := handle{id: rec.ID.N, size: s.up.Size}
	edit := url.Values{}
	wrong, err := s.nameIsWrong(ctx, rec, f)
	if err != nil {
		return remote.Object{}, s.undo(ctx, h.id, err)
	}
	if wrong {
		edit.Set("filename", s.raw)
	}
	if s.up.Size == 0 {
		edit.Set("fileType", emptyType)
	}
	rf := &file{ID: rec.ID, Name: label{s.raw, true}, Size: rec.Size}
	if len(edit) > 0 {
		if rf, err = s.c.editFile(ctx, opUpload, h.id, s.full, edit); err == nil {
			err = s.settled(rf)
		}
		if err != nil {
			return remote.Object{}, s.undo(ctx, h.id, err)
		}
	}
	e := entry{handle: h, raw: rf.Name.s, object: remote.Object{
		ID: h.String(), Size: h.size, Version: itoa(h.id), ModTime: s.c.zone.first(rf.Added, rf.Updated),
	}}
	return placed(e, rf.Folder, s.up.Parent.Path), nil
}

// settled checks that an edit was carried out.
func (s *sending) settled(f *file) error {
	switch {
	case s.up.Size == 0 && !strings.EqualFold(f.Type.S, emptyType):
		return &remote.Error{Kind: remote.Unsupported, Op: opUpload, Path: s.full, Detail: "the site does not keep the mark of a file without content"}
	case s.old != nil && f.Name.s != s.raw:
		return &remote.Error{Kind: remote.InvalidName, Op: opUpload, Path: s.full, Detail: "the site does not keep the name"}
	}
	return nil
}

// What a site does with the dot that begins a name: older ones drop it, and the
// answer to an upload does not show that.
const (
	dotsUnknown = iota
	dotsKept
	dotsDropped
)

// nameIsWrong tells whether the file does not have its name. For the first name
// that begins with a dot it looks.
func (s *sending) nameIsWrong(ctx context.Context, rec *upload, f *form) (bool, error) {
	if f.name != s.raw || rec.Name.ok && rec.Name.s != s.raw {
		return true, nil
	}
	if !strings.HasPrefix(s.raw, ".") || s.c.keepsDots.Load() == dotsKept {
		return false, nil
	}
	if s.c.keepsDots.Load() == dotsDropped {
		return true, nil
	}
	info, err := s.c.fileInfo(ctx, rec.ID.N, s.full)
	if err != nil {
		return false, err
	}
	if info.Name.s == s.raw {
		s.c.keepsDots.Store(dotsKept)
		return false, nil
	}
	s.c.keepsDots.Store(dotsDropped)
	return true, nil
}

// sendForm sends the file with the exact length of the form, as often as the
// transport finds that it never left.
func (c *Client) sendForm(ctx context.Context, k call, f *form, t token) (*answer, error) {
	b := f.encode(t)
	req, err := c.request(ctx, k, b.reader())
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", b.contentType)
	req.ContentLength = b.length()
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(b.reader()), nil }
	return c.roundTrip(req, k)
}
