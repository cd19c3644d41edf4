package store

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

// Options says where a store lives and how it behaves.
type Options struct {
	// Root is the folder with the account's content; it is made if missing.
	Root string
	// MetaDir holds the journal and staged content. It must be outside of
	// Root, on the same file system. "" means Root + ".sandbox".
	MetaDir string
	// Now is the clock of all times that the account shows. Default time.Now.
	Now func() time.Time
	// FoldCase makes names that differ in case only one name.
	FoldCase bool
	// User is the name under which foreign changes are logged and files that
	// were found are owned.
	User string
	// Quiet keeps foreign changes out of the activity log.
	Quiet bool
	// Notify, if not nil, is called with every new log entry, one at a time
	// and in order. It must neither block nor call the store.
	Notify func(Entry)
	// Logger receives warnings. Default slog.Default().
	Logger *slog.Logger
}

// Store is an open account. All methods may be called from many goroutines.
// Errors are of type [*remote.Error].
type Store struct {
	root, meta string
	o          Options
	lock       *os.File

	// mu guards everything below. It is held during short disk calls (stat,
	// readdir, rename), never while content is copied.
	mu      sync.Mutex
	top     *node
	byID    map[int64]*node
	byHash  map[string]*node
	nextID  int64
	gen     uint64 // grows with every change of the tree
	epoch   uint64 // marks what one scan has seen
	fresh   bool   // first scan ever: nothing found is a change
	views   map[viewKey]view
	log     []Entry
	logID   int64
	records map[recordKey][]byte
	journal *journal
	garbage []string // removed content, to be unlinked without the lock
	trashes int
}

// Open opens the account, reads its journal and compares it with the disk. A
// second store on the same MetaDir is refused with kind Busy.
func Open(o Options) (*Store, error) {
	s, err := prepare(o)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	err = s.load()
	s.mu.Unlock()
	if err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	return s, nil
}

// prepare makes and locks the folders.
func prepare(o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Root == "" {
		return nil, remote.E(remote.Invalid, "open", "", errors.New("the sandbox needs a folder"))
	}
	root, err := realDir(o.Root)
	if err != nil {
		return nil, fail("open", o.Root, err)
	}
	meta := root + ".sandbox"
	if o.MetaDir != "" {
		if meta, err = filepath.Abs(o.MetaDir); err != nil {
			return nil, fail("open", o.MetaDir, err)
		}
	}
	s := &Store{
		root: root, meta: meta, o: o,
		byID: map[int64]*node{}, byHash: map[string]*node{},
		views: map[viewKey]view{}, records: map[recordKey][]byte{},
	}
	if err := s.makeDirs(); err != nil {
		return nil, err
	}
	s.lock, err = lockFile(filepath.Join(meta, "lock"))
	return s, err
}

// realDir makes a folder and returns its path without symbolic links.
func realDir(path string) (string, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return "", err
	}
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

func (s *Store) makeDirs() error {
	if rel, err := filepath.Rel(s.root, s.meta); err == nil && filepath.IsLocal(rel) {
		return remote.E(remote.Invalid, "open", s.meta, errors.New("the sandbox's own folder must be outside of its content"))
	}
	for _, dir := range []string{s.stageDir(), s.trashDir()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fail("open", dir, err)
		}
	}
	var a, b unix.Stat_t
	if err := errors.Join(unix.Stat(s.root, &a), unix.Stat(s.meta, &b)); err != nil {
		return fail("open", s.root, err)
	}
	if a.Dev != b.Dev {
		return remote.E(remote.Invalid, "open", s.meta, errors.New("the sandbox's own folder must be on the same file system as its content; choose another, or a subfolder as content"))
	}
	return nil
}

func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fail("open", path, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, remote.E(remote.Busy, "open", path, errors.Join(errors.New("another sandbox uses this folder"), f.Close()))
	}
	return f, nil
}

// load reads the journal, scans the disk and clears away what an earlier run
// left staged.
func (s *Store) load() error {
	for _, dir := range []string{s.stageDir(), s.trashDir()} {
		if err := emptyDir(dir); err != nil {
			return fail("open", dir, err)
		}
	}
	if err := s.openJournal(); err != nil {
		return err
	}
	s.sweep(s.top)
	s.fresh = false
	if s.journal.bloated(len(s.byID) + len(s.log)) {
		return s.compact()
	}
	return s.journal.flush()
}

// Close writes what is pending and releases the folder. The content stays.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.journal.close(), s.lock.Close())
}

// Root returns the folder that holds the content.
func (s *Store) Root() string { return s.root }

// MetaDir returns the folder that holds what the file system cannot keep.
func (s *Store) MetaDir() string { return s.meta }

func (s *Store) stageDir() string { return filepath.Join(s.meta, "staged") }
func (s *Store) trashDir() string { return filepath.Join(s.meta, "trash") }

// unlock ends a public call: it writes the journal, releases the lock, and
// unlinks removed content after that, as this may take long.
func (s *Store) unlock() {
	if err := s.journal.flush(); err != nil {
		s.o.Logger.Warn("sandbox: cannot write the journal", "err", err)
	}
	garbage := s.garbage
	s.garbage = nil
	s.mu.Unlock()
	for _, path := range garbage {
		if err := os.RemoveAll(path); err != nil {
			s.o.Logger.Warn("sandbox: cannot remove deleted content", "err", err)
		}
	}
}

func emptyDir(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

// fail wraps an error of the operating system.
func fail(op, path string, err error) error {
	var e *remote.Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	kind := remote.Other
	switch {
	case errors.Is(err, fs.ErrNotExist):
		kind = remote.NotExist
	case errors.Is(err, fs.ErrExist), errors.Is(err, syscall.ENOTEMPTY):
		kind = remote.Exist
	case errors.Is(err, syscall.ENOTDIR):
		kind = remote.NotDir
	case errors.Is(err, syscall.EISDIR):
		kind = remote.IsDir
	case errors.Is(err, syscall.ENAMETOOLONG):
		kind = remote.NameTooLong
	case errors.Is(err, syscall.ENOSPC):
		kind = remote.NoSpace
	case errors.Is(err, fs.ErrPermission):
		kind = remote.Permission
	}
	return remote.E(kind, op, path, err)
}
