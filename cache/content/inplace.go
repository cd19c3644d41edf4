package content

import (
	"cmp"
	"context"
	"os"

	"golang.org/x/sys/unix"
)

// Identity tells files on disk apart, for as long as somebody has them open.
type Identity struct{ Device, Inode uint64 }

// IdentityOf returns the identity of an open descriptor's file.
func IdentityOf(fd uintptr) (Identity, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(fd), &st); err != nil {
		return Identity{}, local("stat", err)
	}
	return Identity{Device: st.Dev, Inode: st.Ino}, nil
}

// StageInPlace is StageCopy for a source whose file on disk the kernel reads by
// itself: the new generation takes over that very file, so that its readers see
// what is written to it, and the source is left with the copy. A source that is
// empty, or whose file somebody may write to meanwhile, is copied only.
func (s *Store) StageInPlace(ctx context.Context, ino uint64, src Source, path string) (*Staged, error) {
	return s.stageFrom(ctx, ino, src, path, func(g *Staged, from *os.File) error {
		if err := g.fill(ctx, from); err != nil || from == nil {
			return err
		}
		return s.exchange(g.d, src.holder())
	})
}

// Announce notes that the content is about to change behind the store; it
// returns [ErrSealed] if it must not.
func (g *Staged) Announce() error {
	g.d.wmu.RLock()
	defer g.d.wmu.RUnlock()
	return g.d.writable()
}

// exchange swaps the file of a new draft, which is a copy, with that of the body
// that it was copied from. Both hold the same bytes, so a crash in between
// changes nothing; and both are on disk under their new names before anything
// is written to either, as the record of the old one may call it synced.
func (s *Store) exchange(d *draft, old *body) error {
	d.body.disk.Lock()
	defer d.body.disk.Unlock()
	old.disk.Lock()
	defer old.disk.Unlock()
	if s.isGone(old) {
		return nil // evicted or dropped: it keeps what it has until it is closed
	}
	if err := unix.Fsync(int(d.body.file.Load().Fd())); err != nil {
		return local("sync", err)
	}
	now, before := d.body.gen.Load(), old.gen.Load()
	err := unix.Renameat2(unix.AT_FDCWD, s.path(now), unix.AT_FDCWD, s.path(before), unix.RENAME_EXCHANGE)
	if err != nil {
		return local("exchange", err)
	}
	d.body.swapFiles(old)
	// A sync under way speaks for the other file.
	d.edits++
	d.synced = false
	d.clean.Store(false)
	s.mu.Lock()
	s.unsynced[d] = struct{}{}
	s.mu.Unlock()
	return cmp.Or(syncFolder(s.folder(now)), syncFolder(s.folder(before)))
}

// swapFiles gives two bodies each other's open file, when nobody reads.
func (y *body) swapFiles(old *body) {
	y.swap.Lock()
	defer y.swap.Unlock()
	old.swap.Lock()
	defer old.swap.Unlock()
	y.file.Store(old.file.Swap(y.file.Load()))
}
