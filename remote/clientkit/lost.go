package clientkit

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/frugalfs/frugalfs/remote"
)

// maxDrain is how much is read of an answer that is no longer needed, to keep
// its connection.
const maxDrain = 64 << 10

// Drain reads the rest of an answer if that is short, so that its connection can
// be used again.
func Drain(resp *http.Response) { _, _ = io.CopyN(io.Discard, resp.Body, maxDrain) }

// Finish drains an answer and closes it.
func Finish(resp *http.Response) {
	Drain(resp)
	_ = resp.Body.Close()
}

// Lost makes an error of a request about a path, or of the reading of its
// answer, that failed on the way. The ledger's own errors keep their kind.
func Lost(op, path string, mutates bool, err error) *remote.Error {
	var known *remote.Error
	if errors.As(err, &known) {
		e := *known
		e.Op, e.Path = op, path
		return &e
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // the address says nothing that Op and Path do not, and may hold a secret
	}
	e := remote.E(remote.Temporary, op, path, err)
	e.Unknown = mutates
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		e.Kind = remote.Canceled
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		e.Kind, e.Unknown = remote.Offline, false
	}
	return e
}

// Broken is Lost for an answer that could not be read to its end.
func Broken(op, path string, mutates bool, resp *http.Response, err error) *remote.Error {
	if resp.Request != nil && resp.Request.Context().Err() != nil {
		// The network's word for it may be that the connection is closed.
		err = errors.Join(resp.Request.Context().Err(), err)
	}
	return Lost(op, path, mutates, err)
}
