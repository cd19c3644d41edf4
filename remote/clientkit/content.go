package clientkit

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
)

// Content is a request for a file's bytes, or a range of them.
type Content struct {
	// Op and Path are what errors name.
	Op, Path string
	// Offset and Length are the range that is wanted; Length < 0 is the rest.
	Offset, Length int64
}

// Range is the value of the Range header that asks for it, "" for all.
func (c Content) Range() string {
	switch {
	case c.Offset == 0 && c.Length < 0:
		return ""
	case c.Length < 0, c.Offset+c.Length < 0:
		return fmt.Sprintf("bytes=%d-", c.Offset)
	}
	return fmt.Sprintf("bytes=%d-%d", c.Offset, c.Offset+c.Length-1)
}

// Open checks which bytes an answer of status 200 or 206 brings, and makes a
// Download of it. A server may ignore ranges and send the whole file, which the
// Download then gives from 0 to its end if Offset is not 0. If there is an
// error, the caller closes the answer.
func (c Content) Open(resp *http.Response) (*remote.Download, error) {
	if e := resp.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, c.corrupt(resp, "the content is encoded ("+e+")")
	}
	switch resp.StatusCode {
	case http.StatusOK:
		b := &body{c: c, resp: resp, want: resp.ContentLength, most: -1}
		if c.Offset == 0 && c.Length >= 0 {
			b.most, b.want = c.Length, min(c.Length, b.want)
		}
		return &remote.Download{ReadCloser: b, Size: resp.ContentLength}, nil
	case http.StatusPartialContent:
		return c.openRange(resp)
	}
	return nil, c.corrupt(resp, "unexpected status")
}

func (c Content) corrupt(resp *http.Response, detail string) *remote.Error {
	return &remote.Error{Kind: remote.Corrupt, Op: c.Op, Path: c.Path, Status: resp.StatusCode, Detail: Clean(detail)}
}

func (c Content) openRange(resp *http.Response) (*remote.Download, error) {
	r, ok := ParseContentRange(resp.Header.Get("Content-Range"))
	if !ok || r.First != c.Offset {
		return nil, c.corrupt(resp, "the answer is another range: "+resp.Header.Get("Content-Range"))
	}
	if l := resp.ContentLength; l >= 0 && l != r.Last-r.First+1 {
		return nil, c.corrupt(resp, "the answer contradicts its range")
	}
	// A server may give less than was asked for; the end of what was asked
	// for, or of the file, is what the caller counts on.
	want := r.Last - r.First + 1
	if r.Total >= 0 {
		want = r.Total - c.Offset
	}
	if c.Length >= 0 && (r.Total >= 0 || c.Length < want) {
		want = min(c.Length, want)
	}
	return &remote.Download{ReadCloser: &body{c: c, resp: resp, want: want, most: c.Length}, Offset: c.Offset, Size: r.Total}, nil
}

// ContentRange is a Content-Range header (RFC 9110, 14.4); Total is -1 if not
// told.
type ContentRange struct{ First, Last, Total int64 }

// ParseContentRange reads a Content-Range header; false if it makes no sense.
func ParseContentRange(h string) (ContentRange, bool) {
	unit, rest, _ := strings.Cut(strings.TrimSpace(h), " ")
	span, total, ok1 := strings.Cut(strings.TrimSpace(rest), "/")
	first, last, ok2 := strings.Cut(span, "-")
	if !ok1 || !ok2 || !strings.EqualFold(unit, "bytes") {
		return ContentRange{}, false
	}
	a, err1 := strconv.ParseUint(first, 10, 63)
	b, err2 := strconv.ParseUint(last, 10, 63)
	r := ContentRange{int64(a), int64(b), -1}
	if total == "*" {
		return r, err1 == nil && err2 == nil && a <= b
	}
	t, err3 := strconv.ParseUint(total, 10, 63)
	r.Total = int64(t)
	return r, err1 == nil && err2 == nil && err3 == nil && a <= b && b < t
}

// body is the content of an answer. It never ends early without saying so.
type body struct {
	c    Content
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
	return n, Broken(b.c.Op, b.c.Path, false, b.resp, err)
}

// Close implements io.Closer.
func (b *body) Close() error {
	if b.want >= 0 && b.got >= b.want {
		Finish(b.resp) // it ended: its connection can be used again
		return nil
	}
	return b.resp.Body.Close()
}
