package cache_test

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache"
)

// copy copies a file, or a folder with all that is in it, to somewhere.
func (s *sim) copy(from folder, e cache.Entry) {
	to, ok := s.someFolder()
	if !ok || s.crashed {
		return
	}
	name := e.Name // which is copied in the fewest requests
	if s.chance(300) {
		name = someName(s.r)
	}
	s.copyTo(path.Join(from.path, e.Name), e, to, name)
}

func (s *sim) copyTo(where string, e cache.Entry, to folder, name string) {
	if e.Kind == cache.File {
		s.copyFile(where, e, to, name)
		return
	}
	if to.path == where || strings.HasPrefix(to.path, where+"/") {
		return
	}
	a, err := s.ns.Mkdir(s.ctx, to.ino, name, 0o755)
	s.note("copy the folder %s to %s: %s", where, path.Join(to.path, name), kindOf(err))
	if err != nil {
		return
	}
	all, _ := s.names(e.Ino)
	for _, each := range all {
		if s.crashed {
			return
		}
		s.copyTo(path.Join(where, each.Name), each, folder{a.Ino, path.Join(to.path, name)}, each.Name)
	}
}

// copyFile copies a file as cp does.
func (s *sim) copyFile(where string, e cache.Entry, to folder, name string) {
	src, err := s.ns.Open(s.ctx, e.Ino, unix.O_RDONLY)
	if err != nil {
		s.note("open %s: %s", where, kindOf(err))
		return
	}
	defer src.Release()
	a, dst, err := s.ns.Create(s.ctx, to.ino, name, 0o644, unix.O_WRONLY|unix.O_EXCL)
	if err != nil {
		s.note("create %s: %s", path.Join(to.path, name), kindOf(err))
		return
	}
	defer dst.Release()
	n, err := s.ns.CopyRange(s.ctx, src, 0, dst, 0, 1<<30)
	s.note("copy %s (%d) to %s (%d): %d bytes, %s", where, e.Ino, path.Join(to.path, name), a.Ino, n, kindOf(err))
	if s.ns.Sight(a.Ino).Copy {
		s.copied(a.Ino, s.book.shown(e.Ino))
		return
	}
	s.copyBytes(src, &opened{dst, a.Ino, true})
}

// copied notes that a node shows what another one does. It is not owed once more:
// if others change that one, the copy may end.
func (s *sim) copied(ino uint64, text string) {
	s.book.copies[ino], s.book.local[ino] = text, text // also once it is written out
	s.book.copied[text] = true
}

// copyBytes copies what was not copied by a note.
func (s *sim) copyBytes(src *cache.Handle, dst *opened) {
	text, err := s.content(src)
	if err == nil {
		_, err = dst.h.WriteAt(s.ctx, []byte(text), 0)
	}
	s.note("copied %q: %s", text, kindOf(err))
	if err != nil || s.crashed {
		s.book.unsure[dst.ino] = true
		s.book.copied[text] = true
		return
	}
	s.book.local[dst.ino] = text
	s.book.copied[text] = true
	if s.book.owed[text] == nil && s.ns.Sight(dst.ino).Exists {
		s.book.owe(text, true)
	}
}

// giveUpCopies drops copies whose source was changed elsewhere before they were
// made: those are reported, and nobody can make them any more. It waits until
// nothing else is given up, as all is dropped together.
func (s *sim) giveUpCopies() {
	pending, _ := s.ns.Pending()
	gone := 0
	for _, it := range pending {
		if it.Failed && !strings.Contains(it.Reason, "what it was copied from was changed") {
			return
		}
		if it.Failed {
			gone++
		}
	}
	if gone > 0 {
		_, err := s.ns.Drop()
		s.note("dropping %d files that cannot be copied any more: %s", gone, kindOf(err))
	}
}
