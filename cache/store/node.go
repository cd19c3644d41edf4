package store

// Kind is the type of a node.
type Kind uint8

// The kinds of node. Only files, folders and (with remote links) symlinks are
// ever sent.
const (
	File Kind = iota
	Dir
	Symlink
	Fifo
	Socket
	CharDevice
	BlockDevice
)

// FirstIno is the lowest inode number given to a node other than the root.
const FirstIno = 16

// RootIno is the inode number of the mount's root.
const RootIno = 1

// Place is a folder and a name in it.
type Place struct {
	Parent uint64
	Name   string
}

// State is a node as the provider has it.
type State struct {
	// Exists is false if the provider has no such object.
	Exists bool
	Place
	// ID and Version are the provider's; see remote.Object.
	ID, Version string
	// Size is in bytes, ModTime in nanoseconds since 1970.
	Size    int64
	ModTime int64
	Hash    string
	// Content names the content in the cache if that is not ID@Version: our
	// own rename changes a version and leaves the content as it was.
	Content string
	// Seen is when the request was sent whose answer showed this, in
	// nanoseconds since 1970.
	Seen int64
}

// SameContent tells whether two states of one node show the same content.
func (s State) SameContent(o State) bool {
	return s.Exists == o.Exists && s.ID == o.ID && s.Version == o.Version && s.Size == o.Size
}

// ContentKey names the content in the cache.
func (s State) ContentKey() string {
	if s.Content != "" {
		return s.Content
	}
	return s.ID + "@" + s.Version
}

// Node is one row of the namespace. A Node that was handed out is never
// changed: take a copy.
type Node struct {
	Ino  uint64
	Kind Kind
	// Exists is false for a node that was deleted here and that the provider
	// may still have.
	Exists bool
	// Place is where the mount shows it, or showed it last.
	Place
	// Mode holds permission bits; UID and GID the owner.
	Mode, UID, GID uint32
	// Size is the length shown, in bytes; for a file that is open for writing
	// the staged file knows better.
	Size int64
	// Times are in nanoseconds since 1970.
	Mtime, Ctime int64
	// Target is where a symlink points.
	Target string
	Rdev   uint32
	// Gen is the content file that holds the local content, 0 if the content
	// is the remote version's.
	Gen uint64
	// LocalOnly marks nodes that are never sent.
	LocalOnly bool
	// Copy is nil, or says that the content is that of another node's object,
	// and is not here: Gen is 0 then. A Copy is never changed.
	Copy *Copy
	// Remote is what the provider was last seen to hold.
	Remote State
	// Dirty is nil for a node whose local state is its base.
	Dirty *Dirty
}

// Copy names the content of a file as that of another node's object.
type Copy struct {
	// Source is the other node.
	Source uint64
	// Content is its State.ContentKey at the time, Size its length in bytes.
	Content string
	Size    int64
}

// Dirty is what is kept of a node that differs from its base.
type Dirty struct {
	// Base is what the provider held when the node was first changed here.
	Base State
	// Since is when it was first changed, Changed when last, in nanoseconds
	// since 1970.
	Since, Changed int64
	// Content is true if the local content differs from the base's.
	Content bool
	// Failed says why sending was given up until somebody retries; "" if it
	// was not. FailKind is the remote.Kind.
	Failed   string
	FailKind uint8
	// RetryAt is when to try again after a passing failure, 0 for at once.
	RetryAt int64
	// Tries counts passing failures in a row.
	Tries int
}

// Listing is what is known of a folder's entries.
type Listing struct {
	// Complete is true if all entries at the provider were seen.
	Complete bool
	// Sent is when the first request of the listing was sent, in nanoseconds
	// since 1970. Stale is true once something told that it no longer holds.
	Sent  int64
	Stale bool
	// Entries is how many there were.
	Entries int
}

// Intent announces one mutating call before it leaves.
type Intent struct {
	ID int64
	// Op and Inos are the step's.
	Op   uint8
	Inos []uint64
	// Parent and Name are the target place, Over the node whose object is
	// overwritten.
	Parent uint64
	Name   string
	Over   uint64
	// Gen and Size are the content sent.
	Gen  uint64
	Size int64
	// At is when it was announced, in nanoseconds since 1970.
	At int64
}
