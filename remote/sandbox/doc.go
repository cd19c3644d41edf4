// Package sandbox is a server that speaks a provider's API over a local
// folder: for trying frugalfs out, and for tests.
//
// The folder is the account's content, byte for byte. What a file system
// cannot keep (ids, times, the activity log) lives beside it and survives
// restarts. Every API request is counted; faults can be scripted; where a
// provider's documents leave a point open, a switch chooses how the sandbox
// behaves ([PrintSwitches] lists them).
//
// Beside the API the server answers control requests under /sandbox/, from
// this machine only; they are not counted:
//
//	GET    /sandbox/stats         count, byOp, limit, used, remaining
//	GET    /sandbox/requests      the last requests
//	GET    /sandbox/faults        the faults that are still to come
//	POST   /sandbox/faults        adds one fault (an object) or several (an array), see [Fault]
//	DELETE /sandbox/faults        drops all faults and releases what is stalled
//	POST   /sandbox/release       releases what is stalled
//	POST   /sandbox/reset-count   sets the counters to zero
//	POST   /sandbox/limit         {"daily": N} sets the daily limit
//	GET    /sandbox/switches      the switches' values
//	POST   /sandbox/switches      {"name": "value"} sets switches
package sandbox
