package ledger

import "time"

// topPrograms is how many programs a Snapshot names.
const topPrograms = 20

// Tally is what the requests of one name came to in 24 hours.
type Tally struct {
	// Name is the operation, class or program; "" is frugalfs itself.
	Name string `json:"name"`
	// Requests is the number of transactions, retries included.
	Requests int `json:"requests"`
	// Retries is how many of them were retries, Failed how many had a status
	// of 400 or more, or no answer.
	Retries int `json:"retries"`
	Failed  int `json:"failed"`
	// Refused and Transfers are no transactions: what the budget did not
	// allow, and requests to signed storage addresses.
	Refused   int `json:"refused"`
	Transfers int `json:"transfers"`
	// Up and Down are the bytes of the bodies.
	Up   int64 `json:"up"`
	Down int64 `json:"down"`
}

func (t *tally) public(name string) Tally {
	return Tally{
		Name: name, Requests: t.count, Retries: t.retries, Failed: t.failed,
		Refused: t.refused, Transfers: t.transfers, Up: t.up, Down: t.down,
	}
}

// Snapshot is the state of the ledger at one time, for status.
type Snapshot struct {
	// At is when it was taken.
	At time.Time `json:"at"`
	// Limit is how many transactions 24 hours allow, 0 if nobody said;
	// Remaining is how many are left, -1 if that is not known; Word is whose
	// numbers these are, and WordAt when the provider last told Remaining.
	Limit     int       `json:"limit"`
	Remaining int       `json:"remaining"`
	Word      Word      `json:"word"`
	WordAt    time.Time `json:"word_at,omitzero"`
	// Reserve is what interactive requests leave to writeback, 0 without a
	// limit.
	Reserve int `json:"reserve"`
	// BlockedUntil is when the next request may be tried after a 429, zero if
	// none is waited for.
	BlockedUntil time.Time `json:"blocked_until,omitzero"`
	// InFlight is the number of requests whose answer is not complete.
	InFlight int `json:"in_flight"`
	// Day is the sum of the last 24 hours.
	Day Tally `json:"day"`
	// ByOp, ByClass and ByProgram split Day, the largest first. Of programs
	// only the top twenty are named.
	ByOp      []Tally `json:"by_op"`
	ByClass   []Tally `json:"by_class"`
	ByProgram []Tally `json:"by_program"`
	// LastError is the last failure in words, without secrets, and LastErrorAt
	// its time.
	LastError   string    `json:"last_error,omitempty"`
	LastErrorAt time.Time `json:"last_error_at,omitzero"`
	// JournalErrors counts records that could not be kept for the next start.
	JournalErrors int `json:"journal_errors"`
}

func (b *books) snapshot(now time.Time) Snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.day.advance(now)
	s := Snapshot{
		At: now, InFlight: b.inFlight, LastError: b.lastErr, LastErrorAt: b.lastAt,
		ByOp:      b.day.sums(func(k key) string { return k.op }),
		ByClass:   b.day.sums(func(k key) string { return k.class.String() }),
		ByProgram: b.day.sums(func(k key) string { return k.program }),
	}
	for _, t := range b.day.sums(func(key) string { return "day" }) {
		s.Day = t
	}
	s.Day.Name = "day"
	s.ByProgram = s.ByProgram[:min(len(s.ByProgram), topPrograms)]
	b.budget.describe(&s, b.day.count, b.day.expired)
	return s
}

// describe fills in what the budget knows.
func (b *budget) describe(s *Snapshot, used, expired int) {
	st := b.standing(used, expired)
	s.Limit, s.Remaining, s.Word, s.WordAt = st.limit, st.left, st.word, b.wordAt
	if st.limit > 0 {
		s.Reserve = b.keep(st.limit)
	}
	if b.until.After(s.At) {
		s.BlockedUntil = b.until
	}
}
