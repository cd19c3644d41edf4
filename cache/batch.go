package cache

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// Times of archive batches.
const (
	// archivePatience is how long a reader waits for the entry of its file
	// before it fetches the file by itself.
	archivePatience = 40 * time.Second
	// noArchivesFor is how long archives are not asked for after the provider
	// refused one, and noArchivesAfterFault after one that broke.
	noArchivesFor        = 10 * time.Minute
	noArchivesAfterFault = 30 * time.Second
	// archiveDeadline bounds all requests of one occasion.
	archiveDeadline = time.Hour
)

// batches is what is being fetched of small files.
type batches struct {
	// planning lets one occasion at a time be planned. It is taken before mu
	// and the database's lock.
	planning sync.Mutex

	// mu guards the fields below.
	mu      sync.Mutex
	readers map[string]*reader
	// expected are the files that an archive under way will bring, plain those
	// that are fetched by themselves.
	expected map[uint64]*delivery
	plain    map[uint64]*plainFetch
	// noneUntil is until when files are fetched by themselves only.
	noneUntil int64
}

// delivery is a file that an archive will bring.
type delivery struct {
	// done is closed when it came, or will not. data is set before, and nil in
	// that case.
	done chan struct{}
	data []byte
	once sync.Once
}

// plainFetch is a file that is fetched by itself: by how many requests, and when
// the last of them ended.
type plainFetch struct {
	running int
	ended   int64
}

func (b *batches) init() {
	b.readers, b.expected, b.plain = map[string]*reader{}, map[uint64]*delivery{}, map[uint64]*plainFetch{}
}

// expect returns the delivery of a file that an archive will bring, nil if none
// will.
func (b *batches) expect(ino uint64) *delivery {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.expected[ino]
}

// settle ends the wait for a file, with its content or nil.
func (b *batches) settle(ino uint64, d *delivery, data []byte) {
	d.once.Do(func() {
		d.data = data
		close(d.done)
	})
	if data == nil {
		b.drop(ino, d)
	}
}

// drop forgets a delivery.
func (b *batches) drop(ino uint64, d *delivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.expected[ino] == d {
		delete(b.expected, ino)
	}
}

// rest keeps archives from being asked for.
func (b *batches) rest(until int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.noneUntil = max(b.noneUntil, until)
}

// next asks the policy what is to be fetched with a file.
func (b *batches) next(program string, above []uint64, now int64) (occasion, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.readers[program]
	if r == nil {
		for name, old := range b.readers {
			if now-old.last > int64(readPause) {
				delete(b.readers, name)
			}
		}
		r = &reader{}
		b.readers[program] = r
	}
	o, ok := r.next(above, now)
	return o, ok && now >= b.noneUntil
}

// begin notes that a file is fetched by itself; the function that it returns ends
// that.
func (b *batches) begin(ino uint64, now func() int64) (end func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.plain[ino]
	if p == nil {
		p = &plainFetch{}
		b.plain[ino] = p
	}
	p.running++
	return sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		p.running--
		p.ended = now()
	})
}

// isPlain tells whether a file is being fetched by itself. Its bytes count as on
// their way for a moment after the last came: they are being checked and stored.
func (b *batches) isPlain(ino uint64, now int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.plain[ino]
	if p == nil {
		return false
	}
	if p.running == 0 && now-p.ended > int64(readPause) {
		delete(b.plain, ino)
		return false
	}
	return true
}

// watched is a body whose end is noted.
type watched struct {
	io.ReadCloser
	end func()
}

// Close implements io.Closer.
func (w *watched) Close() error {
	defer w.end()
	return w.ReadCloser.Close()
}

// fetchSmall fetches a small file: out of an archive that is on its way, or that
// it is the occasion for, or by download.
func (ns *Namespace) fetchSmall(ctx context.Context, ino uint64, want store.State, download func() (*remote.Download, error)) (*remote.Download, error) {
	d, end := ns.expectOrBegin(ctx, ino, want)
	if d == nil {
		return ns.fetchPlain(end, want, download)
	}
	patience := time.NewTimer(archivePatience)
	defer patience.Stop()
	select {
	case <-d.done:
	case <-patience.C:
	case <-ctx.Done():
		return nil, remote.E(remote.Canceled, "read", "", ctx.Err())
	}
	select {
	case <-d.done:
		if d.data != nil {
			return inMemory(d.data), nil
		}
	default:
	}
	return ns.fetchPlain(ns.batches.begin(ino, ns.now), want, download)
}

func inMemory(data []byte) *remote.Download {
	return &remote.Download{ReadCloser: io.NopCloser(bytes.NewReader(data)), Size: int64(len(data))}
}

