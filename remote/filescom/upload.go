package filescom

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// Upload stores a file (the SDK, "begin_upload"; the reference, "File
// Uploading"): one transaction begins it, the content goes to the provider's
// storage, and one more ends it, which makes the file appear, whole and with its
// time and the folders above it. Files larger than Options.PartSize go in parts,
// each further one for a transaction more at most, and can be resumed. What the
// storage got is checked by MD5.
//
// If the answer to the end is lost, the file is looked up, and the upload
// succeeds if it is there; otherwise its outcome is unknown.
func (c *Client) Upload(ctx context.Context, up remote.Upload) (remote.Object, error) {
	full, err := child(opUpload, up.Parent, up.Name)
	switch {
	case err != nil:
		return remote.Object{}, err
	case up.Size < 0 || up.Content == nil && up.Size > 0:
		return remote.Object{}, &remote.Error{Kind: remote.Invalid, Op: opUpload, Path: full, Detail: "no content"}
	case up.Size > maxFile || up.Size > c.part*maxParts:
		return remote.Object{}, remote.E(remote.TooLarge, opUpload, full, nil)
	}
	c.links.drop(full)
	defer c.links.drop(full)
	u := &upload{c: c, up: up, full: full, part: c.part, meter: meter{progress: up.Progress}}
	if u.restore() {
		o, err := u.run(ctx)
		if !errors.Is(err, errGone) {
			return o, err
		}
		u.renew()
	}
	o, err := u.run(ctx)
	if errors.Is(err, errGone) {
		e := remote.E(remote.Temporary, opUpload, full, err)
		return remote.Object{}, e
	}
	return o, err
}

// errGone: the service does not know the upload any more.
var errGone = errors.New("the provider has forgotten the upload")

// upload is one upload under way.
type upload struct {
	c     *Client
	up    remote.Upload
	full  string
	part  int64 // the size of all parts but the last
	meter meter
	state
	sum digest
	// resumed is true if the state was an earlier upload's.
	resumed bool
}

// parts returns how many parts there are: an empty file has one.
func (u *upload) parts() int { return int(max((u.up.Size+u.part-1)/u.part, 1)) }

// run begins the upload unless it is resumed, sends what is missing, and ends
// it.
func (u *upload) run(ctx context.Context) (remote.Object, error) {
	var tickets []ticket
	if !u.resumed {
		var err error
		if tickets, err = u.begin(ctx, 1); err != nil {
			return remote.Object{}, err
		}
		u.Ref = tickets[0].Ref.S
		u.Serial = tickets[0].Parallel.OK && !tickets[0].Parallel.Yes
		if err := u.checkpoint(); err != nil {
			return remote.Object{}, err
		}
	}
	stop := u.sum.start(ctx, u)
	defer stop()
	if err := u.send(ctx, tickets); err != nil {
		return remote.Object{}, err
	}
	hash, err := u.sum.wait(ctx, u)
	if err != nil {
		return remote.Object{}, remote.E(remote.KindOf(err), opUpload, u.full, err)
	}
	return u.end(ctx, hash)
}

// ending is the request that ends an upload. The service of 2020 knows the
// action and the ref only, and ignores the rest.
func (u *upload) ending() call {
	body := map[string]any{"action": "end", "ref": u.Ref, "size": u.up.Size, "mkdir_parents": true}
	if etags := u.etags(); len(etags) > 0 {
		body["etags"] = etags
	}
	if !u.up.ModTime.IsZero() {
		body["provided_mtime"] = wireTime(u.up.ModTime)
	}
	return call{op: opUpload, about: u.full, method: http.MethodPost, path: pathIn("/files", u.full), mutates: true, body: body}
}

// end makes the file appear.
func (u *upload) end(ctx context.Context, hash string) (remote.Object, error) {
	k := u.ending()
	var a one
	r, err := u.c.ask(ctx, k, &a)
	var o remote.Object
	if err == nil {
		o, err = u.stored(k, &a.entry, r.status, hash)
	}
	e, _ := errors.AsType[*remote.Error](err)
	switch {
	case err == nil:
		return o, nil
	case u.resumed && e != nil && e.Status == http.StatusNotFound:
		// It may have been ended before, and the answer lost.
		if found, ok := u.found(ctx, hash); ok {
			return found, nil
		}
		return o, errGone
	case remote.IsUnknown(err):
		if found, ok := u.found(ctx, hash); ok {
			return found, nil
		}
	}
	return remote.Object{}, err
}

