package content

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// Options are what a Store needs beside its folder and its records.
type Options struct {
	// Limit is how many bytes of disk cached content may take; 0 is no limit.
	// Staged content does not count.
	Limit int64
	// InOneGo has every file fetched from start to end in one request, once
	// somebody reads any of it: for providers that count downloads.
	InOneGo bool
	// UncleanBoot is true if the machine went down since the last run without
	// a clean end: what was not synced is then not believed.
	UncleanBoot bool
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Logger takes what goes wrong in the background; nil drops it.
	Logger *slog.Logger
}

// Store is the bytes of files on disk. All methods may be called at once from
// many goroutines.
type Store struct {
	dir   string
	rec   Records
	limit int64
	now   func() time.Time
	log   *slog.Logger
	tune  tuning
	// pwrite is how cached bytes reach a file; tests make it fail.
	pwrite func(f *os.File, p []byte, off int64) (int, error)

	// ctx ends when the store closes, and work counts what runs until then.
	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup

	// orphans is what was set aside when the store was opened.
	orphans []string

	// syncing lets one sync of everything at a time through.
	syncing sync.Mutex

	// mu guards the following and the fields of body that say so. Nothing
	// that can block is done under it.
	mu     sync.Mutex
	closed bool
	// lost and suspect is staged content that is missing or not believed.
	lost, suspect []Record
	blobs         map[Key]*blob
	// inos finds all cached versions of a node.
	inos   map[uint64][]*blob
	drafts map[uint64]*draft
	// idle is the cached bodies nobody refers to, the last used in front.
	idle *list.List
	// cached is the disk space of all cached bodies, reserved or taken.
	cached int64
	// unsynced is the staged files changed, and stale the cached ones filled
	// since they were last synced, with the time of that.
	unsynced map[*draft]struct{}
	stale    map[*blob]time.Time
	// paused is the streams that wait for their readers, the longest first.
	paused []*stream
	spares spares
}

// Open opens the store in a folder, which it makes if it is missing and which
// nobody else may use at the same time. It brings files and records together:
// see [Store.Orphans], [Store.Lost] and [Store.Suspect].
func Open(dir string, rec Records, opt Options) (*Store, error) {
	return openTuned(dir, rec, opt, defaults)
}

func openTuned(dir string, rec Records, opt Options, tune tuning) (*Store, error) {
	s := &Store{
		dir: dir, rec: rec, limit: opt.Limit, now: opt.Now, log: opt.Logger, tune: tune,
		pwrite: (*os.File).WriteAt,
		blobs:  map[Key]*blob{}, inos: map[uint64][]*blob{}, drafts: map[uint64]*draft{},
		idle: list.New(), unsynced: map[*draft]struct{}{}, stale: map[*blob]time.Time{},
	}
	s.tune.inOneGo = tune.inOneGo || opt.InOneGo
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	if err := s.recover(opt.UncleanBoot); err != nil {
		s.stop()
		return nil, err
	}
	s.room(0)
	return s, nil
}

// Close stops all fetching, waits for it, and syncs what is not synced yet.
// Handles that are still open may be read where their content is present.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.work.Wait()
	s.dropSpares()
	var failed error
	for _, b := range s.allBlobs() {
		failed = cmp.Or(failed, b.save())
	}
	return cmp.Or(failed, s.syncAll(context.Background(), 0))
}

func (s *Store) allBlobs() []*blob {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*blob, 0, len(s.blobs))
	for _, b := range s.blobs {
		all = append(all, b)
	}
	return all
}

// Read opens the cached content of one version for reading; fetch brings what
// is missing of it. It makes no request itself. All handles of one key share
// what is present and what is under way. While a handle is open the content
// is not evicted. The caller closes the handle.
func (s *Store) Read(key Key, fetch Fetch) (*File, error) {
	if key.Size < 0 || key.Ino == 0 {
		return nil, remote.E(remote.Invalid, "open", "", nil)
	}
	f, err := s.handle(key, fetch)
	if remote.IsKind(err, remote.Corrupt) || remote.IsKind(err, remote.Stale) {
		// Somebody meddled with the file; what was wrong is dropped by now.
		f, err = s.handle(key, fetch)
	}
	return f, err
}

// handle makes a handle, if the file is as it should be.
func (s *Store) handle(key Key, fetch Fetch) (*File, error) {
	b, err := s.blob(key)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.handles++
	b.mu.Unlock()
	f := &File{b: b, fetch: fetch}
	if err := b.check(); err != nil {
		_ = f.Close() // what was wrong with it is told already
		return nil, err
	}
	return f, nil
}

