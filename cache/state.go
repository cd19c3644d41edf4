package cache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// State is a mount's state folder: the database, staged and cached content. One
// process holds it at a time.
type State struct {
	dir      string
	lock     *os.File
	db       *store.DB
	setAside string
	journal  *journal
}

// OpenState opens a state folder, making it if it is missing. A damaged
// database is set aside and a new one begun; content is not touched.
func OpenState(dir string) (*State, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, stateError(dir, err)
	}
	lock, err := lockState(dir)
	if err != nil {
		return nil, err
	}
	s := &State{dir: dir, lock: lock}
	if err := s.openDatabase(); err != nil {
		_ = lock.Close()
		return nil, err
	}
	s.journal = newJournal(s.db)
	s.fillBallast()
	return s, nil
}

func stateError(dir string, err error) error {
	kind := remote.Other
	switch {
	case errors.Is(err, os.ErrPermission):
		kind = remote.Permission
	case errors.Is(err, syscall.ENOSPC):
		kind = remote.NoSpace
	}
	return remote.E(kind, "open state folder", dir, err)
}

// lockState takes the lock of a state folder, and writes into it who holds it.
func lockState(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, stateError(dir, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(f.Name())
		_ = f.Close()
		return nil, remote.E(remote.Busy, "open state folder", dir,
			fmt.Errorf("in use by process %s: unmount that mount first, or name another folder with --state-dir",
				strings.TrimSpace(string(holder))))
	}
	if err := f.Truncate(0); err == nil {
		_, _ = fmt.Fprintln(f, os.Getpid())
	}
	return f, nil
}

func (s *State) databasePath() string { return filepath.Join(s.dir, "frugalfs.db") }

func (s *State) openDatabase() error {
	db, err := store.Open(s.databasePath())
	if err != nil && store.IsDamaged(err) {
		if err := s.setDatabaseAside(); err != nil {
			return err
		}
		db, err = store.Open(s.databasePath())
	}
	if errors.Is(err, store.ErrNewer) {
		return remote.E(remote.Unsupported, "open state database", s.databasePath(),
			fmt.Errorf("%w: update frugalfs, or name another folder with --state-dir", store.ErrNewer))
	}
	s.db = db
	return err
}

// setDatabaseAside renames a damaged database; nothing is deleted.
func (s *State) setDatabaseAside() error {
	aside := s.databasePath() + ".damaged-" + time.Now().UTC().Format("20060102T150405.000")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		err := os.Rename(s.databasePath()+suffix, aside+suffix)
		if err != nil && !os.IsNotExist(err) {
			return stateError(s.dir, err)
		}
	}
	s.setAside = aside
	return nil
}

// SetAside is where a damaged database was moved by OpenState, "" if none was.
func (s *State) SetAside() string { return s.setAside }

// Dir is the folder.
func (s *State) Dir() string { return s.dir }

// Journal is where a ledger keeps its records.
func (s *State) Journal() ledger.Journal { return s.journal }

// Close closes the database and gives the folder free.
func (s *State) Close() error {
	err := s.journal.flush()
	err = errors.Join(err, s.db.Close())
	return errors.Join(err, s.lock.Close())
}

// metaClient begins the keys of the meta table that hold what clients remember.
const metaClient = "client "

// Recall returns what was remembered under a key, "" if nothing was.
func (s *State) Recall(key string) (value string, err error) {
	err = s.db.View(func(tx *store.Tx) error {
		value, err = tx.Meta(metaClient + key)
		return err
	})
	return value, err
}

// Remember keeps a value for later mounts.
func (s *State) Remember(key, value string) error {
	if err := s.db.Update(func(tx *store.Tx) error { return tx.SetMeta(metaClient+key, value) }); err != nil {
		return err
	}
	return s.db.Sync()
}
