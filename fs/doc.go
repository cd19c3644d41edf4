// Package fs shows a [cache.Namespace] to the kernel: FUSE requests in,
// namespace calls out, errors to errno, and nothing else. It decides nothing
// about files; what a name is and what may be done with it, the namespace
// says.
//
// # Why the raw layer
//
// The package implements go-fuse's [fuse.RawFileSystem] rather than its inode
// tree. The kernel's node id is the namespace's persistent inode number, so
//
//   - nothing is held in memory per inode that the kernel knows, and FORGET
//     has nothing to do: a find over a million names costs no memory here;
//   - a number means the same node after a rename and after a restart;
//   - the compiler demands every method. In the inode tree a method that is
//     left out answers something by default, and for UNLINK and RMDIR that
//     something is success.
//
// [FS] therefore embeds nothing; a request that we do not want to serve has
// its method and its answer in unserved.go.
//
// # Which answers matter
//
// ENOSYS is the dangerous one: after one ENOSYS to FLUSH or FSYNC the kernel
// never sends that request again and reports success. It is answered only
// where being left alone is what we want (ACCESS, STATX, the lock requests).
// Every other errno comes from the table in errno.go.
//
// Attributes outside "user." are EOPNOTSUPP, not ENODATA: the kernel then
// stops asking for security labels and ACLs, which otherwise doubles the
// requests of an ls -l.
//
// # Interrupts
//
// A request that only reads is given up when its caller is about to die or
// was asked to stop, and for no other signal (context.go). A request that
// changes something is never given up half-way.
//
// # What the kernel keeps
//
// Entries, attributes, absences, folder listings and pages stay in the kernel
// for as long as [cache.Namespace.Timeout] says. When something changes
// elsewhere the namespace calls [cache.Invalidator], which a worker turns into
// notifications (invalidate.go). Changes made through the mount need none:
// the kernel sees them itself.
//
// # Who reads the disk
//
// A file that is complete on disk is opened for reading in passthrough where the
// kernel has it and this process may: the kernel then reads it without us.
// Handles that only write, or write a file from its beginning, keep no pages.
// All others are cached as usual (iomode.go).
//
// # Locks
//
// There are four. One per shard of the handle tables (handles.go), one in the
// invalidation queue (invalidate.go), and one in each request's context
// (context.go): none of these is held while another is taken, while the
// namespace is called or while the kernel is written to. One per shard of the
// table of open files (iomode.go): it is taken before the namespace's, and
// held while a file is lent to the kernel.
package fs
