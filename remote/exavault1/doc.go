// Package exavault1 is a client for version 1.2 of ExaVault's API, which is kept
// for accounts that came from it. Documents and sections are named in comments
// as "the notes" (the provider's page on the legacy API) and "the SDK" (its
// client libraries for that version).
//
// # What an answer proves
//
// The API knows no ids and no hashes, and the answers to changes describe
// nothing: {"success":1} is all that an upload or a new folder brings, and
// with allowOverwrite=false a name that is taken becomes another name that
// nobody tells. So the client looks, with checkFilesExist:
//
//   - before it takes a name (Upload without Overwrite, Rename, Move, Copy): a
//     taken one is refused here, with kind Exist, and nothing is ever replaced
//     or renamed unseen but in the moment between the look and the change;
//   - after an upload: the file must be there with the size that was sent, and
//     shows its version.
//
// A look asks for many paths at once, and those that are wanted while another
// is under way share the next one ([Client.Stat] too). A refusal whose words
// say that something is missing is no proof: a look is, so NotExist always
// comes from one, or from a complete listing.
//
// # Versions
//
// A file's version is its uploadDate (in seconds) and its size. The documents do
// not say whether uploadDate moves when a file is overwritten. If it does not,
// a change that keeps the size shows in the activity log only.
//
// # Counting
//
// Every request to the API is a transaction. The bytes go to and come from a
// storage server by an address that is good for one use within thirty seconds:
// asking for the address is the transaction, the transfer is none.
//
// [Windows] is the rate that the API takes; whoever makes the ledger sets it.
package exavault1
