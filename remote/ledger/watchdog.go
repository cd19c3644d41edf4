package ledger

import (
	"errors"
	"sync"
	"time"
)

// errStalled is the cause of a request that was cut off because nothing moved.
var errStalled = errors.New("the connection stands still")

// watchdog cuts a request off when nothing moves. Before the answer begins,
// hooks of the transport wind it up from other goroutines; from then on only
// the reader of the answer does.
type watchdog struct {
	timer *time.Timer
	// mu guards answering.
	mu        sync.Mutex
	answering bool
}

func newWatchdog(bark func()) *watchdog {
	w := &watchdog{timer: time.AfterFunc(time.Hour, bark)}
	w.timer.Stop()
	return w
}

// sending winds the dog up while the request is being sent or waits for its
// answer; 0 holds it back. Once the answer has begun it does nothing: the
// transport may report the end of sending after that.
func (w *watchdog) sending(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.answering {
		w.wind(d)
	}
}

// answered ends the time before the answer.
func (w *watchdog) answered() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answering = true
	w.wind(0)
}

// wind sets the timer, or stops it for 0.
func (w *watchdog) wind(d time.Duration) {
	if d == 0 {
		w.timer.Stop()
		return
	}
	w.timer.Reset(d)
}
