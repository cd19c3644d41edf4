// Package store holds the content of a sandbox account: a real folder, and the
// facts about it that a file system cannot keep.
//
// Files below Options.Root are the account's files, byte for byte. What
// providers say about them beyond that (ids, hashes, times, the activity log)
// lives in a journal in a second folder, outside of Root, and survives
// restarts and kills.
//
// The tree in memory follows the disk: whatever is looked at is compared with
// the disk first, so that others may put files into Root, change or remove
// them by hand at any time. Such a foreign change gets ids, times and a log
// entry at the moment it is noticed. Symbolic links and special files are no
// part of the account and are passed over.
//
// Nothing half-written is ever visible: content is staged in the second folder
// and renamed into place, and what is removed is renamed out first.
package store