// fetchPlain downloads one file.
func (ns *Namespace) fetchPlain(end func(), want store.State, download func() (*remote.Download, error)) (*remote.Download, error) {
	d, err := ns.verified(want, download)
	if err != nil {
		end()
		return nil, err
	}
	d.ReadCloser = &watched{d.ReadCloser, end}
	return d, nil
}

// expectOrBegin returns the delivery to wait for, or begins the plain fetch of a
// file; which of them, is decided for one file at a time.
func (ns *Namespace) expectOrBegin(ctx context.Context, ino uint64, want store.State) (*delivery, func()) {
	if d := ns.batches.expect(ino); d != nil {
		return d, nil
	}
	program := ns.cause(ctx, ino).Program
	ns.batches.planning.Lock()
	defer ns.batches.planning.Unlock()
	d := ns.batches.expect(ino)
	if d == nil && ledger.ClassOf(ctx) == ledger.Interactive {
		d = ns.startBatch(ctx, program, ino, want)
	}
	if d != nil {
		return d, nil
	}
	return nil, ns.batches.begin(ino, ns.now)
}

// startBatch begins to fetch what a program will probably read next, if there is
// an occasion, and returns the delivery of the file that it reads now; nil if
// that is to be fetched by itself. The caller has the planning lock.
func (ns *Namespace) startBatch(ctx context.Context, program string, ino uint64, want store.State) *delivery {
	if _, ok := ns.remote.(remote.ArchiveDownloader); !ok || ns.ctx.Err() != nil {
		return nil
	}
	above := ns.ancestors(ino)
	if len(above) < 2 {
		return nil
	}
	o, ok := ns.batches.next(program, above[1:], ns.now())
	if !ok {
		return nil
	}
	requests, err := ns.planBatch(o, ino)
	if err != nil || len(requests) == 0 {
		return nil
	}
	run := ns.newRun(requests)
	cause := ns.cause(ctx, ino)
	first := ledger.Prefetch
	if len(requests[0].items) > 0 && run.deliveries[ino] != nil {
		first = ledger.Interactive
	}
	ns.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(ledger.WithCause(ns.ctx, cause), archiveDeadline)
		defer cancel()
		run.all(ctx, first)
	})
	return run.deliveries[ino]
}

// planBatch chooses what to fetch on an occasion, the file that is wanted at once
// in the first request.
func (ns *Namespace) planBatch(o occasion, ino uint64) ([]*batchRequest, error) {
	wants := func(n *store.Node) bool {
		return n.Ino == ino || n.Remote.Size > 0 && !ns.content.Complete(keyOf(n)) &&
			ns.batches.expect(n.Ino) == nil && !ns.batches.isPlain(n.Ino, ns.now())
	}
	return ns.planArchives(o, ino, ns.batchLimit(), wants)
}

// batchLimit is how many bytes one occasion may bring: not so much that the cache
// loses what it holds.
func (ns *Namespace) batchLimit() int64 {
	if size := ns.opt.CacheSize; size > 0 {
		return min(batchBytes, size/4)
	}
	return batchBytes
}

// planArchives distributes the wanted small files of a folder over requests. The
// one with the file first comes first, if that is not 0.
func (ns *Namespace) planArchives(o occasion, first uint64, limit int64, wants func(*store.Node) bool) (requests []*batchRequest, err error) {
	var refs []*batchRef
	err = ns.view(func(t txn) error {
		n, err := t.get(o.folder)
		if err != nil || n == nil || (!n.Remote.Exists && o.folder != RootIno) {
			return err
		}
		g := &gatherer{t: t, wants: wants, deep: o.deep, bytes: limit, visits: batchVisits}
		f, err := g.folder(n, t.remotePath(n.Ino))
		if err != nil {
			return err
		}
		refs = f.refs(t.ref, func(it *batchItem) remote.Ref {
			return remote.Ref{ID: it.want.ID, Path: ns.rootedPath(it.path)}
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return pack(toFront(refs, first), ns.archiveFits), nil
}

// toFront puts the object that holds a file before the others.
func toFront(refs []*batchRef, ino uint64) []*batchRef {
	for i, b := range refs {
		for _, it := range b.items {
			if it.ino == ino {
				rest := append(append([]*batchRef{}, refs[:i]...), refs[i+1:]...)
				return append([]*batchRef{b}, rest...)
			}
		}
	}
	return refs
}

func (ns *Namespace) archiveFits(refs []remote.Ref) int {
	if s, ok := ns.remote.(remote.ArchiveSizer); ok {
		return s.ArchiveFits(refs)
	}
	return min(len(refs), archiveRefs)
}
