// Package filemail is a client for accounts at Filemail, by either of its two
// APIs: the classic one, with a user name and a password, and API 2.0, with an
// application key. Sections named in comments are those of the provider's
// documentation of the one or the other.
//
// # The tree
//
// What an account holds are transfers: batches of files that were mailed to
// people. They show as
//
//	/sent/NAME/...      what this account sent
//	/received/NAME/...  what was sent to it
//	/drafts             always empty: a draft is nothing at the provider, and
//	                    lives in package cache until [Client.SendFolder]
//
// NAME is the subject, made fit for a file name. Of several transfers with one
// subject the oldest has it, and the others show as "NAME (id)"; so do files of
// one name in a transfer. Folders in a transfer are prefixes of its files'
// names, and have no existence of their own.
//
// # What requests tell
//
// Lists of transfers carry no files, and are the only thing that tells a
// transfer's name (by the others that have the same); the details of a transfer
// carry all of its files with their sizes and the addresses to get them from. No
// list tells how many entries there are: it ends with a page that is not full.
// Where the count is suspiciously round, another page has to show that nothing
// follows.
//
// # What is changed, and what never is
//
// Files and transfers in sent can be renamed, and deleted if the user allows it:
// a delete takes them away from those who received them. Nothing in received
// changes. New transfers come from [Client.SendFolder] only.
//
// # Counting
//
// Every request to the API is a transaction. Content comes from and goes to file
// servers by addresses that the API gives, which is none; the addresses that the
// last details brought are remembered, so that reading a whole transfer takes
// one transaction. Each download may be counted by the provider and mailed to
// the sender: whoever reads should read once, from start to end.
package filemail
