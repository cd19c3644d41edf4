// Package control is how the other commands talk to a running mount: HTTP with
// JSON bodies over a Unix socket in the mount's state folder.
//
//	GET  /healthz           answers once the mount can be used
//	GET  /status            how the mount stands ([Status])
//	POST /flush?timeout=D   sends everything, answers what is left ([Left])
//	POST /unmount?timeout=D likewise, and then unmounts
//	GET  /pending           what is to be sent
//	POST /pending/retry     tries again what was given up
//	POST /pending/drop      gives it up for good
//	POST /pending/export?dir=DIR  copies what is to be sent into a folder
//	POST /pending/explain   the plan for it
//	POST /prefetch?path=PATH  fetches content; the answer is a line of JSON
//	                        whenever there is progress, and one at the end
//
// Whoever may open the socket may ask anything: only its owner can. A registry
// of small files, one per mount, leads from mount points to sockets, so that
// nobody has to touch a mount point to find out about it.
package control
