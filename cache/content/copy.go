package content

import (
	"context"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

// Source is content that StageCopy can copy: a [*File] or a [*Staged].
type Source interface {
	// lend runs f with the file on disk while it is complete and does not
	// change.
	lend(ctx context.Context, f func(*os.File) error) error
	// holder returns what has that file.
	holder() *body
}

func (f *File) holder() *body   { return f.b.body }
func (g *Staged) holder() *body { return g.d.body }

func (f *File) lend(ctx context.Context, do func(*os.File) error) error {
	if f.closed.Load() {
		return remote.E(remote.Stale, "copy", "", nil)
	}
	if err := f.b.ensure(ctx, f); err != nil {
		return err
	}
	if f.b.key.Size == 0 {
		return do(nil)
	}
	file, err := f.b.body.open()
	if err != nil {
		return err
	}
	return do(file)
}

func (g *Staged) lend(_ context.Context, do func(*os.File) error) error {
	if _, err := g.file("copy"); err != nil {
		return err
	}
	return g.d.copying(do)
}

// StageCopy makes a new staged generation for a node that begins as a copy of
// src, sharing its blocks where the file system can. A cached source is
// fetched first as far as it is missing. Writes to a staged source wait
// meanwhile.
func (s *Store) StageCopy(ctx context.Context, ino uint64, src Source, path string) (*Staged, error) {
	return s.stageFrom(ctx, ino, src, path, func(g *Staged, from *os.File) error { return g.fill(ctx, from) })
}

// stageFrom makes a new staged generation with what fill puts into it.
func (s *Store) stageFrom(ctx context.Context, ino uint64, src Source, path string, fill func(*Staged, *os.File) error) (*Staged, error) {
	g, err := s.Stage(ino, path)
	if err != nil {
		return nil, err
	}
	err = src.lend(ctx, func(from *os.File) error { return fill(g, from) })
	if err != nil {
		_ = g.Close() // nothing in it is needed
		if drop := s.Drop(g.Gen()); drop != nil {
			s.log.Warn("dropping staged content", "err", drop)
		}
		return nil, err
	}
	return g, nil
}

// fill copies all of a file into an empty staged one; nil is an empty file.
func (g *Staged) fill(ctx context.Context, from *os.File) error {
	if from == nil {
		return nil
	}
	to, err := g.file("copy")
	if err != nil {
		return err
	}
	info, err := from.Stat()
	if err != nil {
		return local("copy", err)
	}
	if unix.IoctlFileClone(int(to.Fd()), int(from.Fd())) != nil {
		err = g.d.insist(func() error { return copyAll(ctx, to, from, info.Size()) })
	}
	if err != nil {
		return local("copy", err)
	}
	g.d.touch(info.Size(), false)
	return nil
}

// copyStep is how much is copied between two looks at the context.
const copyStep = 16 * mib

// copyAll copies the first size bytes, in the kernel where it can.
func copyAll(ctx context.Context, to, from *os.File, size int64) error {
	for off := int64(0); off < size; {
		if err := canceledOr(ctx); err != nil {
			return err
		}
		n, err := copySome(to, from, off, min(size-off, copyStep))
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		off += n
	}
	return to.Truncate(size)
}

// copySome copies up to n bytes at off.
func copySome(to, from *os.File, off, n int64) (int64, error) {
	in, out := off, off
	m, err := unix.CopyFileRange(int(from.Fd()), &in, int(to.Fd()), &out, int(n), 0)
	if err == nil && m > 0 {
		return int64(m), nil
	}
	if err != nil && full(err) {
		return 0, err
	}
	// Not every file system, and no pair of them, can do that.
	done, err := io.Copy(io.NewOffsetWriter(to, off), io.NewSectionReader(from, off, n))
	if remote.AtEnd(err) {
		err = nil
	}
	return done, err
}
