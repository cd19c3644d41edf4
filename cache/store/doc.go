// Package store is the embedded database: nodes with their remote, base and
// local state, listings, intents, content records and the ledger's journal, in
// one SQLite file in WAL mode with synchronous=NORMAL.
//
// There is one connection and one lock. [DB.Update] runs a function inside the
// open transaction and returns when the transaction is committed; functions
// that arrive while a commit is under way share the next one. A commit costs no
// fsync, so it survives a killed process but not a power failure; [DB.Sync]
// makes everything committed before it survive that too.
package store
