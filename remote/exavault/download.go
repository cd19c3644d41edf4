package exavault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
)

// ArchiveQuery is how many characters the query of an archive request may
// have: servers and proxies take addresses of 8 KB at least, and the base and
// the other lines need room too.
const ArchiveQuery = 6000

// Download opens a file (the reference, "GET /resources/download"). The
// reference does not mention ranges: a server may ignore them and send the
// whole file, which the Download then gives from 0 to its end if offset is not
// 0.
func (c *Client) Download(ctx context.Context, ref remote.Ref, offset, length int64) (*remote.Download, error) {
	id, err := identifier(opDownload, ref)
	if err != nil {
		return nil, err
	}
	if offset < 0 {
		return nil, &remote.Error{Kind: remote.Invalid, Op: opDownload, Path: ref.Path, Detail: "negative offset"}
	}
	if length == 0 {
		return &remote.Download{ReadCloser: http.NoBody, Offset: offset, Size: -1}, nil
	}
	k := downloadCall(opDownload, ref.Path, []string{id})
	k.header.Set("Range", rangeHeader(offset, length))
	if offset == 0 && length < 0 {
		k.header.Del("Range")
	}
	resp, err := c.send(ctx, k)
	if err != nil {
		return k.noContent(offset, err)
	}
	d, err := k.open(resp, offset, length)
	if err != nil {
		_ = resp.Body.Close()
	}
	return d, err
}

// downloadCall asks for the bytes as they are: with a compressed answer its
// length could not be checked.
func downloadCall(op, about string, ids []string) call {
	return call{
		op: op, about: about, method: http.MethodGet, path: "/resources/download",
		query: url.Values{"resources[]": ids}, header: http.Header{"Accept-Encoding": {"identity"}},
	}
}

func rangeHeader(offset, length int64) string {
	if length < 0 || offset+length < 0 {
		return fmt.Sprintf("bytes=%d-", offset)
	}
	return fmt.Sprintf("bytes=%d-%d", offset, offset+length-1)
}

// noContent gives a range of an empty file, which a server may refuse to cut
// anything out of, as the empty content that it is.
func (k call) noContent(offset int64, err error) (*remote.Download, error) {
	if offset == 0 && isStatus(err, http.StatusRequestedRangeNotSatisfiable) {
		return &remote.Download{ReadCloser: http.NoBody}, nil
	}
	return nil, err
}

// open checks which bytes an answer brings.
func (k call) open(resp *http.Response, offset, length int64) (*remote.Download, error) {
	if e := resp.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, k.corrupt(resp.StatusCode, "the content is encoded ("+e+")", nil)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		b := &body{k: k, resp: resp, want: resp.ContentLength, most: -1}
		if offset == 0 && length >= 0 {
			b.most, b.want = length, min(length, b.want)
		}
		return &remote.Download{ReadCloser: b, Size: resp.ContentLength}, nil
	case http.StatusPartialContent:
		return k.openRange(resp, offset, length)
	}
	return nil, k.corrupt(resp.StatusCode, "unexpected status", nil)
}

func (k call) openRange(resp *http.Response, offset, length int64) (*remote.Download, error) {
	r, ok := parseContentRange(resp.Header.Get("Content-Range"))
	if !ok || r.first != offset {
		return nil, k.corrupt(resp.StatusCode, "the answer is another range: "+resp.Header.Get("Content-Range"), nil)
	}
	if l := resp.ContentLength; l >= 0 && l != r.last-r.first+1 {
		return nil, k.corrupt(resp.StatusCode, "the answer contradicts its range", nil)
	}
	// A server may give less than was asked for; the end of what was asked
	// for, or of the file, is what the caller counts on.
	want := r.last - r.first + 1
	if r.total >= 0 {
		want = r.total - offset
	}
	if length >= 0 && (r.total >= 0 || length < want) {
		want = min(length, want)
	}
	return &remote.Download{ReadCloser: &body{k: k, resp: resp, want: want, most: length}, Offset: offset, Size: r.total}, nil
}

