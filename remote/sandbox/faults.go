package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// Kind is what goes wrong.
type Kind string

// The kinds of faults.
const (
	// Status answers Fault.Status with an error body, and Retry-After if
	// that is set. The request is not carried out unless Fault.Apply is set.
	Status Kind = "status"
	// Stall waits for Fault.For (0: until Release) before the request is
	// carried out; with Fault.Bytes set, in the answer's body after that many
	// bytes.
	Stall Kind = "stall"
	// Reset resets the connection before the request's body is read (with
	// Fault.After: when it was read). The request is not carried out.
	Reset Kind = "reset"
	// Cut carries the request out and ends the connection after Fault.Bytes
	// bytes of the answer's body; Content-Length is as it should be.
	Cut Kind = "cut"
	// Flip carries the request out and changes the byte at Fault.Bytes of
	// the answer's body.
	Flip Kind = "flip"
	// Lost carries the request out and ends the connection without an answer.
	Lost Kind = "lost"
	// Late ends the connection when the request has been read, and carries
	// it out Fault.For later (0: at Release).
	Late Kind = "late"
	// HTML answers status 200 with an HTML page. The request is not carried
	// out.
	HTML Kind = "html"
)

var kinds = []Kind{Status, Stall, Reset, Cut, Flip, Lost, Late, HTML}

// Fault is one scripted fault. All conditions that are set must hold. In JSON
// the fields have lower-case names, For and RetryAfter are like "1.5s".
type Fault struct {
	// Op, Method and Prefix (of the URL's path) match exactly; Contains is a
	// part of the decoded path and query.
	Op       string `json:"op,omitempty"`
	Method   string `json:"method,omitempty"`
	Prefix   string `json:"prefix,omitempty"`
	Contains string `json:"contains,omitempty"`
	// Nth is which of the matching requests is the first to fail; 0 is 1.
	Nth int `json:"nth,omitempty"`
	// Count is how many of them fail; 0 is 1, negative all.
	Count int `json:"count,omitempty"`

	// Kind is what goes wrong.
	Kind Kind `json:"kind"`
	// Status is the HTTP status of kind Status.
	Status int `json:"status,omitempty"`
	// RetryAfter is what kind Status asks to wait, in whole seconds.
	RetryAfter time.Duration `json:"-"`
	// Apply carries the request out before kind Status answers.
	Apply bool `json:"apply,omitempty"`
	// For is how long kinds Stall and Late wait.
	For time.Duration `json:"-"`
	// After makes kind Reset wait for the request's body.
	After bool `json:"after,omitempty"`
	// Bytes is the place in the body for kinds Stall, Cut and Flip.
	Bytes int64 `json:"bytes,omitempty"`

	seen int // matching requests so far
}

// plainFault has Fault's fields without its methods.
type plainFault Fault

// faultJSON spells durations as people do.
type faultJSON struct {
	plainFault
	For        string `json:"for,omitempty"`
	RetryAfter string `json:"retryAfter,omitempty"`
}

// MarshalJSON writes the fault as UnmarshalJSON reads it.
func (f Fault) MarshalJSON() ([]byte, error) {
	j := faultJSON{plainFault: plainFault(f)}
	if f.For != 0 {
		j.For = f.For.String()
	}
	if f.RetryAfter != 0 {
		j.RetryAfter = f.RetryAfter.String()
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads a fault and checks it.
func (f *Fault) UnmarshalJSON(b []byte) error {
	var j faultJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*f = Fault(j.plainFault)
	if err := errors.Join(setDuration(&f.For, j.For), setDuration(&f.RetryAfter, j.RetryAfter)); err != nil {
		return err
	}
	return f.check()
}

func setDuration(to *time.Duration, text string) (err error) {
	if text != "" {
		*to, err = time.ParseDuration(text)
	}
	return err
}

func (f *Fault) check() error {
	switch {
	case !slices.Contains(kinds, f.Kind):
		return badFault("unknown kind %q; there are: %v", f.Kind, kinds)
	case f.Kind == Status && (f.Status < 200 || f.Status > 599):
		return badFault("kind status needs a status from 200 to 599")
	case f.Nth < 0 || f.Bytes < 0 || f.For < 0 || f.RetryAfter < 0:
		return badFault("nth, bytes, for and retryAfter are not negative")
	}
	return nil
}

func badFault(format string, args ...any) error {
	return remote.E(remote.Invalid, "fault", "", fmt.Errorf(format, args...))
}

// faultList holds the faults that are still to come.
type faultList struct {
	// mu guards what follows.
	mu      sync.Mutex
	faults  []*Fault
	release chan struct{} // closed to release all that is stalled now
}

func (l *faultList) init() { l.release = make(chan struct{}) }

// match finds the first fault that a request meets, and counts it.
func (l *faultList) match(r *http.Request, op string) (Fault, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, f := range l.faults {
		if !f.matches(r, op) {
			continue
		}
		f.seen++
		first := max(f.Nth, 1)
		count := f.Count
		if count == 0 {
			count = 1
		}
		if f.seen < first {
			continue
		}
		if count > 0 && f.seen >= first+count-1 {
			l.faults = slices.Delete(l.faults, i, i+1)
		}
		return *f, true
	}
	return Fault{}, false
}

func (f *Fault) matches(r *http.Request, op string) bool {
	return (f.Op == "" || f.Op == op) &&
		(f.Method == "" || f.Method == r.Method) &&
		strings.HasPrefix(r.URL.Path, f.Prefix) &&
		(f.Contains == "" || strings.Contains(readable(r.URL), f.Contains))
}

func readable(u *url.URL) string {
	query, err := url.QueryUnescape(u.RawQuery)
	if err != nil {
		query = u.RawQuery
	}
	return u.Path + "?" + query
}

func (l *faultList) released() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.release
}

// Fail scripts a fault. Several faults are tried in the order they came.
func (s *Server) Fail(f Fault) error {
	if err := f.check(); err != nil {
		return err
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	f.seen = 0
	s.faults.faults = append(s.faults.faults, &f)
	return nil
}

// Faults returns the faults that are still to come.
func (s *Server) Faults() []Fault {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	out := make([]Fault, 0, len(s.faults.faults))
	for _, f := range s.faults.faults {
		out = append(out, *f)
	}
	return out
}

// ClearFaults drops all faults and releases what is stalled.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	s.faults.faults = nil
	s.faults.mu.Unlock()
	s.Release()
}

// Release releases all requests that are stalled or late now.
func (s *Server) Release() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	close(s.faults.release)
	s.faults.release = make(chan struct{})
}
