// Package filemail answers requests as Filemail does, by its classic API and by
// API 2.0, over the folder of a sandbox account.
//
// Every folder in /sent and /received is a transfer, also one that was made by
// hand; transfers that were not completed yet are in /.open, where no list shows
// them. Nothing is mailed: what would have been is counted (see [Report]).
package filemail
