package exavault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/frugalfs/frugalfs/remote"
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
	k := uploadCall(join(dir, up.Name), up)
	if err := checkName(opUpload, k.about, up.Name); err != nil {
		return remote.Object{}, err
	}
	if up.Size < 0 || up.Content == nil && up.Size > 0 {
		return remote.Object{}, &remote.Error{Kind: remote.Invalid, Op: opUpload, Path: k.about, Detail: "no content"}
	}
	src := &source{from: up.Content, size: up.Size, progress: up.Progress}
	defer src.shut()
	a, err := c.sendForm(ctx, k, newForm(up.Name, src))
	if failed := src.failure(); failed != nil {
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
	src         *source
}

func newForm(name string, src *source) *form {
	var b strings.Builder
	w := multipart.NewWriter(&b) // strings.Builder never fails
	_, _ = w.CreateFormFile("file", name)
	head := b.Len()
	_ = w.Close()
	return &form{contentType: w.FormDataContentType(), head: b.String()[:head], tail: b.String()[head:], src: src}
}

func (f *form) length() int64 { return int64(len(f.head)) + f.src.size + int64(len(f.tail)) }

// body returns a reader of the whole form, from its start.
func (f *form) body() io.Reader {
	return io.MultiReader(strings.NewReader(f.head), &sourceReader{src: f.src}, strings.NewReader(f.tail))
}

// source is what an upload reads. The transport may go on reading a request's
// body for a moment after the answer came; shut puts an end to that.
type source struct {
	from     io.ReaderAt
	size     int64
	progress func(int64)

	// mu guards what follows, and is held while from is read.
	mu     sync.Mutex
	closed bool
	failed error // why from could not be read
}

var errShut = errors.New("the upload has ended")

func (s *source) readAt(p []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, errShut
	}
	n, err := s.from.ReadAt(p, off)
	if n == len(p) {
		err = nil
	} else if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		s.failed = err
		return n, err
	}
	if s.progress != nil {
		s.progress(off + int64(n))
	}
	return n, nil
}

func (s *source) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

func (s *source) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// sourceReader reads a source once, from its start.
type sourceReader struct {
	src *source
	off int64
}

// Read implements io.Reader.
func (r *sourceReader) Read(p []byte) (int, error) {
	if r.off >= r.src.size {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), r.src.size-r.off)]
	n, err := r.src.readAt(p, r.off)
	r.off += int64(n)
	return n, err
}
