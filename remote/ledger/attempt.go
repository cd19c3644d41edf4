package ledger

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"

	"github.com/frugalfs/frugalfs/remote"
)

// attempt is one request on its way.
type attempt struct {
	l      *Ledger
	j      *job
	e      *entry
	body   io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	dog    *watchdog
	finish sync.Once

	// mu guards the fields below, which hooks of the transport set.
	mu      sync.Mutex
	uploads []*upload
	// connected is true once there was a connection, meter the newest one's
	// counter and written what it showed before the request; moved is true if
	// an earlier connection carried something.
	connected bool
	meter     *meteredConn
	written   int64
	moved     bool
}

func (l *Ledger) newAttempt(j *job, e *entry, body io.ReadCloser) *attempt {
	a := &attempt{l: l, j: j, e: e, body: body}
	a.ctx, a.cancel = context.WithCancelCause(j.req.Context())
	a.dog = newWatchdog(func() { a.cancel(errStalled) })
	return a
}

// send hands the request to the transport.
func (a *attempt) send() (*http.Response, *remote.Error) {
	resp, err := a.l.base.RoundTrip(a.request())
	a.dog.answered()
	if err == nil {
		a.j.left = true
		return resp, nil
	}
	left := a.hasLeft(err)
	a.j.left = a.j.left || left
	outcome := Broken
	failure := a.failure(err)
	switch {
	case !left:
		outcome = Unsent
	case failure.Kind == remote.Canceled:
		outcome = Canceled
	}
	a.end(outcome, 0)
	return nil, failure
}

// request is the request as the transport gets it.
func (a *attempt) request() *http.Request {
	r := a.j.req.WithContext(httptrace.WithClientTrace(a.ctx, &httptrace.ClientTrace{
		GotConn: a.gotConn,
		WroteRequest: func(httptrace.WroteRequestInfo) {
			a.dog.sending(a.l.o.HeaderTimeout)
		},
	}))
	if a.body == nil {
		a.guard(r)
		return r
	}
	r.Body = a.upload(a.body)
	if rewind := a.j.req.GetBody; rewind != nil {
		r.GetBody = func() (io.ReadCloser, error) {
			body, err := rewind()
			if err != nil {
				return nil, err
			}
			return a.upload(body), nil
		}
	}
	return r
}

// guard keeps http.Transport from repeating a GET that changes something, as
// it does with any GET that a kept connection failed: not if there is a body,
// even an empty one, that it cannot get again.
func (a *attempt) guard(r *http.Request) {
	if a.l.traced && !a.j.safe() {
		r.Body, r.GetBody, r.ContentLength = io.NopCloser(eof{}), nil, 0
	}
}

// eof is an empty body that http.Transport does not know to be empty.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

func (a *attempt) upload(body io.ReadCloser) *upload {
	u := &upload{dog: a.dog, idle: a.l.o.IdleTimeout, source: body}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.uploads = append(a.uploads, u)
	return u
}

// gotConn is called when a connection was found for the request. A second
// call means that http.Transport repeats the request by itself; what the first
// connection carried was a transaction then.
func (a *attempt) gotConn(info httptrace.GotConnInfo) {
	a.mu.Lock()
	replay := a.connected && a.carried()
	a.moved = a.moved || replay
	a.connected = true
	if a.meter = meterOf(info.Conn); a.meter != nil {
		a.written = a.meter.written.Load()
	}
	a.mu.Unlock()
	a.dog.sending(a.l.o.IdleTimeout)
	if replay && !a.j.transfer {
		a.l.books.replay(a.e)
		again := a.e.Record
		again.Outcome = Broken
		a.l.write(again)
	}
}

// carried tells whether the newest connection has carried anything of the
// request. mu is held.
func (a *attempt) carried() bool {
	return a.meter == nil || a.meter.written.Load() > a.written
}

// hasLeft tells whether the request may have left, given the transport's
// error.
func (a *attempt) hasLeft(err error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.moved:
		return true
	case a.connected:
		return a.carried()
	}
	return !a.l.traced && !neverLeft(err)
}

// failure turns an error of the transport, or of reading the answer, into
// ours.
func (a *attempt) failure(err error) *remote.Error {
	if ctxErr := a.j.req.Context().Err(); ctxErr != nil {
		return a.j.fail(remote.Canceled, ctxErr)
	}
	if errors.Is(context.Cause(a.ctx), errStalled) {
		err = errStalled
	}
	kind := remote.Temporary
	if a.unreachable(err) {
		kind = remote.Offline
	}
	return a.j.fail(kind, a.l.o.Redactor.clean(err))
}

// unreachable tells whether no connection was made.
func (a *attempt) unreachable(err error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.connected && (a.l.traced || neverLeft(err))
}

// end books what became of the attempt and how much came down, once, and lets
// go of everything.
func (a *attempt) end(o Outcome, down int64) {
	a.finish.Do(func() {
		a.dog.answered()
		a.mu.Lock()
		uploads := a.uploads
		a.mu.Unlock()
		for _, u := range uploads {
			u.stop()
			a.e.Up = u.n.Load()
		}
		a.e.Outcome, a.e.Down = o, down
		a.l.finish(a.e)
		a.cancel(nil)
	})
}
