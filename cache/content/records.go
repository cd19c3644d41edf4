package content

import (
	"context"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// Key names the content of one version of a node.
type Key struct {
	// Ino is the node's number.
	Ino uint64
	// Version is the provider's version of the content.
	Version string
	// Size is the length of that version in bytes.
	Size int64
}

// Record is what the store must remember about one generation.
type Record struct {
	// Gen is the generation, never 0.
	Gen uint64
	// Ino is the node it belongs to.
	Ino uint64
	// Staged tells content that is to be sent from a copy of the provider's.
	Staged bool
	// Version is the provider's version; "" if Staged.
	Version string
	// Size is the length of that version. For staged files it is what it was
	// when the record was written; the file itself has the last word.
	Size int64
	// Complete is true if every byte of a cached file is present.
	Complete bool
	// Present is which bytes are present, in the form of [Ranges.Encode]; nil
	// if Staged.
	Present []byte
	// Used is when the content was last opened, to about an hour.
	Used time.Time
	// Bytes is the disk space taken, in bytes.
	Bytes int64
	// Synced is true if all the record speaks of had been forced to disk when
	// it was written.
	Synced bool
}

// Records persists what a Store must remember. All methods may be called at
// once from many goroutines and return errors of type [*remote.Error].
type Records interface {
	// NextGen returns a number greater than 0 that it never returned before,
	// not even before a crash.
	NextGen() (uint64, error)
	// PutContent inserts the record, or replaces the one of the same Gen. It
	// is committed, so that it survives the process, when PutContent returns.
	PutContent(Record) error
	// DropContent forgets a generation. One that is not known is no error.
	DropContent(gen uint64) error
	// Contents returns all records.
	Contents() ([]Record, error)
}

// Fetch opens the content of one version at the provider from offset on,
// length bytes or, with length < 0, to its end. A body may be longer than
// asked for; its excess is not read. A body that ends with an error of kind
// Corrupt instead of io.EOF (a checksum that does not match) takes everything
// back that came before.
type Fetch func(ctx context.Context, offset, length int64) (*remote.Download, error)
