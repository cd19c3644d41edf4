package cache

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strconv"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/cache/content"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// Drafts
//
// What is in the box of drafts exists here only. A folder directly in it that is
// renamed to a name in the box of what was sent is sent: from then on it is a new
// folder there, which is one node of the outbox, and everything in it is fixed
// and stays local until it was sent as a whole. What the client needs to go on
// with an attempt that was interrupted is kept beside the folder, whatever
// becomes of the intents.

// metaDraft begins the keys under which it is kept what is being sent, by the
// folder's number.
const metaDraft = "draft:"

func draftKey(ino uint64) string { return metaDraft + strconv.FormatUint(ino, 10) }

// dispatch is what is kept of a folder that is being sent.
type dispatch struct {
	// Subject is what the folder was called when it was to be sent: it keeps
	// it if it has to be shown under another name.
	Subject string `json:"subject"`
	// At is when that was, in nanoseconds since 1970: nothing in it has changed
	// since then.
	At int64 `json:"at"`
	// State is the client's: see remote.Draft.
	State []byte `json:"state,omitempty"`
}

// dispatch returns what is kept of a folder that is being sent.
func (t txn) dispatch(ino uint64) (d dispatch, err error) {
	text, err := t.Meta(draftKey(ino))
	if err == nil && (text == "" || json.Unmarshal([]byte(text), &d) != nil) {
		err = remote.E(remote.Invalid, "send", t.path(ino), fmt.Errorf("nobody asked to send it"))
	}
	return d, err
}

func (t txn) keepDispatch(ino uint64, d dispatch) error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return t.SetMeta(draftKey(ino), string(text))
}

// draft is a folder with all that is in it, as it is sent.
type draft struct {
	top *store.Node
	// nodes are what is in it, folders before what is in them, and paths their
	// paths in it.
	nodes []*store.Node
	paths map[uint64]string
	// files are those that are sent, and note the recipients file, nil if there
	// is none.
	files []*store.Node
	note  *store.Node
}

