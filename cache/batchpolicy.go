package cache

import (
	"slices"
	"time"
)

// A program that reads small files one after the other (grep, thumbnails, a
// build) gets those it will probably read next by one request for an archive.
const (
	// batchFile is the largest file, in bytes, that comes in an archive, and
	// batchBytes how much one occasion may bring.
	batchFile  = 1 << 20
	batchBytes = 64 << 20
	// batchAfter is at which file of a folder the rest of the folder comes.
	batchAfter = 2
	// readPause is how soon after a file the next must be read to count.
	readPause = 10 * time.Second
	// readFolders bounds how many folders are remembered for a program.
	readFolders = 16
)

// reader is a program and the small files that it read lately and that had to be
// fetched.
type reader struct {
	last int64
	// files counts them by folder.
	files map[uint64]int
	// scope is the folder whose files were fetched together last, 0 if there
	// is none, and parent the one above it; deep tells whether those below it
	// were, too.
	scope, parent uint64
	deep          bool
}

// occasion is what to fetch together: the small files of a folder, or all below
// it.
type occasion struct {
	folder uint64
	deep   bool
}

// next decides what is fetched with a file that a program reads now. above are
// the file's folder and the folders above it. A folder whose second file is read
// comes whole; when reading goes on next to what came last, all below the folder
// that holds both.
func (r *reader) next(above []uint64, now int64) (o occasion, ok bool) {
	if now-r.last > int64(readPause) {
		*r = reader{}
	}
	r.last = now
	if r.files == nil || len(r.files) > readFolders {
		r.files = map[uint64]int{}
	}
	r.files[above[0]]++
	o, ok = r.goOn(above)
	if !ok && r.files[above[0]] >= batchAfter {
		o, ok = occasion{folder: above[0]}, true
	}
	r.scope, r.parent, r.deep = o.folder, 0, o.deep
	if i := slices.Index(above, o.folder); ok && i+1 < len(above) {
		r.parent = above[i+1]
	}
	return o, ok
}

// goOn decides for a file that is read after something was fetched together.
func (r *reader) goOn(above []uint64) (o occasion, ok bool) {
	switch {
	case r.scope == 0:
		return occasion{}, false
	case above[0] == r.scope, r.deep && slices.Contains(above, r.scope):
		return occasion{r.scope, r.deep}, true // what did not come with it
	case r.parent != 0 && slices.Contains(above, r.parent):
		return occasion{r.parent, true}, true
	}
	return occasion{}, false
}
