package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
)

// Keys of the meta table.
const (
	metaSyncs   = "syncs"
	metaClean   = "clean"
	metaNextIno = "next_ino"
	metaNextGen = "next_gen"
)

// inoBatch is how many numbers are taken from a sequence at once: a crash
// leaves a gap, never a number that is given twice.
const inoBatch = 1024

// Meta returns the value of a key, "" if there is none.
func (tx *Tx) Meta(key string) (string, error) {
	var value string
	err := tx.rows("SELECT value FROM meta WHERE key=?", []any{key}, func(r *sql.Rows) error {
		return r.Scan(&value)
	})
	return value, err
}

// SetMeta sets the value of a key.
func (tx *Tx) SetMeta(key, value string) error {
	return tx.write("INSERT INTO meta VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value", key, value)
}

// DropMeta removes a key.
func (tx *Tx) DropMeta(key string) error { return tx.write("DELETE FROM meta WHERE key=?", key) }

// metaNow reads a key while the database is being opened.
func (db *DB) metaNow(ctx context.Context, key string) (string, error) {
	var value string
	err := db.conn.QueryRowContext(ctx, "SELECT value FROM meta WHERE key=?", key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}

// SetClean records whether the database is closed in good order.
func (tx *Tx) SetClean(clean bool) error {
	value := "0"
	if clean {
		value = "1"
	}
	return tx.SetMeta(metaClean, value)
}

// Clean tells whether the database was closed in good order.
func (tx *Tx) Clean() (bool, error) {
	v, err := tx.Meta(metaClean)
	return v == "1", err
}

// Sequence hands out numbers that are never given twice, across restarts.
type Sequence struct {
	key         string
	next, limit uint64
	first       uint64
}

// NewInos returns the sequence of inode numbers, NewGens that of content files.
func NewInos() *Sequence { return &Sequence{key: metaNextIno, first: FirstIno} }

// NewGens returns the sequence of content file numbers.
func NewGens() *Sequence { return &Sequence{key: metaNextGen, first: 1} }

// Next returns the next number. The database's lock guards the sequence.
func (s *Sequence) Next(tx *Tx) (uint64, error) {
	if s.next == s.limit {
		if err := s.refill(tx); err != nil {
			return 0, err
		}
	}
	s.next++
	return s.next - 1, nil
}

// Reset forgets the numbers at hand: the transaction that took them from the
// database may have been rolled back.
func (s *Sequence) Reset() { s.next, s.limit = 0, 0 }

func (s *Sequence) refill(tx *Tx) error {
	value, err := tx.Meta(s.key)
	if err != nil {
		return err
	}
	next := s.first
	if value != "" {
		if next, err = strconv.ParseUint(value, 10, 64); err != nil {
			return wrap("read", errors.Join(ErrDamaged, err))
		}
	}
	if err := tx.SetMeta(s.key, utoa(next+inoBatch)); err != nil {
		return err
	}
	s.next, s.limit = next, next+inoBatch
	return nil
}
