package store

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/frugalfs/frugalfs/remote"
)

// Merge moves everything in a staged folder into a folder of the account.
// Folders of one name merge; p.Taken says what happens to files. With Refuse,
// or where a file meets a folder, nothing is changed at all. It returns what
// was stored, folders before what is in them; p.Path is not used.
func (s *Store) Merge(staged string, into int64, p Put) ([]Node, error) {
	s.mu.Lock()
	defer s.unlock()
	dir, err := s.aliveDir(into)
	if err != nil {
		return nil, err
	}
	if err := s.mayMerge(staged, dir, p.Taken); err != nil {
		return nil, err
	}
	var out []Node
	err = s.merge(staged, dir, p, &out)
	return out, err
}

func (s *Store) mayMerge(staged string, dir *node, taken Taken) error {
	entries, err := os.ReadDir(staged)
	if err != nil {
		return fail("extract", dir.path(), err)
	}
	for _, e := range entries {
		k := s.child(dir, e.Name())
		switch {
		case k == nil:
		case k.dir && e.IsDir():
			if err := s.mayMerge(filepath.Join(staged, e.Name()), k, taken); err != nil {
				return err
			}
		case k.dir || e.IsDir() || taken == Refuse:
			return remote.E(remote.Exist, "extract", k.path(), nil)
		}
	}
	return nil
}

func (s *Store) merge(staged string, dir *node, p Put, out *[]Node) error {
	entries, err := os.ReadDir(staged)
	if err != nil {
		return fail("extract", dir.path(), err)
	}
	for _, e := range entries {
		if err := s.mergeOne(filepath.Join(staged, e.Name()), e, dir, p, out); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) mergeOne(path string, e fs.DirEntry, dir *node, p Put, out *[]Node) error {
	if !e.IsDir() {
		n, err := s.place(dir, e.Name(), path, p)
		if err == nil {
			*out = append(*out, n.snapshot())
		}
		return err
	}
	k := s.child(dir, e.Name())
	if k == nil {
		var err error
		if k, err = s.mkdir(dir, e.Name(), p.By); err != nil {
			return err
		}
	}
	*out = append(*out, k.snapshot())
	return s.merge(path, k, p, out)
}
