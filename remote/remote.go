// Package remote says what frugalfs asks of a file-hosting provider: the
// [Remote] interface that every provider's client implements, the optional
// interfaces beside it, and the one error type that they all return.
//
// A client is a thin translator. It keeps no cache, starts no goroutine that
// outlives a call, and never retries by itself: retries, rates, counting and
// budgets belong to the transport (package ledger) that every request passes.
// Everything a provider sends is untrusted: a client checks types, lengths and
// names, and answers an [Error] of kind [Corrupt] rather than guess.
package remote

import (
	"context"
	"io"
	"net/http"
	"time"
)

// Ref addresses one object. Clients use the ID where the provider has ids and
// it is not empty, and the Path otherwise.
type Ref struct {
	// ID is the provider's own identifier as it came in an [Object]; "" if
	// the provider has none or it is not known.
	ID string
	// Path is the object's path at the provider, relative to the folder that
	// is the account's root as the API shows it. It begins with "/"; the root
	// is "/". Names in it are exactly the provider's.
	Path string
}

// Object is a file or folder as the provider describes it.
type Object struct {
	// ID identifies the object across renames; "" if the provider has no ids.
	ID string
	// ParentID is the ID of the folder that holds it; "" if not told.
	ParentID string
	// Name is the last element of Path. It is never empty except for the
	// root, holds no "/" and no NUL, and is neither "." nor "..".
	Name string
	// Path is as in [Ref].
	Path string
	// Dir tells a folder from a file.
	Dir bool
	// Size is a file's length in bytes, never negative; 0 for folders.
	Size int64
	// ModTime is when the content changed, as far as the provider tells.
	ModTime time.Time
	// Version changes whenever a file's content does. Two observations with
	// equal IDs and Versions show the same content. "" for folders.
	Version string
	// Former is the Version that this content had before the provider had
	// computed its digest; "" if it never had another. Only one who needs to know
	// whether somebody changed it has to look at this.
	Former string
	// Hash is a digest of the content, lower-case hex, in the algorithm that
	// [Capabilities].Hash names; "" when unknown.
	Hash string
}

// Ref returns the reference that addresses o.
func (o Object) Ref() Ref { return Ref{ID: o.ID, Path: o.Path} }

// Listing is the evidence that a listing leaves behind.
type Listing struct {
	// Complete is true only if every entry was seen: all pages, an entry
	// repeated between each two of them, and as many distinct entries as the
	// provider says there are. Only a complete listing proves that a name
	// does not exist.
	Complete bool
	// Sent is when the first request of the (last, if it had to start again)
	// run over all pages was sent. The listing speaks for that moment.
	Sent time.Time
	// Total is the number of entries the provider counts.
	Total int
}

// Upload describes one file to store.
type Upload struct {
	// Parent is the folder that shall hold the file, Name the file's name.
	Parent Ref
	Name   string
	// Size is the exact number of bytes in Content. A provider that got fewer
	// must not show the file: clients switch resuming off or upload beside.
	Size int64
	// Content is read from 0 to Size, perhaps more than once, and never after
	// Upload returned.
	Content io.ReaderAt
	// ModTime is stored where Capabilities.ModTime is true.
	ModTime time.Time
	// Overwrite replaces a file of that name, keeping its ID where the
	// provider can. Without it a taken name is never replaced: the provider
	// either refuses (kind Exist) or picks another name, which the returned
	// Object shows.
	Overwrite bool
	// Replaces is the object that is known to have the name when Overwrite is
	// set; providers that cannot overwrite delete it once the new one is whole.
	Replaces Ref
	// Progress, if not nil, is called with the number of bytes handed to the
	// network so far.
	Progress func(sent int64)
	// Resume is what Checkpoint was last given by an earlier, interrupted
	// upload of the same content to the same place; nil begins anew. A state
	// that cannot be used any more is ignored.
	Resume []byte
	// Checkpoint, if not nil, is called with what a later Upload needs to go on
	// where this one was interrupted, each time there is more of it. Clients
	// that cannot resume never call it. An error ends the upload.
	Checkpoint func(state []byte) error
}

// Download is an open response body.
type Download struct {
	io.ReadCloser
	// Offset is where in the file the body starts. It is 0, whatever was asked
	// for, when the server ignores ranges: the caller skips.
	Offset int64
	// Size is the length of the whole file as the response tells it, -1 if
	// it does not. A body that ends early returns io.ErrUnexpectedEOF.
	Size int64
}

// Result is what one item of a batch came to, at the index of its request.
type Result struct {
	// Object describes the item afterwards where the provider tells, and is
	// the zero Object otherwise (deletes, and moves at some providers).
	Object Object
	// Err is nil if this item succeeded.
	Err error
}

