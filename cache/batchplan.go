package cache

import (
	"path"
	"strings"

	"github.com/frugalfs/frugalfs/cache/content"
	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// Bounds of the planning of archives.
const (
	// batchVisits is how many nodes are looked at, batchRequests how many
	// requests one occasion makes at most.
	batchVisits   = 50_000
	batchRequests = 8
	// archiveRefs is how many objects an archive has where the provider states
	// no limit.
	archiveRefs = 100
)

// batchItem is a file that an archive shall bring.
type batchItem struct {
	ino  uint64
	key  content.Key
	want store.State
	path string // at the provider, below the mount's root
}

// batchRef is an object to put into an archive: a file, or a folder with all that
// is in it.
type batchRef struct {
	ref   remote.Ref
	path  string
	dir   bool
	items []*batchItem
}

// batchRequest is one request for an archive.
type batchRequest struct {
	refs  []*batchRef
	items []*batchItem
}

// batchFolder is what is known of a folder: how many bytes all its files have,
// and which are wanted.
type batchFolder struct {
	node    *store.Node
	path    string
	all     int64
	wanted  int64
	items   []*batchItem // directly in it
	folders []*batchFolder
	// whole is false if something in it is not known, or not as the provider
	// has it: then an archive of it holds what nobody asked for.
	whole bool
}

// gatherer finds the files that are worth an archive.
type gatherer struct {
	t txn
	// wants tells whether a file is to be fetched.
	wants func(*store.Node) bool
	deep  bool
	// bytes and visits are what may still be taken, and looked at.
	bytes  int64
	visits int
}

// folder gathers the files of a folder, and of those below it.
func (g *gatherer) folder(n *store.Node, at string) (*batchFolder, error) {
	f := &batchFolder{node: n, path: at, whole: true}
	l, err := g.t.listing(n.Ino)
	if err != nil || !l.Complete || l.Entries > g.visits {
		f.whole = false
		return f, err
	}
	nodes, err := g.t.RemoteChildren(n.Ino)
	if err != nil {
		return f, err
	}
	g.visits -= len(nodes)
	for _, c := range nodes {
		if c = g.t.loaded(c); c.Kind != Dir {
			g.file(f, c)
		}
	}
	for _, c := range nodes {
		if c.Kind != Dir {
			continue
		}
		if err := g.below(f, g.t.loaded(c)); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (g *gatherer) file(f *batchFolder, n *store.Node) {
	f.all += n.Remote.Size
	if n.Kind != File || n.Dirty != nil || n.Remote.Size > batchFile || n.Remote.Size > g.bytes || !g.wants(n) {
		return
	}
	g.bytes -= n.Remote.Size
	f.wanted += n.Remote.Size
	f.items = append(f.items, &batchItem{n.Ino, keyOf(n), n.Remote, path.Join(f.path, n.Remote.Name)})
}

func (g *gatherer) below(f *batchFolder, n *store.Node) error {
	if !g.deep || n.Dirty != nil || strings.HasPrefix(n.Remote.Name, outbox.TempPrefix) {
		f.whole = false
		return nil
	}
	c, err := g.folder(n, path.Join(f.path, n.Remote.Name))
	if err != nil {
		return err
	}
	f.folders = append(f.folders, c)
	f.all += c.all
	f.wanted += c.wanted
	f.whole = f.whole && c.whole
	return nil
}

// allItems returns the wanted files of a folder and of those below it.
func (f *batchFolder) allItems() []*batchItem {
	items := f.items
	for _, c := range f.folders {
		items = append(items[:len(items):len(items)], c.allItems()...)
	}
	return items
}

// refs returns what to ask for: a folder as a whole if at least half of what is
// in it is wanted, and its parts otherwise.
func (f *batchFolder) refs(ref func(*store.Node) remote.Ref, file func(*batchItem) remote.Ref) []*batchRef {
	items := f.allItems()
	if f.whole && len(items) > 1 && f.all <= 2*f.wanted {
		return []*batchRef{{ref: ref(f.node), path: f.path, dir: true, items: items}}
	}
	var all []*batchRef
	for _, it := range f.items {
		all = append(all, &batchRef{ref: file(it), path: it.path, items: []*batchItem{it}})
	}
	for _, c := range f.folders {
		all = append(all, c.refs(ref, file)...)
	}
	return all
}

// pack distributes refs over requests. Two whose entries might have the same
// names do not go together.
func pack(refs []*batchRef, fits func([]remote.Ref) int) []*batchRequest {
	var all []*batchRequest
	for len(refs) > 0 && len(all) < batchRequests {
		r, rest := packOne(refs, fits)
		if len(r.items) > 1 {
			all = append(all, r)
		}
		refs = rest
	}
	return all
}

func packOne(refs []*batchRef, fits func([]remote.Ref) int) (r *batchRequest, rest []*batchRef) {
	r = &batchRequest{}
	names := map[string]bool{}
	var plain []remote.Ref
	full := false
	for _, b := range refs {
		base := strings.ToLower(path.Base(b.path))
		if full || names[base] {
			rest = append(rest, b)
			continue
		}
		if plain = append(plain, b.ref); fits(plain) < len(plain) {
			full = true
			rest = append(rest, b)
			continue
		}
		names[base] = true
		r.refs = append(r.refs, b)
		r.items = append(r.items, b.items...)
	}
	if len(r.refs) == 0 { // not even one fits: there is no way
		return r, nil
	}
	return r, rest
}

// names returns which file each entry of the archive is, whichever way the
// provider names them: by paths below the deepest folder that all objects are in,
// or below each object, with its name or, for a single folder, without. A name
// that could be two files is none.
func (r *batchRequest) names() map[string]*batchItem {
	by := map[string]*batchItem{}
	shared := r.shared()
	for _, b := range r.refs {
		for _, it := range b.items {
			inside := strings.TrimPrefix(strings.TrimPrefix(it.path, b.path), "/")
			candidates := []string{relative(it.path, shared), path.Join(path.Base(b.path), inside)}
			for _, name := range candidates {
				if other, taken := by[name]; taken && other != it {
					by[name] = nil
					continue
				}
				by[name] = it
			}
		}
	}
	return by
}

// shared is the deepest folder that all objects are in; one folder alone is its
// own.
func (r *batchRequest) shared() string {
	if len(r.refs) == 1 && r.refs[0].dir {
		return r.refs[0].path
	}
	shared := path.Dir(r.refs[0].path)
	for _, b := range r.refs[1:] {
		for shared != "/" && !strings.HasPrefix(b.path, shared+"/") {
			shared = path.Dir(shared)
		}
	}
	return shared
}

func relative(p, folder string) string {
	return strings.TrimPrefix(strings.TrimPrefix(p, folder), "/")
}
