package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

const (
	randomReads  = 20_000
	smallFiles   = 5000
	knownEntries = 100_000
)

// beside measures L1 to L5 beside a plain folder and rclone.
func (l *local) beside() error {
	if !l.wantsAny("L1", "L2", "L3", "L4", "L5") {
		return nil
	}
	defer l.close()
	if err := l.startSides(); err != nil {
		return err
	}
	if err := l.measureFile(); err != nil {
		return err
	}
	err := l.compare("L4", fmt.Sprintf("create, write, close %d files of 4 KiB", smallFiles), "s", false, l.createFiles)
	if err != nil {
		return err
	}
	return l.compare("L5", fmt.Sprintf("find over %d known entries", knownEntries), "s", false, findKnown)
}

func (l *local) startSides() error {
	dir := filepath.Join(l.dir, "beside")
	seed := func(root string) error {
		if !l.wants("L5") {
			return nil
		}
		return manyFiles(filepath.Join(root, "known"), knownEntries)
	}
	if err := l.account("beside", rig.SandboxOptions{}, seed); err != nil {
		return err
	}
	plain, backing := filepath.Join(dir, "plain"), filepath.Join(dir, "rclone-backing")
	for _, d := range []string{plain, backing} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
		if err := seed(d); err != nil {
			return err
		}
	}
	l.sides = []side{{"plain", plain, false}, {"frugalfs", l.mnt.Dir, true}}
	return l.startRclone(dir, backing)
}

// measureFile measures L1 to L3 with one large file.
func (l *local) measureFile() error {
	if !l.wantsAny("L1", "L2", "L3") {
		return nil
	}
	err := l.compare("L3", "sequential write, then fsync", "MB/s", true, l.writeLarge)
	if err != nil {
		return err
	}
	for _, s := range l.sides { // L3 may be left out
		if _, err := os.Stat(filepath.Join(s.dir, "big")); err != nil {
			if _, err := l.writeLarge(s); err != nil {
				return err
			}
		}
	}
	if err := l.mnt.Flush(l.ctx, patience); err != nil {
		return err
	}
	if err := l.compare("L1", "sequential read, cached", "MB/s", true, l.readLarge); err != nil {
		return err
	}
	return l.compare("L2", "random 4 KiB reads, cached", "reads/s", true, l.readRandom)
}

func (l *local) writeLarge(s side) (float64, error) {
	path := filepath.Join(s.dir, "big")
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	block := fill("block", 1<<20)
	started := time.Now()
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	for n := int64(0); n < l.size; n += int64(len(block)) {
		if _, err := f.Write(block); err != nil {
			return 0, err
		}
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	seconds := time.Since(started).Seconds()
	return float64(l.size) / 1e6 / seconds, f.Close()
}

// openCold opens the large file with no page of it in a mount's own cache. What
// is behind the mount keeps its pages, as the plain folder does.
func openCold(s side) (*os.File, error) {
	f, err := os.Open(filepath.Join(s.dir, "big"))
	if err != nil || !s.mounted {
		return f, err
	}
	return f, unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}

func (l *local) readLarge(s side) (float64, error) {
	f, err := openCold(s)
	if err != nil {
		return 0, err
	}
	defer f.Close() //nolint:errcheck // only read
	block := make([]byte, 1<<20)
	started := time.Now()
	for total := 0; ; {
		n, err := f.Read(block)
		total += n
		if errors.Is(err, io.EOF) {
			return float64(total) / 1e6 / time.Since(started).Seconds(), nil
		}
		if err != nil {
			return 0, err
		}
	}
}

func (l *local) readRandom(s side) (float64, error) {
	f, err := openCold(s)
	if err != nil {
		return 0, err
	}
	defer f.Close() //nolint:errcheck // only read
	rng := rand.New(rand.NewPCG(1, 2))
	block := make([]byte, 4096)
	started := time.Now()
	for range randomReads {
		if _, err := f.ReadAt(block, rng.Int64N(l.size/4096)*4096); err != nil {
			return 0, err
		}
	}
	return randomReads / time.Since(started).Seconds(), nil
}

func (l *local) createFiles(s side) (float64, error) {
	dir := filepath.Join(s.dir, "small")
	if err := os.RemoveAll(dir); err != nil {
		return 0, err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return 0, err
	}
	text := fill("small", 4096)
	started := time.Now()
	for i := range smallFiles {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%05d", i)), text, 0o644); err != nil {
			return 0, err
		}
	}
	return time.Since(started).Seconds(), nil
}

// findKnown walks names and attributes with the kernel's caches cold.
func findKnown(s side) (float64, error) {
	dir := filepath.Join(s.dir, "known")
	if err := walk(dir); err != nil { // makes it known
		return 0, err
	}
	if err := dropKernelCaches(); err != nil {
		return 0, err
	}
	started := time.Now()
	err := walk(dir)
	return time.Since(started).Seconds(), err
}

// walk stats everything, as find -ls does.
func walk(dir string) error {
	return filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil {
			_, err = d.Info()
		}
		return err
	})
}

// dropKernelCaches drops names and attributes; it needs root.
func dropKernelCaches() error {
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("2"), 0); err != nil {
		return fmt.Errorf("dropping the kernel's caches, as root only: %w", err)
	}
	return nil
}

// manyFiles makes n empty files, 1,000 in each folder.
func manyFiles(dir string, n int) error {
	for i := range n {
		folder := filepath.Join(dir, fmt.Sprintf("d%04d", i/1000))
		if i%1000 == 0 {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return err
			}
		}
		f, err := os.Create(filepath.Join(folder, fmt.Sprintf("file%06d", i)))
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}
