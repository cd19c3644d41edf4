// Package ledger is the transport that every API request passes. It counts
// each request before it leaves, retries included, holds the rolling 24 hours
// on disk, follows the provider's own rate-limit headers, keeps requests and
// connections under the provider's rates, refuses what the budget no longer
// allows, and retries what may be repeated.
package ledger
