package exavault1

import (
	"context"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// Download opens a file: one transaction for the address to get it from, which
// is good for one request, so every range takes another. No document mentions
// ranges: a server may ignore them and send the whole file, which the Download
// then gives from 0 to its end if offset is not 0.
func (c *Client) Download(ctx context.Context, ref remote.Ref, offset, length int64) (*remote.Download, error) {
	p, err := pathOf(opDownload, ref)
	if err != nil {
		return nil, err
	}
	if offset < 0 {
		return nil, &remote.Error{Kind: remote.Invalid, Op: opDownload, Path: p, Detail: "negative offset"}
	}
	if length == 0 {
		return &remote.Download{ReadCloser: http.NoBody, Offset: offset, Size: -1}, nil
	}
	k := call{op: opDownload, about: p, name: "getDownloadFileUrl", form: url.Values{"filePaths": {p}}}
	content := clientkit.Content{Op: opDownload, Path: p, Offset: offset, Length: length}
	for again := false; ; again = true {
		u, err := c.link(ctx, k)
		if err != nil {
			return nil, c.explain(ctx, err, place{p, aFile})
		}
		d, late, err := c.fetch(ctx, u, content)
		switch {
		case late && again:
			// It is refused whenever it is asked for: perhaps there is nothing.
			return nil, c.explain(ctx, err, place{p, aFile})
		case !late:
			return d, err
		}
	}
}

// fetch gets content from a storage server. late is true if it refused the
// address, or sent what is no file's content.
func (c *Client) fetch(ctx context.Context, u *url.URL, content clientkit.Content) (d *remote.Download, late bool, err error) {
	req, err := transfer(ctx, opDownload, http.MethodGet, u)
	if err != nil {
		return nil, false, err
	}
	// With a compressed answer its length could not be checked.
	req.Header.Set("Accept-Encoding", "identity")
	if r := content.Range(); r != "" {
		req.Header.Set("Range", r)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, false, clientkit.Lost(opDownload, content.Path, false, err)
	}
	if d, late, err = c.receive(ctx, resp, content); err != nil {
		finish(resp)
	}
	return d, late, err
}

// receive judges a storage server's answer.
func (c *Client) receive(ctx context.Context, resp *http.Response, content clientkit.Content) (*remote.Download, bool, error) {
	e := &remote.Error{Op: opDownload, Path: content.Path, Status: resp.StatusCode}
	switch status := resp.StatusCode; {
	case stale(status):
		e.Kind, e.Detail = remote.NotExist, "the storage server refuses the address that the provider gave"
		return nil, true, e
	case status == http.StatusRequestedRangeNotSatisfiable && content.Offset == 0:
		finish(resp)
		return &remote.Download{ReadCloser: http.NoBody}, false, nil // a range of an empty file
	case status == http.StatusRequestedRangeNotSatisfiable:
		e.Kind = remote.OutOfRange
		return nil, false, e
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		e.Kind = remote.Temporary
		return nil, false, e
	case status == http.StatusOK && pageLike(resp.Header):
		if err := c.confirm(ctx, resp, content.Path); err != nil {
			return nil, true, err
		}
	}
	d, err := content.Open(resp)
	return d, false, err
}

// pageLike tells whether an answer may be a page, or an error, and not a file.
func pageLike(h http.Header) bool {
	disposition, _, _ := mime.ParseMediaType(h.Get("Content-Disposition"))
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	if strings.EqualFold(disposition, "attachment") {
		return false
	}
	return kind == "text/html" || kind == "application/json" || kind == "text/plain" || kind == ""
}

// confirm compares the length of an answer that looks like a page with the
// file's: a transaction that hardly any download needs.
func (c *Client) confirm(ctx context.Context, resp *http.Response, p string) error {
	seen, err := c.look(ctx, opDownload, p)
	if err != nil {
		return err
	}
	if g := seen[p]; g.exists && !g.object.Dir && g.object.Size == resp.ContentLength {
		return nil
	}
	return &remote.Error{
		Kind: remote.Other, Op: opDownload, Path: p, Status: resp.StatusCode,
		Detail: clientkit.Clean("the answer is no file but a page (" + resp.Header.Get("Content-Type") + ")"),
	}
}
