package filemail

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

const (
	// maxRequest is the longest body of one request: more may be refused (API
	// 2.0, "Uploading").
	maxRequest = 50 << 20
	// defaultChunk is the size of the pieces of larger files: 5 to 50 MB (API
	// 2.0, "Uploading").
	defaultChunk = 20 << 20
	// parallel is how many requests there are at once: 2 to 4 (API 2.0,
	// "Uploading").
	parallel = 3
)

// piece is what one request stores: a file, or a part of it.
type piece struct {
	file   remote.DraftFile
	n, of  int64 // which of how many
	length int64 // of all but the last
}

// extent is where in the file the piece is.
func (p piece) extent() (offset, length int64) {
	offset = p.n * p.length
	return offset, min(p.length, p.file.Size-offset)
}

// cutUp returns the pieces of a file. An empty one has one, too.
func (c *Client) cutUp(f remote.DraftFile) []piece {
	if f.Size <= c.whole {
		return []piece{{file: f, of: 1, length: f.Size}}
	}
	of := (f.Size + c.chunkSize - 1) / c.chunkSize
	pieces := make([]piece, of)
	for i := range pieces {
		pieces[i] = piece{file: f, n: int64(i), of: of, length: c.chunkSize}
	}
	return pieces
}

// store stores the files of the draft that are not there yet.
func (s *sending) store(ctx context.Context) error {
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	var sent atomic.Int64
	for _, f := range s.draft.Files {
		if s.stored[f.Path] {
			continue
		}
		for _, p := range s.c.cutUp(f) {
			if each.Err() != nil {
				break
			}
			group.Go(func() error { return s.put(each, p, &sent) })
		}
	}
	err := group.Wait()
	if err == nil {
		err = ctxError(ctx, opUpload, s.about)
	}
	return err
}

// put stores a piece, again if the file server asks for that.
func (s *sending) put(ctx context.Context, p piece, sent *atomic.Int64) error {
	var err error
	for range repeats {
		var again bool
		if again, err = s.post(ctx, p); !again {
			break
		}
	}
	if err == nil && s.draft.Progress != nil {
		_, n := p.extent()
		s.draft.Progress(sent.Add(n))
	}
	return err
}

// post sends the bare bytes of a piece (API 2.0, "Uploading"). All pieces of a
// file have one id, and the same one in a later attempt: what is sent twice is
// then one file.
func (s *sending) post(ctx context.Context, p piece) (again bool, err error) {
	about := s.about + "/" + p.file.Path
	offset, length := p.extent()
	content := io.NewSectionReader(p.file.Content, offset, length)
	src := &clientkit.Source{From: content, Size: length}
	defer src.Shut()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	req, err := s.c.transfer(ledger.WithRepeatable(ctx), opUpload, about, http.MethodPost, s.state.URL)
	if err != nil {
		return false, err
	}
	req.URL.RawQuery = encode(s.query(req.URL.Query(), p))
	req.Header.Set("Content-Type", "application/octet-stream")
	req.ContentLength, req.Body = length, http.NoBody
	if length > 0 {
		req.Body = body{src.Reader(), stop}
		req.GetBody = func() (io.ReadCloser, error) { return body{src.Reader(), stop}, nil }
	}
	resp, err := s.c.http.Do(req)
	if failed := src.Failure(); failed != nil {
		if err == nil {
			finish(resp)
		}
		return false, remote.E(remote.KindOf(failed), opUpload, about, failed)
	}
	if err != nil {
		return false, clientkit.Lost(opUpload, about, false, err)
	}
	defer finish(resp)
	return taken(resp, about)
}

// body is what an upload sends. If it cannot be read, no other try can, either.
type body struct {
	io.Reader
	stop func()
}

// Read implements io.Reader.
func (b body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.stop()
	}
	return n, err
}

// Close implements io.Closer.
func (b body) Close() error { return nil }

// query adds the parameters of an upload to those that the address has.
func (s *sending) query(q url.Values, p piece) url.Values {
	q.Set("transferid", s.state.Transfer)
	q.Set("transferkey", s.state.Key)
	q.Set("thefilename", p.file.Path)
	q.Set("fileid", uploadID(s.state.Transfer, p.file.Path))
	q.Set("totalsize", strconv.FormatInt(p.file.Size, 10))
	q.Set("chunks", strconv.FormatInt(p.of, 10))
	q.Set("chunk", strconv.FormatInt(p.n, 10))
	q.Set("chunksize", strconv.FormatInt(p.length, 10))
	return q
}

// uploadID is the id that ties the requests of one file together: 32 hex digits.
func uploadID(transfer, path string) string {
	h := sha256.Sum256([]byte(transfer + "/" + path))
	return hex.EncodeToString(h[:16])
}

// taken judges a file server's answer to an upload. What its body says is not
// documented: the details of the transfer tell what is there.
func taken(resp *http.Response, about string) (again bool, err error) {
	e := &remote.Error{Op: opUpload, Path: about, Status: resp.StatusCode}
	switch status := resp.StatusCode; {
	case status == http.StatusOK || status == http.StatusCreated:
		return false, nil
	case repeatable(status):
		e.Kind = remote.Temporary
		return true, e
	case status == http.StatusRequestEntityTooLarge:
		e.Kind = remote.TooLarge
	case status == http.StatusInsufficientStorage:
		e.Kind = remote.StorageFull
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		e.Kind = remote.Temporary
	default:
		e.Kind, e.Detail = remote.Other, "the file server does not take the file"
	}
	return false, e
}
