// Package outbox turns what differs between this mount and the provider into
// the cheapest safe sequence of remote calls, and carries it out.
//
// [Plan] is a pure function: it makes no call and reads no clock. The
// [Executor] runs its steps, commits each result through [Tree], and plans
// again until nothing differs.
package outbox

// Place is where a node is, if it exists.
type Place struct {
	// Exists is false if there is no such object; Parent and Name are then
	// where it was last.
	Exists bool
	// Parent is the Ino of the folder.
	Parent uint64
	Name   string
}

// Known is an object at the provider: as it was when the node was first
// changed here (base), or as it was last seen (remote).
type Known struct {
	Place
	// Version tells contents apart, "" for folders.
	Version string
	// Size is the file's length in bytes.
	Size int64
}

// Node is one dirty node, as the planner sees it.
type Node struct {
	Ino uint64
	// Dir tells folders from files. Nodes that are never sent (sockets,
	// local-only names) are not in an outbox.
	Dir bool
	// Local is where the mount shows the node. Local.Exists is false for a
	// node that was deleted here and that the provider may still have.
	Local Place
	// Base and Remote are as in design: base is fixed at the first change.
	// Both have Exists false for a node that is new here.
	Base, Remote Known
	// Content is true if the local content is not the base's.
	Content bool
	// Size is the local content's length in bytes.
	Size int64
	// Changed is when the node last changed here, in nanoseconds: evidence
	// for a destructive step must have been requested later.
	Changed int64
	// Plain is true for a node that is to be sent by itself: a batch with it
	// failed before.
	Plain bool
	// ByUpload is true for a new folder that need not be made by itself: an upload
	// to it makes it.
	ByUpload bool
	// CopyOf is 0, or the clean node whose object has the content of this node,
	// which is new; of a folder, all that is below. CopyName is that object's
	// name, and CopyFree is true if the provider has nothing of that name in
	// the folder that the node goes to.
	CopyOf   uint64
	CopyName string
	CopyFree bool
	// Draft is true for a new folder that is sent to people as one whole, with
	// all that is in it: that is in no outbox by itself.
	Draft bool
	// Ready is false while the node must not be sent: not settled yet, open
	// for writing, in flight, failed, or held back.
	Ready bool
}

// Evidence is what is known of the provider, as the times (in nanoseconds) at
// which the requests were sent whose answers showed it. A missing entry means
// never. What those answers said is in the nodes' Remote states already.
type Evidence struct {
	// Object is per node: its own state was seen (or its absence proven), by
	// a look at it or by a complete listing of the folder or tree it is in.
	Object map[uint64]int64
	// Tree is per folder: everything below it was listed completely.
	Tree map[uint64]int64
}

// Capabilities are the facts about the provider that a plan depends on.
type Capabilities struct {
	// TreeList is true if one paged call lists everything below a folder.
	TreeList bool
	// MoveRename is true if one call changes folder and name.
	MoveRename bool
	// RecursiveDelete is true if deleting a folder deletes what is in it.
	RecursiveDelete bool
	// UploadMakesParents is true if an upload creates missing folders.
	UploadMakesParents bool
	// OverwriteKeepsID is true if an upload replaces a file in one call.
	Overwrite bool
	// DeleteBatch and MoveBatch are how many objects one call takes, >= 1.
	DeleteBatch, MoveBatch int
	// Archives is true if the provider unpacks archives, Archive the largest
	// one to send, in bytes of content, and ArchiveFile the largest file that
	// goes into one.
	Archives             bool
	Archive, ArchiveFile int64
	// CopyBatch is how many objects one call copies, 0 if the provider does not
	// copy; CopyRename is true if one call copies an object to another name.
	CopyBatch  int
	CopyRename bool
	// CaseFolds is true if names that differ in case only are one name.
	CaseFolds bool
	// PageSize is how many entries one page of a listing holds, >= 1.
	PageSize int
}

// Input is everything that a plan depends on.
type Input struct {
	// Nodes are all dirty nodes, in any order. Ancestors of dirty nodes that
	// are not in it are clean, exist at the provider, and are where Remote
	// says (their place does not matter to a plan).
	Nodes []Node
	// Parents maps every folder that is mentioned as a parent by a node's
	// Local, Base or Remote place, and all folders above it, to its own
	// parent by *remote* place; the root (Ino 1) maps to 0. Folders that are
	// new here map to their local parent.
	Parents map[uint64]uint64
	// Children is per folder the number of entries known in it at the
	// provider (for cost estimates only; missing means unknown).
	Children map[uint64]int
	Evidence Evidence
	Caps     Capabilities
}

// Op is what a step does.
type Op uint8

// The operations. Observe steps make no change: after one the evidence and
// the remote states are new, and the plan is made again.
const (
	// Look asks for the state of the one node in Inos.
	Look Op = iota + 1
	// ListDir lists the folder Parent completely.
	ListDir
	// ListTree lists everything below the folder Parent completely.
	ListTree
	// Mkdir makes the folder Inos[0] at its local place.
	Mkdir
	// Upload stores the content of Inos[0] at its remote place if it has one
	// (overwriting itself), else at its local place: over the object of the
	// deleted node Over if that is not 0, and refusing to overwrite otherwise. The
	// new folders in Below, each in the one before, are made by it.
	Upload
	// Rename gives Inos[0] the name Name in the folder where it is.
	Rename
	// Move puts all Inos, with the names they have at the provider, into the
	// folder Parent.
	Move
	// MoveRename puts Inos[0] into Parent as Name.
	MoveRename
	// Delete removes all Inos; folders with all that is below them, which is
	// listed in Below.
	Delete
	// Archive sends all Inos, which are new here, folders before what is in
	// them, as one archive: it is uploaded into a folder of its own, unpacked
	// there and compared, and then its top items are moved into the folder
	// Parent, which the provider has.
	Archive
	// Copy lets the provider copy the objects of all Inos' CopyOf, folders with
	// all that is in them, into the folder Parent; Below is what is below Inos.
	// If Name is not "", the one copy has that name at first.
	Copy
	// Send mails the new folder Inos[0], with all that is in it, to people.
	Send
	// Settle makes no request: the nodes in Inos need nothing (their base
	// equals their local state, or neither side has them).
	Settle
)

var opNames = [...]string{"", "look", "list", "list tree", "make folder", "upload", "rename", "move", "move and rename", "delete", "send as archive", "copy", "send", "settle"}

// String names the operation as plans show it.
func (o Op) String() string { return opNames[o] }

// Observes tells whether the operation changes nothing at the provider.
func (o Op) Observes() bool { return o == Look || o == ListDir || o == ListTree }

// Step is one remote call.
type Step struct {
	Op Op
	// Inos are the nodes it is about.
	Inos []uint64
	// Below are, for a Delete of folders, the deleted nodes inside that go
	// with them, for a Copy the new nodes below, and for an Upload the folders
	// that it makes.
	Below []uint64
	// Parent is the folder that is listed or moved to.
	Parent uint64
	// Name is the new name of a Rename or MoveRename; a name that the planner
	// made up to break a cycle or to step aside begins with TempPrefix.
	Name string
	// Over is the deleted node whose object an Upload replaces, 0 if none.
	Over uint64
	// After are the indexes of the steps that must have succeeded first.
	After []int
	// Cost is the number of transactions it is expected to need.
	Cost int
	// Reason says in a few words why it is needed.
	Reason string
}

// TempPrefix begins every name that exists at the provider for a moment only.
const TempPrefix = ".frugalfs-"
