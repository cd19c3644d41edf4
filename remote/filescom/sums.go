package filescom

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// maxSums is how many files' hashes are remembered.
const maxSums = 4096

// sums remembers the hashes of files that this client sent, whose entries come
// without one until the service has computed it (the reference, "The File
// object": "sometimes delayed").
type sums struct {
	// mu guards what follows.
	mu    sync.Mutex
	known map[string]sum
	order []string // the paths, oldest first
}

// sum is the hash of a file as it was sent.
type sum struct {
	stamp time.Time // the server's
	size  int64
	hash  string
}

// put remembers a file's hash.
func (s *sums) put(full string, stamp time.Time, size int64, hash string) {
	if hash == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]sum{}
	}
	if _, ok := s.known[full]; ok {
		s.order = slices.DeleteFunc(s.order, func(p string) bool { return p == full })
	}
	s.order = append(s.order, full)
	s.known[full] = sum{stamp, size, hash}
	if len(s.order) > maxSums {
		delete(s.known, s.order[0])
		s.order = s.order[1:]
	}
}

// moved follows a file, or all that is in a folder, to another path, from where it
// was moved or copied.
func (s *sums) moved(from, to string) {
	for full, k := range s.below(from) {
		s.put(to+strings.TrimPrefix(full, from), k.stamp, k.size, k.hash)
	}
}

// below returns what is known at a path and below it.
func (s *sums) below(top string) map[string]sum {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string]sum{}
	for full, k := range s.known {
		if full == top || strings.HasPrefix(full, top+"/") {
			found[full] = k
		}
	}
	return found
}

// of returns the hash of the file that has this path, time stamp and size, ""
// if it was not sent here.
func (s *sums) of(full string, stamp time.Time, size int64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.known[full]; ok && k.size == size && k.stamp.Equal(stamp) {
		return k.hash
	}
	return ""
}