// Capabilities are the facts about a provider that a plan depends on. They do
// not change while a client lives.
type Capabilities struct {
	// Provider is the provider's name on the command line.
	Provider string
	// IDs is true if objects have identifiers that survive renames.
	IDs bool
	// Hash names the content digest in Object.Hash ("md5"), "" if none.
	Hash string
	// ModTime is true if an upload can set the modification time.
	ModTime bool
	// MoveRenames is true if one call can change folder and name at once
	// ([MoveRenamer]).
	MoveRenames bool
	// UploadMakesParents is true if an upload creates missing folders.
	UploadMakesParents bool
	// RecursiveDelete is true if deleting a folder deletes what is in it.
	RecursiveDelete bool
	// CaseFolds is true if names that differ in case only are one name.
	CaseFolds bool
	// EmptyFiles is false if a file without content cannot be stored.
	EmptyFiles bool
	// ReplacesID is true if an upload that overwrites makes an object of another
	// ID, and deletes the old one once it is whole: for a moment both are there.
	ReplacesID bool
	// CountsDownloads is true if each request for content counts as a download,
	// of which there may be a limit, or of which its sender is told.
	CountsDownloads bool
	// DeleteBatch, MoveBatch and CopyBatch are how many objects one call
	// takes, at least 1.
	DeleteBatch, MoveBatch, CopyBatch int
	// Concurrency is how many changes are best under way at once, where those that
	// are share requests; 0 if it makes no difference to their number.
	Concurrency int
	// MaxName is the longest name in bytes, MaxFile the largest file in
	// bytes; 0 if not known.
	MaxName int
	MaxFile int64
}

// Remote is one account at one provider. All methods may be called at once
// from many goroutines, block until done or until ctx ends, and return errors
// of type [*Error].
//
// A mutating call whose request left and whose answer did not come returns an
// Error with Unknown set: it may or may not have happened, may still happen,
// and must be looked up before it is repeated.
type Remote interface {
	// Capabilities describes the provider. It makes no request.
	Capabilities() Capabilities

	// Stat describes one object. A missing object is an error of kind
	// NotExist, and that proves its absence. One transaction.
	Stat(ctx context.Context, ref Ref) (Object, error)

	// List hands the direct entries of a folder to page, page by page as they
	// arrive, and returns the evidence. Entries may repeat when the listing
	// had to start again because the folder changed between pages; what was
	// handed over before is then a hint only. An error from page ends the
	// listing and is returned as it is. One transaction per page.
	List(ctx context.Context, dir Ref, page func([]Object) error) (Listing, error)

	// Download opens a file's content from offset on, length bytes or, with
	// length < 0, to its end. The caller closes it. One transaction.
	Download(ctx context.Context, ref Ref, offset, length int64) (*Download, error)

	// Upload stores a file and describes it as the provider does. It never
	// leaves a shorter file under the name. One transaction where the
	// provider needs no more.
	Upload(ctx context.Context, up Upload) (Object, error)

	// Mkdir makes one folder. A taken name is an error of kind Exist.
	Mkdir(ctx context.Context, parent Ref, name string) (Object, error)

	// Rename gives an object another name in the same folder. A taken name is
	// an error of kind Exist, or another name in the returned Object. A provider
	// whose answer describes nothing returns the zero Object: the object is as
	// it was, under the new name.
	Rename(ctx context.Context, ref Ref, name string) (Object, error)

	// Move puts objects, with their names, into another folder: one
	// transaction for up to Capabilities.MoveBatch of them. It returns one
	// Result per ref. Some may fail while others succeed; the error is not
	// nil only if nothing can be said about any of them.
	Move(ctx context.Context, refs []Ref, parent Ref) ([]Result, error)

	// Delete removes objects for good, folders with everything in them where
	// Capabilities.RecursiveDelete is true: one transaction for up to
	// Capabilities.DeleteBatch of them. Results and error are as for Move. An
	// object that is gone already is a Result of kind NotExist.
	Delete(ctx context.Context, refs []Ref) ([]Result, error)
}

// TreeLister lists everything below a folder, at any depth, in paged calls.
type TreeLister interface {
	// ListTree is List for the whole tree below dir. Objects carry full
	// paths; dir itself is not among them. Order is unspecified: children may
	// come before their folder. One transaction per page.
	ListTree(ctx context.Context, dir Ref, page func([]Object) error) (Listing, error)
}

// OwnTreeLister lists a tree in which nobody but the caller writes: that saves
// requests, as nothing can move between two pages.
type OwnTreeLister interface {
	// ListOwnTree is ListTree for such a tree. After each page enough is told
	// how many entries the provider counts; if it returns true, the listing
	// ends with what was handed over, and is not Complete. Pages may come in an
	// order that hands files over before folders. One transaction per page.
	ListOwnTree(ctx context.Context, dir Ref, page func([]Object) error, enough func(total int) bool) (Listing, error)
}

