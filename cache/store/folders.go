package store

import "database/sql"

// Folder is a folder that provider and mount both show, and what is known of its
// entries.
type Folder struct {
	Ino     uint64
	Listing Listing
}

// Folders returns the folders in a folder, not those below them.
func (tx *Tx) Folders(parent uint64) ([]Folder, error) {
	// kind=1 is Dir, spelled out for the sake of the index nodes_dirs.
	q := "SELECT n.ino, coalesce(l.complete,0), coalesce(l.sent,0), coalesce(l.stale,0), coalesce(l.entries,0) " +
		"FROM nodes n LEFT JOIN listings l ON l.ino=n.ino WHERE n.parent=? AND n.kind=1 AND n.present AND n.r_seen IS NOT NULL"
	var all []Folder
	err := tx.rows(q, []any{int64(parent)}, func(r *sql.Rows) error {
		var f Folder
		err := r.Scan(&f.Ino, &f.Listing.Complete, &f.Listing.Sent, &f.Listing.Stale, &f.Listing.Entries)
		all = append(all, f)
		return err
	})
	return all, err
}

// RemoteChildrenUntil returns those of RemoteChildren that were last seen at a
// time or before.
func (tx *Tx) RemoteChildrenUntil(parent uint64, seen int64) ([]*Node, error) {
	p := int64(parent)
	here, err := tx.nodesBy("parent=? AND r_seen<=? AND r_parent IS NULL", p, seen)
	if err != nil {
		return nil, err
	}
	moved, err := tx.nodesBy("r_parent=? AND r_seen<=?", p, seen)
	return append(here, moved...), err
}
