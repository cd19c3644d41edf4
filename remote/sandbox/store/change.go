package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/frugalfs/frugalfs/remote"
)

// Taken says what becomes of a name that is taken.
type Taken uint8

// The ways.
const (
	// Refuse answers an error of kind Exist.
	Refuse Taken = iota
	// PickName makes up a free name.
	PickName
	// Replace removes what stands there.
	Replace
)

// Put says where staged content goes.
type Put struct {
	// Path is the account path, with the file's name. Missing folders are
	// made.
	Path string
	// Taken says what happens when a file has the name already. A folder of
	// that name is always an error of kind IsDir.
	Taken Taken
	// NewID gives a replaced file another id, hash and time of creation.
	NewID bool
	// By is the user.
	By string
}

// Stored is what Put did.
type Stored struct {
	Node Node
	// Parents are the folders that were made, the topmost first.
	Parents []Node
}

// Put makes staged content a file of the account, at once and as a whole.
func (s *Store) Put(g *Staged, p Put) (Stored, error) {
	path, err := CleanPath(p.Path)
	if err != nil {
		return Stored{}, err
	}
	s.mu.Lock()
	defer s.unlock()
	dirPath, name := SplitPath(path)
	if name == "" {
		return Stored{}, remote.E(remote.IsDir, "upload", path, nil)
	}
	dir, made, err := s.mkdirAll(dirPath, p.By)
	if err != nil {
		return Stored{}, err
	}
	n, err := s.place(dir, name, g.f.Name(), p)
	if err != nil {
		return Stored{}, err
	}
	g.done = true
	return Stored{n.snapshot(), made}, nil
}

// place renames a file that is outside of the account to a name in dir.
func (s *Store) place(dir *node, name, from string, p Put) (*node, error) {
	old := s.child(dir, name)
	switch {
	case old == nil:
	case old.dir:
		return nil, remote.E(remote.IsDir, "upload", old.path(), nil)
	case p.Taken == Refuse:
		return nil, remote.E(remote.Exist, "upload", old.path(), nil)
	case p.Taken == PickName:
		name, old = s.freeName(dir, name), nil
	default:
		name = old.name
	}
	to := filepath.Join(s.disk(dir), name)
	if err := os.Rename(from, to); err != nil {
		return nil, fail("upload", JoinPath(dir.path(), name), err)
	}
	fi, err := os.Lstat(to)
	if err != nil {
		return nil, fail("upload", JoinPath(dir.path(), name), err)
	}
	if old != nil && !p.NewID {
		s.rewritten(old, fi)
		return old, nil
	}
	if old != nil {
		s.drop(old)
	}
	n := s.adopt(dir, fi, origin{by: p.By})
	s.touch(dir)
	return n, nil
}

// rewritten takes in new content that an upload gave a file.
func (s *Store) rewritten(n *node, fi os.FileInfo) {
	n.updated = s.o.Now()
	s.setContent(n, fi)
	s.save(n)
}

// MkdirAll makes a folder and those above it. It returns the folder and which
// were made, the topmost first.
func (s *Store) MkdirAll(path, by string) (Node, []Node, error) {
	clean, err := CleanPath(path)
	if err != nil {
		return Node{}, nil, err
	}
	s.mu.Lock()
	defer s.unlock()
	n, made, err := s.mkdirAll(clean, by)
	if err != nil {
		return Node{}, made, err
	}
	return n.snapshot(), made, nil
}

func (s *Store) mkdirAll(path, by string) (*node, []Node, error) {
	if path == "/" {
		return s.top, nil, nil
	}
	parent, name := SplitPath(path)
	dir, made, err := s.mkdirAll(parent, by)
	if err != nil {
		return nil, made, err
	}
	k := s.child(dir, name)
	if k != nil && !k.dir {
		return nil, made, remote.E(remote.NotDir, "mkdir", k.path(), nil)
	}
	if k == nil {
		if k, err = s.mkdir(dir, name, by); err != nil {
			return nil, made, err
		}
		made = append(made, k.snapshot())
	}
	return k, made, nil
}

func (s *Store) mkdir(dir *node, name, by string) (*node, error) {
	path := filepath.Join(s.disk(dir), name)
	if err := os.Mkdir(path, 0o755); err != nil {
		return nil, fail("mkdir", JoinPath(dir.path(), name), err)
	}
	fi, err := os.Lstat(path)
	if err != nil {
		return nil, fail("mkdir", JoinPath(dir.path(), name), err)
	}
	n := s.adopt(dir, fi, origin{by: by})
	s.touch(dir)
	return n, nil
}

// FreeName makes up a path beside the given one that nothing has.
func (s *Store) FreeName(path string) (string, error) {
	dirPath, name := SplitPath(path)
	s.mu.Lock()
	defer s.unlock()
	dir, err := s.walkTo(dirPath)
	if err != nil {
		return "", err
	}
	if !dir.dir {
		return "", remote.E(remote.NotDir, "look", dirPath, nil)
	}
	return JoinPath(dirPath, s.freeName(dir, name)), nil
}

// Move says where an object goes.
type Move struct {
	// Parent is the new folder's id.
	Parent int64
	// Name is the new name, "" keeps the old one.
	Name string
	// Taken says what happens when another object has the name.
	Taken Taken
	// Touch moves the object's time of change to now.
	Touch bool
}

