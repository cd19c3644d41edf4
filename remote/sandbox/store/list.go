package store

import (
	"cmp"
	"slices"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
)

// Field is what a listing can be sorted by.
type Field uint8

// The fields.
const (
	ByName Field = iota
	ByID
	BySize
	ByType
	ByCreated
	ByUpdated
	ByAccessed
	ByUploaded
	ByPath
)

// Key is one sort criterion.
type Key struct {
	Field Field
	Desc  bool
}

// Query says what a listing shows.
type Query struct {
	// Tree lists everything below the folder, not only its direct entries.
	Tree bool
	// Pattern keeps only names that match, with "*" and "?", whatever their
	// case. "" keeps all.
	Pattern string
	// Only keeps files ("file") or folders ("dir"). "" keeps both, anything
	// else nothing.
	Only string
	// Sort is applied in order; entries that are equal in all of it are in
	// the order of their ids.
	Sort []Key
	// Offset and Limit cut out a page; Limit < 0 means no limit.
	Offset, Limit int
}

// Page is a part of a listing.
type Page struct {
	Nodes []Node
	// Total counts what matches, on all pages.
	Total int
}

// viewKey names a sorted listing, view is one: it holds while the tree is of
// the same generation.
type viewKey struct {
	dir           int64
	tree          bool
	pattern, only string
	sort          string
}

type view struct {
	gen   uint64
	nodes []*node
}

// maxViews bounds how many sorted listings are kept for their next pages.
const maxViews = 8

// List returns a page of a folder's entries, or of the tree below it.
func (s *Store) List(id int64, q Query) (Page, error) {
	s.mu.Lock()
	defer s.unlock()
	dir, err := s.aliveDir(id)
	if err != nil {
		return Page{}, err
	}
	nodes, err := s.view(dir, q)
	if err != nil {
		return Page{}, err
	}
	page := Page{Total: len(nodes)}
	from := min(max(q.Offset, 0), len(nodes))
	to := len(nodes)
	if q.Limit >= 0 {
		to = from + min(q.Limit, to-from)
	}
	page.Nodes = make([]Node, 0, to-from)
	for _, n := range nodes[from:to] {
		// Files are compared with the disk as they are shown: a folder's time
		// stamp does not tell that a file's content changed.
		if !n.dir && n.parent != nil {
			n = s.look(n)
		}
		if n != nil && n.parent != nil {
			page.Nodes = append(page.Nodes, n.snapshot())
		}
	}
	return page, nil
}

// view returns the whole listing, sorted. It is kept for the next page.
func (s *Store) view(dir *node, q Query) ([]*node, error) {
	refresh := s.refresh
	if q.Tree {
		refresh = s.refreshTree
	}
	if err := refresh(dir); err != nil {
		return nil, err
	}
	key := viewKey{dir: dir.id, tree: q.Tree, pattern: q.Pattern, only: q.Only, sort: sortKey(q.Sort)}
	if v, ok := s.views[key]; ok && v.gen == s.gen {
		return v.nodes, nil
	}
	nodes := gather(nil, dir, q)
	slices.SortFunc(nodes, func(a, b *node) int { return compare(a, b, q.Sort) })
	if len(s.views) >= maxViews {
		clear(s.views)
	}
	s.views[key] = view{s.gen, nodes}
	return nodes, nil
}

func sortKey(keys []Key) string {
	var b strings.Builder
	for _, k := range keys {
		b.WriteByte(byte(k.Field) << 1)
		if k.Desc {
			b.WriteByte('-')
		}
	}
	return b.String()
}

func gather(to []*node, dir *node, q Query) []*node {
	for _, k := range dir.kids {
		if (q.Pattern == "" || Match(q.Pattern, k.name)) && wanted(k, q.Only) {
			to = append(to, k)
		}
		if q.Tree && k.dir {
			to = gather(to, k, q)
		}
	}
	return to
}

