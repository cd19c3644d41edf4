package cache

import (
	"context"
	"errors"
	"io"

	"github.com/frugalfs/frugalfs/cache/unzip"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// batchRun fetches archives, one after the other.
type batchRun struct {
	ns         *Namespace
	requests   []*batchRequest
	deliveries map[uint64]*delivery
	// arrived, if not nil, is told of each file that came.
	arrived func(*batchItem)
}

// newRun announces the files of some requests: whoever wants one from now on
// waits for it.
func (ns *Namespace) newRun(requests []*batchRequest) *batchRun {
	run := &batchRun{ns: ns, requests: requests, deliveries: map[uint64]*delivery{}}
	b := &ns.batches
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range requests {
		for _, it := range r.items {
			d := &delivery{done: make(chan struct{})}
			run.deliveries[it.ino], b.expected[it.ino] = d, d
		}
	}
	return run
}

// all makes the requests, the first in a class of its own. What does not come is
// left to those who want it.
func (run *batchRun) all(ctx context.Context, first ledger.Class) {
	defer run.giveUp(run.requests...)
	for i, r := range run.requests {
		class := ledger.Prefetch
		if i == 0 {
			class = first
		}
		err := run.one(ledger.WithClass(ctx, class), r)
		run.giveUp(r)
		if err != nil {
			run.note(err)
			return
		}
	}
}

// giveUp tells who waits for files that did not come.
func (run *batchRun) giveUp(requests ...*batchRequest) {
	for _, r := range requests {
		for _, it := range r.items {
			run.ns.batches.settle(it.ino, run.deliveries[it.ino], nil)
		}
	}
}

// note remembers that archives do not work, for as long as the error suggests.
func (run *batchRun) note(err error) {
	ns := run.ns
	ns.log.Info("fetching files together failed: they are fetched one by one for a while", "err", err)
	pause := noArchivesFor
	switch remote.KindOf(err) {
	case remote.Canceled:
		return
	case remote.Temporary, remote.Offline, remote.Corrupt, remote.Budget, remote.Auth:
		pause = noArchivesAfterFault
	}
	ns.batches.rest(ns.now() + int64(pause))
}

// one makes one request and stores the files as they come.
func (run *batchRun) one(ctx context.Context, r *batchRequest) error {
	source, ok := run.ns.remote.(remote.ArchiveDownloader)
	if !ok {
		return remote.E(remote.Unsupported, "archive", "", nil)
	}
	refs := make([]remote.Ref, len(r.refs))
	for i, b := range r.refs {
		refs[i] = b.ref
	}
	d, err := source.DownloadArchive(ctx, refs)
	run.ns.health.note(err, run.ns.opt.Now())
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }() // what matters was checked as it came
	return run.receive(ctx, d, r)
}

// archiveRest is how much is read behind the last file, to keep the connection, in
// bytes; archiveExcess how much longer an archive may be than was asked for:
// somebody may have put a large file into a folder meanwhile.
const (
	archiveRest   = 256 << 10
	archiveExcess = 16 << 20
)

// bytes is how many bytes the files have.
func (r *batchRequest) bytes() (n int64) {
	for _, it := range r.items {
		n += it.key.Size
	}
	return n
}

// receive takes the files out of an archive.
func (run *batchRun) receive(ctx context.Context, body io.Reader, r *batchRequest) error {
	names := r.names()
	body = io.LimitReader(body, 2*r.bytes()+archiveExcess)
	z := unzip.New(body)
	for left := len(r.items); left > 0; {
		e, err := z.Next()
		if errors.Is(err, io.EOF) {
			return run.missing(r, left)
		}
		if err != nil {
			return err
		}
		it := names[e.Name]
		if it == nil {
			continue
		}
		delete(names, e.Name)
		data, err := z.Content(it.key.Size)
		if err != nil && !errors.Is(err, unzip.ErrEntry) {
			return err
		}
		left--
		if err != nil || !run.ns.isVersion(it, data) {
			run.ns.log.Debug("an entry of an archive is not what was expected", "path", it.path, "err", err)
			run.ns.batches.settle(it.ino, run.deliveries[it.ino], nil)
			continue
		}
		run.deliver(ctx, it, data)
	}
	_, _ = io.CopyN(io.Discard, body, archiveRest)
	return nil
}

// missing judges an archive that has fewer files than it should. A few may have
// been deleted meanwhile; if most are not found, the names are not understood.
func (run *batchRun) missing(r *batchRequest, left int) error {
	if 2*left > len(r.items) {
		return remote.E(remote.Unsupported, "archive", r.refs[0].path, errors.New("most of the files are not in it"))
	}
	return nil
}

// isVersion tells whether an entry can be the version that is wanted, and that
// version is still what is known of the file.
func (ns *Namespace) isVersion(it *batchItem, data []byte) (same bool) {
	_ = ns.view(func(t txn) error {
		n, err := t.get(it.ino)
		same = err == nil && n != nil && n.Remote.SameContent(it.want)
		return err
	})
	return same && ns.hashFits(it.want, data)
}

// deliver hands a file to who waits for it, and stores it.
func (run *batchRun) deliver(ctx context.Context, it *batchItem, data []byte) {
	ns, d := run.ns, run.deliveries[it.ino]
	// In this order: a reader that is faster waits for the delivery, and the
	// store waits for that reader.
	ns.batches.settle(it.ino, d, data)
	err := ns.content.Ensure(ctx, it.key, func(context.Context, int64, int64) (*remote.Download, error) {
		return inMemory(data), nil
	})
	ns.batches.drop(it.ino, d)
	if err != nil {
		ns.log.Debug("keeping a file out of an archive", "path", it.path, "err", err)
		return
	}
	if run.arrived != nil {
		run.arrived(it)
	}
}
