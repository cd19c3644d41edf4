package store

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/frugalfs/frugalfs/remote"
)

// Staged is content that is on disk and not in the account yet. It is not safe
// for use by several goroutines at once.
type Staged struct {
	f    *os.File
	size int64
	done bool
}

// Stage opens an empty staged file. The caller ends it with Discard, also
// after [Store.Put] took it.
func (s *Store) Stage() (*Staged, error) {
	f, err := os.CreateTemp(s.stageDir(), "file-")
	if err != nil {
		return nil, fail("stage", "", err)
	}
	if err := f.Chmod(0o644); err != nil {
		return nil, fail("stage", "", errors.Join(err, f.Close(), os.Remove(f.Name())))
	}
	return &Staged{f: f}, nil
}

// Write appends to the staged content.
func (g *Staged) Write(p []byte) (int, error) {
	n, err := g.f.Write(p)
	g.size += int64(n)
	return n, fail("stage", "", err)
}

// Size is how much was written.
func (g *Staged) Size() int64 { return g.size }

// File gives access to the staged content for reading; it is closed by
// Discard.
func (g *Staged) File() *os.File { return g.f }

// Discard removes the staged content unless it was taken into the account.
func (g *Staged) Discard() error {
	err := g.f.Close()
	if !g.done {
		err = errors.Join(err, os.Remove(g.f.Name()))
	}
	return fail("discard", "", err)
}

// StageDir makes an empty staged folder, for [Store.Merge]. The caller removes
// what is left of it.
func (s *Store) StageDir() (string, error) {
	dir, err := os.MkdirTemp(s.stageDir(), "dir-")
	return dir, fail("stage", "", err)
}

// Open opens a file's content. What is read stays the same when the file is
// replaced or deleted meanwhile.
func (s *Store) Open(id int64) (*os.File, Node, error) {
	s.mu.Lock()
	defer s.unlock()
	n, err := s.alive(id)
	if err != nil {
		return nil, Node{}, err
	}
	if n.dir {
		return nil, Node{}, remote.E(remote.IsDir, "open", n.path(), nil)
	}
	f, err := os.Open(s.disk(n))
	if err != nil {
		return nil, Node{}, fail("open", n.path(), err)
	}
	n.accessed = s.o.Now()
	return f, n.snapshot(), nil
}

// Item is an entry of a walk.
type Item struct {
	Node
	// Rel is the path relative to the folder the walk began at, without a
	// leading slash; "" for that folder itself.
	Rel string
}

// Walk returns a node and everything below it, folders first, by name.
func (s *Store) Walk(id int64) ([]Item, error) {
	s.mu.Lock()
	defer s.unlock()
	n, err := s.alive(id)
	if err != nil {
		return nil, err
	}
	if n.dir {
		s.sweep(n)
	}
	var items []Item
	walk(n, "", &items)
	return items, nil
}

func walk(n *node, rel string, items *[]Item) {
	*items = append(*items, Item{n.snapshot(), rel})
	for _, k := range sortedKids(n) {
		walk(k, filepath.Join(rel, k.name), items)
	}
}

// copyTree copies a file or folder on disk, regular files and folders only.
func copyTree(ctx context.Context, from, to string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	fi, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		return copyFile(from, to)
	}
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	for _, e := range entries {
		if usable(e.Type(), e.Name()) {
			err = errors.Join(err, copyTree(ctx, filepath.Join(from, e.Name()), filepath.Join(to, e.Name())))
		}
	}
	return err
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return errors.Join(err, in.Close())
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, in.Close(), out.Close())
}
