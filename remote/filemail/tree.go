package filemail

import (
	"context"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// entry is a file of a transfer.
type entry struct {
	id   string
	rel  string // its path in the tree
	wire string // its path as the provider writes it
	size int64
	url  string
}

// tree is what a transfer's details tell.
type tree struct {
	record
	box, name string
	files     []entry
	byRel     map[string]int      // of files
	dirs      map[string]struct{} // the folders, without the top
	// whole is true if every file is among them.
	whole bool
	// asked is when the details were asked for.
	asked time.Time
}

// details asks for a transfer with its files, and remembers where their contents
// are.
func (c *Client) details(ctx context.Context, op string, p place) (*tree, error) {
	k := c.api.details(p.transfer).named(op, p.path)
	asked := now()
	b, err := c.ask(ctx, k)
	if err != nil {
		return nil, err
	}
	r, err := readRecord(b)
	if err != nil {
		return nil, k.corrupt(http.StatusOK, "the answer does not describe a transfer", err)
	}
	if id := r.id(); id != "" && id != p.transfer {
		return nil, k.corrupt(http.StatusOK, "the answer describes another transfer", nil)
	}
	r.ID = ident(p.transfer)
	if r.Files == nil {
		return nil, k.corrupt(http.StatusOK, "the answer does not tell what files there are", nil)
	}
	t := grow(p.box, r)
	t.asked = asked
	if n := len(r.Files) - len(t.files); n > 0 {
		c.report(p.path, n)
	}
	for _, f := range t.files {
		c.links.Add(fileID(p.box, p.transfer, f.id), link{url: f.url, size: f.size})
	}
	return t, nil
}

// grow makes a tree of a transfer's files.
func grow(box string, r *record) *tree {
	t := &tree{record: *r, box: box, byRel: map[string]int{}, dirs: map[string]struct{}{}, whole: r.More.N == 0}
	for i := range r.Files {
		if !t.add(&r.Files[i]) {
			t.whole = false
		}
	}
	return t
}

// add takes in a file; false if no file here can stand for it.
func (t *tree) add(f *wireFile) bool {
	wire := strings.TrimPrefix(f.Name.S, "/")
	rel := wire
	if !clientkit.ValidPath("/"+rel) || !utf8.ValidString(rel) || !validFile(string(f.ID)) || !f.Size.OK || f.Size.N < 0 {
		return false
	}
	if t.has(rel) {
		dir, name := path.Split(rel)
		rel = dir + withID(name, string(f.ID))
	}
	if t.has(rel) || !t.makeDirs(rel) || !clientkit.ValidPath("/"+rel) {
		return false
	}
	t.byRel[rel] = len(t.files)
	t.files = append(t.files, entry{id: string(f.ID), rel: rel, wire: wire, size: f.Size.N, url: f.URL.S})
	return true
}

// has tells whether there is something at a path.
func (t *tree) has(rel string) bool {
	_, file := t.byRel[rel]
	return file || t.isDir(rel)
}

func (t *tree) isDir(rel string) bool {
	_, dir := t.dirs[rel]
	return dir || rel == ""
}

// makeDirs makes the folders above a path; false if a file is in the way.
func (t *tree) makeDirs(rel string) bool {
	for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
		if _, file := t.byRel[dir]; file {
			return false
		}
	}
	for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
		t.dirs[dir] = struct{}{}
	}
	return true
}

// locate finds what a place in the transfer is about: a file, or a folder if the
// entry is nil. The place's path is then that of what was found.
func (t *tree) locate(op string, p place) (place, *entry, error) {
	if p.file != "" {
		for i := range t.files {
			if t.files[i].id == p.file {
				p.rel = t.files[i].rel
				return p, &t.files[i], nil
			}
		}
	} else if i, ok := t.byRel[p.rel]; ok {
		p.file = t.files[i].id
		return p, &t.files[i], nil
	} else if t.isDir(p.rel) {
		return p, nil, nil
	}
	return p, nil, t.missing(op, p.path)
}

// missing is the error about what the details do not show. Only whole details
// prove that it is not there.
func (t *tree) missing(op, about string) error {
	if !t.whole {
		return &remote.Error{Kind: remote.Other, Op: op, Path: about, Detail: "the provider does not tell all files of the transfer"}
	}
	return remote.E(remote.NotExist, op, about, nil)
}

// object describes a file or folder of the transfer; f is nil for folders.
func (t *tree) object(rel string, f *entry) remote.Object {
	o := remote.Object{
		ParentID: t.parentID(rel), Name: path.Base(rel), Path: "/" + t.box + "/" + t.name + "/" + rel, ModTime: t.sent(),
	}
	if f == nil {
		o.ID, o.Dir = folderID(t.box, t.id(), rel), true
		return o
	}
	// Content never changes under an id, so neither does this.
	o.ID, o.Size, o.Version = fileID(t.box, t.id(), f.id), f.size, strconv.FormatInt(f.size, 10)
	return o
}

func (t *tree) parentID(rel string) string {
	if dir := path.Dir(rel); dir != "." {
		return folderID(t.box, t.id(), dir)
	}
	return transferID(t.box, t.id())
}

// children are the direct entries of a folder, by name.
func (t *tree) children(dir string) []remote.Object {
	inside := func(rel string) bool { return path.Dir(rel) == dir || dir == "" && path.Dir(rel) == "." }
	out := []remote.Object{}
	for rel := range t.dirs {
		if inside(rel) {
			out = append(out, t.object(rel, nil))
		}
	}
	for i := range t.files {
		if inside(t.files[i].rel) {
			out = append(out, t.object(t.files[i].rel, &t.files[i]))
		}
	}
	slices.SortFunc(out, func(a, b remote.Object) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// objects are all folders and files, by path, so that folders come before what is
// in them.
func (t *tree) objects() []remote.Object {
	var all []remote.Object
	for rel := range t.dirs {
		all = append(all, t.object(rel, nil))
	}
	for i := range t.files {
		all = append(all, t.object(t.files[i].rel, &t.files[i]))
	}
	slices.SortFunc(all, func(a, b remote.Object) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// below are the files in a folder at any depth.
func (t *tree) below(dir string) []*entry {
	var out []*entry
	for i := range t.files {
		if strings.HasPrefix(t.files[i].rel, dir+"/") {
			out = append(out, &t.files[i])
		}
	}
	return out
}
