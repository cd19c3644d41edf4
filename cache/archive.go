package cache

import (
	"archive/zip"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// Limits of an archive batch, in bytes of content: larger files go by
// themselves, as an archive has to be sent again from its start when the
// connection breaks.
const (
	archiveLimit     = 128 << 20
	archiveFileLimit = 8 << 20
)

// archiveName is the archive's name in its folder.
const archiveName = "a.zip"

// batch is what an Archive step sends: nodes that are new here, by their paths
// in the archive.
type batch struct {
	// tops are the nodes that go directly into the target folder.
	tops []*store.Node
	// nodes are all, folders before what is in them.
	nodes []*store.Node
	paths map[uint64]string
	sizes map[uint64]int64
}

// fitsArchive tells whether a name survives an archive whatever system unpacks
// it.
func fitsArchive(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsAny(name, "\\:\x7f") && strings.TrimRight(name, ". ") == name
}

// fillBatch works out what an Archive step sends, and where it is unpacked: a
// folder of its own in the mount's root.
func (j *job) fillBatch(t txn) error {
	b := &batch{paths: map[uint64]string{}, sizes: map[uint64]int64{}}
	for _, ino := range j.step.Inos {
		n, err := t.get(ino)
		if err != nil || n == nil {
			return staleOr(err, ino)
		}
		b.nodes = append(b.nodes, n)
		j.places = append(j.places, n.Place)
		if n.Parent == j.step.Parent {
			b.tops = append(b.tops, n)
		}
		b.paths[ino] = path.Join(b.paths[n.Parent], n.Name)
	}
	j.batch = b
	j.place = store.Place{
		Parent: j.step.Parent,
		Name:   outbox.TempPrefix + "ar" + formatIno(b.nodes[0].Ino) + "-" + strconv.FormatInt(t.ns.now(), 36),
	}
	return nil
}

// tempRef addresses the batch's own folder by path.
func (j *job) tempRef() remote.Ref {
	return remote.Ref{Path: j.ns.rootedPath("/" + j.place.Name)}
}

// sendBatch carries out an Archive step. Until the last but one call nothing is
// visible under a real name, so whatever fails before it is cleaned up, and its
// nodes are sent one by one.
func (j *job) sendBatch(ctx context.Context) error {
	objects, temp, err := j.unpack(ctx)
	if err != nil {
		j.ns.log.Warn("an archive did not work: its files are sent one by one", "files", len(j.batch.nodes), "err", err)
		return j.giveUpBatch(ctx, err)
	}
	refs := make([]remote.Ref, len(j.batch.tops))
	for i, n := range j.batch.tops {
		refs[i] = objects[n.Ino].Ref()
	}
	results, err := j.ns.remote.Move(ctx, refs, j.parent)
	if err != nil {
		if remote.IsUnknown(err) {
			return err
		}
		return j.giveUpBatch(ctx, err)
	}
	if err := j.learnMoved(objects, results); err != nil {
		return err
	}
	var later error
	if !j.removeTemp(ctx, temp) {
		later = j.cleanLater() // before the commit, so that a flush waits for it
	}
	return cmp.Or(j.commitBatch(objects, results), later)
}

// learnMoved takes the ids of top folders that the listing did not show from the
// answer to their move. Without them Recover looks.
func (j *job) learnMoved(objects map[uint64]remote.Object, results []remote.Result) error {
	for i, n := range j.batch.tops {
		o := objects[n.Ino]
		if o.ID != "" || !j.ns.caps.IDs || i >= len(results) || results[i].Err != nil {
			continue
		}
		if o.ID = results[i].Object.ID; o.ID == "" {
			return &remote.Error{Kind: remote.Temporary, Op: "move", Path: o.Path, Unknown: true}
		}
		objects[n.Ino] = o
	}
	return nil
}

// cleanLater leaves the removal of the batch's folder to Recover.
func (j *job) cleanLater() error {
	rest := &job{ns: j.ns, place: j.place, batch: &batch{}, step: outbox.Step{Op: outbox.Archive, Parent: j.step.Parent}}
	rest.intent = store.Intent{Op: uint8(outbox.Archive), Parent: j.place.Parent, Name: j.place.Name, At: j.ns.now()}
	err := j.ns.updateAtAnyCost(func(t txn) error {
		if err := t.PutIntent(&rest.intent); err != nil {
			return err
		}
		t.ns.unresolved[rest.intent.ID] = rest
		return nil
	})
	if err != nil {
		return err
	}
	return &remote.Error{
		Kind: remote.Temporary, Op: "remove", Path: j.place.Name, Unknown: true, Err: fmt.Errorf("it is tried again"),
	}
}

// giveUpBatch removes the batch's folder. If that does not work now, the intent
// stays open, and Recover does it.
func (j *job) giveUpBatch(ctx context.Context, cause error) error {
	j.ns.countAgainst(j.step.Inos, cause)
	if global(remote.KindOf(cause)) || !j.removeTemp(ctx, j.tempRef()) {
		return &remote.Error{Kind: remote.KindOf(cause), Op: "send as archive", Path: j.parent.Path, Unknown: true, Err: cause}
	}
	return remote.E(remote.Conflict, "send as archive", j.parent.Path, cause)
}

// removeTemp deletes the batch's folder; it tells whether it is gone.
func (j *job) removeTemp(ctx context.Context, temp remote.Ref) bool {
	results, err := j.ns.remote.Delete(ctx, []remote.Ref{temp})
	if err == nil && len(results) == 1 {
		err = results[0].Err
	}
	_ = j.ns.view(func(t txn) error {
		t.ns.feed.Expect(remote.Deleted, temp.Path, t.ns.now())
		return nil
	})
	return err == nil || remote.IsKind(err, remote.NotExist)
}

// plainAfter is how many failures it takes until a node goes into no archive any
// more. A refusal counts as so many.
const plainAfter = 2

// countAgainst notes that a batch failed. Trouble that concerns everything says
// nothing about archives.
func (ns *Namespace) countAgainst(inos []uint64, cause error) {
	kind := remote.KindOf(cause)
	by := plainAfter
	switch {
	case global(kind):
		return
	case kind == remote.Temporary || remote.IsUnknown(cause):
		by = 1
	}
	_ = ns.view(func(txn) error {
		for _, ino := range inos {
			ns.plain[ino] += by
		}
		return nil
	})
}

// unpack uploads the archive, has it unpacked, and proves by one listing that
// everything arrived whole. It returns the objects by node, and the folder.
func (j *job) unpack(ctx context.Context) (map[uint64]remote.Object, remote.Ref, error) {
	temp := j.tempRef()
	extractor, ok := j.ns.remote.(remote.Extractor)
	if !ok {
		return nil, temp, remote.E(remote.Unsupported, "extract", temp.Path, nil)
	}
	f, size, err := j.buildArchive(ctx)
	if err != nil {
		return nil, temp, err
	}
	defer func() { _ = f.Close() }()
	o, err := j.ns.remote.Upload(ctx, remote.Upload{Parent: temp, Name: archiveName, Size: size, Content: f})
	if err != nil {
		return nil, temp, err
	}
	temp.ID = o.ParentID
	_ = j.ns.view(func(t txn) error {
		t.ns.feed.Expect(remote.Changed, o.Path, t.ns.now())
		t.ns.feed.Expect(remote.Unpacked, temp.Path, t.ns.now())
		t.ns.feed.Expect(remote.Unpacked, o.Path, t.ns.now())
		return nil
	})
	if _, err := extractor.Extract(ctx, o.Ref(), temp); err != nil {
		return nil, temp, err
	}
	objects, err := j.proveBatch(ctx, temp)
	return objects, temp, err
}

// proveBatch lists the batch's folder and compares it with what was sent.
func (j *job) proveBatch(ctx context.Context, temp remote.Ref) (map[uint64]remote.Object, error) {
	p := &proof{batch: j.batch, where: temp, byPath: map[string]remote.Object{}}
	if err := p.list(ctx, j.ns.remote); err != nil {
		return nil, err
	}
	return p.compare()
}

// buildArchive writes the archive into the state folder. What goes into it stays
// sealed until the outcome is known. The file has no name, so that it goes with
// its descriptor.
func (j *job) buildArchive(ctx context.Context) (*os.File, int64, error) {
	f, err := os.CreateTemp(j.ns.state.dir, "archive-*")
	if err != nil {
		return nil, 0, stateError(j.ns.state.dir, err)
	}
	_ = os.Remove(f.Name())
	w := zip.NewWriter(f)
	for _, n := range j.batch.nodes {
		if err = ctx.Err(); err == nil {
			err = j.addToArchive(w, n)
		}
		if err != nil {
			_ = f.Close()
			return nil, 0, err
		}
	}
	if err := w.Close(); err != nil {
		_ = f.Close()
		return nil, 0, stateError(filepath.Base(f.Name()), err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	return f, size, err
}

// addToArchive adds one node. Folders get entries of their own: empty ones would
// be missing otherwise.
func (j *job) addToArchive(w *zip.Writer, n *store.Node) error {
	name := j.batch.paths[n.Ino]
	if n.Kind == Dir {
		_, err := w.CreateHeader(&zip.FileHeader{Name: name + "/"})
		return err
	}
	if n.Gen != 0 {
		if err := j.ns.content.Seal(n.Gen); err != nil {
			return err
		}
		j.sealedGens = append(j.sealedGens, n.Gen)
	}
	body, err := j.ns.openBody(n.Gen)
	if err != nil {
		return err
	}
	defer body.close()
	j.batch.sizes[n.Ino] = body.size
	out, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.NewSectionReader(body, 0, body.size))
	return err
}

// commitBatch takes in where everything is now.
func (j *job) commitBatch(objects map[uint64]remote.Object, results []remote.Result) error {
	adopted := map[uint64]string{}
	err := j.commit(func(t txn) error {
		clear(adopted)
		return j.commitObjects(t, objects, results, adopted)
	})
	if err != nil {
		return err
	}
	for _, n := range j.batch.nodes {
		if key := adopted[n.Ino]; key != "" && n.Gen != 0 {
			j.ns.adoptContent(n.Ino, n.Gen, key)
		}
	}
	j.unseal()
	return nil
}

// commitObjects commits the nodes of a batch, parents first. What could not be
// moved is new again.
func (j *job) commitObjects(t txn, objects map[uint64]remote.Object, results []remote.Result, adopted map[uint64]string) error {
	left := map[uint64]bool{}
	for i, n := range j.batch.tops {
		o := objects[n.Ino]
		if i >= len(results) || results[i].Err != nil {
			left[n.Ino] = true
			t.ns.plain[n.Ino] = plainAfter
			continue
		}
		if moved := results[i].Object; moved.Name != "" {
			o.Name, o.Version, o.ModTime = moved.Name, moved.Version, moved.ModTime
		}
		o.ParentID = ""
		objects[n.Ino] = o
		t.ns.feed.Expect(remote.Moved, path.Join(j.parent.Path, o.Name), t.ns.now())
	}
	for _, planned := range j.batch.nodes {
		if left[planned.Ino] || left[planned.Parent] {
			left[planned.Ino] = true
			continue
		}
		key, err := j.commitOne(t, planned, objects[planned.Ino])
		if err != nil {
			return err
		}
		adopted[planned.Ino] = key
	}
	return nil
}

// commitOne commits one node of a batch.
func (j *job) commitOne(t txn, planned *store.Node, o remote.Object) (adopted string, err error) {
	n, err := t.get(planned.Ino)
	if err != nil || n == nil {
		return "", err
	}
	s := stateOf(o, planned.Parent, t.ns.now())
	if n.Kind == Dir {
		s.Version, s.Size = "", 0
		return "", t.commitState(n, s)
	}
	return t.commitSent(n, s, planned.Gen, j.batch.sizes[n.Ino], planned.Place)
}

// resolveBatch cleans up after a batch whose outcome is not known. What reached
// its place is adopted if it is what was sent; the rest is sent one by one.
func (j *job) resolveBatch(ctx context.Context) error {
	j.ns.countAgainst(j.step.Inos, remote.E(remote.Temporary, "", "", nil))
	if j.batch == nil {
		err := j.ns.view(func(t txn) (err error) { return j.refillBatch(t) })
		if err != nil {
			return err
		}
	}
	if !j.removeTemp(ctx, j.tempRef()) {
		return remote.E(remote.Temporary, "clean up", j.place.Name, nil)
	}
	for _, n := range j.batch.nodes {
		if err := j.resolveOne(ctx, n); err != nil {
			return err
		}
	}
	j.cancel()
	return nil
}

// refillBatch works out, after a restart, what a batch sent: the nodes that are
// still there.
func (j *job) refillBatch(t txn) error {
	b := &batch{paths: map[uint64]string{}, sizes: map[uint64]int64{}}
	for _, ino := range j.intent.Inos {
		n, err := t.get(ino)
		if err != nil {
			return err
		}
		if n != nil && !n.Remote.Exists {
			b.nodes = append(b.nodes, n)
		}
	}
	j.batch = b
	return nil
}

// resolveOne looks whether a node of a batch reached its place: folders merge,
// and files are compared.
func (j *job) resolveOne(ctx context.Context, n *store.Node) error {
	now, err := j.ns.node(n.Ino)
	if err != nil || now.Remote.Exists {
		return nil // gone, or adopted in an earlier try
	}
	one := *j
	one.place, one.step.Inos, one.step.Over = n.Place, []uint64{n.Ino}, 0 // where it was sent to
	one.intent.Gen, one.sealed = n.Gen, false
	parent, err := j.ns.node(n.Parent)
	if err != nil || (n.Parent != RootIno && !parent.Remote.Exists) {
		return nil // its folder did not get there either
	}
	o, exists, err := one.stat(ctx, one.placeRef())
	if err != nil || !exists || o.Dir != (n.Kind == Dir) || j.ns.anothers(o, n.Ino) {
		return err
	}
	if o.Dir {
		return j.ns.update(func(t txn) error {
			if err := one.commitPlaced(t, n.Ino, o); err != nil {
				return err
			}
			return t.putListing(n.Ino, store.Listing{})
		})
	}
	ours, size, err := one.ours(ctx, o)
	if err != nil || !ours {
		return err
	}
	adopted := ""
	err = j.ns.update(func(t txn) (err error) {
		adopted, err = one.commitUploaded(t, o, size)
		return err
	})
	if err == nil && adopted != "" && n.Gen != 0 {
		j.ns.adoptContent(n.Ino, n.Gen, adopted)
	}
	return err
}
