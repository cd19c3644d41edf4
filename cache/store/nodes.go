package store

import (
	"database/sql"
	"strings"
)

const nodeColumns = "ino,parent,name,kind,present,mode,uid,gid,size,mtime,ctime,target,rdev,gen,localonly," +
	"r_seen,r_parent,r_name,r_id,r_version,r_size,r_mtime,r_hash,r_content,c_source,c_content,c_size"

// storedColumns are those of a row, the folded name included, which is never read.
const storedColumns = nodeColumns + ",fold"

// PutNode inserts or replaces a node's row. Its Dirty part is stored by
// PutDirty.
func (tx *Tx) PutNode(n *Node) error {
	r := &n.Remote
	args := [28]any{
		int64(n.Ino), int64(n.Parent), n.Name, int64(n.Kind), n.Exists, int64(n.Mode), int64(n.UID), int64(n.GID),
		n.Size, n.Mtime, n.Ctime, text(n.Target), number(int64(n.Rdev)), number(int64(n.Gen)), flag(n.LocalOnly),
	}
	if fold := tx.db.fold; fold != nil && fold(n.Name) != n.Name {
		args[27] = fold(n.Name)
	}
	if r.Exists {
		args[15] = r.Seen
		if r.Parent != n.Parent {
			args[16] = int64(r.Parent)
		}
		if r.Name != n.Name {
			args[17] = r.Name
		}
		args[18], args[19], args[20], args[21], args[22] = text(r.ID), text(r.Version), r.Size, r.ModTime, text(r.Hash)
		args[23] = text(r.Content)
	}
	if n.Copy != nil {
		args[24], args[25], args[26] = int64(n.Copy.Source), n.Copy.Content, n.Copy.Size
	}
	return tx.write(putNode, args[:]...)
}

// putNode replaces the row of the same number only: two nodes of one place are
// an error, never a silent loss.
var putNode = "INSERT INTO nodes(" + storedColumns + ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) " +
	"ON CONFLICT(ino) DO UPDATE SET " + assignments(storedColumns)

// assignments is the SET clause that takes every column but the first from the
// refused row.
func assignments(columns string) string {
	names := strings.Split(columns, ",")[1:]
	for i, name := range names {
		names[i] = name + "=excluded." + name
	}
	return strings.Join(names, ",")
}

// text, number and flag store the common empty value as null.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func number(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

func flag(b bool) any {
	if !b {
		return nil
	}
	return int64(1)
}

// scanNode reads a row of nodeColumns.
func scanNode(rows *sql.Rows) (*Node, error) {
	n := &Node{}
	r := &n.Remote
	var target, rname, rid, rversion, rhash, rcontent, ccontent sql.NullString
	var rdev, gen, localonly, seen, rparent, rsize, rmtime, csource, csize sql.NullInt64
	err := rows.Scan(&n.Ino, &n.Parent, &n.Name, &n.Kind, &n.Exists, &n.Mode, &n.UID, &n.GID, &n.Size, &n.Mtime,
		&n.Ctime, &target, &rdev, &gen, &localonly, &seen, &rparent, &rname, &rid, &rversion, &rsize, &rmtime, &rhash, &rcontent,
		&csource, &ccontent, &csize)
	if err != nil {
		return nil, err
	}
	n.Target, n.Rdev, n.Gen, n.LocalOnly = target.String, uint32(rdev.Int64), uint64(gen.Int64), localonly.Int64 != 0
	if csource.Valid {
		n.Copy = &Copy{Source: uint64(csource.Int64), Content: ccontent.String, Size: csize.Int64}
	}
	if !seen.Valid {
		return n, nil
	}
	r.Exists, r.Seen, r.Place = true, seen.Int64, n.Place
	if rparent.Valid {
		r.Parent = uint64(rparent.Int64)
	}
	if rname.Valid {
		r.Name = rname.String
	}
	r.ID, r.Version, r.Size, r.ModTime, r.Hash = rid.String, rversion.String, rsize.Int64, rmtime.Int64, rhash.String
	r.Content = rcontent.String
	return n, nil
}

// DropNode removes a node with all that is kept of it.
func (tx *Tx) DropNode(ino uint64) error {
	for _, q := range []string{
		"DELETE FROM nodes WHERE ino=?", "DELETE FROM dirty WHERE ino=?",
		"DELETE FROM xattrs WHERE ino=?", "DELETE FROM listings WHERE ino=?",
	} {
		if err := tx.write(q, int64(ino)); err != nil {
			return err
		}
	}
	return nil
}

