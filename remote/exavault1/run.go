package exavault1

import (
	"context"
	"path"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// run is one run over all pages of a listing. One goroutine uses it.
type run struct {
	w        *walk
	detailed bool
	total    int64               // what the first page said, -1 if nothing
	seen     map[string]struct{} // paths
	files    int64               // how many of seen are no folders
	last     string              // the last entry's path so far
	changed  bool                // whether the listing changed between pages

	refused    int // entries that no file here can stand for
	unreadable int // entries that may hide a name
	bare       int // those of them that lack what a detailed listing may have

	// isFile is true if there was an entry for what is listed, and it was no
	// folder's. A file that is listed may be answered so.
	isFile bool

	// What is known of the tree, to find out whether the search really looked
	// below the first level, and finds folders.
	parents map[string]struct{} // the folders in which there was an entry
	dirs    map[string]clientkit.Number
}

// pages reads page after page until all entries were seen or no progress is
// made. Each page but the first begins with the last entry of the one before:
// so nothing can have moved between them unseen.
//
// No document says whether totalFiles counts folders. If it does not, it may be
// reached before the end, so only a page that is not full is believed to be the
// last one because of it; otherwise the next page has to show that nothing
// follows.
func (r *run) pages(ctx context.Context) (remote.Listing, error) {
	l := remote.Listing{Sent: now()}
	for offset, last := 0, 0; ; {
		before := len(r.seen)
		p, err := r.w.page(ctx, offset, r.detailed)
		if err != nil {
			return l, err
		}
		objects := r.take(p, last == 0)
		if r.bare > 0 && !r.detailed {
			return l, nil
		}
		if err := r.hand(objects); err != nil {
			return l, err
		}
		progress := len(r.seen) > before
		if progress && last > 0 && !r.changed {
			r.w.c.notLast(last)
		}
		last = len(p.Resources)
		if r.over(progress, last) {
			return r.end(l)
		}
		offset += last - 1
	}
}

func (r *run) hand(objects []remote.Object) error {
	if len(objects) == 0 {
		return nil
	}
	return r.w.hand(objects)
}

// over tells whether there is no use in a further page: this one, of the given
// size, brought nothing new, or the last of all entries.
func (r *run) over(progress bool, size int) bool {
	if r.changed || !progress {
		return true
	}
	return int64(len(r.seen)) == r.total && int64(size) < r.w.c.fullPage.Load()
}

// notLast notes the size of a page that more entries came after: the server
// gives no larger ones, whatever is asked for.
func (c *Client) notLast(size int) {
	for full := c.fullPage.Load(); int64(size) < full; full = c.fullPage.Load() {
		if c.fullPage.CompareAndSwap(full, int64(size)) {
			return
		}
	}
}

// take takes in a page and returns the objects to hand on. The entry that two
// pages share was handed over with the first of them.
func (r *run) take(p *listing, first bool) []remote.Object {
	total := p.Total.N
	if !p.Total.OK || total < 0 {
		total = -1
	}
	r.changed = r.changed || !first && total != r.total
	r.total = total
	var objects []remote.Object
	for i := range p.Resources {
		o, f := p.Resources[i].object(r.w.dir)
		key := o.Path
		if key == "" {
			key = p.Resources[i].Name.S
		}
		if i == 0 && !first {
			r.changed = r.changed || key != r.last
			continue
		}
		r.note(key, o.Dir)
		if f = r.judge(o, f); f == noFault && !r.changed {
			r.survey(o, p.Resources[i].FileCount)
			objects = append(objects, o)
		}
	}
	return objects
}

// note records an entry; a second one with its path means that the listing
// shifted.
func (r *run) note(key string, dir bool) {
	_, twice := r.seen[key]
	r.changed = r.changed || twice
	r.seen[key] = struct{}{}
	r.last = key
	if !dir && !twice {
		r.files++
	}
}

// judge counts what cannot be handed on.
func (r *run) judge(o remote.Object, f fault) fault {
	switch {
	case f == badName:
		r.refused++
	case f == bare:
		r.bare++
		r.unreadable++
	case f == unreadable:
		r.unreadable++
	case o.Path == r.w.dir:
		r.isFile = !o.Dir
		return unreadable
	case !r.w.inside(o):
		r.unreadable++
		return unreadable
	}
	return f
}

// survey remembers what end needs to know about a tree.
func (r *run) survey(o remote.Object, count clientkit.Number) {
	if !r.w.tree {
		return
	}
	r.parents[path.Dir(o.Path)] = struct{}{}
	if o.Dir {
		r.dirs[o.Path] = count
	}
}

// end judges a run that is over.
func (r *run) end(l remote.Listing) (remote.Listing, error) {
	all := int64(len(r.seen))
	l.Total = int(max(r.total, 0))
	if r.changed || all != r.total && r.files != r.total {
		return l, nil
	}
	l.Total = int(all)
	if r.isFile && len(r.seen) == 1 {
		return l, remote.E(remote.NotDir, r.w.op, r.w.dir, nil)
	}
	l.Complete = r.unreadable == 0
	if !r.w.tree {
		return l, nil
	}
	switch proven, lacking := r.searched(); {
	case lacking != "":
		return l, r.w.misbehaves(lacking)
	case !proven:
		l.Complete = false
	}
	return l, nil
}

// searched tells whether the search has proved to look into folders and to find
// folders, or what it lacks.
func (r *run) searched() (proven bool, lacking string) {
	for p := range r.parents {
		if _, found := r.dirs[p]; !found && p != r.w.dir {
			return false, "the search does not find folders"
		}
	}
	deeper := len(r.parents) > 1 || len(r.parents) == 1 && !has(r.parents, r.w.dir)
	proven = deeper
	for p, count := range r.dirs {
		// fileCount counts files: 0 does not show that a folder is empty.
		if count.N > 0 && !has(r.parents, p) {
			proven = false
			if !deeper {
				return false, "the search does not look into folders"
			}
		}
	}
	return proven, ""
}

func has(m map[string]struct{}, key string) bool {
	_, ok := m[key]
	return ok
}
