package store

import "database/sql"

// Content is the record of one content file; see package content.
type Content struct {
	Gen, Ino uint64
	// Staged content is still to be sent; other content is a remote version's.
	Staged  bool
	Version string
	// Size is the whole length in bytes, Bytes what is on disk.
	Size, Bytes int64
	Complete    bool
	// Present encodes the ranges on disk.
	Present []byte
	// Used is when it was last read, in nanoseconds since 1970.
	Used int64
	// Synced is true if all that is recorded was synced to disk.
	Synced bool
}

// PutContent stores a record.
func (tx *Tx) PutContent(c Content) error {
	return tx.write("INSERT OR REPLACE INTO contents VALUES(?,?,?,?,?,?,?,?,?,?)", int64(c.Gen), int64(c.Ino), c.Staged,
		c.Version, c.Size, c.Complete, c.Present, c.Used, c.Bytes, c.Synced)
}

// DropContent removes a record.
func (tx *Tx) DropContent(gen uint64) error {
	return tx.write("DELETE FROM contents WHERE gen=?", int64(gen))
}

// Contents returns all records.
func (tx *Tx) Contents() ([]Content, error) {
	var all []Content
	err := tx.rows("SELECT * FROM contents", nil, func(r *sql.Rows) error {
		var c Content
		err := r.Scan(&c.Gen, &c.Ino, &c.Staged, &c.Version, &c.Size, &c.Complete, &c.Present, &c.Used, &c.Bytes, &c.Synced)
		all = append(all, c)
		return err
	})
	return all, err
}

// GenInUse tells whether a node's content is a generation, or an open intent
// sends it.
func (tx *Tx) GenInUse(gen uint64) (used bool, err error) {
	q := "SELECT 1 FROM nodes WHERE gen=?1 UNION ALL SELECT 1 FROM intents WHERE gen=?1 LIMIT 1"
	err = tx.rows(q, []any{int64(gen)}, func(*sql.Rows) error {
		used = true
		return nil
	})
	return used, err
}

// UnusedGens returns the staged contents that no node and no open intent refers
// to.
func (tx *Tx) UnusedGens() ([]uint64, error) {
	var gens []uint64
	q := "SELECT gen FROM contents WHERE staged AND gen NOT IN (SELECT gen FROM nodes WHERE gen IS NOT NULL)" +
		" AND gen NOT IN (SELECT gen FROM intents)"
	err := tx.rows(q, nil, func(r *sql.Rows) error {
		var gen uint64
		err := r.Scan(&gen)
		gens = append(gens, gen)
		return err
	})
	return gens, err
}