// collect finds what is in a draft. Names that only local programs care for are
// not sent; what else cannot be sent is refused.
func (t txn) collect(top *store.Node) (*draft, error) {
	d := &draft{top: top, paths: map[uint64]string{}}
	for i := -1; i < len(d.nodes); i++ {
		folder := top
		if i >= 0 {
			folder = d.nodes[i]
		}
		if folder.Kind != Dir {
			continue
		}
		if err := t.collectIn(d, folder.Ino); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (t txn) collectIn(d *draft, folder uint64) error {
	for after := uint64(0); ; {
		nodes, err := t.children(folder, after, 1000)
		if err != nil || len(nodes) == 0 {
			return err
		}
		for _, n := range nodes {
			after = n.Ino
			if err := d.take(t.ns, n); err != nil {
				return err
			}
		}
	}
}

// take takes in one file or folder.
func (d *draft) take(ns *Namespace, n *store.Node) error {
	rel := path.Join(d.paths[n.Parent], n.Name)
	d.nodes = append(d.nodes, n)
	d.paths[n.Ino] = rel
	switch {
	case n.Kind == Dir:
	case ns.isWritten(n.Ino):
		return refuse(remote.Busy, "send", rel, "a program still writes it")
	case n.Kind != File:
		return refuse(remote.Invalid, "send", rel, "only files and folders can be sent")
	case rel == RecipientsName:
		d.note = n
	case !ns.isLocalName(n.Name):
		d.files = append(d.files, n)
	}
	return nil
}

// same tells whether two looks at a draft saw the same.
func (d *draft) same(o *draft) bool {
	if len(d.nodes) != len(o.nodes) {
		return false
	}
	for i, n := range d.nodes {
		m := o.nodes[i]
		if n.Ino != m.Ino || n.Place != m.Place || n.Gen != m.Gen || n.Size != m.Size || n.Mtime != m.Mtime {
			return false
		}
	}
	return true
}

// message is what the client is asked to send. Contents are opened when they are
// read, and closed by the returned function.
func (ns *Namespace) message(d *draft, kept dispatch) (m remote.Draft, done func(), err error) {
	l, err := ns.letterOf(d)
	if err != nil {
		return m, nil, err
	}
	m = remote.Draft{Name: kept.Subject, To: l.to, Message: l.message}
	var bodies []*draftBody
	for _, n := range d.files {
		f := remote.DraftFile{Path: d.paths[n.Ino], Size: max(n.Size, 0), ModTime: time.Unix(0, kept.At), Content: bytes.NewReader(nil)}
		if n.Gen != 0 {
			b := &draftBody{ns: ns, gen: n.Gen, size: f.Size}
			f.Content = b
			bodies = append(bodies, b)
		}
		m.Files = append(m.Files, f)
	}
	return m, func() {
		for _, b := range bodies {
			b.close()
		}
	}, nil
}

// letterOf reads a draft's recipients file.
func (ns *Namespace) letterOf(d *draft) (letter, error) {
	switch {
	case d.note == nil:
		return letter{}, remote.E(remote.Invalid, "send", d.top.Name,
			fmt.Errorf("nobody to send it to: write the addresses into the file %s in it", RecipientsName))
	case d.note.Size > maxRecipients:
		return letter{}, badLetter("it is too long")
	case d.note.Gen == 0:
		return readLetter("")
	}
	st, err := ns.content.OpenStaged(d.note.Gen)
	if err != nil {
		return letter{}, err
	}
	defer func() { _ = st.Close() }()
	text, err := io.ReadAll(io.NewSectionReader(st, 0, min(st.Size(), maxRecipients)))
	if err != nil {
		return letter{}, err
	}
	return readLetter(string(text))
}

// draftBody is the content of a file of a draft. A draft may have more files than
// can be open at once, so each is opened when it is read, and closed at its end.
type draftBody struct {
	ns   *Namespace
	gen  uint64
	size int64

	// mu guards st; it is held for reading while st is read.
	mu sync.RWMutex
	st *content.Staged
}

// ReadAt is io.ReaderAt.
func (b *draftBody) ReadAt(p []byte, off int64) (int, error) {
	for {
		b.mu.RLock()
		if b.st != nil {
			break
		}
		b.mu.RUnlock()
		if err := b.open(); err != nil {
			return 0, err
		}
	}
	n, err := b.st.ReadAt(p, off)
	b.mu.RUnlock()
	if off+int64(n) >= b.size {
		b.close()
	}
	return n, err
}

func (b *draftBody) open() (err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.st == nil {
		b.st, err = b.ns.content.OpenStaged(b.gen)
	}
	return err
}

func (b *draftBody) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.st != nil {
		_ = b.st.Close()
		b.st = nil
	}
}

// examine refuses to send what cannot be sent, before anything is changed. It
// returns what was looked at, nil if the rename sends nothing.
func (ns *Namespace) examine(from, to store.Place) (*draft, error) {
	if !ns.boxed() {
		return nil, nil
	}
	var d *draft
	err := ns.view(func(t txn) error {
		n, err := t.child(from.Parent, from.Name)
		if err != nil || n == nil {
			return err
		}
		if p, err := t.mayMove(n, to); err != nil || p != sends {
			return err
		}
		if n.Kind != Dir {
			return refuse(remote.Invalid, "send", n.Name, "a transfer is a folder: put it into one")
		}
		d, err = t.collect(n)
		return err
	})
	if err != nil || d == nil {
		return nil, err
	}
	m, done, err := ns.message(d, dispatch{Subject: to.Name})
	if err != nil {
		return nil, err
	}
	defer done()
	return d, ns.sender.CheckDraft(m)
}

// dispatchDraft makes a draft something to be sent: c is its top at the new
// place. It must be as it was examined.
func (t txn) dispatchDraft(c *store.Node, examined *draft) error {
	if examined == nil {
		return refuse(remote.Busy, "send", c.Name, "it was moved meanwhile")
	}
	now, err := t.collect(c)
	if err != nil {
		return err
	}
	if !now.same(examined) {
		return refuse(remote.Busy, "send", c.Name, "it was changed meanwhile")
	}
	return t.keepDispatch(c.Ino, dispatch{Subject: c.Name, At: t.ns.now()})
}

// mayWithdraw refuses to make a draft of what is being sent, or may have been.
func (t txn) mayWithdraw(n *store.Node) error {
	d, err := t.dispatch(n.Ino)
	switch {
	case err != nil:
		return err
	case t.ns.inflight[n.Ino] > 0 || len(d.State) > 0 && n.Dirty.Failed == "":
		return refuse(remote.Busy, "rename", n.Name, "it is being sent")
	case len(d.State) > 0:
		return refuse(remote.Busy, "rename", n.Name, "it may have been sent: see why it was given up with frugalfs pending, and drop it there to have the draft back")
	}
	return nil
}

// giveBack makes a draft again of what could not be sent.
func (t txn) giveBack(n *store.Node) error {
	box, err := t.child(RootIno, t.ns.boxes.Drafts)
	if err != nil || box == nil {
		return staleOr(err, RootIno)
	}
	to := store.Place{Parent: box.Ino, Name: n.Name}
	for i := 2; ; i++ {
		other, err := t.child(to.Parent, to.Name)
		if err != nil {
			return err
		}
		if other == nil {
			break
		}
		to.Name = cutBytes(n.Name, MaxName-12) + " (" + strconv.Itoa(i) + ")"
	}
	t.ns.invalidateEntry(to)
	t.ns.invalidateContent(to.Parent)
	if err := t.put(t.moved(n, to)); err != nil {
		return err
	}
	return t.recalled(n)
}

// recalled forgets that a folder was to be sent.
func (t txn) recalled(n *store.Node) error {
	if err := t.DropMeta(draftKey(n.Ino)); err != nil {
		return err
	}
	return t.staleListing(n.Parent) // what has its name at the provider was left out
}

// goesWith returns the folder that is to be sent and that a local node is in, nil
// if there is none.
func (ns *Namespace) goesWith(n *store.Node) (top *store.Node) {
	if !n.LocalOnly {
		return nil
	}
	_ = ns.view(func(t txn) (err error) {
		top, err = t.outgoingAbove(n.Ino)
		return err
	})
	return top
}

// sizeBelow is how many bytes there are in a folder that is to be sent.
func (t txn) sizeBelow(n *store.Node) (size int64) {
	d, err := t.collect(n)
	if err != nil {
		return 0
	}
	for _, f := range d.files {
		size += max(f.Size, 0)
	}
	return size
}
