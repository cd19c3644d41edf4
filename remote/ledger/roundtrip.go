package ledger

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// job is one call of RoundTrip: a request and its retries.
type job struct {
	tag
	req     *http.Request
	started time.Time
	// attempt is the number of the try that runs.
	attempt int
	// left is true once a try may have reached the provider.
	left bool
}

func (l *Ledger) newJob(req *http.Request) *job {
	j := &job{tag: tagOf(req.Context()), req: req, started: l.o.Now()}
	if j.op == "" {
		j.op = "other"
	}
	return j
}

// reads tells whether the request changes nothing.
func (j *job) reads() bool {
	switch j.req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions:
		return !j.mutating
	}
	return false
}

// safe tells whether the request may be sent again although it may have been
// carried out.
func (j *job) safe() bool { return j.reads() || j.repeatable }

func (j *job) hasBody() bool { return j.req.Body != nil && j.req.Body != http.NoBody }

// rewindable tells whether there is a body for another try.
func (j *job) rewindable() bool { return !j.hasBody() || j.req.GetBody != nil }

// body returns the body of the next try, nil for none.
func (j *job) body() (io.ReadCloser, error) {
	switch {
	case !j.hasBody():
		return nil, nil
	case j.attempt == 0:
		return j.req.Body, nil
	}
	return j.req.GetBody()
}

// dropBody closes the body of a request that was never sent, as
// http.RoundTripper demands.
func (j *job) dropBody() {
	if j.hasBody() && j.attempt == 0 {
		_ = j.req.Body.Close()
	}
}

func (j *job) record(now time.Time) Record {
	return Record{
		At: now, Op: j.op, Class: j.class, Program: j.cause.Program, Path: j.cause.Path,
		Method: j.req.Method, Attempt: j.attempt, Transfer: j.transfer, Remaining: -1,
	}
}

func (j *job) fail(kind remote.Kind, cause error) *remote.Error {
	return &remote.Error{
		Kind: kind, Op: j.op, Path: j.cause.Path, Err: cause, Unknown: j.left && !j.reads(),
	}
}

// RoundTrip sends a request when budget and rates allow it, counts it, and
// repeats it within limits where that is safe. It implements
// http.RoundTripper. Its errors are of type *remote.Error:
//
//   - Budget: refused here, or the provider answered 429;
//   - Offline: the provider could not be reached, nothing left;
//   - Temporary: it left and no answer came; Unknown is set if it changes
//     something;
//   - Canceled: the context ended;
//   - Invalid: plain http to another machine.
//
// Any other status is an answer, also 5xx when the tries are used up. Errors
// while reading the answer's body are of the same type. A JSON answer to a
// request that is safe to repeat is read before RoundTrip returns, so that a
// short one is repeated too. When RoundTrip returned an error, or the answer
// was read to its end or closed, nothing reads from the request's body any
// more.
func (l *Ledger) RoundTrip(req *http.Request) (*http.Response, error) {
	j := l.newJob(req)
	if err := checkURL(req.URL); err != nil {
		j.dropBody()
		return nil, err
	}
	for {
		resp, err := l.try(j)
		wait, again := l.again(j, resp, err)
		if !again {
			return l.result(j, resp, err)
		}
		if resp != nil {
			_ = resp.Body.Close()
		}
		j.attempt++
		if err := sleep(req.Context(), wait); err != nil {
			return l.result(j, nil, j.fail(remote.Canceled, err))
		}
	}
}

// result is what RoundTrip returns; it keeps a typed nil from becoming an
// error.
func (l *Ledger) result(j *job, resp *http.Response, err *remote.Error) (*http.Response, error) {
	switch {
	case err == nil && resp.StatusCode >= 500:
		l.failed(&remote.Error{
			Kind: remote.Temporary, Op: j.op, Path: j.cause.Path, Status: resp.StatusCode,
		})
		return resp, nil
	case err == nil:
		return resp, nil
	}
	if err.Kind != remote.Canceled {
		l.failed(err)
	}
	return nil, err
}

// try sends the request once, if it may go.
func (l *Ledger) try(j *job) (*http.Response, *remote.Error) {
	if err := l.turn(j); err != nil {
		j.dropBody()
		return nil, err
	}
	body, err := j.body()
	if err != nil {
		return nil, j.fail(remote.Other, l.o.Redactor.clean(err))
	}
	e, why := l.books.open(j.record(l.o.Now()))
	if why != nil {
		if body != nil {
			_ = body.Close()
		}
		return nil, l.refused(j, why)
	}
	a := l.newAttempt(j, e, body)
	resp, sendErr := a.send()
	if sendErr != nil {
		return nil, sendErr
	}
	return l.receive(a, resp)
}

// turn waits until the rates let the request go. What the budget refuses does
// not wait.
func (l *Ledger) turn(j *job) *remote.Error {
	if j.transfer {
		return nil
	}
	if why := l.books.check(j.record(l.o.Now())); why != nil {
		return l.refused(j, why)
	}
	if err := l.pace.wait(j.req.Context(), j.class); err != nil {
		return j.fail(remote.Canceled, err)
	}
	return nil
}

// receive takes in an answer, whose head comes first: without a body the
// request is over, and journaled, at once.
func (l *Ledger) receive(a *attempt, resp *http.Response) (*http.Response, *remote.Error) {
	if !a.j.transfer {
		l.books.hear(a.e, resp, l.o.Now())
	}
	resp.Body, resp.Request = a.receive(resp), a.j.req
	switch {
	case a.j.transfer:
		return resp, nil
	case resp.StatusCode == http.StatusTooManyRequests:
		_ = resp.Body.Close()
		return nil, l.tooMany(a, resp)
	case a.j.safe() && wantsBuffer(resp):
		return buffer(resp)
	}
	return resp, nil
}

// tooMany takes in a 429. A short Retry-After is about a burst, which the
// pacer waits out for everybody; anything else about the daily limit, which
// makes every request fail at once for a while.
func (l *Ledger) tooMany(a *attempt, resp *http.Response) *remote.Error {
	now := l.o.Now()
	wait, ok := retryAfter(resp.Header, now)
	_, remaining := rateLimit(resp.Header)
	e := a.j.fail(remote.Budget, nil)
	e.Status, e.RetryAfter, e.Unknown = resp.StatusCode, wait, false
	if ok && wait <= maxBurst && remaining != 0 && a.j.attempt < l.o.Retries {
		l.pace.pause(now.Add(wait))
		return e
	}
	e.RetryAfter = l.books.block(a.e, wait, now)
	e.Detail = "nothing is sent before the next try"
	l.o.Logger.Warn("the provider answered 429", "op", a.e.Op, "next_try", e.RetryAfter)
	return e
}

// sleep waits, or returns ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("while waiting to try again: %w", ctx.Err())
	case <-t.C:
		return nil
	}
}
