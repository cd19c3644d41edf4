package filescom

import (
	"context"
	"crypto/md5" //nolint:gosec // the service's own digest
	"encoding/hex"
	"errors"
	hashes "hash"
	"io"
	"net/http"
	"net/url"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// Download opens a file (the reference, "Download file"): one transaction brings
// a signed address of the file in the provider's storage, and requests to that
// are none. As many ranges as are begun within its life share it. A file that is
// read from its start to its end is checked against its MD5.
func (c *Client) Download(ctx context.Context, ref remote.Ref, offset, length int64) (*remote.Download, error) {
	full, err := pathOf(opDownload, ref)
	switch {
	case err != nil:
		return nil, err
	case ctx.Err() != nil:
		return nil, remote.E(remote.Canceled, opDownload, full, ctx.Err())
	case full == "/":
		return nil, remote.E(remote.IsDir, opDownload, full, nil)
	case offset < 0:
		return nil, &remote.Error{Kind: remote.Invalid, Op: opDownload, Path: full, Detail: "negative offset"}
	case length == 0:
		return &remote.Download{ReadCloser: http.NoBody, Offset: offset, Size: -1}, nil
	}
	content := clientkit.Content{Op: opDownload, Path: full, Offset: offset, Length: length}
	if k, ok := c.links.get(full, c.now()); ok {
		d, err := c.fetch(ctx, k, content)
		if err == nil || !expired(err) {
			return d, err
		}
		c.links.drop(full)
	}
	k, err := c.link(ctx, full)
	if err != nil {
		return nil, err
	}
	return c.fetch(ctx, k, content)
}

// expired tells whether the storage refused an address that may have been used
// for too long.
func expired(err error) bool {
	return isStatus(err, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone)
}

// link asks for the address of a file.
func (c *Client) link(ctx context.Context, full string) (link, error) {
	k := call{op: opDownload, about: full, method: http.MethodGet, path: pathIn("/files", full)}
	q, sent := c.links.ask(full), c.now()
	var a one
	r, err := c.ask(ctx, k, &a)
	if err != nil {
		c.links.answer(full, q, nil, sent)
		return link{}, err
	}
	l, err := c.linkOf(k, &a.entry, r.status)
	if err != nil {
		c.links.answer(full, q, nil, sent)
		return link{}, err
	}
	l.until = sent.Add(lifeOf(l.url))
	c.links.answer(full, q, &l, c.now())
	return l, nil
}

func (c *Client) linkOf(k call, e *entry, status int) (link, error) {
	o, err := c.about(k, e, status)
	switch {
	case err != nil:
		return link{}, err
	case o.Dir:
		return link{}, remote.E(remote.IsDir, opDownload, k.about, nil)
	case o.Size > 0 && !signed(e.DownloadURI.S):
		return link{}, k.corrupt(status, "the answer brings no address", nil)
	}
	return link{url: e.DownloadURI.S, size: o.Size, hash: hashOf(e.MD5.S), object: o}, nil
}

// signed tells whether an address can be one of the storage.
func signed(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// fetch opens the content, or a range of it, in the storage.
func (c *Client) fetch(ctx context.Context, l link, content clientkit.Content) (*remote.Download, error) {
	switch {
	case l.size == 0 && content.Offset == 0:
		return &remote.Download{ReadCloser: http.NoBody}, nil
	case content.Offset >= l.size:
		return nil, remote.E(remote.OutOfRange, opDownload, content.Path, nil)
	}
	k := call{op: opDownload, about: content.Path}
	req, err := http.NewRequestWithContext(ledger.WithTransfer(ledger.WithOp(ctx, opContent)), http.MethodGet, l.url, nil)
	if err != nil {
		return nil, k.corrupt(0, "the answer brings no address", nil)
	}
	req.Header.Set("User-Agent", "frugalfs")
	// With a compressed answer its length could not be checked.
	req.Header.Set("Accept-Encoding", "identity")
	if r := content.Range(); r != "" {
		req.Header.Set("Range", r)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, k.lost(err)
	}
	if resp.StatusCode/100 != 2 {
		defer finish(resp)
		return nil, k.storage(resp)
	}
	d, err := k.open(resp, l, content)
	if err != nil {
		_ = resp.Body.Close()
	}
	return d, err
}

// open checks which bytes came.
func (k call) open(resp *http.Response, l link, content clientkit.Content) (*remote.Download, error) {
	d, err := content.Open(resp)
	if err != nil {
		return nil, err
	}
	if d.Size >= 0 && d.Size != l.size {
		return nil, k.corrupt(resp.StatusCode, "the content has another length than the file", nil)
	}
	if d.Offset == 0 && l.hash != "" && (content.Length < 0 || content.Length >= l.size || content.Offset > 0) {
		d.ReadCloser = &checked{ReadCloser: d.ReadCloser, k: k, sum: md5.New(), left: l.size, want: l.hash} //nolint:gosec // see above
	}
	return d, nil
}

// storage makes an error of a refusal by the provider's storage: it says nothing
// about the file itself.
func (k call) storage(resp *http.Response) *remote.Error {
	e := &remote.Error{Kind: remote.Temporary, Op: k.op, Path: k.about, Status: resp.StatusCode, Detail: "the provider's storage refused the transfer"}
	switch resp.StatusCode {
	case http.StatusRequestedRangeNotSatisfiable:
		e.Kind = remote.OutOfRange
	case http.StatusRequestEntityTooLarge:
		e.Kind = remote.TooLarge
	}
	return e
}

// checked is the whole content of a file. It ends well only if it has the MD5
// that the service told.
type checked struct {
	io.ReadCloser
	k    call
	sum  hashes.Hash
	left int64 // bytes that are still to come
	want string
}

// Read implements io.Reader.
func (c *checked) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	_, _ = c.sum.Write(p[:n]) // never fails
	c.left -= int64(n)
	if (errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) || err == nil && c.left == 0) && hex.EncodeToString(c.sum.Sum(nil)) != c.want {
		return n, c.k.corrupt(http.StatusOK, "the content does not have the MD5 that the provider tells", nil)
	}
	return n, err
}
