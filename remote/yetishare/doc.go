// Package yetishare is the client for sites that run the YetiShare script, such
// as filecad, by version 2 of the script's API.
//
// "The documentation" in this package's comments is what such a site shows about
// its own API ("API Version 1.0", served below /api/v2/). It is short, sites run
// several versions of the script, and operators change them: where it is silent,
// the client is written to be right whichever way a site decides.
//
// # Addressing
//
// There are no paths. Files and folders have numbers, each kind its own, so the
// client's IDs say which one is meant: "d12" is the folder 12, and "f34-560" the
// file 34, which has 560 bytes. The size can be part of the ID because no call
// changes the content of a file: it tells an answer with the content from an
// error page, with no request. A reference without an ID is found by listing the
// folders on its way, a transaction for each. The account's own root has no
// number; it is "" here, and blank in requests.
//
// # Names
//
// Sites take any name, also twice in one folder. See [Client.List] for how those
// are shown that no file here could have. An upload, a rename or a move to a
// name that is taken is not refused, and nothing in the answer tells: both
// objects are kept then, and the next listing shows one of them under another
// name. Only Mkdir looks first, with one listing, as two folders of one name are
// hard to bring together again.
//
// # Replacing
//
// A file's content cannot be changed. An upload that replaces one stores the new
// file, checks it, and deletes the old one by its ID, in that order.
package yetishare
