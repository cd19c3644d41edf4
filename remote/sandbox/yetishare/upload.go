package yetishare

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// received is the form of an upload.
type received struct {
	fields map[string]string
	name   string
	staged *store.Staged
	sum    hash.Hash
	// got is true if there was a file.
	got bool
}

// upload answers /file/upload.
func (a *api) upload(r *http.Request) (any, string, error) {
	staged, err := a.Store.Stage()
	if err != nil {
		return nil, "", err
	}
	defer func() {
		if err := staged.Discard(); err != nil {
			a.Logger.Warn("sandbox: cannot remove staged content", "err", err)
		}
	}()
	in := &received{fields: map[string]string{}, staged: staged, sum: md5.New()}
	if err := in.read(r); err != nil {
		return nil, "", err
	}
	if err := a.checkToken(in.fields["access_token"], in.fields["account_id"]); err != nil {
		return nil, "", err
	}
	dir, err := a.target(in.fields["folder_id"])
	switch {
	case err != nil:
		return nil, "", err
	case !in.got:
		return nil, "", say("Did not receive uploaded file.")
	case staged.Size() == 0:
		return nil, "", say("Filesize received was zero.")
	}
	if most, ok := a.Switches.Number("max-upload"); ok && staged.Size() > int64(most) {
		return a.tooLarge(in)
	}
	return a.store(in, dir)
}

func (a *api) tooLarge(in *received) (any, string, error) {
	const why = "File received is larger than permitted."
	if a.Switches.Is("upload-errors", "envelope") {
		return nil, "", say(why)
	}
	record := object{"name": in.name, "size": a.number(in.staged.Size()), "error": why, "file_id": nil}
	return []any{record}, "File uploaded", nil
}

// read takes in the form as it comes. A body that breaks off is an error.
func (in *received) read(r *http.Request) error {
	form, err := r.MultipartReader()
	if err != nil {
		return say("Did not receive uploaded file.")
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = in.part(part)
		}
		if err != nil {
			return remote.E(remote.Temporary, "upload", "", err)
		}
	}
}

func (in *received) part(p *multipart.Part) error {
	if p.FormName() != "upload_file" {
		b, err := io.ReadAll(io.LimitReader(p, maxForm))
		in.fields[p.FormName()] = string(b)
		return err
	}
	in.name, in.got = partName(p), true
	_, err := io.Copy(io.MultiWriter(in.staged, in.sum), p)
	return err
}

// partName reads a file's name as the script's language does: what is before a
// slash or a backslash is dropped.
func partName(p *multipart.Part) string {
	_, params, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
	if err != nil {
		return ""
	}
	name := params["filename"]
	return name[strings.LastIndexAny(name, `/\`)+1:]
}

// store puts the file in its place.
func (a *api) store(in *received, dir store.Node) (any, string, error) {
	name := in.name
	if a.Switches.Is("dots", "dropped") {
		name = strings.TrimPrefix(name, ".")
	}
	a.change.Lock()
	defer a.change.Unlock()
	place, err := a.free(store.JoinPath(dir.Path, diskName(name)))
	if err != nil {
		return nil, "", err
	}
	if a.Switches.Is("duplicates", "renamed") {
		name = path.Base(place)
	}
	done, err := a.Store.Put(in.staged, store.Put{Path: place, Taken: store.Refuse, By: a.Username})
	if err != nil {
		return nil, "", err
	}
	if err := a.rename(done.Node, name); err != nil {
		return nil, "", err
	}
	a.note(store.OpUpload, done.Node, "")
	return []any{a.uploaded(in, done.Node, name)}, "File uploaded", nil
}

// uploaded is an upload record.
func (a *api) uploaded(in *received, n store.Node, name string) object {
	if a.Switches.Is("upload-name", "asked") {
		name = in.name
	}
	url := "http://yoursite.com/" + short(n.ID)
	o := object{
		"name": name, "size": a.number(n.Size), "type": "application/octet-stream", "error": nil, "url": url,
		"delete_url": url + "~d?" + n.Hash, "info_url": url + "~i?" + n.Hash, "delete_type": "DELETE", "delete_hash": n.Hash,
		"stats_url": url + "~s", "short_url": short(n.ID), "file_id": a.number(n.ID), "unique_hash": n.Hash + n.Hash,
	}
	switch a.Switches.Get("hash") {
	case "md5":
		o["hash"] = hex.EncodeToString(in.sum.Sum(nil))
	case "other":
		o["hash"] = n.Hash
	}
	return o
}
