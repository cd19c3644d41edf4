package store

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// line is one line of the journal; exactly one field is set.
type line struct {
	// Next is the first id that was never given.
	Next int64 `json:"next,omitempty"`
	// Node is what a node is from now on.
	Node *nodeLine `json:"node,omitempty"`
	// Gone is a node that was removed with all below it.
	Gone int64 `json:"gone,omitempty"`
	// Entry is an entry of the activity log.
	Entry *Entry `json:"entry,omitempty"`
	// Record is a dialect's own record.
	Record *recordLine `json:"record,omitempty"`
}

type nodeLine struct {
	ID       int64     `json:"id"`
	Parent   int64     `json:"parent,omitempty"`
	Name     string    `json:"name,omitempty"`
	Dir      bool      `json:"dir,omitempty"`
	Size     int64     `json:"size,omitempty"`
	Mtime    int64     `json:"mtime,omitempty"`
	Hash     string    `json:"hash"`
	By       string    `json:"by,omitempty"`
	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`
	Uploaded time.Time `json:"uploaded"`
}

// journal appends to the file that survives a restart. It is written at the
// end of every call and not synced: a kill loses nothing, a power failure may.
// It is guarded by Store.mu.
type journal struct {
	path  string
	file  *os.File
	w     *bufio.Writer
	lines int
	err   error
}

func (j *journal) write(l line) {
	b, err := json.Marshal(l)
	if err == nil {
		_, err = j.w.Write(append(b, '\n'))
	}
	j.lines++
	j.err = errors.Join(j.err, err)
}

func (j *journal) flush() error {
	err := errors.Join(j.err, j.w.Flush())
	j.err = nil
	return err
}

func (j *journal) close() error { return errors.Join(j.flush(), j.file.Close()) }

// bloated tells whether most lines no longer matter.
func (j *journal) bloated(live int) bool { return j.lines > 2*live+1000 }

// save writes what a node is now.
func (s *Store) save(n *node) {
	l := nodeLine{
		ID: n.id, Name: n.name, Dir: n.dir, Mtime: n.mtime, Hash: n.hash, By: n.by,
		Created: n.created, Updated: n.updated, Uploaded: n.uploaded,
	}
	if !n.dir {
		l.Size = n.size
	}
	if n.parent != nil {
		l.Parent = n.parent.id
	}
	s.journal.write(line{Node: &l})
}

// openJournal reads the journal, if there is one, builds the tree from it and
// opens it for appending.
func (s *Store) openJournal() error {
	path := filepath.Join(s.meta, "journal.jsonl")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fail("open", path, err)
	}
	s.journal = &journal{path: path, file: f}
	state := replay{s: s, nodes: map[int64]*nodeLine{}}
	good, err := state.read(f)
	if err == nil {
		err = f.Truncate(good) // a last line that a kill tore
	}
	if err == nil {
		_, err = f.Seek(good, io.SeekStart)
	}
	s.journal.w = bufio.NewWriterSize(f, 1<<16)
	if err != nil {
		return fail("open", path, errors.Join(err, f.Close()))
	}
	state.build()
	return nil
}

// replay collects what the lines of a journal add up to.
type replay struct {
	s     *Store
	nodes map[int64]*nodeLine
	order []int64
}

// read applies all whole lines and returns where they end.
func (r *replay) read(f io.Reader) (int64, error) {
	in := bufio.NewReaderSize(f, 1<<20)
	var good int64
	for {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return good, nil
		}
		if err != nil {
			return 0, err
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return 0, fmt.Errorf("line %d is damaged: %w", r.s.journal.lines+1, err)
		}
		r.apply(l)
		r.s.journal.lines++
		good += int64(len(text))
	}
}

func (r *replay) apply(l line) {
	switch {
	case l.Node != nil:
		if r.nodes[l.Node.ID] == nil {
			r.order = append(r.order, l.Node.ID)
		}
		r.nodes[l.Node.ID] = l.Node
		r.s.nextID = max(r.s.nextID, l.Node.ID+1)
	case l.Gone != 0:
		delete(r.nodes, l.Gone)
	case l.Entry != nil:
		r.s.log = append(r.s.log, *l.Entry)
		r.s.logID = max(r.s.logID, l.Entry.ID)
	case l.Record != nil:
		r.s.setRecord(*l.Record)
	case l.Next != 0:
		r.s.nextID = max(r.s.nextID, l.Next)
	}
}

// firstID is the id of a new account's root.
const firstID = 1001

// build makes the tree. Nodes whose folder is gone are left out.
func (r *replay) build() {
	s := r.s
	made := make(map[int64]*node, len(r.nodes))
	for id, l := range r.nodes {
		made[id] = l.node()
		if l.Parent == 0 {
			s.top = made[id]
		}
	}
	if s.top == nil {
		s.fresh = true
		s.nextID = max(s.nextID, firstID)
		s.top = s.newNode("", true, s.o.Now(), s.o.User)
		s.save(s.top)
	}
	for _, id := range r.order {
		n, l := made[id], r.nodes[id]
		if n == nil || n == s.top {
			continue
		}
		if dir := made[l.Parent]; dir != nil && dir.dir && dir.kids[s.key(n.name)] == nil {
			n.parent = dir
			dir.kids[s.key(n.name)] = n
		}
	}
	sum(s.top)
	s.index(s.top)
	s.dropStale()
}

func (l *nodeLine) node() *node {
	n := &node{
		id: l.ID, name: l.Name, dir: l.Dir, size: l.Size, mtime: l.Mtime, hash: l.Hash, by: l.By,
		created: l.Created, updated: l.Updated, accessed: l.Updated, uploaded: l.Uploaded,
	}
	if n.dir {
		n.kids = map[string]*node{}
	}
	return n
}

// sum adds up the sizes of folders.
func sum(dir *node) int64 {
	for _, k := range dir.kids {
		if k.dir {
			sum(k)
		}
		dir.size += k.size
	}
	return dir.size
}

// compact rewrites the journal with only what still matters.
func (s *Store) compact() error {
	old := s.journal
	path := old.path + ".new"
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return fail("compact", path, err)
	}
	s.journal = &journal{path: old.path, file: f, w: bufio.NewWriterSize(f, 1<<16)}
	s.journal.write(line{Next: s.nextID})
	s.saveTree(s.top)
	for k, v := range s.records {
		s.journal.write(line{Record: &recordLine{Kind: k.kind, ID: k.id, Value: v}})
	}
	for i := range s.log {
		s.journal.write(line{Entry: &s.log[i]})
	}
	if err := errors.Join(s.journal.flush(), os.Rename(path, old.path), old.file.Close()); err != nil {
		return remote.E(remote.Other, "compact", old.path, err)
	}
	return nil
}

// saveTree writes folders before what is in them.
func (s *Store) saveTree(n *node) {
	s.save(n)
	for _, k := range sortedKids(n) {
		s.saveTree(k)
	}
}
