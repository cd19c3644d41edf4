package ledger

import "time"

// Outcome is what became of a request.
type Outcome string

// The outcomes.
const (
	// OK: the provider answered with a status below 400.
	OK Outcome = "ok"
	// Failed: the provider answered with a status of 400 or more.
	Failed Outcome = "failed"
	// Broken: the request left, and no answer came, or the answer broke off.
	Broken Outcome = "broken"
	// Canceled: the caller went away before the answer was complete.
	Canceled Outcome = "canceled"
	// Unsent: the request never left this machine. It is no transaction.
	Unsent Outcome = "unsent"
	// Refused: the budget did not allow it, and it was not sent. It is no
	// transaction.
	Refused Outcome = "refused"
)

// Record is one line of the ledger: one request, retries being requests of
// their own.
type Record struct {
	// At is when the request was counted, just before it left.
	At time.Time
	// Op is the operation as the client names it ("list"); never "".
	Op string
	// Class is who waited for it.
	Class Class
	// Program and Path are its cause, "" where frugalfs itself is.
	Program, Path string
	// Method is the HTTP method.
	Method string
	// Status is the HTTP status, 0 if there was no answer.
	Status int
	// Outcome is what became of it.
	Outcome Outcome
	// Up and Down are the bytes of the two bodies.
	Up, Down int64
	// Duration is the time until the answer was read or given up.
	Duration time.Duration
	// Attempt is 0 for the first try and 1, 2, … for its retries.
	Attempt int
	// Transfer marks a request to a signed storage address, which is no
	// transaction.
	Transfer bool
	// Limit and Remaining are the provider's word in the answer (requests in
	// 24 hours, and how many are left). They mean nothing unless Limit > 0.
	Limit, Remaining int
}

// Transaction tells whether the provider counts the request.
func (r Record) Transaction() bool {
	return !r.Transfer && r.Outcome != Refused && r.Outcome != Unsent
}

// Journal keeps the records of the last 24 hours across restarts.
//
// A request is counted in memory before it leaves and journaled when it is
// over. A crash therefore loses those in flight and those that the journal
// had not written yet: some dozens out of tens of thousands. A commit before
// every request would cost more than the error, and the provider's next
// X-RateLimit-Remaining corrects it.
type Journal interface {
	// Append adds a record. It is called for every finished request, from
	// many goroutines, and must return at once: implementations batch. It
	// must not keep the caller waiting for a disk. Among requests that were
	// refused only the first of a minute, operation and program is appended.
	Append(Record) error
	// Load returns the records whose At is not before since, oldest first.
	Load(since time.Time) ([]Record, error)
}