// stored checks that the answer describes the file that was sent.
func (u *upload) stored(k call, e *entry, status int, hash string) (remote.Object, error) {
	o, err := u.c.about(k, e, status)
	if err != nil {
		return o, err
	}
	if o.Dir || o.Size != u.up.Size || o.Hash != "" && hash != "" && e.MD5.S != "" && o.Hash != hash {
		return o, k.corrupt(status, fmt.Sprintf("%d bytes were sent, and the provider stored %d, or others", u.up.Size, o.Size), nil)
	}
	u.c.made.above(u.full)
	return u.sign(o, e, hash), nil
}

// sign gives the object the hash that the service has not computed yet.
func (u *upload) sign(o remote.Object, e *entry, hash string) remote.Object {
	stamp, ok := parseTime(e.Mtime.S)
	if o.Hash = hash; hash == "" || !ok {
		return o
	}
	u.c.sums.put(o.Path, stamp, o.Size, hash)
	o.Version = version(hash, stamp, o.Size)
	return o
}

// found looks whether the file that was sent is there, after its end got no
// answer: the same content, or, as long as the service has no hash of it, the
// same size and time. What else there may be proves nothing: the end may still
// arrive.
func (u *upload) found(ctx context.Context, hash string) (remote.Object, bool) {
	var a one
	k := call{op: opInfo, about: u.full, method: http.MethodGet, path: pathIn("/file_actions/metadata", u.full)}
	var r head
	look := func() (err error) {
		r, err = u.c.ask(ctx, k, &a)
		return err
	}
	err := u.c.flow.either(look, func() error {
		k = statCall2020(u.full)
		return look()
	})
	if err != nil {
		return remote.Object{}, false
	}
	o, err := u.c.about(k, &a.entry, r.status)
	if err != nil || o.Dir || o.Size != u.up.Size || !alikeName(o.Name, u.up.Name) {
		return remote.Object{}, false
	}
	if theirs := hashOf(a.MD5.S); theirs != "" {
		return u.sign(o, &a.entry, hash), theirs == hash
	}
	sent, ok := parseTime(a.ProvidedMtime.S)
	ours := ok && !u.up.ModTime.IsZero() && sent.Unix() == max(u.up.ModTime.Unix(), 0)
	return u.sign(o, &a.entry, hash), ours
}

func alikeName(a, b string) bool { return alike("/"+a, "/"+b) }

// begin asks for addresses to send parts to, from one on.
func (u *upload) begin(ctx context.Context, part int) ([]ticket, error) {
	body := map[string]any{"size": u.up.Size, "mkdir_parents": true, "part": part}
	then := map[string]any{"action": "put"}
	switch {
	case u.Ref != "":
		body["ref"], then["ref"], then["part"] = u.Ref, u.Ref, part
	case u.parts() > 1:
		body["parts"] = u.parts()
	}
	if !u.up.Overwrite {
		body["with_rename"] = true
	}
	k := call{op: opBegin, about: u.full, method: http.MethodPost, path: pathIn("/file_actions/begin_upload", u.full), again: true, body: body}
	var tickets tickets
	ask := func() error {
		tickets = nil
		r, err := u.c.ask(ctx, k, &tickets)
		if err != nil {
			return err
		}
		return tickets.check(k, r.status)
	}
	err := u.c.flow.either(ask, func() error {
		k.path, k.body = pathIn("/files", u.full), then
		return ask()
	})
	if err == nil && u.Ref == "" {
		err = u.taken(tickets[0])
	}
	return tickets, u.gone(err)
}

// gone tells a ref that the service does not know any more from other errors.
func (u *upload) gone(err error) error {
	e, ok := errors.AsType[*remote.Error](err)
	if ok && u.resumed && (e.Status == http.StatusNotFound || e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity) {
		return errGone
	}
	return err
}

// taken refuses to go on if the name is taken and shall not be replaced: the
// service warns of it, or shows the other name that it would choose.
func (u *upload) taken(t ticket) error {
	other := t.Path.S != "" && !alike(t.Path.S, wirePath(u.full))
	if !u.up.Overwrite && (t.Overwrites.Yes || other) {
		return remote.E(remote.Exist, opUpload, u.full, nil)
	}
	return nil
}

// failed makes an error of the content that could not be read.
func (u *upload) failed(s *clientkit.Source, err error) error {
	if read := s.Failure(); read != nil {
		return remote.E(remote.KindOf(read), opUpload, u.full, read)
	}
	return err
}
