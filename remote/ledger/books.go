package ledger

import (
	"maps"
	"net/http"
	"sync"
	"time"
)

// entry is a request that has been counted and is not over.
type entry struct {
	Record
	// seq numbers the counted requests of this ledger.
	seq int
}

func (e *entry) key() key { return key{e.Op, e.Program, e.Class} }

// Totals counts since the ledger was made. Taking the difference of two of
// them measures what happened in between.
type Totals struct {
	// Requests is the number of transactions, retries included.
	Requests int
	// Retries is how many of them were retries, Failed how many had a status
	// of 400 or more, or no answer.
	Retries, Failed int
	// Refused counts requests that the budget did not allow and Transfers
	// those to signed storage addresses: neither are transactions.
	Refused, Transfers int
	// Up and Down are the bytes of all bodies, transfers included.
	Up, Down int64
	// ByOp is Requests by operation.
	ByOp map[string]int
}

// Sub returns what was counted since the earlier totals were taken.
func (t Totals) Sub(earlier Totals) Totals {
	d := Totals{
		Requests: t.Requests - earlier.Requests,
		Retries:  t.Retries - earlier.Retries, Failed: t.Failed - earlier.Failed,
		Refused: t.Refused - earlier.Refused, Transfers: t.Transfers - earlier.Transfers,
		Up: t.Up - earlier.Up, Down: t.Down - earlier.Down,
		ByOp: map[string]int{},
	}
	for op, n := range t.ByOp {
		if n -= earlier.ByOp[op]; n != 0 {
			d.ByOp[op] = n
		}
	}
	return d
}

func (t *Totals) add(op string, c tally) {
	t.Requests += c.count
	t.Retries += c.retries
	t.Failed += c.failed
	t.Refused += c.refused
	t.Transfers += c.transfers
	t.Up += c.up
	t.Down += c.down
	if c.count != 0 {
		t.ByOp[op] += c.count
	}
}

// books is the ledger's memory. mu guards every field; no call is made and
// nothing is waited for while it is held.
type books struct {
	mu       sync.Mutex
	day      day
	budget   budget
	totals   Totals
	counted  int // transactions counted, the unsent ones included: never falls
	inFlight int
	lastErr  string
	lastAt   time.Time
}

func newBooks(o *Options) *books {
	return &books{
		budget: budget{own: o.DailyLimit, reserve: o.Reserve, remaining: -1},
		totals: Totals{ByOp: map[string]int{}},
	}
}

// restore takes in the records of an earlier run, oldest first.
func (b *books) restore(records []Record, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.day.advance(now)
	for _, r := range records {
		e := entry{Record: r}
		b.day.record(r.At, e.key(), changeOf(r))
		if r.Transaction() {
			b.counted++
			b.budget.after++
		}
		if r.Limit > 0 {
			b.budget.hear(r.Limit, r.Remaining, b.counted, b.counted, b.day.expired, r.At)
		}
	}
}

// changeOf is what a finished record adds to a tally.
func changeOf(r Record) tally {
	t := tally{up: r.Up, down: r.Down}
	switch {
	case r.Outcome == Refused:
		t.refused = 1
		return t
	case r.Transfer:
		t.transfers = 1
	case r.Transaction():
		t.count = 1
	}
	if r.Attempt > 0 && r.Outcome != Unsent {
		t.retries = 1
	}
	if r.Outcome == Failed || r.Outcome == Broken {
		t.failed = 1
	}
	return t
}

// refusal is a request that the budget does not allow.
type refusal struct {
	why  string
	wait time.Duration
	// first is true for the first of its kind in this minute, the one that is
	// journaled.
	first bool
}

// allows asks the budget without counting anything, and without spending a
// probe.
func (b *books) allows(c Class, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	why, _ := b.try(c, now)
	return why == ""
}

// try is budget.allow without its effects. mu is held.
func (b *books) try(c Class, now time.Time) (why string, wait time.Duration) {
	b.day.advance(now)
	trial := b.budget
	return trial.allow(c, now, b.day.count, b.day.expired)
}

// check tallies a request that the budget would refuse, so that it need not
// wait for its turn first. It returns nil for one that may go.
func (b *books) check(r Record) *refusal {
	b.mu.Lock()
	defer b.mu.Unlock()
	if why, wait := b.try(r.Class, r.At); why != "" {
		return b.refuse(r, why, wait)
	}
	return nil
}

// open counts a request that is about to leave, unless the budget refuses it.
func (b *books) open(r Record) (*entry, *refusal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.day.advance(r.At)
	e := &entry{Record: r}
	if r.Transfer {
		b.inFlight++
		return e, nil
	}
	if why, wait := b.budget.allow(r.Class, r.At, b.day.count, b.day.expired); why != "" {
		return nil, b.refuse(r, why, wait)
	}
	b.inFlight++
	b.countOne(e)
	e.seq = b.counted
	return e, nil
}

// refuse tallies a refused request. mu is held.
func (b *books) refuse(r Record, why string, wait time.Duration) *refusal {
	b.note(why, r.At)
	b.totals.Refused++
	e := entry{Record: r}
	t := b.day.at(r.At, e.key())
	if t == nil {
		return &refusal{why: why, wait: wait}
	}
	t.refused++
	return &refusal{why: why, wait: wait, first: t.refused == 1}
}

// countOne counts a transaction of e's kind. mu is held.
func (b *books) countOne(e *entry) {
	b.counted++
	b.budget.after++
	b.day.record(e.At, e.key(), tally{count: 1})
	b.totals.add(e.Op, tally{count: 1})
}

// replay counts a request that http.Transport sent once more by itself, on
// another connection than the first.
func (b *books) replay(e *entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.countOne(e)
	b.day.record(e.At, e.key(), tally{retries: 1, failed: 1})
	b.totals.add(e.Op, tally{retries: 1, failed: 1})
}

// hear takes in the head of the answer to e.
func (b *books) hear(e *entry, resp *http.Response, now time.Time) {
	limit, remaining := rateLimit(resp.Header)
	b.mu.Lock()
	defer b.mu.Unlock()
	e.Limit, e.Remaining = max(limit, 0), remaining
	b.budget.hear(limit, remaining, e.seq, b.counted, b.day.expired, now)
	if resp.StatusCode != http.StatusTooManyRequests {
		b.budget.answered(e.seq)
	}
}

// block takes in that e was answered with 429; a nil entry stands for a word
// that came another way. It returns how long nothing will be sent.
func (b *books) block(e *entry, wait time.Duration, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	seq := b.counted
	if e != nil {
		seq = e.seq
	}
	b.budget.block(wait, now, seq, b.counted)
	return b.budget.until.Sub(now)
}

// close books what became of e, in the minute in which it left. A request
// that proved not to have left is taken back.
func (b *books) close(e *entry, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight--
	b.day.advance(now)
	change := changeOf(e.Record)
	change.count = 0
	if e.Outcome == Unsent && !e.Transfer {
		change.count = -1
		if e.seq > b.budget.wordSeq {
			b.budget.after--
		}
	}
	b.day.record(e.At, e.key(), change)
	b.totals.add(e.Op, change)
}

// note keeps the last error for status.
func (b *books) note(text string, now time.Time) {
	b.lastErr, b.lastAt = text, now
}

func (b *books) noteError(text string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note(text, now)
}

func (b *books) snapshotTotals() Totals {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.totals
	t.ByOp = maps.Clone(t.ByOp)
	return t
}
