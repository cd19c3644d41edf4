// Package filescom is the sandbox's dialect of Files.com.
//
// It answers as recordings of the service show it today, and understands the
// upload flow of the 2020 reference beside today's. Bytes travel as with the
// service: not through the API but to and from signed addresses of an object
// storage, which the sandbox plays itself, below /storage/. Those requests are
// no transactions.
//
// What neither the recordings nor the documents settle has a switch.
package filescom
