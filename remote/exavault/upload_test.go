package exavault

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

// zeros is a large content that takes no memory, and counts what is read of it.
type zeros struct{ read atomic.Int64 }

// ReadAt implements io.ReaderAt.
func (z *zeros) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	z.read.Add(int64(len(p)))
	return len(p), nil
}

func TestUpload(t *testing.T) {
	for _, content := range []string{"", "x", strings.Repeat("hello ", 100_000)} {
		for _, overwrite := range []bool{true, false} {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				checkUpload(t, r, content, overwrite)
				reply(w, 201, one(201, file(9, "/d/a+b %ä\"(1).txt", int64(len(content)))))
			})
			var sent int64
			o, err := s.Upload(ctx, remote.Upload{
				Parent: folderD, Name: "a+b %ä\".txt", Size: int64(len(content)), Content: strings.NewReader(content),
				Overwrite: overwrite, Progress: func(n int64) { sent = n },
			})
			if err != nil || o.ID != "9" || o.Name != "a+b %ä\"(1).txt" || sent != int64(len(content)) {
				t.Errorf("got %+v, %v, %d sent", o, err, sent)
			}
		}
	}
}

func checkUpload(t *testing.T, r *http.Request, content string, overwrite bool) {
	q := r.URL.Query()
	if r.URL.Path != "/resources/upload" || q.Get("path") != "/d/a+b %ä\".txt" || q.Get("resume") != "false" ||
		q.Get("allowOverwrite") != map[bool]string{true: "true", false: "false"}[overwrite] || r.ContentLength <= 0 {
		t.Errorf("asked for %s, %d bytes", r.URL, r.ContentLength)
	}
	f, _, err := r.FormFile("file")
	if err != nil {
		t.Error(err)
		return
	}
	if got, err := io.ReadAll(f); err != nil || string(got) != content || len(r.MultipartForm.File) != 1 {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

// TestUploadStreams sends a large file and watches the memory.
func TestUploadStreams(t *testing.T) {
	const size = 300<<20 + 1
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil || n != r.ContentLength || n < size {
			t.Errorf("got %d bytes of %d, %v", n, r.ContentLength, err)
		}
		reply(w, 201, one(201, file(9, "/d/big", size)))
	})
	before := heap()
	o, err := s.Upload(ctx, remote.Upload{Parent: folderD, Name: "big", Size: size, Content: new(zeros)})
	if err != nil || o.Size != size {
		t.Errorf("got %+v, %v", o, err)
	}
	if grown := heap() - before; grown > 64<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

func TestUploadStoredShort(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		reply(w, 201, one(201, file(9, "/d/f", 3)))
	})
	o, err := s.Upload(ctx, remote.Upload{Parent: folderD, Name: "f", Size: 5, Content: strings.NewReader("12345")})
	wantKind(t, err, remote.Corrupt)
	if o.ID != "9" || !remote.IsUnknown(err) || !strings.Contains(err.Error(), "5 bytes were sent, and the provider stored 3") {
		t.Errorf("got %+v, %v", o, err)
	}
}

// TestUploadContentFails: a content that ends early, or cannot be read, is
// never made up for.
func TestUploadContentFails(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			t.Error("the body came to a good end")
		}
		reply(w, 400, problem(400, "short"))
	})
	_, err := s.Upload(ctx, remote.Upload{Parent: folderD, Name: "f", Size: 5, Content: strings.NewReader("123")})
	if !errors.Is(err, io.ErrUnexpectedEOF) || !remote.IsUnknown(err) {
		t.Errorf("got %v", err)
	}
	_, err = s.Upload(ctx, remote.Upload{Parent: folderD, Name: "f", Size: 5})
	wantKind(t, err, remote.Invalid)
}

// TestUploadNeverReadsAfterwards answers before the body was sent, and checks
// that the content is left alone then.
func TestUploadNeverReadsAfterwards(t *testing.T) {
	s := serve(t, answers(403, problem(403, "no")))
	for range 20 {
		z := new(zeros)
		_, err := s.Upload(ctx, remote.Upload{Parent: folderD, Name: "f", Size: 1 << 30, Content: z})
		if err == nil {
			t.Error("no error")
		}
		if n := z.read.Load(); n >= 1<<30 {
			t.Errorf("%d bytes were read", n)
		}
	}
}

// TestUploadAgain: the transport can send the form a second time, from its
// start.
func TestUploadAgain(t *testing.T) {
	tries := 0
	rt := roundTripper(func(r *http.Request) (*http.Response, error) {
		first, _ := io.ReadAll(r.Body)
		again, _ := r.GetBody()
		second, _ := io.ReadAll(again)
		tries++
		if !bytes.Equal(first, second) || int64(len(first)) != r.ContentLength || !bytes.Contains(first, []byte("12345")) {
			t.Errorf("%d and %d of %d bytes", len(first), len(second), r.ContentLength)
		}
		return nil, context.DeadlineExceeded
	})
	s := serve(t, answers(500, ""), func(o *Options) { o.HTTP = &http.Client{Transport: rt} })
	_, err := s.Upload(ctx, remote.Upload{Parent: folderD, Name: "f", Size: 5, Content: strings.NewReader("12345")})
	wantKind(t, err, remote.Canceled)
	if tries != 1 || !remote.IsUnknown(err) {
		t.Errorf("%d tries, %v", tries, err)
	}
}
