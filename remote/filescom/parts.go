package filescom

import (
	"context"
	"crypto/md5" //nolint:gosec // the service's own digest
	"encoding/hex"
	"errors"
	hashes "hash"
	"io"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

const (
	// parallel is how many parts are sent at once, where the service allows it.
	parallel = 3
	// partTries is how often a part is sent whose address was refused or whose
	// bytes did not arrive as they were.
	partTries = 3
)

// send sends the parts that are missing.
func (u *upload) send(ctx context.Context, have tickets) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	if u.Serial {
		g.SetLimit(1)
	}
	now := u.c.now()
	for part := 1; part <= u.parts(); part++ {
		_, size := u.span(part)
		if u.sent(part) {
			u.meter.set(part, size)
			continue
		}
		t := have.of(part, now)
		if part > 1 && len(have) == 1 {
			t = nil
		}
		g.Go(func() error { return u.sendPart(ctx, part, t) })
	}
	return g.Wait()
}

// span is where a part lies in the file.
func (u *upload) span(part int) (offset, size int64) {
	offset = int64(part-1) * u.part
	return offset, min(u.part, u.up.Size-offset)
}

// sendPart sends one part, to a new address if the one at hand is too old.
func (u *upload) sendPart(ctx context.Context, part int, t *ticket) error {
	var err error
	for range partTries {
		if t == nil || !u.c.now().Before(t.until) {
			if t, err = u.ticket(ctx, part); err != nil {
				return err
			}
		}
		var done partSum
		if done, err = u.put(ctx, part, t); err == nil {
			return u.record(part, done)
		}
		if !expired(err) && !errors.Is(err, errAltered) {
			return err
		}
		t = nil
	}
	return err
}

// ticket asks for a new address for a part.
func (u *upload) ticket(ctx context.Context, part int) (*ticket, error) {
	got, err := u.begin(ctx, part)
	if err != nil {
		return nil, err
	}
	t := tickets(got).of(part, u.c.now())
	if t == nil || t.Ref.S != u.Ref {
		return nil, &remote.Error{Kind: remote.Corrupt, Op: opBegin, Path: u.full, Detail: "the answer is about another part or upload"}
	}
	return t, nil
}

// errAltered: the storage tells another MD5 than that of the bytes sent.
var errAltered = errors.New("the bytes did not arrive as they were sent")

// put sends the bytes of a part. The ETag of a part is its MD5 (recorded
// answers), where it has the form of one.
func (u *upload) put(ctx context.Context, part int, t *ticket) (partSum, error) {
	offset, size := u.span(part)
	b := &partBody{source: &clientkit.Source{
		From: io.NewSectionReader(u.up.Content, offset, size), Size: size,
		Progress: func(n int64) { u.meter.set(part, n) },
	}}
	if u.up.Size == 0 {
		b.source.From = strings.NewReader("")
	}
	defer b.source.Shut()
	k := call{op: opPut, about: u.full}
	req, err := b.request(ctx, t, size)
	if err != nil {
		return partSum{}, k.corrupt(0, "the answer tells nowhere to send the content", nil)
	}
	resp, err := u.c.http.Do(req)
	if err != nil {
		return partSum{}, u.failed(b.source, k.lost(err))
	}
	defer finish(resp)
	sum := b.hash()
	if err := u.failed(b.source, nil); err != nil {
		return partSum{}, err
	}
	if resp.StatusCode/100 != 2 {
		return partSum{}, k.storage(resp)
	}
	etag := strings.Trim(strings.TrimPrefix(resp.Header.Get("ETag"), "W/"), `"`)
	if etag == "" {
		etag = sum
	}
	if theirs := hashOf(etag); theirs != "" && theirs != sum {
		return partSum{}, remote.E(remote.Corrupt, opPut, u.full, errAltered)
	}
	return partSum{ETag: etag, MD5: sum}, nil
}

// partBody is the body of a request for a part. It is read from its start as
// often as the transport sends it.
type partBody struct {
	source *clientkit.Source

	// mu guards sum, the digest of the newest reader.
	mu  sync.Mutex
	sum hashes.Hash
}

func (b *partBody) open() io.ReadCloser {
	sum := md5.New() //nolint:gosec // see above
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sum = sum
	return io.NopCloser(io.TeeReader(b.source.Reader(), sum))
}

// hash is the digest of what was sent. It is called when nothing reads any more.
func (b *partBody) hash() string {
	b.source.Shut()
	b.mu.Lock()
	defer b.mu.Unlock()
	return hex.EncodeToString(b.sum.Sum(nil))
}

func (b *partBody) request(ctx context.Context, t *ticket, size int64) (*http.Request, error) {
	ctx = ledger.WithRepeatable(ledger.WithTransfer(ledger.WithOp(ctx, opPut)))
	method := http.MethodPut
	if strings.EqualFold(t.Method.S, http.MethodPost) {
		method = http.MethodPost
	}
	body := b.open()
	req, err := http.NewRequestWithContext(ctx, method, t.URI.S, body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = size
	req.GetBody = func() (io.ReadCloser, error) { return b.open(), nil }
	if size == 0 {
		req.Body, req.GetBody = http.NoBody, nil
	}
	req.Header.Set("User-Agent", "frugalfs")
	t.apply(req)
	return req, nil
}

// meter adds up what the parts have handed to the network.
type meter struct {
	progress func(int64)

	// mu guards what follows, and is held while progress is called.
	mu    sync.Mutex
	parts map[int]int64
	total int64
}

// set notes how much of a part went out.
func (m *meter) set(part int, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.parts == nil {
		m.parts = map[int]int64{}
	}
	m.total += n - m.parts[part]
	m.parts[part] = n
	if m.progress != nil {
		m.progress(m.total)
	}
}
