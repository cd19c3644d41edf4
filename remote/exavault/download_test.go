package exavault

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

const content = "0123456789abcdef"

// TestDownload reads ranges from a server that honours them and from one that
// does not.
func TestDownload(t *testing.T) {
	for _, honours := range []bool{true, false} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/resources/download" || r.URL.Query()["resources[]"][0] != "id:7" || r.Header.Get("Accept-Encoding") != "identity" {
				t.Errorf("asked for %s", r.URL)
			}
			if !honours {
				r.Header.Del("Range")
			}
			http.ServeContent(w, r, "f", time.Unix(1, 0), strings.NewReader(content))
		})
		for _, tt := range []struct {
			offset, length int64
			want           string
		}{
			{0, -1, content}, {0, 4, "0123"}, {3, 4, "3456"}, {3, -1, content[3:]}, {0, 16, content}, {0, 99, content}, {10, 99, "abcdef"}, {15, 1, "f"},
		} {
			d, err := s.Download(ctx, remote.Ref{ID: "7"}, tt.offset, tt.length)
			if err != nil {
				t.Errorf("%+v: %v", tt, err)
				continue
			}
			got, err := io.ReadAll(d)
			want, offset := tt.want, tt.offset
			if !honours && offset > 0 {
				want, offset = content, 0
			}
			if string(got) != want || err != nil || d.Offset != offset || d.Size != int64(len(content)) {
				t.Errorf("%+v: got %q, %v from %d of %d", tt, got, err, d.Offset, d.Size)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestDownloadBounds(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "f", time.Unix(1, 0), strings.NewReader(content))
	})
	_, err := s.Download(ctx, remote.Ref{ID: "7"}, 16, 1)
	wantKind(t, err, remote.OutOfRange)
	_, err = s.Download(ctx, remote.Ref{ID: "7"}, -1, 1)
	wantKind(t, err, remote.Invalid)
	d, err := s.Download(ctx, remote.Ref{ID: "7"}, 3, 0)
	if got, _ := io.ReadAll(d); err != nil || len(got) != 0 || s.requests.Load() != 1 {
		t.Errorf("got %q, %v", got, err)
	}
	s = serve(t, answers(416, problem(416, "empty")))
	d, err = s.Download(ctx, remote.Ref{ID: "7"}, 0, 10)
	if err != nil || d.Size != 0 {
		t.Errorf("a range of an empty file: %+v, %v", d, err)
	}
}

// partial answers 206 with a given range and body.
func partial(rng, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", rng)
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(206)
		_, _ = io.WriteString(w, body)
	}
}

// TestDownloadBadRanges asks for bytes 3 to 6 of 16.
func TestDownloadBadRanges(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"another start": partial("bytes 2-5/16", "2345"), "no range": partial("", "3456"), "another unit": partial("lines 3-6/16", "3456"),
		"backwards": partial("bytes 6-3/16", "3456"), "beyond": partial("bytes 3-16/16", "3456789abcdefg"),
		"negative": partial("bytes -3-6/16", "3456"), "length": partial("bytes 3-6/16", "34567"), "huge": partial("bytes 3-99999999999999999999/*", "3456"),
		"encoded":  partial("bytes 3-6/16", "3456", "Content-Encoding", "gzip"),
		"accepted": answers(202, "{}"),
	} {
		_, err := serve(t, h).Download(ctx, remote.Ref{ID: "7"}, 3, 4)
		if !remote.IsKind(err, remote.Corrupt) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, tt := range map[string]struct {
		h     http.HandlerFunc
		want  string
		short bool
		size  int64
	}{
		"more than asked for":    {partial("bytes 3-8/16", "345678"), "3456", false, 16},
		"less than asked for":    {partial("bytes 3-4/16", "34"), "34", true, 16},
		"size unknown":           {partial("bytes 3-6/*", "3456"), "3456", false, -1},
		"size unknown, and less": {partial("bytes 3-4/*", "34"), "34", false, -1},
		"the end":                {partial("bytes 3-4/5", "34"), "34", false, 5},
	} {
		d, err := serve(t, tt.h).Download(ctx, remote.Ref{ID: "7"}, 3, 4)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := io.ReadAll(d)
		if string(got) != tt.want || errors.Is(err, io.ErrUnexpectedEOF) != tt.short || d.Size != tt.size {
			t.Errorf("%s: got %q, %v, size %d", name, got, err, d.Size)
		}
		_ = d.Close()
	}
}

// TestDownloadCut ends bodies early.
func TestDownloadCut(t *testing.T) {
	for _, status := range []int{200, 206} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", "bytes 3-15/16")
			w.Header().Set("Content-Length", "13")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "3456")
		})
		d, err := s.Download(ctx, remote.Ref{ID: "7"}, 3, -1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(d)
		if string(got) != "3456" || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d: got %q, %v", status, got, err)
		}
		_ = d.Close()
	}
}

// TestDownloadTrustsStatus: what looks like a page or an error may be the file.
func TestDownloadTrustsStatus(t *testing.T) {
	for _, body := range []string{"<html>", problem(404, "no")} {
		d, err := serve(t, answers(200, body)).Download(ctx, remote.Ref{ID: "7"}, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(d); string(got) != body || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		_ = d.Close()
	}
	_, err := serve(t, answers(404, problem(404, "no"))).Download(ctx, remote.Ref{ID: "7"}, 0, -1)
	wantKind(t, err, remote.NotExist)
}

func TestDownloadArchive(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.Query()["resources[]"]; len(got) != 2 || got[0] != "id:7" || got[1] != "/ä b" {
			t.Errorf("asked for %q", got)
		}
		w.Header().Set("Content-Type", "application/zip")
		_, _ = io.WriteString(w, "PK")
	})
	d, err := s.DownloadArchive(ctx, []remote.Ref{{ID: "7", Path: "/x"}, {Path: "/ä b"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(d); !bytes.Equal(got, []byte("PK")) || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	_ = d.Close()
	_, err = serve(t, answers(200, "{}")).DownloadArchive(ctx, []remote.Ref{{ID: "7"}})
	wantKind(t, err, remote.Corrupt)
}

func TestArchiveFits(t *testing.T) {
	var refs []remote.Ref
	for i := range 1000 {
		refs = append(refs, remote.Ref{ID: fmt.Sprint(1_000_000 + i)})
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if l := len(r.URL.RawQuery); l > ArchiveQuery {
			t.Errorf("a query of %d characters", l)
		}
	})
	n := s.ArchiveFits(refs)
	if n < 150 || n >= 1000 {
		t.Errorf("%d fit", n)
	}
	d, err := s.DownloadArchive(ctx, refs[:n])
	if err != nil {
		t.Fatal(err)
	}
	_ = d.Close()
	_, err = s.DownloadArchive(ctx, refs[:n+1])
	wantKind(t, err, remote.Invalid)
	_, err = s.DownloadArchive(ctx, nil)
	wantKind(t, err, remote.Invalid)
}
