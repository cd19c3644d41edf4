// Package exavault is the client for ExaVault API v2.
//
// "The reference" in this package's comments is ExaVault's own definition of
// the API (version 2.0: the introduction and the section of each operation,
// such as "GET /resources/list"). Where the reference is silent, the client is
// written to be correct whichever way the server decides, and the comment says
// what is left open.
//
// # Addressing
//
// The reference, "Identifying Resources": a resource is named by its path
// relative to the user's home folder or by "id:N". The client uses the id
// wherever it knows it and the operation takes it. An upload takes a path only.
//
// # Archives
//
// Entries of an archive from [Client.DownloadArchive] are named in one of two
// ways, and the reference does not say which: relative to the deepest folder
// that all the requested resources have in common, or by their bare names. For
// files of one folder with different names both come to the same: the file's
// name. One folder alone gives its contents without the folder's own name. One
// file alone is answered as itself, without an archive. Empty folders may be
// missing.
package exavault
