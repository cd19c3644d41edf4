package cache

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// A state folder that was restored from a backup, or copied, knows an outbox and
// a provider of another time. It is told from the one that was last in use by a
// second place, outside of it: the witness holds, by the folder's mount id, the
// mark that the latest run left in the database. A run draws a new mark, so of
// two copies the one that is opened second is noticed.
//
// The witness is written before the database is, with both marks, and again
// after it: a crash in between leaves a witness that takes either.

// Keys of the meta table.
const (
	metaMount = "mount"
	metaMark  = "mark"
)

// testimony is what a witness says: the marks that the folder may have.
type testimony struct {
	Marks []string `json:"marks"`
}

// prove finds out whether the state folder is the one that was last in use, and
// leaves a new mark. dir is where witnesses are; "" asks none.
func (ns *Namespace) prove(dir string) error {
	if dir == "" {
		return nil
	}
	mount, mark, err := ns.marks()
	if err != nil {
		return err
	}
	file := filepath.Join(dir, mount+".json")
	if mark != "" {
		ns.unproven = doubts(file, mark)
	}
	if ns.unproven != "" || mount == "" {
		mount = rand.Text() // a twin may be in use: it keeps the other id
		file = filepath.Join(dir, mount+".json")
	}
	if ns.unproven != "" {
		ns.log.Error("the state folder is not as it was last used", "why", ns.unproven)
		if err := ns.update(func(t txn) error { return t.distrust(ns.unproven) }); err != nil {
			return err
		}
	}
	return ns.leaveMark(file, mount, mark)
}

func (ns *Namespace) marks() (mount, mark string, err error) {
	err = ns.view(func(t txn) error {
		if mount, err = t.Meta(metaMount); err != nil {
			return err
		}
		mark, err = t.Meta(metaMark)
		return err
	})
	return mount, mark, err
}

// doubts says why a state folder with a mark is not the one that was last in
// use, "" if it is.
func doubts(file, mark string) string {
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("there is no %s, which tells that it was last used on this machine: it seems to be a copy", file)
	case err != nil:
		return fmt.Sprintf("whether it is a copy cannot be told: %v", err)
	}
	var said testimony
	if err := json.Unmarshal(text, &said); err != nil {
		return fmt.Sprintf("%s is damaged, so it may be a copy: %v", file, err)
	}
	for _, m := range said.Marks {
		if m == mark {
			return ""
		}
	}
	return "it was restored from a backup, or a copy of it was used since"
}

// leaveMark gives the folder a new mark.
func (ns *Namespace) leaveMark(file, mount, old string) error {
	mark := rand.Text()
	if err := writeTestimony(file, testimony{[]string{old, mark}}); err != nil {
		return err
	}
	err := ns.update(func(t txn) error {
		if err := t.SetMeta(metaMount, mount); err != nil {
			return err
		}
		return t.SetMeta(metaMark, mark)
	})
	if err != nil {
		return err
	}
	if err := ns.db.Sync(); err != nil {
		return err
	}
	return writeTestimony(file, testimony{[]string{mark}})
}

// writeTestimony replaces a witness as a whole.
func writeTestimony(file string, said testimony) error {
	text, err := json.Marshal(said)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return stateError(filepath.Dir(file), err)
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return stateError(file, err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return stateError(file, err)
	}
	return nil
}

// distrust makes sure that nothing is deleted or overwritten on the word of what
// is known: everything is asked for anew, and what would delete or overwrite
// something waits until somebody says so.
func (t txn) distrust(why string) error {
	if err := t.staleAll(); err != nil {
		return err
	}
	for ino := range t.ns.dirty {
		n, err := t.get(ino)
		if err != nil {
			return err
		}
		if n == nil || n.Dirty == nil {
			continue
		}
		c, d := *n, *n.Dirty
		d.Changed = t.ns.now() // what was seen before then is no evidence
		if destroys(n) || t.outgoing(n) {
			d.Failed, d.FailKind = "the state folder is unproven ("+why+"): look at what the provider has, then retry or drop", uint8(remote.Conflict)
		}
		c.Dirty = &d
		if err := t.put(&c); err != nil {
			return err
		}
	}
	return nil
}

// destroys tells whether sending a node deletes or overwrites something.
func destroys(n *store.Node) bool {
	return n.Dirty.Base.Exists && (!n.Exists || n.Dirty.Content)
}
