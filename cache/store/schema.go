package store

// schemaVersion is the version of the tables below. A database with a higher
// one was made by a newer frugalfs and is refused.
const schemaVersion = 2

const schema = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE nodes (
	ino INTEGER PRIMARY KEY,
	parent INTEGER NOT NULL, name TEXT NOT NULL,
	fold TEXT,                       -- null: the name; see DB.FoldNames
	kind INTEGER NOT NULL, present INTEGER NOT NULL,
	mode INTEGER NOT NULL, uid INTEGER NOT NULL, gid INTEGER NOT NULL,
	size INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL,
	target TEXT, rdev INTEGER, gen INTEGER, localonly INTEGER,
	r_seen INTEGER,                  -- null: the provider has no such object
	r_parent INTEGER, r_name TEXT,   -- null: as the local place
	r_id TEXT, r_version TEXT, r_size INTEGER, r_mtime INTEGER, r_hash TEXT,
	r_content TEXT,                  -- null: r_id@r_version
	c_source INTEGER, c_content TEXT, c_size INTEGER -- null: no copy
);
CREATE UNIQUE INDEX nodes_place ON nodes(parent, coalesce(fold, name)) WHERE present;
CREATE INDEX nodes_parent ON nodes(parent);
CREATE INDEX nodes_rparent ON nodes(r_parent) WHERE r_parent IS NOT NULL;
CREATE INDEX nodes_rid ON nodes(r_id) WHERE r_id IS NOT NULL;
CREATE INDEX nodes_deleted ON nodes(present) WHERE NOT present;
CREATE INDEX nodes_gen ON nodes(gen) WHERE gen IS NOT NULL;
CREATE INDEX nodes_copy ON nodes(c_source) WHERE c_source IS NOT NULL;
CREATE TABLE dirty (
	ino INTEGER PRIMARY KEY,
	since INTEGER NOT NULL, changed INTEGER NOT NULL, content INTEGER NOT NULL,
	b_exists INTEGER NOT NULL, b_parent INTEGER, b_name TEXT,
	b_id TEXT, b_version TEXT, b_size INTEGER, b_mtime INTEGER, b_hash TEXT,
	failed TEXT, failkind INTEGER, retry_at INTEGER, tries INTEGER
);
CREATE TABLE xattrs (ino INTEGER, name TEXT, value BLOB, PRIMARY KEY (ino, name)) WITHOUT ROWID;
CREATE TABLE listings (
	ino INTEGER PRIMARY KEY, complete INTEGER NOT NULL, sent INTEGER NOT NULL,
	stale INTEGER NOT NULL, entries INTEGER NOT NULL
);
CREATE TABLE intents (
	id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
	op INTEGER NOT NULL, inos TEXT NOT NULL, parent INTEGER,
	name TEXT, over INTEGER, gen INTEGER, size INTEGER, at INTEGER NOT NULL
);
CREATE TABLE contents (
	gen INTEGER PRIMARY KEY, ino INTEGER NOT NULL, staged INTEGER NOT NULL,
	version TEXT NOT NULL, size INTEGER NOT NULL, complete INTEGER NOT NULL,
	present BLOB, used INTEGER NOT NULL, bytes INTEGER NOT NULL, synced INTEGER NOT NULL
);
CREATE TABLE ledger (
	at INTEGER NOT NULL, record TEXT NOT NULL
);
CREATE INDEX ledger_at ON ledger(at);
`

// migrations bring a database from the version of their index plus one to the
// next.
var migrations = []string{
	`ALTER TABLE nodes ADD COLUMN c_source INTEGER;
	ALTER TABLE nodes ADD COLUMN c_content TEXT;
	ALTER TABLE nodes ADD COLUMN c_size INTEGER;
	CREATE INDEX nodes_copy ON nodes(c_source) WHERE c_source IS NOT NULL;`,
}

// indices are those that came after the tables: a database that lacks one gets
// it when it is opened, and older versions of frugalfs do not mind it.
const indices = `CREATE INDEX IF NOT EXISTS nodes_dirs ON nodes(parent) WHERE kind=1`
