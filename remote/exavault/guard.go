package exavault

import (
	"errors"
	"io"
)

const (
	// maxText is the longest string or number, and maxElement the longest
	// element of a collection, that is read into memory, in bytes.
	maxText    = 1 << 20
	maxElement = 2 << 20
	// maxDepth is how deep an answer may nest. A resource needs 7 levels.
	maxDepth = 64
	// maxCollection is the longest page of a collection in bytes.
	maxCollection = 32 << 20
)

var errAbsurd = errors.New("the answer is absurdly long or deep")

// guard passes JSON on, and fails before the decoder behind it would have to
// hold more than maxElement bytes of it.
type guard struct {
	r   io.Reader
	err error // what reading r failed with, other than io.EOF

	total int64 // bytes passed on
	state
}

// state is where in the JSON a guard is.
type state struct {
	depth    int // open arrays and objects
	run      int // bytes since the last bracket, comma or colon
	element  int // bytes since an element of a collection last ended
	inString bool
	escaped  bool // whether the last byte was a backslash in a string
}

// Read implements io.Reader.
func (g *guard) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		g.err = err
	}
	g.total += int64(n)
	if g.total > maxCollection {
		return 0, errAbsurd
	}
	if g.scan(p[:n]); g.run > maxText || g.element > maxElement || g.depth > maxDepth {
		return 0, errAbsurd
	}
	return n, err
}

// scan follows the brackets and strings of what is passed on.
func (g *guard) scan(p []byte) {
	s := g.state
	for _, b := range p {
		s.run++
		s.element++
		switch {
		case s.inString:
			s.inString = b != '"' || s.escaped
			s.escaped = b == '\\' && !s.escaped
		case b == '"':
			s.inString = true
		case b == '{', b == '[', b == '}', b == ']', b == ',', b == ':':
			s = s.structural(b)
		}
	}
	g.state = s
}

// structural follows a byte that ends whatever was before it. The answer is at
// depth 1, its arrays at 2, their elements at 3.
func (s state) structural(b byte) state {
	switch b {
	case '{', '[':
		s.depth++
	case '}', ']':
		s.depth--
	}
	s.run = 0
	if s.depth <= 2 {
		s.element = 0
	}
	return s
}
