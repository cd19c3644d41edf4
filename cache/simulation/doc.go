// Package simulation is an account in memory that serves as a [remote.Remote],
// for tests that run a namespace through thousands of histories. No request
// leaves the process, and a [Host] decides what becomes of each: it works, is
// refused, gets no answer before or after it was carried out, arrives late, or
// works in part. While a request is under way the host may change the account, as
// others do, or the mount.
//
// Nothing here is random by itself and nothing reads a clock but for time
// stamps: equal decisions make equal histories.
package simulation
