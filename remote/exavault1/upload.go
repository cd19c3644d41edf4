package exavault1

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// Upload stores a file: one transaction for the address to send it to, and one
// look afterwards, as the answer describes nothing. Without up.Overwrite there
// is a look before as well: the provider would make up another name for a taken
// one, and not tell. Looks of several uploads share transactions. Resuming,
// which could leave a short file, is always off.
func (c *Client) Upload(ctx context.Context, up remote.Upload) (remote.Object, error) {
	dir, err := pathOf(opUpload, up.Parent)
	if err != nil {
		return remote.Object{}, err
	}
	full := clientkit.Join(dir, up.Name)
	if err := clientkit.CheckName(opUpload, full, up.Name); err != nil {
		return remote.Object{}, err
	}
	if up.Size < 0 || up.Content == nil && up.Size > 0 {
		return remote.Object{}, &remote.Error{Kind: remote.Invalid, Op: opUpload, Path: full, Detail: "no content"}
	}
	target := place{full, aFile}
	if !up.Overwrite {
		target.need = nothing
		if err := c.free(ctx, opUpload, full); err != nil {
			return remote.Object{}, err
		}
	}
	if err := c.put(ctx, full, up); err != nil {
		return remote.Object{}, c.explain(ctx, err, parentOf(full), target)
	}
	return c.stored(ctx, full, up.Size)
}

// free fails if a name is taken.
func (c *Client) free(ctx context.Context, op, full string) error {
	seen, err := c.look(ctx, op, full)
	if err == nil && seen[full].exists {
		return remote.E(remote.Exist, op, full, nil)
	}
	return err
}

// put sends the content, again if the address was no longer good when the
// content got there.
func (c *Client) put(ctx context.Context, full string, up remote.Upload) error {
	k := call{op: opUpload, about: full, name: "getUploadFileUrl", form: url.Values{
		"fileSize": {strconv.FormatInt(up.Size, 10)}, "destinationPath": {full},
		"allowOverwrite": {strconv.FormatBool(up.Overwrite)}, "resume": {"false"},
	}}
	src := &clientkit.Source{From: up.Content, Size: up.Size, Progress: up.Progress}
	defer src.Shut()
	for again := false; ; again = true {
		u, err := c.link(ctx, k)
		if err != nil {
			return err
		}
		late, err := c.post(ctx, k, u, src)
		if !late || again {
			return err
		}
	}
}

// post sends the bare bytes (the SDK's samples: the type says multipart, and it
// is none). late is true if the address was refused, and nothing stored.
func (c *Client) post(ctx context.Context, k call, u *url.URL, src *clientkit.Source) (late bool, err error) {
	req, err := transfer(ctx, k.op, http.MethodPost, u)
	if err != nil {
		return false, err
	}
	req.Header["X_File_Size"] = []string{strconv.FormatInt(src.Size, 10)} // as the samples write it
	req.Header.Set("Content-Type", "multipart/form-data")
	req.ContentLength, req.Body = src.Size, http.NoBody
	if src.Size > 0 {
		req.Body = io.NopCloser(src.Reader())
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(src.Reader()), nil }
	}
	k.mutates = true
	resp, err := c.http.Do(req)
	if failed := src.Failure(); failed != nil {
		if err == nil {
			finish(resp)
		}
		e := remote.E(remote.KindOf(failed), k.op, k.about, failed)
		e.Unknown = true
		return false, e
	}
	if err != nil {
		return false, clientkit.Lost(k.op, k.about, true, err)
	}
	defer finish(resp)
	return k.taken(resp)
}

// taken reads a storage server's answer to an upload.
func (k call) taken(resp *http.Response) (late bool, err error) {
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return false, clientkit.Broken(k.op, k.about, true, resp, err)
	}
	a := &answer{}
	unread := clientkit.Lenient(json.Unmarshal(b, a))
	switch {
	case stale(resp.StatusCode):
		return true, &remote.Error{Kind: remote.Temporary, Op: k.op, Path: k.about, Status: resp.StatusCode, Detail: "the storage server refuses the address that the provider gave"}
	case resp.StatusCode == http.StatusRequestEntityTooLarge:
		return false, &remote.Error{Kind: remote.TooLarge, Op: k.op, Path: k.about, Status: resp.StatusCode}
	case resp.StatusCode/100 != 2:
		e := k.statusError(resp.StatusCode, false, a.Error)
		e.Unknown = true
		return false, e
	case unread != nil || !a.Success.OK:
		return false, k.corrupt("the answer does not tell if the file was stored ("+resp.Header.Get("Content-Type")+")", unread)
	case a.Success.N == 1:
		return false, nil
	}
	e := k.refused(a.Error)
	if late = e.Kind == remote.Auth; late { // it is about the address: there is no other token here
		e.Kind = remote.Temporary
	}
	return late, e
}

// stored looks at what was stored. Until the look has shown it whole, the
// outcome is unknown.
func (c *Client) stored(ctx context.Context, full string, size int64) (remote.Object, error) {
	seen, err := c.look(ctx, opUpload, full)
	if err != nil {
		e := clientkit.Lost(opUpload, full, true, err)
		e.Unknown = true
		return remote.Object{}, e
	}
	o := seen[full].object
	e := &remote.Error{Kind: remote.Corrupt, Op: opUpload, Path: full, Unknown: true}
	switch {
	case !seen[full].exists:
		e.Kind, e.Detail = remote.Temporary, "the provider took the file, and does not show it"
	case o.Dir, o.Size != size:
		e.Detail = fmt.Sprintf("%d bytes were sent, and the provider shows %d", size, o.Size)
	default:
		return o, nil
	}
	return o, e
}
