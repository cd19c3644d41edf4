package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Request is one API request as the sandbox saw it.
type Request struct {
	// At is when its header had been read, by Options.Now.
	At time.Time `json:"at"`
	// Method, Path and Query are its first line; secrets travel in headers.
	Method string `json:"method"`
	Path   string `json:"path"`
	Query  string `json:"query,omitempty"`
	// Transfer is true for requests to the provider's storage, which count
	// nowhere. Their addresses are signed, so Query is left out.
	Transfer bool `json:"transfer,omitempty"`
	// Op is the operation ("list", "upload").
	Op string `json:"op"`
	// Fault is the scripted fault that it met, "" if none.
	Fault Kind `json:"fault,omitempty"`
	// Status is that of the answer, 0 if there was none; Bytes is the length
	// of the body that was sent.
	Status int   `json:"status"`
	Bytes  int64 `json:"bytes"`
}

// call is a request and what is known of it. counter.mu guards its Request.
type call struct {
	Request
	limit, remaining int
	refused          bool  // over the daily limit
	second           int64 // which second of the window it is counted in
}

// maxRequests is how many requests Requests remembers.
const maxRequests = 10_000

const day = 24 * 60 * 60

// counter counts requests.
type counter struct {
	now func() time.Time

	// mu guards what follows.
	mu     sync.Mutex
	limit  int
	total  int
	byOp   map[string]int
	recent []*call // a ring once it is full; next is its oldest entry
	next   int
	window []second // the last 24 hours, oldest first
	used   int      // the sum of window
}

// second is how many requests one second of the window had.
type second struct {
	at int64
	n  int
}

func (c *counter) init(limit int, now func() time.Time) {
	c.limit, c.now, c.byOp = limit, now, map[string]int{}
}

// begin counts a request, unless it is a transfer.
func (c *counter) begin(r *http.Request, op string, transfer bool) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if transfer {
		k := &call{Request: Request{At: now, Method: r.Method, Path: r.URL.Path, Op: op, Transfer: true}}
		c.remember(k)
		return k
	}
	k := &call{second: now.Unix(), limit: c.limit, Request: Request{
		At: now, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Op: op,
	}}
	c.total++
	c.byOp[op]++
	c.expire(now.Unix())
	k.refused = c.used >= c.limit
	c.add(k.second)
	k.remaining = max(c.limit-c.used, 0)
	c.remember(k)
	return k
}

func (c *counter) remember(k *call) {
	if len(c.recent) < maxRequests {
		c.recent = append(c.recent, k)
		return
	}
	c.recent[c.next] = k
	c.next = (c.next + 1) % maxRequests
}

func (c *counter) add(at int64) {
	if n := len(c.window); n > 0 && c.window[n-1].at >= at {
		c.window[n-1].n++
	} else {
		c.window = append(c.window, second{at, 1})
	}
	c.used++
}

func (c *counter) expire(now int64) {
	for len(c.window) > 0 && c.window[0].at <= now-day {
		c.used -= c.window[0].n
		c.window = c.window[1:]
	}
}

// giveBack takes a refused request out of the window.
func (c *counter) giveBack(k *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range slices.Backward(c.window) {
		if c.window[i].at <= k.second && c.window[i].n > 0 {
			c.window[i].n--
			c.used--
			return
		}
	}
}

// end notes how a request was answered.
func (c *counter) end(k *call, status int, sent int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k.Status, k.Bytes = status, sent
}

// fault notes which fault a request met.
func (c *counter) fault(k *call, kind Kind) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k.Fault = kind
}

func (c *counter) limited() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limit
}

// Count returns how many API requests there were since Open or ResetCount,
// whatever was answered, if anything.
func (s *Server) Count() int {
	s.count.mu.Lock()
	defer s.count.mu.Unlock()
	return s.count.total
}

// CountBy returns Count by operation.
func (s *Server) CountBy() map[string]int {
	s.count.mu.Lock()
	defer s.count.mu.Unlock()
	return maps.Clone(s.count.byOp)
}

// Used returns how much of the daily limit is used up.
func (s *Server) Used() int {
	s.count.mu.Lock()
	defer s.count.mu.Unlock()
	s.count.expire(s.count.now().Unix())
	return s.count.used
}

// ResetCount sets the counters to zero and forgets the requests seen. The
// rolling window of the daily limit stays.
func (s *Server) ResetCount() {
	s.count.mu.Lock()
	defer s.count.mu.Unlock()
	s.count.total, s.count.next = 0, 0
	clear(s.count.byOp)
	s.count.recent = nil
}

// SetLimit changes the daily limit and empties its rolling window.
func (s *Server) SetLimit(daily int) {
	s.count.mu.Lock()
	defer s.count.mu.Unlock()
	s.count.limit, s.count.used, s.count.window = daily, 0, nil
}

// Requests returns the last requests, oldest first. Those under way have
// status 0.
func (s *Server) Requests() []Request {
	s.count.mu.Lock()
	defer s.count.mu.Unlock()
	out := make([]Request, 0, len(s.count.recent))
	for i := range s.count.recent {
		k := s.count.recent[(s.count.next+i)%len(s.count.recent)]
		out = append(out, k.Request)
	}
	return out
}
