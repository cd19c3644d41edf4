// Package exavault1 answers requests as version 1.2 of ExaVault's API does, by
// the provider's page on its legacy API and by the client libraries for that
// version. Where these leave a point open, a switch chooses (see switches.go).
//
// Not spoken: shares, direct links, notifications, users and the account;
// previews are refused as for file types that have none.
package exavault1