// contentRange is a Content-Range header (RFC 9110, 14.4); total is -1 if not
// told.
type contentRange struct{ first, last, total int64 }

func parseContentRange(h string) (contentRange, bool) {
	unit, rest, _ := strings.Cut(strings.TrimSpace(h), " ")
	span, total, ok1 := strings.Cut(strings.TrimSpace(rest), "/")
	first, last, ok2 := strings.Cut(span, "-")
	if !ok1 || !ok2 || !strings.EqualFold(unit, "bytes") {
		return contentRange{}, false
	}
	a, err1 := strconv.ParseUint(first, 10, 63)
	b, err2 := strconv.ParseUint(last, 10, 63)
	r := contentRange{int64(a), int64(b), -1}
	if total == "*" {
		return r, err1 == nil && err2 == nil && a <= b
	}
	t, err3 := strconv.ParseUint(total, 10, 63)
	r.total = int64(t)
	return r, err1 == nil && err2 == nil && err3 == nil && a <= b && b < t
}

// body is the content of an answer. It never ends early without saying so.
type body struct {
	k    call
	resp *http.Response
	want int64 // bytes that must come, -1 if not known
	most int64 // bytes that may be handed on, -1 for all
	got  int64
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.most >= 0 {
		if b.got == b.most {
			return 0, io.EOF
		}
		p = p[:min(int64(len(p)), b.most-b.got)]
	}
	n, err := b.resp.Body.Read(p)
	b.got += int64(n)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF) && b.got < b.want:
		return n, io.ErrUnexpectedEOF
	case errors.Is(err, io.EOF):
		return n, io.EOF
	}
	return n, b.k.broken(b.resp, err)
}

// Close implements io.Closer.
func (b *body) Close() error {
	if b.want >= 0 && b.got >= b.want {
		finish(b.resp) // it ended: its connection can be used again
		return nil
	}
	return b.resp.Body.Close()
}

// DownloadArchive opens a zip of several objects, or of what is in one folder
// (the reference, "GET /resources/download"). One file alone comes as itself:
// use Download for that. See the package comment for the names in it. The
// server zips before it answers, which may take long. As many objects fit as
// [Client.ArchiveFits] says; more are kind Invalid.
func (c *Client) DownloadArchive(ctx context.Context, refs []remote.Ref) (*remote.Download, error) {
	ids, err := identifiers(opArchive, refs)
	if err != nil {
		return nil, err
	}
	if len(refs) == 0 || c.ArchiveFits(refs) < len(refs) {
		return nil, &remote.Error{Kind: remote.Invalid, Op: opArchive, Detail: fmt.Sprintf("%d objects do not fit in one request", len(refs))}
	}
	k := downloadCall(opArchive, refs[0].Path, ids)
	resp, err := c.send(ctx, k)
	if err != nil {
		return nil, err
	}
	d, err := k.openArchive(resp)
	if err != nil {
		_ = resp.Body.Close()
	}
	return d, err
}

func (k call) openArchive(resp *http.Response) (*remote.Download, error) {
	t, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // "" if it makes no sense
	if t == "text/html" || t == "application/json" || resp.StatusCode != http.StatusOK {
		return nil, k.corrupt(resp.StatusCode, "the answer is no archive but "+t, nil)
	}
	return k.open(resp, 0, -1)
}

// ArchiveFits returns how many of refs, from the first on, fit in one archive
// request.
func (c *Client) ArchiveFits(refs []remote.Ref) int {
	chars := 0
	for i, r := range refs {
		id, err := identifier(opArchive, r)
		if err != nil {
			return i
		}
		chars += len(encodeQuery(url.Values{"resources[]": {id}})) + 1
		if chars > ArchiveQuery {
			return i
		}
	}
	return len(refs)
}
