package store

import (
	"crypto/rand"
	"encoding/hex"
	"path/filepath"
	"strings"
	"time"
)

// Node is what the account knows about a file or folder at one moment.
type Node struct {
	// ID is unique in the account, never used twice, and kept by renames.
	ID int64
	// ParentID is the folder that holds it; 0 for the account's root.
	ParentID int64
	// Name is the last element of Path, "" for the root.
	Name string
	// Path begins with "/" and is relative to the account's root.
	Path string
	// Dir tells a folder from a file.
	Dir bool
	// Size is a file's length; for a folder, of all that is below it.
	Size int64
	// Entries is the number of a folder's direct entries.
	Entries int
	// Hash is 32 hex digits, unique, and no digest of the content.
	Hash string
	// Created, Updated, Accessed and Uploaded are what providers show.
	Created, Updated, Accessed, Uploaded time.Time
	// By is the name of the user who made it.
	By string
}

// node is an entry of the tree. Its fields are guarded by Store.mu.
type node struct {
	id     int64
	parent *node // nil for the root, and for what is no longer in the tree
	name   string
	dir    bool
	size   int64 // a folder's is the sum of what is below
	mtime  int64 // a file's time stamp on disk, ns, as last seen
	hash   string

	created, updated, accessed, uploaded time.Time
	by                                   string

	kids    map[string]*node // by Store.key; folders only
	scanned int64            // the folder's time stamp on disk, ns, when it was last read; 0: read again
	seen    uint64           // the last scan that met it
}

// key is under which name a folder holds an entry.
func (s *Store) key(name string) string {
	if s.o.FoldCase {
		return strings.ToLower(name)
	}
	return name
}

func newHash() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// newNode makes a node that is not in the tree yet.
func (s *Store) newNode(name string, dir bool, at time.Time, by string) *node {
	n := &node{id: s.nextID, name: name, dir: dir, hash: newHash(), by: by}
	n.created, n.updated, n.accessed, n.uploaded = at, at, at, at
	if dir {
		n.kids = map[string]*node{}
	}
	s.nextID++
	return n
}

// attach puts n, with all below it, under parent.
func (s *Store) attach(n, parent *node) {
	n.parent = parent
	parent.kids[s.key(n.name)] = n
	addSize(parent, n.size)
	s.index(n)
	s.gen++
}

func (s *Store) index(n *node) {
	s.byID[n.id], s.byHash[n.hash] = n, n
	for _, k := range n.kids {
		s.index(k)
	}
}

// detach takes n, with all below it, out of the tree; the ids are forgotten
// with forget.
func (s *Store) detach(n *node) {
	delete(n.parent.kids, s.key(n.name))
	addSize(n.parent, -n.size)
	n.parent = nil
	s.gen++
}

func (s *Store) forget(n *node) {
	delete(s.byID, n.id)
	delete(s.byHash, n.hash)
	delete(s.records, recordKey{aboutKind, n.id})
	for _, k := range n.kids {
		s.forget(k)
	}
}

func addSize(dir *node, delta int64) {
	for d := dir; d != nil && delta != 0; d = d.parent {
		d.size += delta
	}
}

// path returns the node's place relative to the account's root.
func (n *node) path() string {
	if n.parent == nil {
		return "/"
	}
	var parts []string
	for m := n; m.parent != nil; m = m.parent {
		parts = append(parts, m.name)
	}
	var b strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		b.WriteByte('/')
		b.WriteString(parts[i])
	}
	return b.String()
}

// below tells whether n is dir or somewhere below it.
func (n *node) below(dir *node) bool {
	for m := n; m != nil; m = m.parent {
		if m == dir {
			return true
		}
	}
	return false
}

// disk returns the node's place on disk.
func (s *Store) disk(n *node) string {
	return filepath.Join(s.root, filepath.FromSlash(n.path()))
}

func (n *node) snapshot() Node {
	return n.snapshotAt(n.path())
}

func (n *node) snapshotAt(path string) Node {
	out := Node{
		ID: n.id, Name: n.name, Path: path, Dir: n.dir, Size: n.size, Entries: len(n.kids), Hash: n.hash,
		Created: n.created, Updated: n.updated, Accessed: n.accessed, Uploaded: n.uploaded, By: n.by,
	}
	if n.parent != nil {
		out.ParentID = n.parent.id
	}
	return out
}
