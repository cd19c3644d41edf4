package exavault

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// uploadTo is what the parameters of an upload say.
type uploadTo struct {
	path      string // account path
	size      int64  // of the whole file
	offset    int64  // where this part begins
	resume    bool
	overwrite bool
}

// upload answers POST /resources/upload.
//
// The documents are thin on resuming. Here, with resume=true (the default) a
// body that is shorter than announced is kept as a shorter file, and a later
// request with offsetBytes goes on from there; with resume=false nothing is
// stored unless all bytes came.
func (a *api) upload(w http.ResponseWriter, r *http.Request) error {
	to, err := a.uploadParameters(r)
	if err != nil {
		return err
	}
	staged, err := a.Store.Stage()
	if err != nil {
		return err
	}
	defer a.discard(staged)
	done, err := a.store(r, staged, to)
	if done.Node.ID == 0 {
		a.note(r, store.Entry{Op: store.OpUpload, Path: to.path, Failed: true})
		return err
	}
	a.noteParents(r, done.Parents)
	a.note(r, store.Entry{Op: store.OpUpload, Path: done.Node.Path, Bytes: staged.Size() - to.offset, Node: done.Node})
	if err != nil {
		return err
	}
	a.writeSingle(w, r, http.StatusCreated, a.shapeTimed(done.Node), done.Node)
	return nil
}

func (a *api) discard(staged *store.Staged) {
	if err := staged.Discard(); err != nil {
		a.Logger.Warn("sandbox: cannot remove staged content", "err", err)
	}
}

func (a *api) uploadParameters(r *http.Request) (to uploadTo, err error) {
	q := r.URL.Query()
	if q.Get("path") == "" {
		return to, missing("path")
	}
	if to.path, err = a.cleanPath(q.Get("path")); err != nil {
		return to, err
	}
	if strings.HasSuffix(q.Get("path"), "/") {
		return to, errIsFolder
	}
	if n, err := a.Store.Lookup(to.path); err == nil && n.Dir {
		return to, errIsFolder
	}
	if to.size, err = size(q.Get("fileSize"), "fileSize"); err != nil {
		return to, err
	}
	if offset := r.Header.Get("offsetBytes"); offset != "" {
		if to.offset, err = size(offset, "offsetBytes"); err != nil {
			return to, err
		}
	}
	if to.resume, err = boolean(q, "resume", true); err != nil {
		return to, err
	}
	to.overwrite, err = boolean(q, "allowOverwrite", false)
	return to, err
}

func size(text, name string) (int64, error) {
	if text == "" {
		return 0, missing(name)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, invalid("Parameter " + name + " is not valid.")
	}
	return n, nil
}

func boolean(q url.Values, name string, standard bool) (bool, error) {
	switch strings.ToLower(q.Get(name)) {
	case "":
		return standard, nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, invalid("Parameter " + name + " is not valid.")
}

// store reads the body and puts the file in its place.
func (a *api) store(r *http.Request, staged *store.Staged, to uploadTo) (store.Stored, error) {
	if to.offset > 0 {
		if err := a.keepHead(staged, to); err != nil {
			return store.Stored{}, err
		}
	}
	broken := receive(r, staged, to.size)
	var e *apiError
	switch {
	case errors.As(broken, &e):
		return store.Stored{}, e
	case broken != nil && (!to.resume || staged.Size() == to.offset):
		return store.Stored{}, invalid("The upload was interrupted.")
	case staged.Size() < to.size && !to.resume:
		return store.Stored{}, invalid("The body is shorter than fileSize.")
	}
	done, err := a.put(staged, to)
	if err == nil && broken != nil {
		// What came is kept for resuming; the client is hardly there to read this.
		err = invalid("The upload was interrupted.")
	}
	return done, err
}

func (a *api) put(staged *store.Staged, to uploadTo) (store.Stored, error) {
	p := store.Put{Path: to.path, Taken: store.PickName, By: a.Username, NewID: a.Switches.Is("upload-keeps-id", "no")}
	if to.overwrite || to.offset > 0 {
		p.Taken = store.Replace
	}
	if to.offset > 0 {
		p.NewID = false
	}
	if dir, _ := store.SplitPath(to.path); a.Switches.Is("upload-parents", "404") {
		if _, err := a.Store.Lookup(dir); err != nil {
			return store.Stored{}, err
		}
	}
	return a.Store.Put(staged, p)
}

// keepHead takes over what an earlier part of the upload left.
func (a *api) keepHead(staged *store.Staged, to uploadTo) error {
	if !to.resume {
		return invalid("offsetBytes needs resume.")
	}
	n, err := a.Store.Lookup(to.path)
	if err != nil {
		return err
	}
	f, _, err := a.Store.Open(n.ID)
	if err != nil {
		return err
	}
	_, err = io.CopyN(staged, f, to.offset)
	if errors.Is(err, io.EOF) {
		err = invalid("offsetBytes is beyond the end of the file.")
	}
	return errors.Join(err, f.Close())
}

// receive appends the part "file" of the body to what is staged, up to size
// bytes in all. An error that is not an apiError is a body that broke off.
func receive(r *http.Request, staged *store.Staged, size int64) error {
	form, err := r.MultipartReader()
	if err != nil {
		return invalid("The body must be multipart/form-data.")
	}
	part, err := filePart(form)
	if err != nil {
		return err
	}
	room := max(size-staged.Size(), 0)
	if _, err := io.Copy(staged, io.LimitReader(part, room)); err != nil {
		return err
	}
	extra, err := io.Copy(io.Discard, part)
	if extra > 0 {
		return invalid("The body is longer than fileSize.")
	}
	if err != nil {
		return err
	}
	_, err = form.NextPart() // reads the closing boundary
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func filePart(form *multipart.Reader) (io.Reader, error) {
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, invalid("The body has no part named file.")
		}
		if err != nil {
			return nil, remote.E(remote.Temporary, "upload", "", err)
		}
		if part.FormName() == "file" {
			return part, nil
		}
	}
}
