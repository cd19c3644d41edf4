package cache_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"path"
	"sort"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache"
)

// opened is a file that a program keeps open.
type opened struct {
	h     *cache.Handle
	ino   uint64
	write bool
}

func someName(r *rand.Rand) string { return string(rune('a' + r.IntN(4))) }

// folder is a folder as a program knows it.
type folder struct {
	ino  uint64
	path string
}

// change does something that a program does.
func (s *sim) change() {
	s.counts.changes++
	dir, ok := s.someFolder()
	if !ok {
		return
	}
	e, found := s.someEntry(dir)
	switch n := s.r.IntN(22); {
	case n < 6:
		s.write(dir, someName(s.r))
	case n < 8:
		_, err := s.ns.Mkdir(s.ctx, dir.ino, someName(s.r), 0o755)
		s.note("mkdir in %s: %s", dir.path, kindOf(err))
	case !found:
	case n < 10:
		s.add(dir, e)
	case n < 12:
		s.remove(dir, e, s.chance(500))
	case n < 16:
		s.rename(dir, e)
	case n < 17:
		s.read(dir, e)
	case n < 18:
		s.keepOpen(dir, e)
	case n < 20:
		s.copy(dir, e)
	default:
		s.useHandle()
	}
}

// names lists a folder.
func (s *sim) names(dir uint64) ([]cache.Entry, error) {
	d, err := s.ns.OpenDir(s.ctx, dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var all []cache.Entry
	for cookie := uint64(0); ; {
		entries, err := d.Next(s.ctx, cookie, 100)
		if err != nil || len(entries) == 0 {
			sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
			return all, err
		}
		all = append(all, entries...)
		cookie = entries[len(entries)-1].Cookie
	}
}

// someFolder is a folder that a program found on its way from the root.
func (s *sim) someFolder() (folder, bool) {
	f := folder{cache.RootIno, "/"}
	for range 3 {
		if s.r.IntN(3) == 0 {
			break
		}
		all, err := s.names(f.ino)
		if err != nil {
			s.note("list %s: %v", f.path, err)
			return f, false
		}
		var dirs []cache.Entry
		for _, e := range all {
			if e.Kind == cache.Dir {
				dirs = append(dirs, e)
			}
		}
		if len(dirs) == 0 {
			break
		}
		e := pick(s.r, dirs...)
		f = folder{e.Ino, path.Join(f.path, e.Name)}
	}
	return f, true
}

func (s *sim) someEntry(dir folder) (cache.Entry, bool) {
	all, err := s.names(dir.ino)
	if err != nil || len(all) == 0 {
		return cache.Entry{}, false
	}
	return pick(s.r, all...), true
}

// write makes or replaces a file, and sometimes keeps it open.
func (s *sim) write(dir folder, name string) {
	a, h, err := s.ns.Create(s.ctx, dir.ino, name, 0o644, unix.O_WRONLY)
	if err != nil {
		s.note("create %s: %s", path.Join(dir.path, name), kindOf(err))
		return
	}
	o := &opened{h, a.Ino, true}
	s.note("write %s (%d)", path.Join(dir.path, name), a.Ino)
	s.rewrite(o)
	if s.chance(100) && !s.crashed {
		s.handles = append(s.handles, o)
		return
	}
	h.Release()
}

// rewrite gives an open file new content.
func (s *sim) rewrite(o *opened) {
	old, nothing := s.book.shown(o.ino), int64(0)
	undo := s.book.release(old)
	if _, err := s.ns.Setattr(s.ctx, o.ino, cache.Set{Size: &nothing, File: o.h}); err != nil {
		s.note("truncate: %v", err)
		s.book.unsure[o.ino] = s.book.unsure[o.ino] || s.crashed
		if !s.crashed {
			undo()
		}
		return
	}
	s.book.local[o.ino] = ""
	token := s.book.token("w", 0)
	_, err := o.h.WriteAt(s.ctx, []byte(token), 0)
	s.note("wrote %s over %q: %s", token, old, kindOf(err))
	s.wrote(o, token, err)
}

// wrote notes what a file holds now.
func (s *sim) wrote(o *opened, token string, err error) {
	s.book.local[o.ino] = token
	s.book.unsure[o.ino] = s.crashed || err != nil
	if err == nil && !s.crashed && s.ns.Sight(o.ino).Exists {
		s.book.owe(token, true)
	}
}

// add appends to a file, which needs what is in it.
func (s *sim) add(dir folder, e cache.Entry) {
	if e.Kind != cache.File {
		return
	}
	h, err := s.ns.Open(s.ctx, e.Ino, unix.O_RDWR)
	if err != nil {
		s.note("open %s: %s", e.Name, kindOf(err))
		return
	}
	defer h.Release()
	undo := s.book.release(s.book.shown(e.Ino))
	a, _ := h.Attr(s.ctx)
	more := "," + s.book.token("w", int(a.Size)+1)
	if _, err := h.WriteAt(s.ctx, []byte(more), a.Size); err != nil {
		s.note("append to %s: %s", path.Join(dir.path, e.Name), kindOf(err))
		s.book.unsure[e.Ino] = s.book.unsure[e.Ino] || s.crashed
		if !s.crashed {
			undo()
		}
		return
	}
	text, err := s.content(h)
	s.note("appended to %s (%d): %q", path.Join(dir.path, e.Name), e.Ino, text)
	s.book.release(text[:max(len(text)-len(more), 0)])
	s.wrote(&opened{h, e.Ino, true}, text, err)
}

// content reads a whole file.
func (s *sim) content(h *cache.Handle) (string, error) {
	a, err := h.Attr(s.ctx)
	if err != nil {
		return "", err
	}
	buf := make([]byte, a.Size+10)
	n, err := h.ReadAt(s.ctx, buf, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return string(buf[:n]), err
}

// remove deletes a file or a folder with all that is in it.
func (s *sim) remove(dir folder, e cache.Entry, whole bool) {
	where := path.Join(dir.path, e.Name)
	if e.Kind == cache.File {
		undo := s.book.release(s.book.shown(e.Ino))
		before := s.counts.requests
		err := s.ns.Unlink(s.ctx, dir.ino, e.Name)
		s.note("unlink %s (%d): %s", where, e.Ino, kindOf(err))
		s.settled(err, undo, before, e.Name)
		return
	}
	if whole {
		all, _ := s.names(e.Ino)
		for _, each := range all {
			if s.crashed {
				return
			}
			s.remove(folder{e.Ino, where}, each, true)
		}
	}
	s.note("rmdir %s (%d): %s", where, e.Ino, kindOf(s.ns.Rmdir(s.ctx, dir.ino, e.Name)))
}

// settled ends an operation that was to replace or delete a file. If requests were
// made meanwhile, it may have met another file of that name.
func (s *sim) settled(err error, undo func(), before int, name string) {
	switch {
	case s.crashed:
	case err != nil:
		undo()
	case s.counts.requests != before:
		for _, o := range s.acct.Objects() {
			if o.Name == name {
				s.book.release(o.Content)
			}
		}
	}
}

// rename moves something to somewhere.
func (s *sim) rename(from folder, e cache.Entry) {
	to, ok := s.someFolder()
	if !ok {
		return
	}
	name := someName(s.r)
	flags := pick(s.r, uint32(0), 0, 0, cache.RenameNoReplace, cache.RenameExchange)
	undo := func() {}
	all, _ := s.names(to.ino)
	for _, other := range all {
		if other.Name == name && other.Ino != e.Ino && flags == 0 && other.Kind == cache.File {
			undo = s.book.release(s.book.shown(other.Ino))
		}
	}
	before := s.counts.requests
	err := s.ns.Rename(s.ctx, from.ino, e.Name, to.ino, name, flags)
	s.note("rename %s (%d) to %s, flags %d: %s", path.Join(from.path, e.Name), e.Ino, path.Join(to.path, name), flags, kindOf(err))
	s.settled(err, undo, before, name)
}

// read reads a file and compares it with what it should hold.
func (s *sim) read(dir folder, e cache.Entry) {
	if e.Kind != cache.File {
		return
	}
	h, err := s.ns.Open(s.ctx, e.Ino, unix.O_RDONLY)
	if err != nil {
		s.note("open %s: %s", e.Name, kindOf(err))
		return
	}
	defer h.Release()
	s.check(h, e.Ino, path.Join(dir.path, e.Name))
}

func (s *sim) check(h *cache.Handle, ino uint64, where string) {
	before := s.book.shown(ino)
	text, err := s.content(h)
	s.note("read %s (%d): %q %s", where, ino, text, kindOf(err))
	switch {
	case err != nil || s.crashed:
	case !s.book.known[text]:
		s.wrongf("%s reads %q, which nobody wrote", where, text)
	case s.book.unsure[ino]:
	case s.ns.Sight(ino).Exists && s.book.shown(ino) == before && text != before:
		s.wrongf("%s reads %q and not %q", where, text, before)
	}
}

func (s *sim) keepOpen(dir folder, e cache.Entry) {
	if e.Kind != cache.File {
		return
	}
	write := s.chance(500)
	flags := uint32(unix.O_RDONLY)
	if write {
		flags = unix.O_RDWR
	}
	h, err := s.ns.Open(s.ctx, e.Ino, flags)
	s.note("open %s (%d) for longer: %s", path.Join(dir.path, e.Name), e.Ino, kindOf(err))
	if err == nil {
		s.handles = append(s.handles, &opened{h, e.Ino, write})
	}
}

// useHandle does something with a file that is open.
func (s *sim) useHandle() {
	if len(s.handles) == 0 {
		return
	}
	i := s.r.IntN(len(s.handles))
	o := s.handles[i]
	switch n := s.r.IntN(4); {
	case n == 0 && o.write:
		s.note("write again (%d)", o.ino)
		s.rewrite(o)
	case n == 1:
		s.check(o.h, o.ino, "an open file")
	case n == 2:
		s.note("fsync (%d): %s", o.ino, kindOf(o.h.Fsync(s.ctx)))
	default:
		s.note("close (%d)", o.ino)
		s.handles = append(s.handles[:i:i], s.handles[i+1:]...)
		o.h.Release()
	}
}

// event is one thing that happens.
func (s *sim) event() {
	s.counts.events++
	if s.crashIn == 0 && s.chance(s.odds.crash) {
		s.crashIn = 1 + s.r.IntN(30)
	}
	if s.odds.full > 0 && s.fullIn == 0 && s.chance(s.odds.full) {
		s.fullIn = 1 + s.r.IntN(30)
	}
	switch n := s.r.IntN(1000); {
	case n < s.odds.other:
		s.other()
	case n < s.odds.other+350:
		s.change()
	case n < s.odds.other+500:
		for range 1 + s.r.IntN(8) {
			if s.crashed || !s.step() {
				break
			}
		}
	case n < s.odds.other+550:
		s.note("force")
		release := s.ns.Outbox().Force()
		for range 8 {
			if s.crashed || !s.step() {
				break
			}
		}
		release()
	case n < s.odds.other+570:
		s.deliver()
	case n < s.odds.other+580:
		s.note("remount")
		s.unmount()
	case n < s.odds.other+600:
		s.note("tick: %s", kindOf(s.ns.Tick(s.ctx)))
	case n < s.odds.other+605:
		s.acct.BreakFeed()
	default:
		d := pick(s.r, 10*time.Millisecond, time.Second, 3*time.Second, 3*time.Second, 40*time.Second, 2*time.Minute, 15*time.Minute)
		s.note("%v pass", d)
		s.pass(d)
	}
}
