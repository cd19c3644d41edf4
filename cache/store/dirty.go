package store

import "database/sql"

// PutDirty stores what is kept of a dirty node.
func (tx *Tx) PutDirty(ino uint64, d *Dirty) error {
	b := &d.Base
	return tx.write("INSERT OR REPLACE INTO dirty VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		int64(ino), d.Since, d.Changed, d.Content, b.Exists, int64(b.Parent), b.Name, b.ID, b.Version, b.Size, b.ModTime, b.Hash,
		text(d.Failed), int64(d.FailKind), d.RetryAt, d.Tries)
}

// DropDirty makes a node clean.
func (tx *Tx) DropDirty(ino uint64) error {
	return tx.write("DELETE FROM dirty WHERE ino=?", int64(ino))
}

// Dirty returns what is kept of all dirty nodes, by their numbers.
func (tx *Tx) Dirty() (map[uint64]*Dirty, error) {
	all := map[uint64]*Dirty{}
	err := tx.rows("SELECT * FROM dirty", nil, func(r *sql.Rows) error {
		var ino uint64
		var failed sql.NullString
		d := &Dirty{}
		b := &d.Base
		err := r.Scan(&ino, &d.Since, &d.Changed, &d.Content, &b.Exists, &b.Parent, &b.Name, &b.ID, &b.Version, &b.Size,
			&b.ModTime, &b.Hash, &failed, &d.FailKind, &d.RetryAt, &d.Tries)
		d.Failed = failed.String
		all[ino] = d
		return err
	})
	return all, err
}

// Listing returns what is known of a folder's entries; the zero Listing if
// nothing is.
func (tx *Tx) Listing(ino uint64) (Listing, error) {
	var l Listing
	err := tx.rows("SELECT complete,sent,stale,entries FROM listings WHERE ino=?", []any{int64(ino)}, func(r *sql.Rows) error {
		return r.Scan(&l.Complete, &l.Sent, &l.Stale, &l.Entries)
	})
	return l, err
}

// PutListing stores what is known of a folder's entries.
func (tx *Tx) PutListing(ino uint64, l Listing) error {
	return tx.write("INSERT OR REPLACE INTO listings VALUES(?,?,?,?,?)", int64(ino), l.Complete, l.Sent, l.Stale, l.Entries)
}

// StaleAll marks every listing as no longer holding.
func (tx *Tx) StaleAll() error { return tx.write("UPDATE listings SET stale=1") }

// Xattr returns an extended attribute; ok is false if there is none.
func (tx *Tx) Xattr(ino uint64, name string) (value []byte, ok bool, err error) {
	err = tx.rows("SELECT value FROM xattrs WHERE ino=? AND name=?", []any{int64(ino), name}, func(r *sql.Rows) error {
		ok = true
		return r.Scan(&value)
	})
	return value, ok, err
}

// SetXattr stores an extended attribute.
func (tx *Tx) SetXattr(ino uint64, name string, value []byte) error {
	return tx.write("INSERT OR REPLACE INTO xattrs VALUES(?,?,?)", int64(ino), name, value)
}

// DropXattr removes an extended attribute.
func (tx *Tx) DropXattr(ino uint64, name string) error {
	return tx.write("DELETE FROM xattrs WHERE ino=? AND name=?", int64(ino), name)
}

// Xattrs returns the names of a node's extended attributes, sorted.
func (tx *Tx) Xattrs(ino uint64) ([]string, error) {
	var names []string
	err := tx.rows("SELECT name FROM xattrs WHERE ino=? ORDER BY name", []any{int64(ino)}, func(r *sql.Rows) error {
		var name string
		err := r.Scan(&name)
		names = append(names, name)
		return err
	})
	return names, err
}

// OldestListing is when the oldest complete listing that holds was sent, 0 if there
// is none.
func (tx *Tx) OldestListing() (sent int64, err error) {
	err = tx.rows("SELECT coalesce(min(sent),0) FROM listings WHERE complete AND NOT stale", nil, func(r *sql.Rows) error {
		return r.Scan(&sent)
	})
	return sent, err
}
