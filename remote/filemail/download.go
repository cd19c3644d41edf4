package filemail

import (
	"context"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// repeats is how often a file server's answer that asks for it is followed.
const repeats = 4

// link is where a file's content is, by the last details.
type link struct {
	url  string
	size int64
}

// Download opens a file's content: no transaction if the address of the content
// is known from details, one otherwise. An address that is refused is asked for
// once more. The provider may count each download and mail the sender: so read
// once, and from the start.
func (c *Client) Download(ctx context.Context, ref remote.Ref, offset, length int64) (*remote.Download, error) {
	p, err := placeOf(opDownload, ref)
	switch {
	case err != nil:
		return nil, err
	case p.level != inFiles:
		return nil, remote.E(remote.IsDir, opDownload, p.path, nil)
	case offset < 0:
		return nil, &remote.Error{Kind: remote.Invalid, Op: opDownload, Path: p.path, Detail: "negative offset"}
	}
	if length == 0 {
		return &remote.Download{ReadCloser: http.NoBody, Offset: offset, Size: -1}, ctxError(ctx, opDownload, p.path)
	}
	content := clientkit.Content{Op: opDownload, Path: p.path, Offset: offset, Length: length}
	l, known := c.links.Get(ref.ID)
	if known {
		d, late, err := c.fetch(ctx, l, content)
		if !late {
			return d, err
		}
		c.links.Remove(ref.ID)
	}
	if l, err = c.link(ctx, p); err != nil {
		return nil, err
	}
	d, _, err := c.fetch(ctx, l, content)
	return d, err
}

// link asks where a file's content is.
func (c *Client) link(ctx context.Context, p place) (link, error) {
	if p.transfer == "" {
		found, err := c.find(ctx, opDownload, p)
		if err != nil {
			return link{}, err
		}
		p.transfer = found.id()
	}
	t, err := c.details(ctx, opDownload, p)
	if err != nil {
		return link{}, err
	}
	p, f, err := t.locate(opDownload, p)
	switch {
	case err != nil:
		return link{}, err
	case f == nil:
		return link{}, remote.E(remote.IsDir, opDownload, p.path, nil)
	}
	return link{url: f.url, size: f.size}, nil
}

// fetch gets content from a file server, and repeats the request if that asks
// for it (API 2.0, "Uploading": 406 and 449). late is true if the address was
// refused, or led to what is no file's content.
func (c *Client) fetch(ctx context.Context, l link, content clientkit.Content) (d *remote.Download, late bool, err error) {
	for range repeats {
		var again bool
		if d, late, again, err = c.fetchOnce(ctx, l, content); !again {
			break
		}
	}
	return d, late, err
}

func (c *Client) fetchOnce(ctx context.Context, l link, content clientkit.Content) (d *remote.Download, late, again bool, err error) {
	req, err := c.transfer(ctx, opDownload, content.Path, http.MethodGet, l.url)
	if err != nil {
		return nil, true, false, err
	}
	// With a compressed answer its length could not be checked.
	req.Header.Set("Accept-Encoding", "identity")
	if r := content.Range(); r != "" {
		req.Header.Set("Range", r)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, false, false, clientkit.Lost(opDownload, content.Path, false, err)
	}
	d, late, err = receive(resp, l, content)
	if err != nil {
		again = repeatable(resp.StatusCode)
		finish(resp)
	}
	return d, late, again, err
}

// transfer makes a request to a file server. It carries neither key nor token:
// its address does.
func (c *Client) transfer(ctx context.Context, op, about, method, address string) (*http.Request, error) {
	u, err := c.base.Parse(address)
	if err != nil || address == "" || !clientkit.Trusts(c.base, u) {
		return nil, &remote.Error{Kind: remote.Corrupt, Op: op, Path: about, Detail: "the provider gave no usable address of a file server"}
	}
	return newTransfer(ctx, op, method, u)
}

func newTransfer(ctx context.Context, op, method string, u *url.URL) (*http.Request, error) {
	ctx = ledger.WithTransfer(ledger.WithOp(ctx, op))
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, &remote.Error{Kind: remote.Corrupt, Op: op, Detail: "the file server's address makes no sense"}
	}
	req.Header.Set("User-Agent", "frugalfs")
	return req, nil
}

// repeatable tells whether a file server asks for the same request again.
func repeatable(status int) bool { return status == http.StatusNotAcceptable || status == 449 }

// receive judges a file server's answer.
func receive(resp *http.Response, l link, content clientkit.Content) (*remote.Download, bool, error) {
	e := &remote.Error{Op: opDownload, Path: content.Path, Status: resp.StatusCode}
	switch status := resp.StatusCode; {
	case status == http.StatusForbidden, status == http.StatusGone, status == http.StatusUnauthorized, status == http.StatusNotFound:
		e.Kind, e.Detail = remote.Temporary, "the file server refuses the address that the provider gave"
		return nil, true, e
	case status == http.StatusRequestedRangeNotSatisfiable && content.Offset >= l.size:
		finish(resp)
		return &remote.Download{ReadCloser: http.NoBody, Offset: content.Offset, Size: l.size}, false, nil
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, repeatable(status):
		e.Kind = remote.Temporary
		return nil, false, e
	case !l.fits(resp):
		e.Kind = remote.Corrupt
		e.Detail = clientkit.Clean("the answer is not the file (" + resp.Header.Get("Content-Type") + ")")
		return nil, true, e
	}
	if resp.StatusCode == http.StatusOK {
		resp.ContentLength = l.size // so that a short body is noticed even if no length was told
	}
	d, err := content.Open(resp)
	return d, false, err
}

// fits tells whether an answer can be the file: a page that says what is wrong
// comes with status 200, too.
func (l link) fits(resp *http.Response) bool {
	if resp.StatusCode != http.StatusOK {
		r, ok := clientkit.ParseContentRange(resp.Header.Get("Content-Range"))
		return ok && (r.Total < 0 || r.Total == l.size)
	}
	if resp.ContentLength >= 0 {
		return resp.ContentLength == l.size
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	disposition, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Disposition"))
	return kind != "text/html" || strings.EqualFold(disposition, "attachment")
}