// Move moves and renames an object, a folder with all below it. Moving it to
// where it is changes nothing.
func (s *Store) Move(id int64, m Move) (Node, error) {
	s.mu.Lock()
	defer s.unlock()
	n, err := s.alive(id)
	if err != nil {
		return Node{}, err
	}
	dir, err := s.aliveDir(m.Parent)
	if err != nil {
		return Node{}, err
	}
	if m.Name == "" {
		m.Name = n.name
	}
	if err := s.mayMove(n, dir, m.Name); err != nil {
		return Node{}, err
	}
	if n.parent == dir && n.name == m.Name {
		return n.snapshot(), nil
	}
	if m.Name, err = s.clear(dir, m.Name, n, m.Taken); err != nil {
		return Node{}, err
	}
	if err := s.relocate(n, dir, m); err != nil {
		return Node{}, err
	}
	return n.snapshot(), nil
}

// mayMove refuses what makes no sense.
func (s *Store) mayMove(n, dir *node, name string) error {
	if n == s.top {
		return remote.E(remote.Invalid, "move", "/", errors.New("the root stays where it is"))
	}
	if dir.below(n) {
		return remote.E(remote.Invalid, "move", n.path(), errors.New("a folder cannot go into itself"))
	}
	return CheckName(name)
}

// clear makes sure that a name in dir is free, or taken by self, and returns
// the name to use.
func (s *Store) clear(dir *node, name string, self *node, taken Taken) (string, error) {
	old := s.child(dir, name)
	if old == nil || old == self {
		return name, nil
	}
	switch taken {
	case PickName:
		return s.freeName(dir, name), nil
	case Replace:
		if self != nil && self.below(old) {
			return "", remote.E(remote.Invalid, "move", old.path(), errors.New("a folder cannot be replaced by what is in it"))
		}
		return name, s.trash(old)
	}
	return "", remote.E(remote.Exist, "move", old.path(), nil)
}

// relocate carries a checked move out.
func (s *Store) relocate(n, dir *node, m Move) error {
	from, to := s.disk(n), filepath.Join(s.disk(dir), m.Name)
	if err := os.Rename(from, to); err != nil {
		return fail("move", n.path(), err)
	}
	old := n.parent
	s.detach(n)
	n.name = m.Name
	s.attach(n, dir)
	if m.Touch {
		n.updated = s.o.Now()
	}
	s.save(n)
	s.touch(dir)
	if old != dir {
		s.touch(old)
	}
	return nil
}

// Delete removes an object, a folder with all below it, and returns what it
// was.
func (s *Store) Delete(id int64) (Node, error) {
	s.mu.Lock()
	defer s.unlock()
	n, err := s.alive(id)
	if err != nil {
		return Node{}, err
	}
	if n == s.top {
		return Node{}, remote.E(remote.Invalid, "delete", "/", errors.New("the root cannot be deleted"))
	}
	was := n.snapshot()
	return was, s.trash(n)
}

// trash takes an object out of the account at once; its content is unlinked
// when the lock is released.
func (s *Store) trash(n *node) error {
	s.trashes++
	to := filepath.Join(s.trashDir(), fmt.Sprint(s.trashes))
	if err := os.Rename(s.disk(n), to); err != nil {
		return fail("delete", n.path(), err)
	}
	s.garbage = append(s.garbage, to)
	dir := n.parent
	s.drop(n)
	s.touch(dir)
	return nil
}

// Copy copies an object, a folder with all below it, into a folder under its
// old name. The copy appears at once and as a whole.
func (s *Store) Copy(ctx context.Context, id, parent int64, taken Taken, by string) (Node, error) {
	return s.CopyAs(ctx, id, parent, "", taken, by)
}

// CopyAs is Copy under another name, unless that is "".
func (s *Store) CopyAs(ctx context.Context, id, parent int64, name string, taken Taken, by string) (Node, error) {
	n, from, err := s.copySource(id, parent, &name, taken)
	if err != nil {
		return Node{}, err
	}
	tmp, err := s.StageDir()
	if err != nil {
		return Node{}, err
	}
	copied := filepath.Join(tmp, "copy")
	err = copyTree(ctx, from, copied)
	var out Node
	if err == nil {
		out, err = s.enter(copied, parent, name, taken, by)
	}
	return out, fail("copy", n.Path, errors.Join(err, os.RemoveAll(tmp)))
}

// copySource checks a copy before the work begins, and names it if it has no
// name yet.
func (s *Store) copySource(id, parent int64, name *string, taken Taken) (Node, string, error) {
	s.mu.Lock()
	defer s.unlock()
	n, err := s.alive(id)
	if err != nil {
		return Node{}, "", err
	}
	dir, err := s.aliveDir(parent)
	if err != nil {
		return Node{}, "", err
	}
	if *name == "" {
		*name = n.name
	}
	if err := s.mayMove(n, dir, *name); err != nil {
		return Node{}, "", err
	}
	old := s.child(dir, *name)
	if old != nil && (taken == Refuse || taken == Replace && n.below(old)) {
		return Node{}, "", remote.E(remote.Exist, "copy", old.path(), nil)
	}
	return n.snapshot(), s.disk(n), nil
}

// enter renames something staged to a name in a folder of the account.
func (s *Store) enter(path string, parent int64, name string, taken Taken, by string) (Node, error) {
	s.mu.Lock()
	defer s.unlock()
	dir, err := s.aliveDir(parent)
	if err != nil {
		return Node{}, err
	}
	if name, err = s.clear(dir, name, nil, taken); err != nil {
		return Node{}, err
	}
	to := filepath.Join(s.disk(dir), name)
	if err := os.Rename(path, to); err != nil {
		return Node{}, fail("copy", JoinPath(dir.path(), name), err)
	}
	fi, err := os.Lstat(to)
	if err != nil {
		return Node{}, fail("copy", JoinPath(dir.path(), name), err)
	}
	n := s.adopt(dir, fi, origin{by: by})
	s.touch(dir)
	return n.snapshot(), nil
}
