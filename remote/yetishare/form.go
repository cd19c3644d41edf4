package yetishare

import (
	"crypto/md5"
	"encoding/hex"
	"hash"
	"io"
	"mime/multipart"
	"strings"
	"sync"

	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// form is a file as it is sent: the part upload_file of a multipart form.
type form struct {
	folder string // folder_id
	name   string // the part's file name
	src    *clientkit.Source

	// mu guards last, the reader of the content in the try that began last.
	mu   sync.Mutex
	last *summing
}

// placeholderByte is the content of a file that stands for one without any.
const placeholderByte = "\x00"

func (s *sending) form() *form {
	f := &form{folder: formID(s.dir.id), name: s.raw, src: &clientkit.Source{From: s.up.Content, Size: s.up.Size, Progress: s.up.Progress}}
	if s.up.Size == 0 {
		f.src = &clientkit.Source{From: strings.NewReader(placeholderByte), Size: int64(len(placeholderByte))}
	}
	if unsendable(s.raw) {
		f.name = standIn(s.raw)
	}
	return f
}

// encoded is a form with the token of one try.
type encoded struct {
	f           *form
	contentType string
	head, tail  string
}

func (f *form) encode(t token) *encoded {
	var b strings.Builder
	w := multipart.NewWriter(&b) // strings.Builder never fails
	_ = w.WriteField("access_token", t.access)
	_ = w.WriteField("account_id", t.account)
	_ = w.WriteField("folder_id", f.folder)
	_, _ = w.CreateFormFile("upload_file", f.name)
	head := b.Len()
	_ = w.Close()
	return &encoded{f: f, contentType: w.FormDataContentType(), head: b.String()[:head], tail: b.String()[head:]}
}

func (e *encoded) length() int64 { return int64(len(e.head)) + e.f.src.Size + int64(len(e.tail)) }

// reader returns a reader of the whole form, from its start.
func (e *encoded) reader() io.Reader {
	return io.MultiReader(strings.NewReader(e.head), e.f.content(), strings.NewReader(e.tail))
}

func (f *form) content() io.Reader {
	r := &summing{from: f.src.Reader(), sum: md5.New()}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = r
	return r
}

// digest returns the MD5 of the content as it was sent; false if not all of it
// was read.
func (f *form) digest() (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last == nil {
		return "", false
	}
	return f.last.digest(f.src.Size)
}

// summing computes the MD5 of what is read through it.
type summing struct {
	from io.Reader

	// mu guards what follows: the transport reads from its own goroutine.
	mu  sync.Mutex
	sum hash.Hash
	n   int64
}

// Read implements io.Reader.
func (r *summing) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _ = r.sum.Write(p[:n]) // never fails
	r.n += int64(n)
	return n, err
}

func (r *summing) digest(size int64) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return hex.EncodeToString(r.sum.Sum(nil)), r.n == size
}
