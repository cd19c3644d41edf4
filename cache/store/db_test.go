package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/frugalfs/frugalfs/remote"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

func open(t *testing.T, path string) *DB {
	t.Helper()
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func sample() *Node {
	return &Node{
		Ino: 20, Kind: File, Exists: true, Place: Place{Parent: 1, Name: "a\xffb"}, Mode: 0o640, UID: 5, GID: 6,
		Size: 7, Mtime: 8, Ctime: 9, Target: "t", Rdev: 3, Gen: 4, LocalOnly: true,
		Remote: State{Exists: true, Place: Place{Parent: 17, Name: "x"}, ID: "99", Version: "v", Size: 1, ModTime: 2, Hash: "h", Content: "c", Seen: 3},
	}
}

func TestNodeRoundTrip(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "db"))
	moved, same, local := sample(), sample(), sample()
	same.Ino, same.Name, same.Remote.Place = 21, "same", Place{Parent: 1, Name: "same"}
	local.Ino, local.Name, local.Remote = 22, "local", State{}
	for _, n := range []*Node{moved, same, local} {
		if err := db.Update(func(tx *Tx) error { return tx.PutNode(n) }); err != nil {
			t.Fatal(err)
		}
		if err := db.View(func(tx *Tx) error {
			got, err := tx.Node(n.Ino)
			if err == nil && *got != *n {
				t.Errorf("got %+v, want %+v", *got, *n)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTwoNodesOfOnePlaceAreRefused(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "db"))
	a, b := sample(), sample()
	b.Ino, b.Remote.ID = 21, "100"
	if err := db.Update(func(tx *Tx) error { return tx.PutNode(a) }); err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(tx *Tx) error { return tx.PutNode(b) }); err == nil {
		t.Fatal("a second node took the place of the first")
	}
	_ = db.View(func(tx *Tx) error {
		if n, err := tx.Node(20); n == nil || err != nil {
			t.Errorf("the first node is gone: %v", err)
		}
		return nil
	})
}

func TestFailedCommitRollsBackForEverybody(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "db"))
	resets := 0
	db.OnReset(func() { resets++ })
	db.InjectFailures(func(label string) error {
		if label == "commit" {
			return errors.New("disk on fire")
		}
		return nil
	})
	if err := db.Update(func(tx *Tx) error { return tx.PutNode(sample()) }); err == nil {
		t.Fatal("the update succeeded")
	}
	db.InjectFailures(nil)
	if resets != 1 {
		t.Errorf("%d resets, want 1", resets)
	}
	_ = db.View(func(tx *Tx) error {
		if n, _ := tx.Node(20); n != nil {
			t.Error("the node is there after a failed commit")
		}
		return nil
	})
}

func TestErrorAfterWriteRollsBack(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "db"))
	want := remote.E(remote.Invalid, "test", "", nil)
	err := db.Update(func(tx *Tx) error {
		if err := tx.PutNode(sample()); err != nil {
			return err
		}
		return want
	})
	if !errors.Is(err, want) {
		t.Fatalf("got %v", err)
	}
	_ = db.View(func(tx *Tx) error {
		if n, _ := tx.Node(20); n != nil {
			t.Error("the node survived")
		}
		return nil
	})
}

func TestConcurrentUpdatesAllCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := open(t, path)
	inos := NewInos()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if err := db.Update(func(tx *Tx) error { return putNext(tx, inos) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_ = open(t, path).View(func(tx *Tx) error {
		if n, err := tx.CountNodes(); n != 400 || err != nil {
			t.Errorf("%d nodes (%v), want 400", n, err)
		}
		return nil
	})
}

func putNext(tx *Tx, inos *Sequence) error {
	ino, err := inos.Next(tx)
	if err != nil {
		return err
	}
	n := sample()
	n.Ino, n.Name, n.Remote = ino, utoa(ino), State{}
	return tx.PutNode(n)
}

// TestUnclosedDatabaseKeepsCommits opens a copy of the files of a database that
// was never closed, as they are after a kill.
func TestUnclosedDatabaseKeepsCommits(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	db := open(t, filepath.Join(dir, "db"))
	if err := db.Update(func(tx *Tx) error { return tx.PutNode(sample()) }); err != nil {
		t.Fatal(err)
	}
	if err := db.Sync(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"db", "db-wal"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(copied, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_ = open(t, filepath.Join(copied, "db")).View(func(tx *Tx) error {
		if n, err := tx.Node(20); n == nil || err != nil {
			t.Errorf("the node is gone: %v", err)
		}
		return nil
	})
}

func TestNewerAndDamagedDatabases(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := open(t, path)
	if _, err := db.conn.ExecContext(t.Context(), "PRAGMA user_version=99"); err != nil {
		t.Fatal(err)
	}
	_ = db.Close()
	if _, err := Open(path); !errors.Is(err, ErrNewer) || IsDamaged(err) {
		t.Errorf("newer database: %v", err)
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte("garbage!"), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !IsDamaged(err) {
		t.Errorf("damaged database: %v", err)
	}
}

func TestDirtyIntentsListingsXattrs(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "db"))
	d := &Dirty{Base: sample().Remote, Since: 1, Changed: 2, Content: true, Failed: "no", FailKind: 4, RetryAt: 5, Tries: 6}
	d.Base.Seen, d.Base.Content = 0, ""
	in := Intent{Op: 1, Inos: []uint64{20, 21}, Parent: 1, Name: "n", Over: 5, Gen: 6, Size: 7, At: 8}
	l := Listing{Complete: true, Sent: 4, Entries: 2}
	err := db.Update(func(tx *Tx) error {
		return errors.Join(tx.PutDirty(20, d), tx.PutIntent(&in), tx.PutListing(1, l), tx.SetXattr(20, "user.a", []byte("b")))
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = db.View(func(tx *Tx) error {
		if all, err := tx.Dirty(); err != nil || len(all) != 1 || *all[20] != *d {
			t.Errorf("dirty: %+v %v", all[20], err)
		}
		if all, err := tx.Intents(); err != nil || len(all) != 1 || all[0].ID != in.ID || len(all[0].Inos) != 2 {
			t.Errorf("intents: %+v %v", all, err)
		}
		if got, err := tx.Listing(1); err != nil || got != l {
			t.Errorf("listing: %+v %v", got, err)
		}
		if v, ok, err := tx.Xattr(20, "user.a"); !ok || err != nil || string(v) != "b" {
			t.Errorf("xattr: %q %v %v", v, ok, err)
		}
		return nil
	})
}

func BenchmarkUpdate(b *testing.B) {
	db, err := Open(filepath.Join(b.TempDir(), "db"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	inos := NewInos()
	for b.Loop() {
		if err := db.Update(func(tx *Tx) error { return putNext(tx, inos) }); err != nil {
			b.Fatal(err)
		}
	}
}

// TestOldDatabaseIsBroughtUpToDate: what version 1 held is still there, and what
// came later is empty.
func TestOldDatabaseIsBroughtUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := open(t, path)
	if err := db.Update(func(tx *Tx) error { return tx.PutNode(sample()) }); err != nil {
		t.Fatal(err)
	}
	if err := db.Sync(); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		"DROP INDEX nodes_copy", "ALTER TABLE nodes DROP COLUMN c_source", "ALTER TABLE nodes DROP COLUMN c_content",
		"ALTER TABLE nodes DROP COLUMN c_size", "PRAGMA user_version=1",
	} {
		if _, err := db.conn.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, path)
	err := db.Update(func(tx *Tx) error {
		n, err := tx.Node(sample().Ino)
		if err != nil || n == nil || n.Name != sample().Name || n.Copy != nil {
			t.Errorf("%+v, %v", n, err)
			return err
		}
		n.Copy = &Copy{Source: 7, Content: "7@v", Size: 3}
		return tx.PutNode(n)
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.View(func(tx *Tx) error {
		nodes, err := tx.CopiesOf(7)
		if err != nil || len(nodes) != 1 || *nodes[0].Copy != (Copy{Source: 7, Content: "7@v", Size: 3}) {
			t.Errorf("%+v, %v", nodes, err)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
