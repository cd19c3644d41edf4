package sandbox

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// inject lets a request meet a fault.
func (s *Server) inject(a *answer, r *http.Request, f Fault, call *call) {
	switch f.Kind {
	case Status:
		s.failStatus(a, r, f, call)
	case Stall:
		s.stall(a, r, f, call)
	case Reset:
		if f.After {
			_, _ = io.Copy(io.Discard, r.Body) // it is thrown away anyhow
		}
		a.reset()
	case Cut:
		a.cut = &f.Bytes
		s.answer(a, r, call)
	case Flip:
		a.flip = &f.Bytes
		s.answer(a, r, call)
	case Lost:
		s.answer(nowhere{}, r, call)
		a.drop()
	case Late:
		s.late(a, r, f, call)
	case HTML:
		a.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(a, "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n")
	}
}

func (s *Server) failStatus(a *answer, r *http.Request, f Fault, call *call) {
	if f.Apply {
		s.answer(nowhere{}, r, call)
	}
	if f.RetryAfter > 0 {
		seconds := int(f.RetryAfter.Round(time.Second) / time.Second)
		a.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
	s.dialect.Refuse(a, f.Status, http.StatusText(f.Status))
}

func (s *Server) stall(a *answer, r *http.Request, f Fault, call *call) {
	if f.Bytes > 0 {
		a.stall = &f
		s.answer(a, r, call)
		return
	}
	if s.hold(r.Context(), f) {
		s.answer(a, r, call)
	}
}

// hold waits as a fault says: for its time, or until Release.
func (s *Server) hold(ctx context.Context, f Fault) bool {
	return pause(ctx, f.For, s.faults.released())
}

// late reads the request, ends the connection, and carries the request out
// some time after that.
func (s *Server) late(a *answer, r *http.Request, f Fault, call *call) {
	body, err := io.ReadAll(r.Body)
	released := s.faults.released() // before the client knows: it may release at once
	a.drop()
	if err != nil || !pause(s.ctx, f.For, released) {
		return
	}
	again := r.Clone(s.ctx)
	again.Body = io.NopCloser(bytes.NewReader(body))
	s.answer(nowhere{}, again, call)
}

// nowhere is a ResponseWriter whose answer nobody gets.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

// answer notes what is sent, and spoils it as a fault says. One goroutine
// uses it.
type answer struct {
	http.ResponseWriter
	server *Server
	ctx    context.Context
	status int
	sent   int64  // bytes of the body
	cut    *int64 // say that all is written, and send only so much
	flip   *int64 // change this byte
	stall  *Fault // wait at its place
}

// WriteHeader notes the status.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body.
func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	if a.stall != nil && a.sent+int64(len(p)) > a.stall.Bytes {
		return a.writeStalled(p)
	}
	q := a.spoil(p)
	if a.server.pipe != nil {
		if err := a.server.throttle(a.ctx, len(q)); err != nil {
			return 0, err
		}
	}
	n, err := a.ResponseWriter.Write(q)
	a.sent += int64(n)
	if err == nil {
		n = len(p)
	}
	return n, err
}

// writeStalled sends up to the place where the answer stalls, waits there,
// and sends the rest.
func (a *answer) writeStalled(p []byte) (int, error) {
	f := *a.stall
	a.stall = nil
	head := p[:f.Bytes-a.sent]
	if n, err := a.Write(head); err != nil {
		return n, err
	}
	_ = http.NewResponseController(a.ResponseWriter).Flush() // best effort: what was written shall arrive
	if !a.server.hold(a.ctx, f) {
		return len(head), a.ctx.Err()
	}
	n, err := a.Write(p[len(head):])
	return len(head) + n, err
}

// spoil returns what is sent in place of p. A body that is shorter than its
// Content-Length makes net/http end the connection.
func (a *answer) spoil(p []byte) []byte {
	if a.flip != nil && *a.flip >= a.sent && *a.flip < a.sent+int64(len(p)) {
		p = bytes.Clone(p)
		p[*a.flip-a.sent] ^= 1
	}
	if a.cut != nil {
		p = p[:min(int64(len(p)), *a.cut-a.sent)]
	}
	return p
}

// Unwrap gives access to the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// reset ends the connection with a TCP RST.
func (a *answer) reset() { a.hangUp(true) }

// drop ends the connection without an answer.
func (a *answer) drop() { a.hangUp(false) }

func (a *answer) hangUp(rst bool) {
	conn, _, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err != nil {
		a.server.o.Logger.Warn("sandbox: cannot end a connection", "err", err)
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok && rst {
		_ = tcp.SetLinger(0) // without it, a FIN is sent
	}
	_ = conn.Close()
}
