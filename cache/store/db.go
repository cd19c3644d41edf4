package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"

	_ "modernc.org/sqlite" // the database driver

	"github.com/frugalfs/frugalfs/remote"
)

// Errors that Open returns, wrapped in a remote.Error.
var (
	// ErrNewer means that the database was made by a newer frugalfs.
	ErrNewer = errors.New("made by a newer version of frugalfs")
	// ErrDamaged means that the file is no database, or a damaged one.
	ErrDamaged = errors.New("the database is damaged")
)

// quickCheckSize is the database size in bytes up to which every open checks
// the whole file; a larger one is checked only after an unclean end.
const quickCheckSize = 16 << 20

// DB is an open database.
type DB struct {
	path string
	sql  *sql.DB

	// mu guards the connection and everything below. It is held while a
	// function of Update or View runs, and while a group commits.
	mu    sync.Mutex
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	group *group
	inTx  bool
	// broken is set when the database failed for good.
	broken error

	// commitMu serialises commits; it is taken before mu.
	commitMu sync.Mutex
	// onReset is called with mu held after a transaction was rolled back: what
	// was cached of it is wrong.
	onReset func()
	// fold, if not nil, returns what names have in common that are one name.
	fold func(string) string
	// fail injects errors in tests; nil otherwise.
	fail func(label string) error
}

// group is a set of updates that are committed together.
type group struct {
	done chan struct{}
	err  error
}

// Open opens or creates the database at path. The folder must exist.
func Open(path string) (*DB, error) {
	_, statErr := os.Stat(path)
	dsn := (&url.URL{Scheme: "file", Opaque: path, RawQuery: "_txlock=immediate"}).String()
	handle, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, openError(path, err)
	}
	handle.SetMaxOpenConns(1)
	db := &DB{path: path, sql: handle, stmts: map[string]*sql.Stmt{}, group: newGroup()}
	if err := db.setUp(os.IsNotExist(statErr)); err != nil {
		_ = handle.Close()
		return nil, openError(path, err)
	}
	return db, nil
}

func newGroup() *group { return &group{done: make(chan struct{})} }

// openError gives an error of Open its kind.
func openError(path string, err error) error {
	kind := classify(err)
	if errors.Is(err, ErrNewer) {
		kind = remote.Unsupported
	}
	return remote.E(kind, "open state database", path, err)
}

func (db *DB) setUp(fresh bool) error {
	ctx := context.Background()
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return err
	}
	db.conn = conn
	for _, pragma := range []string{
		"PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", "PRAGMA temp_store=MEMORY",
		"PRAGMA cache_size=-16384", "PRAGMA wal_autocheckpoint=4000", "PRAGMA journal_size_limit=67108864",
	} {
		if _, err := conn.ExecContext(ctx, pragma); err != nil {
			return err
		}
	}
	prepare := db.check
	if fresh {
		prepare = db.create
	}
	if err := prepare(ctx); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, indices)
	return err
}

// create makes the tables; a process killed halfway leaves none of them.
func (db *DB) create(ctx context.Context) error {
	script := "BEGIN;" + schema + fmt.Sprintf("PRAGMA user_version=%d; COMMIT;", schemaVersion)
	_, err := db.conn.ExecContext(ctx, script)
	return err
}

// check refuses databases of another version, and damaged ones.
func (db *DB) check(ctx context.Context) error {
	var version, tables int
	if err := db.conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if err := db.conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil {
		return err
	}
	switch {
	case version > schemaVersion:
		return ErrNewer
	case version == 0 && tables == 0:
		return db.create(ctx)
	case version == 0:
		return ErrDamaged
	}
	if err := db.quickCheck(ctx); err != nil {
		return err
	}
	return db.migrate(ctx, version)
}

// migrate brings the tables from a version to the present one; a process killed
// halfway leaves them as they were.
func (db *DB) migrate(ctx context.Context, version int) error {
	if version == schemaVersion {
		return nil
	}
	script := "BEGIN;" + strings.Join(migrations[version-1:], "") + fmt.Sprintf("PRAGMA user_version=%d; COMMIT;", schemaVersion)
	_, err := db.conn.ExecContext(ctx, script)
	return err
}

func (db *DB) quickCheck(ctx context.Context) error {
	clean, err := db.metaNow(ctx, metaClean)
	if err != nil {
		return err
	}
	info, err := os.Stat(db.path)
	if err != nil || (clean == "1" && info.Size() > quickCheckSize) {
		return err
	}
	var result string
	if err := db.conn.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&result); err != nil {
		return err
	}
	if result != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, result)
	}
	return nil
}

// FoldNames sets what returns what all names have in common that are one name
// in a folder; without it every name is one of its own. It must be set before
// anything is stored, and be the same whenever the database is opened.
func (db *DB) FoldNames(fold func(string) string) { db.fold = fold }

// OnReset sets what is called, with the lock held, after a transaction was
// rolled back.
func (db *DB) OnReset(f func()) { db.onReset = f }

// Close commits what is pending and closes the database.
func (db *DB) Close() error {
	db.commitMu.Lock()
	defer db.commitMu.Unlock()
	db.mu.Lock()
	defer db.mu.Unlock()
	err := db.commitLocked()
	for _, s := range db.stmts {
		_ = s.Close()
	}
	_ = db.conn.Close()
	return errors.Join(err, db.sql.Close())
}

// Tx is the open transaction, good inside the function it was given to.
type Tx struct {
	db    *DB
	wrote bool
}

