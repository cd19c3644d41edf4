package exavault

import (
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// Upload stores a file in one request (the reference, "POST
// /resources/upload"). Resuming, which is on by default and would keep a file
// that was cut short, is switched off. fileSize is in bytes, although the
// reference says bits. Without up.Overwrite the server makes up another name
// if this one is taken, which the Object shows. It takes one request more if
// up.Parent has no Path.
func (c *Client) Upload(ctx context.Context, up remote.Upload) (remote.Object, error) {
	dir, err := c.pathOf(ctx, up.Parent)
	if err != nil {
		return remote.Object{}, err
	}
	k := uploadCall(clientkit.Join(dir, up.Name), up)
	if err := clientkit.CheckName(opUpload, k.about, up.Name); err != nil {
		return remote.Object{}, err
	}
	if up.Size < 0 || up.Content == nil && up.Size > 0 {
		return remote.Object{}, &remote.Error{Kind: remote.Invalid, Op: opUpload, Path: k.about, Detail: "no content"}
	}
	src := &clientkit.Source{From: up.Content, Size: up.Size, Progress: up.Progress}
	defer src.Shut()
	a, err := c.sendForm(ctx, k, newForm(up.Name, src))
	if failed := src.Failure(); failed != nil {
		e := remote.E(remote.KindOf(failed), opUpload, k.about, failed)
		e.Unknown = true
		return remote.Object{}, e
	}
	if err != nil {
		return remote.Object{}, err
	}
	return k.stored(a, up.Size)
}

func uploadCall(full string, up remote.Upload) call {
	return call{
		op: opUpload, about: full, method: http.MethodPost, path: "/resources/upload", mutates: true,
		query: url.Values{
			"path":           {full},
			"fileSize":       {strconv.FormatInt(up.Size, 10)},
			"resume":         {"false"},
			"allowOverwrite": {strconv.FormatBool(up.Overwrite)},
		},
	}
}

// stored checks that the answer describes the file that was sent.
func (k call) stored(a *answer, size int64) (remote.Object, error) {
	o, err := k.resource(a)
	if err != nil {
		return o, err
	}
	if o.Dir || o.Size != size {
		return o, k.corrupt(a.http, fmt.Sprintf("%d bytes were sent, and the provider stored %d", size, o.Size), nil)
	}
	return o, nil
}

// sendForm sends a form with its exact length, as often as the transport finds
// that it never left.
func (c *Client) sendForm(ctx context.Context, k call, f *form) (*answer, error) {
	req, err := c.request(ctx, k, f.body())
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", f.contentType)
	req.ContentLength = f.length()
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(f.body()), nil }
	resp, err := c.roundTrip(req, k)
	if err != nil {
		return nil, err
	}
	defer finish(resp)
	return k.read(resp)
}

// form is a multipart form with one file in it, which is read as it is sent.
type form struct {
	contentType string
	head, tail  string
	src         *clientkit.Source
}

func newForm(name string, src *clientkit.Source) *form {
	var b strings.Builder
	w := multipart.NewWriter(&b) // strings.Builder never fails
	_, _ = w.CreateFormFile("file", name)
	head := b.Len()
	_ = w.Close()
	return &form{contentType: w.FormDataContentType(), head: b.String()[:head], tail: b.String()[head:], src: src}
}

func (f *form) length() int64 { return int64(len(f.head)) + f.src.Size + int64(len(f.tail)) }

// body returns a reader of the whole form, from its start.
func (f *form) body() io.Reader {
	return io.MultiReader(strings.NewReader(f.head), f.src.Reader(), strings.NewReader(f.tail))
}