// blob returns the object of a key with a reference to its body.
func (s *Store) blob(key Key) (*blob, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, remote.E(remote.Canceled, "open", "", os.ErrClosed)
	}
	b := s.blobs[key]
	if b == nil {
		b = newBlob(s, key, &body{s: s})
		s.linkLocked(b)
	}
	s.holdLocked(b.body)
	return b, nil
}

// linkLocked makes a blob the one of its key; the caller holds s.mu.
func (s *Store) linkLocked(b *blob) {
	b.body.blob = b
	s.blobs[b.key] = b
	s.inos[b.key.Ino] = append(s.inos[b.key.Ino], b)
}

// unlinkLocked lets no key lead to b any more; the caller holds s.mu.
func (s *Store) unlinkLocked(b *blob) {
	if s.blobs[b.key] == b {
		delete(s.blobs, b.key)
	}
	delete(s.stale, b)
	rest := slices.DeleteFunc(s.inos[b.key.Ino], func(o *blob) bool { return o == b })
	if len(rest) == 0 {
		delete(s.inos, b.key.Ino)
	} else {
		s.inos[b.key.Ino] = rest
	}
}

// Complete tells whether every byte of a version is present.
func (s *Store) Complete(key Key) bool {
	s.mu.Lock()
	b := s.blobs[key]
	s.mu.Unlock()
	return key.Size == 0 || b != nil && b.complete.Load()
}

// Ensure fetches what is missing of a version and returns when all of it is
// present, or with NoSpace when it does not fit. It makes one request where
// nothing was present. If ctx ends, Ensure returns, and what it started is
// stopped as after the close of a handle.
//
// fetch need not make a request: content that came some other way, such as an
// entry of an archive, is put into the store by an Ensure whose fetch hands
// it over from offset 0.
func (s *Store) Ensure(ctx context.Context, key Key, fetch Fetch) error {
	f, err := s.Read(key, fetch)
	if err != nil {
		return err
	}
	if err := f.b.ensure(ctx, f); err != nil {
		_ = f.Close() // nothing was written through it
		return err
	}
	return f.Close()
}

// Forget drops the cached content of every version of a node except keep; ""
// keeps none. Handles that are open on it stay readable where bytes are
// present.
func (s *Store) Forget(ino uint64, keep string) {
	s.mu.Lock()
	var out []*blob
	for _, b := range s.inos[ino] {
		if keep == "" || b.key.Version != keep {
			out = append(out, b)
		}
	}
	for _, b := range out {
		s.unlinkLocked(b)
	}
	s.mu.Unlock()
	for _, b := range out {
		if err := s.discard(b.body, false); err != nil {
			s.log.Warn("dropping cached content", "ino", ino, "err", err)
		}
	}
}

// Usage is what the store takes.
type Usage struct {
	// Cached is the disk space of cached content in bytes, including what is
	// reserved for fetches under way; Staged the length of staged files.
	Cached, Staged int64
	// Files is the number of cached contents of which something is present,
	// StagedFiles of staged ones.
	Files, StagedFiles int
	// Limit is the most that Cached may be, 0 if there is no limit.
	Limit int64
}

// Usage returns what the store takes now.
func (s *Store) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := Usage{Cached: s.cached, Limit: s.limit, StagedFiles: len(s.drafts)}
	for _, b := range s.blobs {
		if b.body.gen.Load() != 0 {
			u.Files++
		}
	}
	for _, d := range s.drafts {
		u.Staged += d.size.Load()
	}
	return u
}

// Orphans returns the paths that files without a record were moved to when
// the store was opened. The store never deletes them.
func (s *Store) Orphans() []string { return slices.Clone(s.orphans) }

// Lost returns the records of staged files that were missing when the store
// was opened. They are kept until they are dropped.
func (s *Store) Lost() []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lost)
}

// Suspect returns the records of staged files that were not wholly synced
// when the machine went down. Their bytes must not be trusted or sent; they
// can be opened, to be shown to their owner.
func (s *Store) Suspect() []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.suspect)
}

// readFull fills p from the body's open file, which must have that much.
func (y *body) readFull(p []byte, off int64) error {
	y.swap.RLock()
	_, err := y.file.Load().ReadAt(p, off)
	y.swap.RUnlock()
	if err == io.EOF {
		return remote.E(remote.Corrupt, "read", "", errors.New("a content file is shorter than recorded"))
	}
	return local("read", err)
}
