package filescom

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// availableParts is the highest number of a part (2020 reference).
const availableParts = 10_000

// upload is one that has begun. api.mu guards its fields.
type upload struct {
	ref, path string
	parents   bool
	rename    bool
	parts     map[int64]*part
}

// part is a part that came.
type part struct {
	staged   *store.Staged
	md5, crc string
}

// beginUpload answers POST /file_actions/begin_upload/{path}: a new upload, or
// with ref the address of another part.
func (a *api) beginUpload(w http.ResponseWriter, r *request) error {
	u, number, err := a.beginPart(r, false)
	if err != nil {
		return err
	}
	count, err := r.number("parts", 1, 1)
	if err != nil {
		return err
	}
	answers := []map[string]any{}
	for i := range min(count, availableParts-number+1) {
		answers = append(answers, a.partAnswer(r.Request, u, number+i))
	}
	writeJSON(w, http.StatusOK, answers)
	return nil
}

// postFile answers POST /files/{path}.
func (a *api) postFile(w http.ResponseWriter, r *request) error {
	switch r.text("action") {
	case "put":
		u, number, err := a.beginPart(r, true)
		if err == nil {
			writeJSON(w, http.StatusOK, a.partAnswer(r.Request, u, number))
		}
		return err
	case "end":
		return a.endUpload(w, r)
	}
	return missing("action")
}

// beginPart finds or begins the upload that a request is about, and the number
// of the part.
func (a *api) beginPart(r *request, parents bool) (*upload, int64, error) {
	number, err := r.number("part", 1, 1)
	if err != nil {
		return nil, 0, err
	}
	if number > availableParts {
		return nil, 0, errPartNumber
	}
	if restart, err := r.number("restart", 0, 0); err != nil || restart > 0 {
		return nil, 0, errOffset
	}
	if r.has("ref") {
		u, err := a.openUpload(r.text("ref"), number)
		return u, number, err
	}
	if number > 1 {
		return nil, 0, errPartGap
	}
	u, err := a.newUpload(r, parents)
	return u, number, err
}

func (a *api) openUpload(ref string, number int64) (*upload, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	u := a.uploads[ref]
	if u == nil {
		return nil, errNoUpload
	}
	if number > 1 && u.parts[number-1] == nil && a.Switches.Is("parallel-parts", "no") {
		return nil, errPartGap
	}
	return u, nil
}

func (a *api) newUpload(r *request, parents bool) (*upload, error) {
	if r.path == string(a.home) {
		return nil, errExists
	}
	if n, err := a.Store.Lookup(r.path); err == nil && n.Dir {
		return nil, errExists
	}
	made := a.makesParents(r.params, parents)
	if err := a.checkParent(r.path, made); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.uploads == nil {
		return nil, remote.E(remote.Other, "upload", "", errors.New("the sandbox is closed"))
	}
	a.lastRef++
	u := &upload{
		ref: fmt.Sprintf("put-%d", a.lastRef), path: r.path, parents: made,
		rename: r.flag("with_rename"), parts: map[int64]*part{},
	}
	a.uploads[u.ref] = u
	return u, nil
}

// partAnswer is the schema FileUploadPart, as recorded.
func (a *api) partAnswer(r *http.Request, u *upload, number int64) map[string]any {
	size, _ := a.Switches.Number("partsize")
	taken := false
	if n, err := a.Store.Lookup(u.path); err == nil {
		taken = !n.Dir
	}
	life := a.Switches.Duration("upload-life")
	return map[string]any{
		"ref": u.ref, "path": a.userPath(u.path), "action": "put/write", "ask_about_overwrites": taken,
		"available_parts": availableParts, "expires": stamp(a.Now().Add(life)), "headers": map[string]string{},
		"http_method": http.MethodPut, "next_partsize": size + size/5, "parallel_parts": a.Switches.Is("parallel-parts", "yes"),
		"retry_parts": true, "parameters": map[string]string{}, "part_number": number, "partsize": size,
		"send":       map[string]string{"partsize": "required-header Content-Length", "partdata": "body"},
		"upload_uri": a.sign(r, http.MethodPut, "uploads/"+u.ref, strconv.FormatInt(number, 10), life),
	}
}

// takePart keeps a part that came, in place of an earlier one of its number.
func (a *api) takePart(ref string, number int64, p *part) error {
	a.mu.Lock()
	u := a.uploads[ref]
	var old *part
	if u != nil {
		old = u.parts[number]
		u.parts[number] = p
	}
	a.mu.Unlock()
	if u == nil {
		return errNoUpload
	}
	a.drop(old)
	return nil
}

// drop removes a part's content.
func (a *api) drop(p *part) {
	if p == nil {
		return
	}
	if err := p.staged.Discard(); err != nil {
		a.Logger.Warn("sandbox: cannot remove staged content", "err", err)
	}
}

func (a *api) discard(u *upload) {
	for _, p := range u.parts {
		a.drop(p)
	}
}

