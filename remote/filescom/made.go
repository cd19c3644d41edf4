package filescom

import (
	"path"
	"sync"
)

// maxMade is how many folders are remembered.
const maxMade = 4096

// made remembers the folders that this client made, or sent something to: the log
// does not tell them from files.
type made struct {
	// mu guards what follows.
	mu    sync.Mutex
	known map[string]bool
	order []string // the oldest first
}

func (m *made) put(full string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[string]bool{}
	}
	if m.known[full] {
		return
	}
	m.known[full] = true
	if m.order = append(m.order, full); len(m.order) > maxMade {
		delete(m.known, m.order[0])
		m.order = m.order[1:]
	}
}

// above notes the folders that a file is in.
func (m *made) above(full string) {
	for dir := path.Dir(full); dir != "/" && dir != "."; dir = path.Dir(dir) {
		m.put(dir)
	}
}

func (m *made) has(full string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known[full]
}
