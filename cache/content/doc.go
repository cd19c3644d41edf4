// Package content keeps the bytes of files on the local disk.
//
// Every file in the store has a number, its generation, that is never used
// twice, and is of one of two sorts:
//
//   - cached: the content of one version of a node as the provider has it, a
//     sparse file with a record of the ranges that are present. It is filled
//     by fetching, and unlinked, whole, when the size limit asks for it.
//   - staged: content that was written here and is still to be sent. It is
//     never evicted, and goes only by [Store.Drop].
//
// [Store.Adopt] turns a staged file whose upload was committed into a cached
// one without copying a byte.
//
// Readers of one version share one object and one set of streams: a stream is
// a request for a range of the file that fills it from front to back, at the
// pace of its readers, whether or not one of them still waits. How long a
// request is asked for is decided by the pure functions in plan.go.
//
// What survives: a record names only ranges whose bytes were written before,
// so a killed process leaves no wrong byte. Records carry whether those bytes
// were also synced; after a power failure the others are not believed.
//
// Lock order: Store.syncing, draft.syncing, draft.wmu, body.disk (of a new body
// before that of the one it is made from), body.swap (likewise), blob.mu,
// Store.mu. No lock is held across a call to a [Fetch] or a read of what it returned.
package content
