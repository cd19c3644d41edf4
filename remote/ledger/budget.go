package ledger

import "time"

// Word says whose number the limit is.
type Word string

// The sources of a limit.
const (
	// NoWord: nobody has named a limit.
	NoWord Word = "unknown"
	// OwnWord: the limit is Options.DailyLimit.
	OwnWord Word = "own"
	// ProviderWord: the limit is the provider's.
	ProviderWord Word = "provider"
)

const (
	// wordAge is how old the provider's word may be to refuse somebody who
	// waits. Others may have used less than we think, and their requests fall
	// out of the window unseen.
	wordAge = 5 * time.Minute
	// minBlock and maxBlock bound the time that nothing is sent after a 429
	// without Retry-After. The daily window empties slowly, and every probe
	// may count: once in a quarter of an hour is often enough.
	minBlock = time.Minute
	maxBlock = 15 * time.Minute
)

// budget decides what may still be sent. It makes no call and reads no clock.
// It has no lock: books guards it.
type budget struct {
	// own is the limit we set ourselves, 0 for none. reserve is what
	// interactive requests leave to writeback, 0 for the default.
	own, reserve int

	// limit and remaining are the provider's word, limit being 0 if it never
	// told one and remaining -1.
	limit, remaining int
	// wordAt is when remaining was told, wordSeq the number of the request
	// that brought it, wordExpired day.expired at that time.
	wordAt      time.Time
	wordSeq     int
	wordExpired int
	// after counts what was sent since.
	after int
	// asked is when an interactive request was last let through to renew it.
	asked time.Time

	// until is the time before which nothing is sent, zero if there was no
	// 429 since the last success. interval is the time to the next probe, and
	// blockSeq the last request counted before the 429 came.
	until    time.Time
	interval time.Duration
	blockSeq int
}

// standing is what is left of a limit.
type standing struct {
	word        Word
	limit, left int
}

// standing works out what is left, given the day's counts.
func (b *budget) standing(used, expired int) standing {
	switch {
	case b.remaining >= 0:
		left := b.remaining - b.after + expired - b.wordExpired
		limit := b.limit
		if limit > 0 {
			left = min(left, limit)
		}
		return standing{ProviderWord, limit, max(left, 0)}
	case b.limit > 0:
		return standing{ProviderWord, b.limit, max(b.limit-used, 0)}
	case b.own > 0:
		return standing{OwnWord, b.own, max(b.own-used, 0)}
	}
	return standing{NoWord, 0, -1}
}

// keep is how many requests interactive ones leave to writeback.
func (b *budget) keep(limit int) int {
	keep := b.reserve
	if keep == 0 {
		keep = max(limit/50, 20)
	}
	if limit > 0 {
		keep = min(keep, limit/2)
	}
	return keep
}

// allow decides on a request of a class. It returns "" or why it is refused,
// and how long to wait where that is known. An allowed request must then be
// counted: the probes that renew what is known are given out once.
func (b *budget) allow(c Class, now time.Time, used, expired int) (refusal string, wait time.Duration) {
	if now.Before(b.until) {
		return "the provider answered 429", b.until.Sub(now)
	}
	s := b.standing(used, expired)
	if refusal = b.refusal(c, s); refusal != "" && !b.mayAsk(c, s, now) {
		return refusal, 0
	}
	if refusal != "" {
		b.asked = now
	}
	if b.interval > 0 {
		// The one probe of this interval. Its success will end the blockade.
		b.until = now.Add(b.interval)
	}
	return "", 0
}

// refusal compares what is left with what a class may use.
func (b *budget) refusal(c Class, s standing) string {
	switch {
	case s.word == NoWord:
		return ""
	case c == Writeback && s.word == OwnWord && s.left == 0:
		return "the daily limit set here is used up"
	case c == Writeback:
		return ""
	case s.left <= b.keep(s.limit):
		return "only the reserve for sending changes is left"
	case c == Poll && s.left*10 < s.limit:
		return "less than a tenth of the daily transactions is left"
	case c == Prefetch && s.left*2 < s.limit:
		return "less than half of the daily transactions is left"
	}
	return ""
}

// mayAsk tells whether a request that would be refused may go all the same,
// to hear the provider's word anew.
func (b *budget) mayAsk(c Class, s standing, now time.Time) bool {
	return c == Interactive && s.word == ProviderWord &&
		now.Sub(b.wordAt) >= wordAge && now.Sub(b.asked) >= wordAge
}

// hear takes the provider's word from the answer to request seq. An answer to
// an earlier request than the last word's is out of date.
func (b *budget) hear(limit, remaining, seq, counted, expired int, now time.Time) {
	if limit > 0 {
		b.limit = limit
	}
	if remaining < 0 || seq < b.wordSeq {
		return
	}
	b.remaining, b.wordSeq, b.wordAt, b.wordExpired = remaining, seq, now, expired
	b.after = max(counted-seq, 0)
}

// block records a 429 to request seq; wait is the provider's Retry-After, 0 if
// it gave none. Several requests in flight at once may bring the same news:
// only a request that left after the last 429 makes the pause longer.
func (b *budget) block(wait time.Duration, now time.Time, seq, counted int) {
	if b.interval == 0 || seq > b.blockSeq {
		b.interval = min(max(2*b.interval, minBlock), maxBlock)
		b.blockSeq = counted
	}
	if wait <= 0 {
		wait = b.interval
	}
	if until := now.Add(wait); until.After(b.until) {
		b.until = until
	}
}

// answered records an answer other than 429 to request seq. It ends a
// blockade that was there before the request left.
func (b *budget) answered(seq int) {
	if seq > b.blockSeq {
		b.until, b.interval = time.Time{}, 0
	}
}
