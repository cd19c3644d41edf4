package store

import "database/sql"

// AppendLedger adds a record of the ledger, made at a time in nanoseconds since
// 1970.
func (tx *Tx) AppendLedger(at int64, record string) error {
	return tx.write("INSERT INTO ledger VALUES(?,?)", at, record)
}

// TrimLedger removes the records made before a time.
func (tx *Tx) TrimLedger(before int64) error {
	return tx.write("DELETE FROM ledger WHERE at<?", before)
}

// Ledger hands out the records made since a time, oldest first.
func (tx *Tx) Ledger(since int64, each func(record string) error) error {
	return tx.rows("SELECT record FROM ledger WHERE at>=? ORDER BY at", []any{since}, func(r *sql.Rows) error {
		var record string
		if err := r.Scan(&record); err != nil {
			return err
		}
		return each(record)
	})
}
