package cache

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// proof is the evidence that what came out of an archive is what went in.
// Nobody else writes to the folder in which it is, so the listing may end as
// soon as every file was seen: the files' paths and their parents' ids prove
// the folders, and the provider's total that nothing else is there.
type proof struct {
	batch *batch
	where remote.Ref
	// byPath are the objects seen, by their paths in the archive.
	byPath map[string]remote.Object
	// total is how many entries the provider counts.
	total int
}

// list asks for the folder's tree, in as few pages as can prove it whole.
func (p *proof) list(ctx context.Context, r remote.Remote) error {
	var listed []remote.Object
	page := func(objects []remote.Object) error {
		listed = append(listed, objects...)
		return nil
	}
	enough := func(total int) bool {
		p.take(listed)
		p.total = total
		return p.seen()
	}
	l, err := remote.Listing{}, error(nil)
	switch lister := r.(type) {
	case remote.OwnTreeLister:
		l, err = lister.ListOwnTree(ctx, p.where, page, enough)
	case remote.TreeLister:
		l, err = lister.ListTree(ctx, p.where, page)
	default:
		return remote.E(remote.Unsupported, "list tree", p.where.Path, nil)
	}
	if err != nil || (!l.Complete && p.seen()) {
		return err
	}
	if !l.Complete {
		return remote.E(remote.Temporary, "list tree", p.where.Path, fmt.Errorf("incomplete"))
	}
	p.take(lastRun(listed, l.Total))
	p.total = len(p.byPath)
	return nil
}

// take notes what the objects of one run are, and forgets those of another.
func (p *proof) take(objects []remote.Object) {
	clear(p.byPath)
	for _, o := range objects {
		p.byPath[strings.TrimPrefix(strings.TrimPrefix(o.Path, p.where.Path), "/")] = o
	}
	for _, n := range p.batch.nodes {
		if o, ok := p.byPath[p.batch.paths[n.Ino]]; ok && o.ParentID != "" {
			p.infer(path.Dir(p.batch.paths[n.Ino]), o)
		}
	}
}

// infer notes a folder in which something was seen, if it was not seen itself.
func (p *proof) infer(folder string, o remote.Object) {
	if _, known := p.byPath[folder]; known || folder == "." {
		return
	}
	dir := path.Dir(o.Path)
	p.byPath[folder] = remote.Object{ID: o.ParentID, Dir: true, Name: path.Base(dir), Path: dir}
}

// seen tells whether everything was seen, folders at least by what is in them.
// The provider counts then no more than this and the archive itself.
func (p *proof) seen() bool {
	if p.total < len(p.batch.nodes) || p.total > len(p.batch.nodes)+1 {
		return false
	}
	for _, n := range p.batch.nodes {
		if _, ok := p.byPath[p.batch.paths[n.Ino]]; !ok && !p.implied(n) {
			return false
		}
	}
	return true
}

// implied notes a top folder that was seen only by what is further below it:
// the answer to its move into place will tell its id.
func (p *proof) implied(n *store.Node) bool {
	name := p.batch.paths[n.Ino]
	if n.Kind != Dir || strings.Contains(name, "/") || !p.holdsSeen(name) {
		return false
	}
	p.byPath[name] = remote.Object{Dir: true, Name: name, Path: path.Join(p.where.Path, name)}
	return true
}

func (p *proof) holdsSeen(folder string) bool {
	for name := range p.byPath {
		if strings.HasPrefix(name, folder+"/") {
			return true
		}
	}
	return false
}

// compare finds every node's object, and makes sure that it is whole and that
// nothing else is there.
func (p *proof) compare() (map[uint64]remote.Object, error) {
	objects := map[uint64]remote.Object{}
	for _, n := range p.batch.nodes {
		name := p.batch.paths[n.Ino]
		o, ok := p.byPath[name]
		if !ok || o.Dir != (n.Kind == Dir) || (!o.Dir && o.Size != p.batch.sizes[n.Ino]) {
			return nil, remote.E(remote.Corrupt, "compare", path.Join(p.where.Path, name),
				fmt.Errorf("it did not come out of the archive as it went in"))
		}
		objects[n.Ino] = o
	}
	if more := p.total - len(p.batch.nodes) - 1; more > 0 {
		return nil, remote.E(remote.Corrupt, "compare", p.where.Path, fmt.Errorf("%d things too many", more))
	}
	return objects, nil
}