// MoveRenamer changes folder and name in one transaction, with a result as of
// Remote.Rename.
type MoveRenamer interface {
	MoveRename(ctx context.Context, ref, parent Ref, name string) (Object, error)
}

// Copier copies objects, folders with their contents, without moving bytes
// through this machine.
type Copier interface {
	// Copy puts copies into another folder under their old names; a name that
	// is taken there is refused (kind Exist) or replaced by one that the
	// Result shows. Results and error are as for Remote.Move, their objects as
	// for CopyRenamer.
	Copy(ctx context.Context, refs []Ref, parent Ref) ([]Result, error)
}

// CopyRenamer copies one object, a folder with its contents, to another name in
// one transaction.
type CopyRenamer interface {
	// CopyRename puts a copy of ref into parent as name. A name that is taken
	// is refused (kind Exist), or another one shows in the returned Object,
	// which is the zero Object if the provider's answer proves nothing, and has
	// nothing but Name and Path if it proves that all was copied and tells no more.
	CopyRename(ctx context.Context, ref, parent Ref, name string) (Object, error)
}

// ModTimeSetter changes the time of what is stored already.
type ModTimeSetter interface {
	// SetModTime gives a file or folder another modification time, at the
	// provider's resolution. One transaction.
	SetModTime(ctx context.Context, ref Ref, t time.Time) (Object, error)
}

// ArchiveDownloader fetches many objects as one zip archive.
type ArchiveDownloader interface {
	// DownloadArchive opens a zip of the given objects, folders with their
	// contents. How entries are named differs: see the provider's client. The
	// caller closes it. One transaction.
	DownloadArchive(ctx context.Context, refs []Ref) (*Download, error)
}

// ArchiveSizer is an [ArchiveDownloader] whose requests have a limit.
type ArchiveSizer interface {
	// ArchiveFits returns how many of refs, from the first on, fit in one
	// request. It makes none.
	ArchiveFits(refs []Ref) int
}

// Extractor unpacks a stored zip archive at the provider.
type Extractor interface {
	// Extract unpacks archive into the folder into. What it returns need not
	// be everything that was unpacked: list the folder to know. One
	// transaction.
	Extract(ctx context.Context, archive, into Ref) ([]Object, error)
}

// Quota is how much an account may store, in bytes; -1 for what is not told.
type Quota struct {
	Limit, Used int64
	// Transactions is the number of requests allowed in 24 hours, 0 if the
	// provider does not say.
	Transactions int
}

// Quoter tells an account's quota.
type Quoter interface {
	// Quota asks the provider. One transaction.
	Quota(ctx context.Context) (Quota, error)
}

// ChangeOp is what happened to a path.
type ChangeOp uint8

// The operations a change feed reports.
const (
	// Changed means that the file at Path has new content, or came to be.
	// Folders above it may have come to be with it.
	Changed ChangeOp = iota + 1
	// Deleted means that Path, and everything below it, is gone.
	Deleted
	// MadeDir means that a folder came to be at Path.
	MadeDir
	// Moved means that what was at From is at Path now, with all below it.
	// From is "" when the provider does not tell.
	Moved
	// Copied means that Path, and what is below it, came to be.
	Copied
	// Unpacked means that anything below the folder of Path may have changed.
	Unpacked
)

// Change is one entry of a provider's change feed. It is a hint that something
// changed, not what the result is.
type Change struct {
	// ID identifies the entry in the feed.
	ID string
	// At is when it happened, at the provider's resolution.
	At time.Time
	Op ChangeOp
	// Path and From are as the feed gives them: relative to the account,
	// which need not be the root that this client sees.
	Path, From string
	// User is who did it.
	User string
}

// Feed is a provider's record of changes.
type Feed interface {
	// Changes returns the changes since a time, oldest first, those of that
	// second included; entries that are no changes of content or place
	// (downloads, logins) and failed operations come with Op 0, so that the
	// last entry seen can be found again. It returns kind Permission when the
	// user may not read the feed. complete is false if there may be entries
	// before the first returned. One transaction where no more are needed.
	Changes(ctx context.Context, since time.Time) (changes []Change, complete bool, err error)
}

// HookReader understands the provider's webhook deliveries.
type HookReader interface {
	// ReadHook checks the signature of one delivery with the secret that was
	// agreed with the provider, in constant time, and returns what it tells. A
	// wrong or missing signature is an error of kind Permission, anything that
	// is no delivery one of kind Corrupt. It makes no request.
	ReadHook(secret string, r *http.Request, body []byte) ([]Change, error)
}
