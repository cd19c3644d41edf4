// Package filescom is the client for Files.com.
//
// "The reference" in this package's comments is the provider's API
// documentation of 2020, "the SDK" are its official SDKs, their documentation,
// and the recordings of the service that they are tested with. Where both are
// silent the client is written to be correct whichever way the server decides,
// and the comment says what is left open.
//
// # Addressing
//
// Objects are addressed by path (the reference, "Specifying file path names").
// The service folds case and keeps names in Unicode's NFC: an object has one
// name, which answers tell. A file sent under a name that the service spells
// another way is described under the service's name.
//
// # Two flows
//
// The service of today takes uploads and looks at single entries under
// /file_actions; that of 2020 does both under /files. The client begins with
// the former and goes over to the latter for good when the server proves not to
// know it.
//
// # Versions
//
// A file's version is its MD5, which neither a rename nor a change of its time
// moves. The service needs a moment to compute it: until then the version is
// made of the server's time stamp and the size, except for what this client
// sent itself, whose MD5 it knows.
package filescom
