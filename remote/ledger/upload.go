package ledger

import (
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"
)

// upload is a request body on its way. It counts bytes, keeps the watchdog
// awake, and can be shut so that nothing reads from the source any more:
// http.Transport may otherwise do so after the request is over.
type upload struct {
	dog  *watchdog
	idle time.Duration
	n    atomic.Int64

	closing  sync.Once
	closeErr error

	// mu is held while the source is read, and guards shut.
	mu     sync.Mutex
	source io.ReadCloser
	shut   bool
}

// Read is called by the transport.
func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.shut {
		return 0, fs.ErrClosed
	}
	// A source that is slow is no stalled connection.
	u.dog.sending(0)
	n, err := u.source.Read(p)
	u.dog.sending(u.idle)
	u.n.Add(int64(n))
	return n, err
}

// Close closes the source, once.
func (u *upload) Close() error {
	u.closing.Do(func() { u.closeErr = u.source.Close() })
	return u.closeErr
}

// stop closes the source and returns when no Read is under way; none follows.
func (u *upload) stop() {
	_ = u.Close() // ends a Read that waits for a pipe
	u.mu.Lock()
	defer u.mu.Unlock()
	u.shut = true
}
