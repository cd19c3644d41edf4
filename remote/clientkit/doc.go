// Package clientkit is what the clients of several providers share: reading
// JSON whose fields may have another type than documented, names that a file
// here can have, words of a provider fit to be printed, accounts' addresses,
// content on its way up and down, and errors of requests that got lost.
//
// It knows no provider and makes no request.
package clientkit
