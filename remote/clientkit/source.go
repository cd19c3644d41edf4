package clientkit

import (
	"errors"
	"io"
	"sync"
)

// Source is the content that an upload reads. The transport may go on reading a
// request's body for a moment after the answer came; Shut puts an end to that.
type Source struct {
	// From is read from 0 to Size.
	From io.ReaderAt
	Size int64
	// Progress, if not nil, is called with the number of bytes read so far.
	Progress func(int64)

	// mu guards what follows, and is held while From is read.
	mu     sync.Mutex
	closed bool
	failed error // why From could not be read
}

var errShut = errors.New("the upload has ended")

func (s *Source) readAt(p []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, errShut
	}
	n, err := s.From.ReadAt(p, off)
	if n == len(p) {
		err = nil
	} else if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		s.failed = err
		return n, err
	}
	if s.Progress != nil {
		s.Progress(off + int64(n))
	}
	return n, nil
}

// Shut ends the reading: From is not read any more when it returns.
func (s *Source) Shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// Failure returns why From could not be read, nil if it could.
func (s *Source) Failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// Reader returns a reader of the whole content.
func (s *Source) Reader() io.Reader { return &sourceReader{src: s} }

// sourceReader reads a source once, from its start.
type sourceReader struct {
	src *Source
	off int64
}

// Read implements io.Reader.
func (r *sourceReader) Read(p []byte) (int, error) {
	if r.off >= r.src.Size {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), r.src.Size-r.off)]
	n, err := r.src.readAt(p, r.off)
	r.off += int64(n)
	return n, err
}
