// Package exavault answers requests as version 2 of ExaVault's API does, by
// its published definition (exavault-v2.openapi.json) and introduction. Where
// these leave a point open, a switch chooses (see switches.go).
//
// Not spoken: shares, direct links, notifications, users, forms, e-mail lists
// and the settings of the account; previews answer 404 as for file types that
// have none.
package exavault
