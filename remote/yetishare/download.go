package yetishare

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// Download opens a file ("File Download"): one request for an address, which
// serves further reads for some minutes, and one to that address, which is no
// request to the API. A file without content takes no request.
//
// An address that has died leads to a page, with status 200. So only an answer
// with the very range that was asked for is taken, or one with the length of the
// whole file; any other one makes the client get a new address, once. A site
// that answers the whole file to a range is not asked for ranges again.
func (c *Client) Download(ctx context.Context, ref remote.Ref, offset, length int64) (*remote.Download, error) {
	f, err := c.find(ctx, opDownload, ref)
	switch {
	case err != nil:
		return nil, err
	case f.dir:
		return nil, remote.E(remote.IsDir, opDownload, ref.Path, nil)
	case offset < 0:
		return nil, invalid(opDownload, ref.Path, "negative offset")
	case length == 0 || offset == f.size:
		return &remote.Download{ReadCloser: http.NoBody, Offset: offset, Size: f.size}, nil
	case offset > f.size && f.size > 0:
		return nil, remote.E(remote.OutOfRange, opDownload, ref.Path, nil)
	case f.size == 0:
		return &remote.Download{ReadCloser: http.NoBody}, nil
	}
	if length > f.size-offset {
		length = -1
	}
	w := &wanted{Content: clientkit.Content{Op: opDownload, Path: ref.Path, Offset: offset, Length: length}, handle: f.handle}
	d, err := c.fetch(ctx, w)
	if errors.Is(err, errNotContent) {
		d, err = c.fetch(ctx, w)
	}
	return d, err
}

// wanted is the content of a file, or a range of it.
type wanted struct {
	clientkit.Content
	handle
}

// errNotContent: what an address answered is not the file's content.
var errNotContent = errors.New("the answer is not the file's content")

// fetch opens the content through the address at hand, or a new one.
func (c *Client) fetch(ctx context.Context, w *wanted) (*remote.Download, error) {
	l, err := c.address(ctx, w)
	if err != nil {
		return nil, err
	}
	if err := c.gate.enter(ctx); err != nil {
		return nil, remote.E(remote.Canceled, w.Op, w.Path, err)
	}
	d, err := c.open(ctx, w, l)
	if err != nil {
		c.gate.leave()
		if errors.Is(err, errNotContent) {
			c.links.drop(w.id)
		}
		return nil, err
	}
	d.ReadCloser = &leaving{ReadCloser: d.ReadCloser, gate: &c.gate}
	return d, nil
}

// open sends the request for the content, and checks what comes.
func (c *Client) open(ctx context.Context, w *wanted, l address) (*remote.Download, error) {
	ctx = ledger.WithTransfer(ledger.WithOp(ctx, opFetch))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url, nil)
	if err != nil {
		return nil, w.refuse(0, "the address makes no sense")
	}
	req.Header.Set("User-Agent", "frugalfs")
	req.Header.Set("Accept-Encoding", "identity")
	if r := w.Range(); r != "" && !c.noRange.Load() {
		req.Header.Set("Range", r)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, clientkit.Lost(w.Op, w.Path, false, err)
	}
	d, err := c.judge(w, l, resp)
	if err != nil {
		_ = resp.Body.Close()
	}
	return d, err
}

// judge takes an answer only if it can be nothing but the content.
func (c *Client) judge(w *wanted, l address, resp *http.Response) (*remote.Download, error) {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // "" if it makes no sense
	switch {
	case resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests:
		c.gate.halve()
		return nil, &remote.Error{Kind: remote.Temporary, Op: w.Op, Path: w.Path, Status: resp.StatusCode, Detail: "the site takes no more downloads now"}
	case isPage(kind) && !l.page:
		return nil, w.refuse(resp.StatusCode, "a page came in its place")
	case resp.StatusCode == http.StatusOK && resp.ContentLength == w.size:
		if req := resp.Request; req != nil && req.Header.Get("Range") != "" {
			c.noRange.Store(true)
		}
	case resp.StatusCode == http.StatusPartialContent && w.exact(resp):
	default:
		return nil, w.refuse(resp.StatusCode, "")
	}
	return w.Open(resp)
}

func (w *wanted) refuse(status int, detail string) error {
	return &remote.Error{Kind: remote.Temporary, Op: w.Op, Path: w.Path, Status: notOK(status), Detail: detail, Err: errNotContent}
}

// exact tells whether an answer brings the range that was asked for.
func (w *wanted) exact(resp *http.Response) bool {
	r, ok := clientkit.ParseContentRange(resp.Header.Get("Content-Range"))
	last := w.size - 1
	if w.Length >= 0 {
		last = min(last, w.Offset+w.Length-1)
	}
	return ok && r.First == w.Offset && r.Last == last && (r.Total == w.size || r.Total < 0)
}

// isPage tells whether a media type is one of web pages.
func isPage(kind string) bool { return kind == "text/html" || kind == "application/xhtml+xml" }

// leaving gives a place at the gate free when a download is closed.
type leaving struct {
	io.ReadCloser
	gate *gate
	once sync.Once
}

// Close implements io.Closer.
func (l *leaving) Close() error {
	err := l.ReadCloser.Close()
	l.once.Do(l.gate.done)
	return err
}

// pageName tells whether a file of that name may be served as a web page.
func pageName(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".html", ".htm", ".xhtml", ".xht", ".shtml":
		return true
	}
	return false
}
