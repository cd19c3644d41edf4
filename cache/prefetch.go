package cache

import (
	"context"
	"errors"
	"path"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// PrefetchProgress is how far a prefetch has come: of so many files with so many
// bytes, these are on this machine.
type PrefetchProgress struct {
	Files     int   `json:"files"`
	Bytes     int64 `json:"bytes"`
	FilesHere int   `json:"files_here"`
	BytesHere int64 `json:"bytes_here"`
}

// Missing is a file whose content a prefetch did not bring, and why.
type Missing struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// prefetchers is how many large files are fetched at once.
const prefetchers = 4

// prefetch is one call of Prefetch.
type prefetch struct {
	ns   *Namespace
	tell func(PrefetchProgress)

	// mu guards the fields below, and orders the calls of tell.
	mu      sync.Mutex
	done    PrefetchProgress
	wanted  []*batchItem
	waiting map[uint64]*batchItem
	missing []Missing
}

// Prefetch fetches the content of everything at a path of the mount and below it
// that is not here yet, as far as the cache's limit lets it stay: small files in
// archives, large ones one by one. It returns what is missing in the end. An error
// is about all of it: no such path, a folder that cannot be listed, or ctx ended.
// Its requests are of the class Prefetch. tell is called now and then.
func (ns *Namespace) Prefetch(ctx context.Context, at string, tell func(PrefetchProgress)) ([]Missing, error) {
	ctx = ledger.WithClass(ctx, ledger.Prefetch)
	ctx = ledger.WithCause(ctx, ledger.Cause{Program: "frugalfs prefetch", Path: path.Clean("/" + at)})
	top, err := ns.resolve(ctx, at)
	if err != nil {
		return nil, err
	}
	if err := ns.listBelow(ctx, top); err != nil {
		return nil, err
	}
	p := &prefetch{ns: ns, tell: tell, waiting: map[uint64]*batchItem{}}
	if err := p.choose(top); err != nil {
		return nil, err
	}
	tell(p.done)
	p.together(ctx, top)
	p.oneByOne(ctx)
	if ctx.Err() != nil {
		return nil, remote.E(remote.Canceled, "prefetch", at, ctx.Err())
	}
	return p.missing, nil
}

// resolve finds the node at a path of the mount.
func (ns *Namespace) resolve(ctx context.Context, at string) (uint64, error) {
	ino := uint64(RootIno)
	for name := range strings.SplitSeq(strings.Trim(path.Clean("/"+at), "/"), "/") {
		if name == "" {
			continue
		}
		a, err := ns.Lookup(ctx, ino, name)
		if err != nil {
			return 0, err
		}
		ino = a.Ino
	}
	return ino, nil
}

// listBelow makes the folders of a tree known, together if there are several.
func (ns *Namespace) listBelow(ctx context.Context, top uint64) error {
	n, err := ns.node(top)
	if err != nil || n.Kind != Dir {
		return err
	}
	tried := false
	for queue := []uint64{top}; len(queue) > 0; queue = queue[1:] {
		if err := ns.ensureListed(ctx, queue[0]); err != nil {
			return err
		}
		if unknown, _ := ns.survey(top); !tried && unknown >= fewestFolders {
			tried = true
			if err := ns.listTogether(ctx, walkPlan{top, unknown}); err != nil {
				return err
			}
		}
		err := ns.view(func(t txn) error {
			folders, err := t.Folders(queue[0])
			for _, f := range folders {
				queue = append(queue, f.Ino)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// listTogether lists a tree where the provider can. What fails is left to the
// listing of each folder.
func (ns *Namespace) listTogether(ctx context.Context, plan walkPlan) error {
	if _, ok := ns.remote.(remote.TreeLister); !ok || ns.now() < ns.noTreesUntil.Load() {
		return nil
	}
	if err := ns.walkTree(ctx, plan, ns.ancestors(plan.top)); ctx.Err() != nil {
		return err
	}
	return nil
}

// choose finds the files to fetch, as many as fit the cache.
func (p *prefetch) choose(top uint64) error {
	left := p.ns.opt.CacheSize
	return p.ns.view(func(t txn) error {
		n, err := t.get(top)
		if err != nil || n == nil {
			return staleOr(err, top)
		}
		return p.collect(t, n, t.path(top), &left)
	})
}

func (p *prefetch) collect(t txn, n *store.Node, at string, left *int64) error {
	if n.Kind == File {
		p.file(n, at, left)
		return nil
	}
	for after := uint64(0); n.Kind == Dir; {
		nodes, err := t.children(n.Ino, after, 500)
		if err != nil || len(nodes) == 0 {
			return err
		}
		for _, c := range nodes {
			after = c.Ino
			if err := p.collect(t, c, path.Join(at, c.Name), left); err != nil {
				return err
			}
		}
	}
	return nil
}

// file takes a file in whose content the provider has and the mount shows.
func (p *prefetch) file(n *store.Node, at string, left *int64) {
	if !n.Remote.Exists || n.Gen != 0 {
		return
	}
	it := &batchItem{n.Ino, keyOf(n), n.Remote, at}
	p.done.Files++
	p.done.Bytes += it.key.Size
	limited := p.ns.opt.CacheSize > 0
	*left -= blocksOf(it.key.Size)
	switch {
	case limited && *left < 0:
		*left += blocksOf(it.key.Size)
		p.missing = append(p.missing, Missing{at, "it does not fit the cache"})
	case p.ns.content.Complete(it.key):
		p.done.FilesHere++
		p.done.BytesHere += it.key.Size
	default:
		p.waiting[n.Ino] = it
		p.wanted = append(p.wanted, it)
	}
}

// blocksOf is the disk space of a file, in bytes.
func blocksOf(size int64) int64 { return (size + 4095) &^ 4095 }

// arrived notes that a file came.
func (p *prefetch) arrived(it *batchItem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting[it.ino] == nil {
		return
	}
	delete(p.waiting, it.ino)
	p.done.FilesHere++
	p.done.BytesHere += it.key.Size
	p.tell(p.done)
}

func (p *prefetch) waits(ino uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting[ino] != nil
}

// together fetches small files in archives, as long as that works.
func (p *prefetch) together(ctx context.Context, top uint64) {
	if _, ok := p.ns.remote.(remote.ArchiveDownloader); !ok {
		return
	}
	tried := map[uint64]bool{}
	for ctx.Err() == nil && p.ns.batches.allowed(p.ns.now()) {
		run, err := p.plan(top, tried)
		if err != nil || run == nil {
			return
		}
		run.arrived = p.arrived
		run.all(ctx, ledger.Prefetch)
	}
}

// plan plans the next archives, nil if there are no more. Each file is tried once.
func (p *prefetch) plan(top uint64, tried map[uint64]bool) (*batchRun, error) {
	ns := p.ns
	ns.batches.planning.Lock()
	defer ns.batches.planning.Unlock()
	wants := func(n *store.Node) bool {
		return !tried[n.Ino] && n.Remote.Size > 0 && p.waits(n.Ino) && !ns.content.Complete(keyOf(n)) &&
			ns.batches.expect(n.Ino) == nil && !ns.batches.isPlain(n.Ino, ns.now())
	}
	requests, err := ns.planArchives(occasion{top, true}, 0, ns.batchLimit(), wants)
	if err != nil || len(requests) == 0 {
		return nil, err
	}
	for _, r := range requests {
		for _, it := range r.items {
			tried[it.ino] = true
		}
	}
	return ns.newRun(requests), nil
}

// allowed tells whether archives may be asked for.
func (b *batches) allowed(now int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return now >= b.noneUntil
}

// oneByOne fetches what is left. A failure that the next request would meet, too,
// ends it.
func (p *prefetch) oneByOne(ctx context.Context) {
	group, work := errgroup.WithContext(ctx)
	group.SetLimit(prefetchers)
	for _, it := range p.wanted {
		if !p.waits(it.ino) {
			continue
		}
		group.Go(func() error { return p.fetch(work, it) })
	}
	err := group.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, it := range p.wanted {
		if p.waiting[it.ino] != nil && err != nil {
			p.missing = append(p.missing, Missing{it.path, err.Error()})
		}
	}
}

// fetch fetches one file. The error that it returns is one for all files.
func (p *prefetch) fetch(ctx context.Context, it *batchItem) error {
	if ctx.Err() != nil {
		return nil // another one failed for all
	}
	err := p.ns.content.Ensure(ctx, it.key, p.ns.fetcher(ctx, it.ino, it.want))
	if err == nil {
		p.arrived(it)
		return nil
	}
	switch remote.KindOf(err) {
	case remote.Budget, remote.Offline, remote.Auth, remote.NoSpace:
		return err
	}
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, it.ino)
	p.missing = append(p.missing, Missing{it.path, err.Error()})
	return nil
}
