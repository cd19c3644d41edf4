package content

// memory is the last bytes of a stream that could not be kept on disk.
type memory struct {
	start int64
	buf   []byte
}

// push appends the bytes at off, and forgets the oldest beyond keep bytes.
// Bytes that do not follow on replace everything.
func (m *memory) push(p []byte, off, keep int64) {
	if off != m.end() {
		m.start, m.buf = off, m.buf[:0]
	}
	m.buf = append(m.buf, p...)
	// Twice as much as needed is let grow, so that bytes are seldom moved.
	if int64(len(m.buf)) > 2*keep {
		cut := int64(len(m.buf)) - keep
		m.buf = m.buf[:copy(m.buf, m.buf[cut:])]
		m.start += cut
	}
}

func (m *memory) end() int64 { return m.start + int64(len(m.buf)) }

// read copies bytes from off on, 0 of them if the first is not there.
func (m *memory) read(p []byte, off int64) int {
	if !m.has(off) {
		return 0
	}
	return copy(p, m.buf[off-m.start:])
}

func (m *memory) has(off int64) bool { return off >= m.start && off < m.end() }
