package store

import (
	"errors"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/frugalfs/frugalfs/remote"
)

// wrap gives a database error its kind; nil stays nil.
func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	var e *remote.Error
	if errors.As(err, &e) {
		return err
	}
	return remote.E(classify(err), op+" state database", "", err)
}

// classify says what a database error means.
func classify(err error) remote.Kind {
	var se *sqlite.Error
	if errors.As(err, &se) {
		switch se.Code() & 0xff {
		case sqlite3.SQLITE_FULL:
			return remote.NoSpace
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT:
			return remote.Corrupt
		case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY:
			return remote.Permission
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			return remote.Busy
		}
	}
	if errors.Is(err, syscall.ENOSPC) {
		return remote.NoSpace
	}
	if errors.Is(err, ErrDamaged) {
		return remote.Corrupt
	}
	return remote.Other
}

// IsDamaged tells whether an error of Open means that the file must be set
// aside.
func IsDamaged(err error) bool { return remote.IsKind(err, remote.Corrupt) }
