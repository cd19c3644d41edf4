package store

import (
	"database/sql"
	"encoding/json"
)

// PutIntent stores an intent and gives it its ID.
func (tx *Tx) PutIntent(in *Intent) error {
	inos, err := json.Marshal(in.Inos)
	if err != nil {
		return err
	}
	if err := tx.begin(); err != nil {
		return err
	}
	res, err := tx.db.exec("INSERT INTO intents(op,inos,parent,name,over,gen,size,at) VALUES(?,?,?,?,?,?,?,?)",
		int64(in.Op), string(inos), int64(in.Parent), in.Name, int64(in.Over), int64(in.Gen), in.Size, in.At)
	if err != nil {
		return wrap("write", err)
	}
	in.ID, err = res.LastInsertId()
	return wrap("write", err)
}

// DropIntent removes an intent whose outcome is known.
func (tx *Tx) DropIntent(id int64) error { return tx.write("DELETE FROM intents WHERE id=?", id) }

// Intents returns the open intents, oldest first.
func (tx *Tx) Intents() ([]Intent, error) {
	var all []Intent
	err := tx.rows("SELECT id,op,inos,parent,name,over,gen,size,at FROM intents ORDER BY id", nil, func(r *sql.Rows) error {
		var in Intent
		var inos string
		if err := r.Scan(&in.ID, &in.Op, &inos, &in.Parent, &in.Name, &in.Over, &in.Gen, &in.Size, &in.At); err != nil {
			return err
		}
		all = append(all, in)
		return json.Unmarshal([]byte(inos), &all[len(all)-1].Inos)
	})
	return all, err
}