// endUpload answers POST /files/{path} with action=end.
func (a *api) endUpload(w http.ResponseWriter, r *request) error {
	at, err := r.moment("provided_mtime")
	if err != nil {
		return err
	}
	u, parts, err := a.closeUpload(r)
	if err != nil {
		return err
	}
	defer a.discard(u)
	whole, err := a.join(parts)
	if err != nil {
		return err
	}
	if len(parts) > 1 {
		defer a.drop(whole)
	}
	f := facts{MD5: whole.md5, CRC32: whole.crc, Stored: a.Now()}
	if !at.IsZero() {
		f.Provided = &at
	}
	return a.publish(w, r, u, whole, f)
}

// closeUpload checks the end of an upload, and takes it from those that are
// open. One that is refused stays open.
func (a *api) closeUpload(r *request) (*upload, []*part, error) {
	etags, err := r.etags()
	if err != nil {
		return nil, nil, err
	}
	size, err := r.number("size", -1, 0)
	if err != nil {
		return nil, nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	u := a.uploads[r.text("ref")]
	if u == nil || u.path != r.path {
		return nil, nil, errNoUpload
	}
	parts, err := a.collect(u, etags)
	if err == nil {
		err = a.checkSizes(parts, size)
	}
	if err != nil {
		return nil, nil, err
	}
	u.rename = u.rename || r.flag("with_rename")
	delete(a.uploads, u.ref)
	return u, parts, nil
}

// etags returns the ETags by number of part; numbers may be written as text.
func (r *request) etags() (map[int64]string, error) {
	var list []struct {
		ETag string          `json:"etag"`
		Part json.RawMessage `json:"part"`
	}
	raw := r.params["etags"]
	if len(raw) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, errETags
	}
	etags := map[int64]string{}
	for _, e := range list {
		n, err := strconv.ParseInt(strings.Trim(string(e.Part), `"`), 10, 64)
		if err != nil {
			return nil, errETags
		}
		etags[n] = strings.Trim(e.ETag, `"`)
	}
	return etags, nil
}

// collect returns the parts in order: those that the ETags name, or all that
// came. api.mu is held.
func (a *api) collect(u *upload, etags map[int64]string) ([]*part, error) {
	count := int64(len(etags))
	if count == 0 {
		if a.Switches.Is("etags", "required") {
			return nil, errETags
		}
		count = int64(len(u.parts))
	}
	if count == 0 {
		return nil, errNotUploaded
	}
	var parts []*part
	for number := range count {
		p, etag := u.parts[number+1], etags[number+1]
		switch {
		case p == nil || len(etags) > 0 && etag == "":
			return nil, errPartGap
		case len(etags) > 0 && etag != p.md5:
			return nil, errETags
		}
		parts = append(parts, p)
	}
	return parts, nil
}

func (a *api) checkSizes(parts []*part, size int64) error {
	least, _ := a.Switches.Number("least-part")
	var sum int64
	for i, p := range parts {
		if i < len(parts)-1 && p.staged.Size() < int64(least) {
			return errPartSize
		}
		sum += p.staged.Size()
	}
	if size >= 0 && sum != size && a.Switches.Is("size-checked", "yes") {
		return errPartSize
	}
	return nil
}

// join makes one file of the parts.
func (a *api) join(parts []*part) (*part, error) {
	if len(parts) == 1 {
		return parts[0], nil
	}
	staged, err := a.Store.Stage()
	if err != nil {
		return nil, err
	}
	d := newDigests()
	whole := &part{staged: staged}
	for _, p := range parts {
		content := io.NewSectionReader(p.staged.File(), 0, p.staged.Size())
		if _, err := io.Copy(io.MultiWriter(staged, d), content); err != nil {
			a.drop(whole)
			return nil, err
		}
	}
	whole.md5, whole.crc = d.sum()
	return whole, nil
}

// publish makes an upload a file of the account and answers its entry, without
// digests.
func (a *api) publish(w http.ResponseWriter, r *request, u *upload, whole *part, f facts) error {
	if err := a.checkParent(u.path, u.parents); err != nil {
		return err
	}
	_, err := a.Store.Lookup(u.path)
	status, op, taken := http.StatusCreated, store.OpUpload, store.Replace
	if u.rename {
		taken = store.PickName
	} else if err == nil {
		status, _ = a.Switches.Number("overwrite-status")
		op = opUpdate
	}
	done, err := a.Store.Put(whole.staged, store.Put{Path: u.path, Taken: taken, By: a.Username})
	if err != nil {
		return err
	}
	if err := a.keep(done.Node, f); err != nil {
		return err
	}
	if err := a.arrived(done.Node.Path); err != nil {
		return err
	}
	for _, dir := range done.Parents {
		a.note(r.Request, store.Entry{Op: store.OpMkdir, Path: dir.Path, Node: dir})
	}
	a.note(r.Request, store.Entry{Op: op, Path: done.Node.Path, Bytes: done.Node.Size, Node: done.Node})
	e, err := a.describe(done.Node)
	if err != nil {
		return err
	}
	e.MD5, e.CRC32 = nil, nil
	writeJSON(w, status, e)
	return nil
}
