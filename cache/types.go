package cache

import (
	"context"

	"github.com/frugalfs/frugalfs/cache/store"
)

// RootIno is the inode number of the mount's root.
const RootIno = store.RootIno

// Kind is the type of a node.
type Kind = store.Kind

// The kinds of node. Only files and folders are sent.
const (
	File        = store.File
	Dir         = store.Dir
	Symlink     = store.Symlink
	Fifo        = store.Fifo
	Socket      = store.Socket
	CharDevice  = store.CharDevice
	BlockDevice = store.BlockDevice
)

// Attr is what stat(2) shows of a node.
type Attr struct {
	Ino  uint64
	Kind Kind
	// Mode holds the permission bits and the sticky bit; never set-id bits.
	Mode     uint32
	UID, GID uint32
	Nlink    uint32
	// Size is in bytes, Blocks in units of 512 bytes. Blocks covers Size for
	// content that is not on this disk, so that no program takes it for
	// sparse.
	Size, Blocks int64
	// Times are in nanoseconds since 1970.
	Atime, Mtime, Ctime int64
	Rdev                uint32
	// Alias is true if the node was found by a name that is written
	// differently, where names fold. Nobody is told when it ceases to hold.
	Alias bool
}

// Set says which attributes to change; nil fields stay as they are.
type Set struct {
	Mode, UID, GID *uint32
	Size           *int64
	Atime, Mtime   *int64
	// File is the handle that the change came through, nil if none.
	File *Handle
}

// Entry is one name in a folder.
type Entry struct {
	Attr
	Name string
	// Cookie continues a listing after this entry. It stays valid while the
	// folder changes.
	Cookie uint64
}

// Statfs is what statfs(2) shows, in bytes.
type Statfs struct {
	Total, Free int64
	Files       int64
	MaxName     uint32
}

// Caller is the process that made a system call.
type Caller struct{ UID, GID, PID uint32 }

// CallerKey is the context key under which package fs hands over a [Caller].
type CallerKey struct{}

// callerOf returns who made the system call that ctx belongs to.
func callerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(CallerKey{}).(Caller)
	return c
}

// Rename flags, as in renameat2(2).
const (
	RenameNoReplace = 1
	RenameExchange  = 2
)

// Invalidator drops what the kernel has cached. Package fs implements it; the
// calls return at once, and the work is done by a goroutine that holds no
// lock.
type Invalidator interface {
	// Entry forgets what name in the folder parent is, or that it is not.
	Entry(parent uint64, name string)
	// Attr forgets a node's attributes.
	Attr(ino uint64)
	// Content forgets a node's attributes and pages; of a folder, its listing.
	Content(ino uint64)
}
