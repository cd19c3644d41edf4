package yetishare

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// entry is an object in a listing.
type entry struct {
	handle
	// raw is the name as the site has it, and object how it is shown here.
	raw    string
	object remote.Object
}

// listing is what a folder holds, as one answer shows it.
type listing struct {
	entries []entry
	// whole is false if there was an entry that says too little about itself.
	whole bool
	sent  time.Time
}

// List lists a folder in one request ("Folder Listing"; there are no pages).
//
// Names that no file here can have ("a/b", "..", empty ones) are shown with
// other characters in the place of those that are in the way, and sent as they
// are. Where several objects of the folder have one name, folders go before
// files, and the lowest number keeps the name: the others have their number
// before the extension, as in "name (12).txt". What is marked as removed is left
// out.
func (c *Client) List(ctx context.Context, dir remote.Ref, page func([]remote.Object) error) (remote.Listing, error) {
	h, err := c.folder(ctx, opList, dir)
	if err != nil {
		return remote.Listing{}, err
	}
	l, err := c.list(ctx, h.id, dir.Path)
	if err != nil {
		return remote.Listing{}, err
	}
	objects := make([]remote.Object, len(l.entries))
	for i, e := range l.entries {
		objects[i] = e.object
	}
	if err := page(objects); err != nil {
		return remote.Listing{}, err
	}
	return remote.Listing{Complete: l.whole, Sent: l.sent, Total: len(objects)}, nil
}

// list asks for the entries of a folder that is shown at a path.
func (c *Client) list(ctx context.Context, id int64, path string) (listing, error) {
	k := call{
		op: opList, about: path, path: "/folder/listing", named: id != 0,
		form: url.Values{"parent_folder_id": {formID(id)}},
	}
	sent := c.now()
	a, err := c.ask(ctx, k)
	if err != nil {
		return listing{}, err
	}
	var data contents
	if !decode(a.Data, &data) || !data.Folders.ok || !data.Files.ok {
		return listing{}, k.corrupt(0, "the answer is no listing", nil)
	}
	l := c.entries(&data)
	l.sent = sent
	l.place(id, path)
	return l, nil
}

// entries translates a listing, in the order in which names are given out.
func (c *Client) entries(data *contents) listing {
	l := listing{whole: true}
	for i := range data.Folders.list {
		if f := &data.Folders.list[i]; f.whole() {
			l.entries = append(l.entries, c.folderEntry(f))
		} else {
			l.whole = false
		}
	}
	for i := range data.Files.list {
		switch f := &data.Files.list[i]; {
		case !f.active():
		case f.whole():
			l.entries = append(l.entries, c.fileEntry(f))
		default:
			l.whole = false
		}
	}
	slices.SortStableFunc(l.entries, func(a, b entry) int {
		if a.dir != b.dir {
			return cmp.Compare(rank(a.dir), rank(b.dir))
		}
		return cmp.Compare(a.id, b.id)
	})
	l.entries = slices.CompactFunc(l.entries, func(a, b entry) bool { return a.dir == b.dir && a.id == b.id })
	return l
}

func rank(dir bool) int {
	if dir {
		return 0
	}
	return 1
}

func (c *Client) folderEntry(f *folder) entry {
	h := handle{dir: true, id: f.ID.N}
	return entry{handle: h, raw: f.Name.s, object: remote.Object{
		ID: h.String(), Dir: true, ModTime: c.zone.first(f.Updated, f.Added),
	}}
}

// fileEntry translates a file. Its time is that of the upload, where a site
// tells it, as the content has not changed since.
func (c *Client) fileEntry(f *file) entry {
	h := f.handle()
	return entry{handle: h, raw: f.Name.s, object: remote.Object{
		ID: h.String(), Size: h.size, Version: itoa(h.id), ModTime: c.zone.first(f.Added, f.Updated),
	}}
}

// place gives the entries their names, and the paths in a folder.
func (l *listing) place(dir int64, path string) {
	taken := make(map[string]bool, len(l.entries))
	var late []int
	for i := range l.entries {
		name := show(l.entries[i].raw)
		if taken[name] || len(name) > clientkit.MaxName {
			late = append(late, i)
			continue
		}
		taken[name] = true
		l.entries[i].object.Name = name
	}
	for _, i := range late {
		name := show(l.entries[i].raw)
		for again := true; again; again = taken[name] {
			name = numbered(name, l.entries[i].id)
		}
		taken[name] = true
		l.entries[i].object.Name = name
	}
	for i := range l.entries {
		o := &l.entries[i].object
		o.Path = clientkit.Join(path, o.Name)
		o.ParentID = handle{dir: true, id: dir}.String()
	}
}

// named returns the entry that is shown under a name.
func (l *listing) named(name string) (entry, bool) {
	for _, e := range l.entries {
		if e.object.Name == name {
			return e, true
		}
	}
	return entry{}, false
}