// nodesBy returns the nodes of a query's WHERE clause.
func (tx *Tx) nodesBy(where string, args ...any) ([]*Node, error) {
	var nodes []*Node
	err := tx.rows("SELECT "+nodeColumns+" FROM nodes WHERE "+where, args, func(r *sql.Rows) error {
		n, err := scanNode(r)
		nodes = append(nodes, n)
		return err
	})
	return nodes, err
}

func one(nodes []*Node, err error) (*Node, error) {
	if err != nil || len(nodes) == 0 {
		return nil, err
	}
	return nodes[0], nil
}

// Node returns a node, nil if there is none. Its Dirty part is not filled in.
func (tx *Tx) Node(ino uint64) (*Node, error) { return one(tx.nodesBy("ino=?", int64(ino))) }

// Child returns the node that the mount shows under a name, nil if none.
func (tx *Tx) Child(parent uint64, name string) (*Node, error) {
	if tx.db.fold != nil {
		name = tx.db.fold(name)
	}
	return one(tx.nodesBy("parent=? AND coalesce(fold, name)=? AND present", int64(parent), name))
}

// Children returns up to limit of the nodes that the mount shows in a folder,
// in the order of their numbers, after the number after.
func (tx *Tx) Children(parent, after uint64, limit int) ([]*Node, error) {
	return tx.nodesBy("parent=? AND ino>? AND present ORDER BY ino LIMIT ?", int64(parent), int64(after), limit)
}

// HasChildren tells whether the mount shows anything in a folder.
func (tx *Tx) HasChildren(parent uint64) (bool, error) {
	var found bool
	err := tx.rows("SELECT 1 FROM nodes WHERE parent=? AND present LIMIT 1", []any{int64(parent)}, func(*sql.Rows) error {
		found = true
		return nil
	})
	return found, err
}

// RemoteChildren returns the nodes that the provider was last seen to hold in a
// folder.
func (tx *Tx) RemoteChildren(parent uint64) ([]*Node, error) {
	p := int64(parent)
	here, err := tx.nodesBy("parent=? AND r_seen IS NOT NULL AND r_parent IS NULL", p)
	if err != nil {
		return nil, err
	}
	moved, err := tx.nodesBy("r_parent=? AND r_seen IS NOT NULL", p)
	return append(here, moved...), err
}

// CountRemote returns how many nodes the provider was last seen to hold in a
// folder.
func (tx *Tx) CountRemote(parent uint64) (n int, err error) {
	q := "SELECT (SELECT count(*) FROM nodes WHERE parent=?1 AND r_seen IS NOT NULL AND r_parent IS NULL) + " +
		"(SELECT count(*) FROM nodes WHERE r_parent=?1 AND r_seen IS NOT NULL)"
	err = tx.rows(q, []any{int64(parent)}, func(r *sql.Rows) error { return r.Scan(&n) })
	return n, err
}

// ByRemoteID returns the node of a provider's object, nil if none.
func (tx *Tx) ByRemoteID(id string) (*Node, error) { return one(tx.nodesBy("r_id=?", id)) }

// CountNodes returns how many nodes there are.
func (tx *Tx) CountNodes() (int, error) {
	var n int
	err := tx.rows("SELECT count(*) FROM nodes", nil, func(r *sql.Rows) error { return r.Scan(&n) })
	return n, err
}

// Written returns the nodes whose content is a staged file.
func (tx *Tx) Written() ([]*Node, error) { return tx.nodesBy("gen IS NOT NULL") }

// CopiesOf returns the nodes whose content is that of another one's object.
func (tx *Tx) CopiesOf(source uint64) ([]*Node, error) {
	return tx.nodesBy("c_source=?", int64(source))
}

// CopySources returns the nodes that CopiesOf returns something for.
func (tx *Tx) CopySources() (map[uint64]bool, error) {
	sources := map[uint64]bool{}
	err := tx.rows("SELECT DISTINCT c_source FROM nodes WHERE c_source IS NOT NULL AND present", nil, func(r *sql.Rows) error {
		var ino int64
		err := r.Scan(&ino)
		sources[uint64(ino)] = true
		return err
	})
	return sources, err
}

// Deleted returns the nodes that the mount does not show.
func (tx *Tx) Deleted() ([]*Node, error) { return tx.nodesBy("NOT present") }
