package ledger

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

const (
	// maxBuffer is how much of a JSON answer is read ahead, so that the
	// request can be repeated if the answer breaks off. Longer ones break off
	// at the reader.
	maxBuffer = 8 << 20
	// maxDrain and drainTime bound what is read of an answer that is closed
	// early, to keep its connection.
	maxDrain  = 32 << 10
	drainTime = 500 * time.Millisecond
)

// answer is a response body. Its errors are of type *remote.Error; one that
// ends early wraps io.ErrUnexpectedEOF.
type answer struct {
	a    *attempt
	body io.ReadCloser
	// want is the length that was announced, -1 for none.
	want int64
	n    atomic.Int64

	// mu is held during a Read and guards err, which further Reads return.
	mu  sync.Mutex
	err error
}

// receive takes over the body of the answer.
func (a *attempt) receive(resp *http.Response) *answer {
	a.e.Status = resp.StatusCode
	want := resp.ContentLength
	if a.j.req.Method == http.MethodHead || resp.Uncompressed {
		want = -1
	}
	b := &answer{a: a, body: resp.Body, want: want}
	if resp.Body == http.NoBody {
		b.err = b.over(io.EOF)
	}
	return b
}

// outcome is the attempt's outcome if the answer is complete.
func (a *attempt) outcome() Outcome {
	if a.e.Status >= 400 {
		return Failed
	}
	return OK
}

// Read reads from the connection, which must not stand still meanwhile.
func (b *answer) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.read(p, b.a.l.o.IdleTimeout)
	if ended(err) && b.n.Load() < b.want {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		b.err = b.over(err)
	}
	return n, b.err
}

// read reads once, as long as patience lasts. mu is held.
func (b *answer) read(p []byte, patience time.Duration) (int, error) {
	b.a.dog.wind(patience)
	n, err := b.body.Read(p)
	b.a.dog.wind(0)
	b.n.Add(int64(n))
	return n, err
}

// ended tells whether a body is complete. An error that only wraps io.EOF is
// a connection that broke.
func ended(err error) bool { return err == io.EOF } //nolint:errorlint // see above

// over ends the attempt and returns what readers get from now on.
func (b *answer) over(err error) error {
	if ended(err) {
		b.end(b.a.outcome())
		return io.EOF
	}
	e := b.a.failure(err)
	e.Status = b.a.e.Status
	if e.Kind == remote.Canceled {
		b.end(Canceled)
		return e
	}
	b.end(Broken)
	return e
}

func (b *answer) end(o Outcome) {
	b.a.end(o, b.n.Load())
}

// Close ends the answer. A short rest is read, so that the connection can be
// used again.
func (b *answer) Close() error {
	if b.mu.TryLock() { // otherwise a Read is under way, which Close aborts
		b.drain()
		b.mu.Unlock()
	}
	err := b.body.Close()
	if b.a.j.req.Context().Err() != nil {
		b.end(Canceled)
	}
	b.end(b.a.outcome())
	return err
}

// drain reads what is left of the answer if that is little. mu is held.
func (b *answer) drain() {
	if b.err != nil || b.want-b.n.Load() > maxDrain {
		return
	}
	buf := make([]byte, 4<<10)
	deadline := b.a.l.o.Now().Add(drainTime)
	for left := maxDrain; left > 0; {
		patience := deadline.Sub(b.a.l.o.Now())
		if patience <= 0 {
			return
		}
		n, err := b.read(buf, patience)
		if err != nil {
			return
		}
		left -= n
	}
}

// wantsBuffer tells whether the answer is data for us, not content for a
// reader.
func wantsBuffer(resp *http.Response) bool {
	t, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return err == nil && (t == "application/json" || strings.HasSuffix(t, "+json")) &&
		resp.StatusCode < 300 && resp.ContentLength <= maxBuffer
}

// buffer reads the answer's body. One that is too long after all is handed on
// with what was read in front.
func buffer(resp *http.Response) (*http.Response, *remote.Error) {
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBuffer))
	if err != nil {
		_ = resp.Body.Close()
		return nil, AsError(err)
	}
	resp.Body = &buffered{io.MultiReader(bytes.NewReader(data), resp.Body), resp.Body}
	return resp, nil
}

// buffered is a body that was read already, with what there is behind it.
type buffered struct {
	io.Reader
	io.Closer
}