func wanted(n *node, only string) bool {
	switch only {
	case "":
		return true
	case "dir":
		return n.dir
	case "file":
		return !n.dir
	}
	return false
}

func compare(a, b *node, keys []Key) int {
	for _, k := range keys {
		c := compareBy(a, b, k.Field)
		if k.Desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(a.id, b.id)
}

func compareBy(a, b *node, f Field) int {
	switch f {
	case ByName:
		return strings.Compare(a.name, b.name)
	case ByPath:
		return strings.Compare(a.path(), b.path())
	case BySize:
		return cmp.Compare(a.size, b.size)
	case ByType:
		return strings.Compare(kindName(a.dir), kindName(b.dir))
	case ByCreated:
		return a.created.Compare(b.created)
	case ByUpdated:
		return a.updated.Compare(b.updated)
	case ByAccessed:
		return a.accessed.Compare(b.accessed)
	case ByUploaded:
		return a.uploaded.Compare(b.uploaded)
	}
	return cmp.Compare(a.id, b.id)
}

func kindName(dir bool) string {
	if dir {
		return "dir"
	}
	return "file"
}

// Match tells whether a name matches a pattern of "*" (any run) and "?" (one
// character), whatever the case.
func Match(pattern, name string) bool {
	p, n := []rune(strings.ToLower(pattern)), []rune(strings.ToLower(name))
	var i, j int
	star, mark := -1, 0
	for j < len(n) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == n[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// Top returns the account's root folder.
func (s *Store) Top() Node {
	s.mu.Lock()
	defer s.unlock()
	_ = s.refresh(s.top) // a missing root shows as an empty one here
	return s.top.snapshot()
}

// Lookup finds what is at a path.
func (s *Store) Lookup(path string) (Node, error) {
	clean, err := CleanPath(path)
	if err != nil {
		return Node{}, err
	}
	s.mu.Lock()
	defer s.unlock()
	n, err := s.walkTo(clean)
	return s.shown(n, err)
}

// ByID finds a file or folder by its id.
func (s *Store) ByID(id int64) (Node, error) {
	s.mu.Lock()
	defer s.unlock()
	n, err := s.alive(id)
	return s.shown(n, err)
}

// ByHash finds a file or folder by its hash.
func (s *Store) ByHash(hash string) (Node, error) {
	s.mu.Lock()
	defer s.unlock()
	n := s.byHash[hash]
	if n == nil {
		return Node{}, remote.E(remote.NotExist, "look", "", nil)
	}
	n, err := s.alive(n.id)
	return s.shown(n, err)
}

func (s *Store) shown(n *node, err error) (Node, error) {
	if err != nil {
		return Node{}, err
	}
	if n.dir {
		_ = s.refresh(n) // for the number of entries; gone just now: shown as last seen
	}
	return n.snapshot(), nil
}

// walkTo finds the node at a clean path, comparing each step with the disk.
func (s *Store) walkTo(path string) (*node, error) {
	n := s.top
	for name := range strings.SplitSeq(path, "/") {
		if name == "" {
			continue
		}
		if !n.dir {
			return nil, remote.E(remote.NotExist, "look", path, nil)
		}
		if n = s.child(n, name); n == nil {
			return nil, remote.E(remote.NotExist, "look", path, nil)
		}
	}
	return n, nil
}

// alive finds a node by id and makes sure that it is still on disk.
func (s *Store) alive(id int64) (*node, error) {
	n := s.byID[id]
	if n == nil {
		return nil, remote.E(remote.NotExist, "look", "", nil)
	}
	path := n.path()
	if now, err := s.walkTo(path); err != nil || now != n {
		return nil, remote.E(remote.NotExist, "look", path, nil)
	}
	return n, nil
}

func (s *Store) aliveDir(id int64) (*node, error) {
	n, err := s.alive(id)
	if err != nil {
		return nil, err
	}
	if !n.dir {
		return nil, remote.E(remote.NotDir, "look", n.path(), nil)
	}
	return n, nil
}
