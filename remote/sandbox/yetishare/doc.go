// Package yetishare answers requests as a site does that runs the YetiShare
// script, by the documentation of version 2 of its API ("API Version 1.0").
// Where that leaves a point open, or sites are known to differ, a switch chooses
// (see switches.go).
//
// The script lets two objects of a folder have one name, and takes names that no
// file can have. Those are kept beside the folder, and the file there has another
// name, as near as can be.
//
// Not spoken: account/info in full, imports from other addresses, and the
// administration of accounts and packages.
package yetishare
