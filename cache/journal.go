package cache

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// journalBatch is how many ledger records are collected before they are written.
const journalBatch = 64

// journal keeps the ledger's records in the database. Records are written in
// batches, and with the database's regular syncs: the ledger tolerates the loss
// of the last ones.
type journal struct {
	db *store.DB

	// mu guards pending.
	mu      sync.Mutex
	pending []ledger.Record
}

func newJournal(db *store.DB) *journal { return &journal{db: db} }

// Append implements ledger.Journal.
func (j *journal) Append(r ledger.Record) error {
	j.mu.Lock()
	j.pending = append(j.pending, r)
	full := len(j.pending) >= journalBatch
	j.mu.Unlock()
	if full {
		return j.flush()
	}
	return nil
}

// flush writes what is collected.
func (j *journal) flush() error {
	j.mu.Lock()
	batch := j.pending
	j.pending = nil
	j.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	return j.db.UpdateLazily(func(tx *store.Tx) error {
		for _, r := range batch {
			text, err := json.Marshal(r)
			if err != nil {
				return err
			}
			if err := tx.AppendLedger(r.At.UnixNano(), string(text)); err != nil {
				return err
			}
		}
		return tx.TrimLedger(batch[len(batch)-1].At.Add(-25 * time.Hour).UnixNano())
	})
}

// Load implements ledger.Journal.
func (j *journal) Load(since time.Time) ([]ledger.Record, error) {
	var all []ledger.Record
	err := j.db.View(func(tx *store.Tx) error {
		return tx.Ledger(since.UnixNano(), func(text string) error {
			var r ledger.Record
			if err := json.Unmarshal([]byte(text), &r); err != nil {
				return nil // a record of an older version: its count is lost, not the mount
			}
			all = append(all, r)
			return nil
		})
	})
	return all, err
}