// Update runs f in the open transaction and returns when that is committed. An
// error of f before its first write changes nothing; one after it rolls the
// whole transaction back, and every update in it fails.
func (db *DB) Update(f func(*Tx) error) error {
	db.mu.Lock()
	g, err := db.runLocked(f)
	db.mu.Unlock()
	if err != nil || g == nil {
		return err
	}
	return db.wait(g)
}

// UpdateLazily is Update without waiting for the commit, which comes with the
// next Update or Sync: for records whose loss a crash may cause.
func (db *DB) UpdateLazily(f func(*Tx) error) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	_, err := db.runLocked(f)
	return err
}

// runLocked runs f and returns the group to wait for, nil if f wrote nothing.
func (db *DB) runLocked(f func(*Tx) error) (*group, error) {
	if db.broken != nil {
		return nil, db.broken
	}
	tx := &Tx{db: db}
	err := f(tx)
	switch {
	case err != nil && tx.wrote:
		db.rollbackLocked(err)
		return nil, err
	case err != nil || !tx.wrote:
		return nil, err
	}
	return db.group, nil
}

// View runs f, which must not write.
func (db *DB) View(f func(*Tx) error) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.broken != nil {
		return db.broken
	}
	return f(&Tx{db: db})
}

// wait commits the group, unless another caller does so first.
func (db *DB) wait(g *group) error {
	db.commitMu.Lock()
	defer db.commitMu.Unlock()
	select {
	case <-g.done:
		return g.err
	default:
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := db.commitLocked(); err != nil {
		return err
	}
	return g.err
}

// commitLocked commits the open transaction and starts a new group.
func (db *DB) commitLocked() error {
	if !db.inTx {
		return nil
	}
	err := db.injected("commit")
	if err == nil {
		_, err = db.exec("COMMIT")
	}
	if err != nil {
		err = wrap("commit", err)
		db.rollbackLocked(err)
		return err
	}
	db.inTx = false
	_ = db.injected("committed") // it is done, whatever a test thinks of it
	db.finishGroup(nil)
	return nil
}

func (db *DB) finishGroup(err error) {
	db.group.err = err
	close(db.group.done)
	db.group = newGroup()
}

// rollbackLocked undoes the open transaction; everybody in it gets cause.
func (db *DB) rollbackLocked(cause error) {
	if db.inTx {
		if _, err := db.exec("ROLLBACK"); err != nil && classify(cause) == remote.Corrupt {
			db.broken = wrap("rollback", err)
		}
		db.inTx = false
	}
	db.finishGroup(cause)
	if db.onReset != nil {
		db.onReset()
	}
}

// begin opens a transaction for the first write of a group.
func (tx *Tx) begin() error {
	tx.wrote = true
	if tx.db.inTx {
		return nil
	}
	if _, err := tx.db.exec("BEGIN"); err != nil {
		return wrap("begin", err)
	}
	tx.db.inTx = true
	return nil
}

// Sync makes everything committed so far survive a power failure. A commit with
// synchronous=FULL syncs the log, and with it all earlier commits; a checkpoint
// would not while a reader is active.
func (db *DB) Sync() error {
	db.commitMu.Lock()
	defer db.commitMu.Unlock()
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.broken != nil {
		return db.broken
	}
	if err := db.commitLocked(); err != nil {
		return err
	}
	return db.fullCommitLocked()
}

func (db *DB) fullCommitLocked() error {
	if err := db.injected("sync"); err != nil {
		return wrap("sync", err)
	}
	if _, err := db.exec("PRAGMA synchronous=FULL"); err != nil {
		return wrap("sync", err)
	}
	_, err := db.exec("INSERT INTO meta VALUES('" + metaSyncs + "','1') ON CONFLICT(key) DO UPDATE SET value=value+1")
	_, back := db.exec("PRAGMA synchronous=NORMAL")
	return wrap("sync", errors.Join(err, back))
}

// exec runs a statement, prepared once.
func (db *DB) exec(query string, args ...any) (sql.Result, error) {
	s, err := db.prepared(query)
	if err != nil {
		return nil, err
	}
	return s.Exec(args...)
}

func (db *DB) prepared(query string) (*sql.Stmt, error) {
	if s := db.stmts[query]; s != nil {
		return s, nil
	}
	s, err := db.conn.PrepareContext(context.Background(), query)
	if err == nil {
		db.stmts[query] = s
	}
	return s, err
}

// write runs a changing statement inside the transaction.
func (tx *Tx) write(query string, args ...any) error {
	if err := tx.begin(); err != nil {
		return err
	}
	if err := tx.db.injected("write"); err != nil {
		return wrap("write", err)
	}
	_, err := tx.db.exec(query, args...)
	return wrap("write", err)
}

// rows runs a query and hands each row to scan.
func (tx *Tx) rows(query string, args []any, scan func(*sql.Rows) error) error {
	s, err := tx.db.prepared(query)
	if err != nil {
		return wrap("read", err)
	}
	rows, err := s.Query(args...)
	if err != nil {
		return wrap("read", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return wrap("read", err)
		}
	}
	return wrap("read", rows.Err())
}

func (db *DB) injected(label string) error {
	if db.fail == nil {
		return nil
	}
	return db.fail(label)
}

// InjectFailures makes f decide, by label ("write", "commit", "sync"), whether
// a durable step fails; "committed" follows each commit, and cannot fail any
// more. It is for tests.
func (db *DB) InjectFailures(f func(label string) error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.fail = f
}

func utoa(n uint64) string { return strconv.FormatUint(n, 10) }
