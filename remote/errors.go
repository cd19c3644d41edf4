package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Kind classifies errors by what can be done about them. Package fs turns each
// into one errno.
type Kind uint8

// The kinds of error.
const (
	// Other is an error nobody foresaw.
	Other Kind = iota
	// NotExist: there is no such object. This is proof, never a suspicion.
	NotExist
	// Exist: the name is taken.
	Exist
	// NotDir: a folder was needed.
	NotDir
	// IsDir: a file was needed.
	IsDir
	// NotEmpty: the folder has entries.
	NotEmpty
	// Permission: the user may not do this (HTTP 403), or it is forbidden here.
	Permission
	// NotPermitted: this can never be done on this file system (hard links).
	NotPermitted
	// Auth: the provider does not know the credentials (HTTP 401).
	Auth
	// StorageFull: the account's storage is full.
	StorageFull
	// NoSpace: the local disk is full.
	NoSpace
	// Budget: the transactions of the last 24 hours are used up, by the
	// provider's word (HTTP 429) or by our own reserve.
	Budget
	// TooLarge: the file is larger than the provider takes.
	TooLarge
	// NameTooLong: a name has more bytes than fit.
	NameTooLong
	// InvalidName: the provider does not take this name.
	InvalidName
	// Invalid: the arguments make no sense.
	Invalid
	// Conflict: the object changed in the meantime.
	Conflict
	// Temporary: network trouble or a server error; trying later may help.
	Temporary
	// Offline: the provider cannot be reached at all.
	Offline
	// Unsupported: the provider, or this file system, has no such operation.
	Unsupported
	// ReadOnly: the mount is read-only.
	ReadOnly
	// Corrupt: an answer, or stored data, makes no sense.
	Corrupt
	// NoAttr: there is no such extended attribute.
	NoAttr
	// OutOfRange: a buffer is too small, or an offset beyond the end.
	OutOfRange
	// Stale: the object behind an open handle is gone.
	Stale
	// Busy: somebody else holds it.
	Busy
	// Canceled: the caller went away, or the mount is being unmounted.
	Canceled
	// CrossDevice: the provider cannot move an object between these two
	// places; programs then copy it.
	CrossDevice
)

var kindNames = [...]string{
	"error", "does not exist", "exists already", "not a folder", "is a folder", "folder not empty",
	"permission denied", "not permitted", "credentials refused", "account storage full",
	"local disk full", "transaction budget used up", "file too large", "name too long",
	"name not allowed", "invalid argument", "changed in the meantime", "temporary failure",
	"provider unreachable", "not supported", "read-only", "damaged data", "no such attribute",
	"out of range", "stale", "busy", "canceled",
	"cannot be moved there",
}

// Kinds returns every kind, for tests that must cover them all.
func Kinds() []Kind {
	ks := make([]Kind, len(kindNames))
	for i := range ks {
		ks[i] = Kind(i)
	}
	return ks
}

// String describes the kind in a few words.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Other]
}

// Error is the error type of all packages below fs. It never holds a secret.
type Error struct {
	// Kind says what can be done about it.
	Kind Kind
	// Op is the operation that failed ("upload", "list").
	Op string
	// Path is what it was about, as the provider or the mount names it.
	Path string
	// Status is the HTTP status, 0 if there was no answer.
	Status int
	// Detail is the provider's own word, cut and freed of control characters.
	Detail string
	// RetryAfter is how long the provider asks to wait, 0 if it does not.
	RetryAfter time.Duration
	// Unknown is true if a mutating request left and no answer told what
	// became of it.
	Unknown bool
	// Err is the cause, if there is one.
	Err error
}

// Error names the operation, the path, the kind and the cause in one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op)
	}
	if e.Path != "" {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%q", e.Path)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(e.Kind.String())
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if e.Detail != "" {
		fmt.Fprintf(&b, ": %s", e.Detail)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// E makes an Error.
func E(kind Kind, op, path string, cause error) *Error {
	return &Error{Kind: kind, Op: op, Path: path, Err: cause}
}

// KindOf returns the kind of the outermost Error in err's chain: Canceled for
// a bare context error, Other for any other error without one. err must not be
// nil.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Canceled
	}
	return Other
}

// IsKind tells whether err is not nil and of the given kind.
func IsKind(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// IsUnknown tells whether err leaves open if a mutating request was carried
// out.
func IsUnknown(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Unknown
}

// AtEnd tells whether err is a reader's word that there is nothing more to read.
// An Error that io.EOF caused is not: there, a connection ended before its time,
// and errors.Is would take what came before it for everything.
func AtEnd(err error) bool {
	var e *Error
	return errors.Is(err, io.EOF) && !errors.As(err, &e)
}
