package ledger

import (
	"slices"
	"strings"
	"time"
)

// minutes is how many buckets the rolling day has: 24 hours and the minute
// that is not over yet, so that a request counts for at least 24 hours.
const minutes = 24*60 + 1

// maxKeys bounds the memory of one minute: further causes share one tally.
const maxKeys = 64

// key is what requests are told apart by.
type key struct {
	op, program string
	class       Class
}

// tally adds up requests of one key.
type tally struct {
	count, refused, retries, failed, transfers int
	up, down                                   int64
}

func (t *tally) add(o tally) {
	t.count += o.count
	t.refused += o.refused
	t.retries += o.retries
	t.failed += o.failed
	t.transfers += o.transfers
	t.up += o.up
	t.down += o.down
}

// day is the rolling 24 hours in buckets of a minute. It has no lock: books
// guards it.
type day struct {
	ring [minutes]map[key]*tally
	// last is the newest minute, in the day's own count.
	last int64
	// skew is added to the clock's minute to get the day's.
	skew int64
	// count is the number of transactions in the ring, expired how many have
	// left it since the start.
	count, expired int
}

// advance moves the day on to now and drops what is older than 24 hours.
func (d *day) advance(now time.Time) {
	m := now.Unix()/60 + d.skew
	if d.last == 0 {
		d.last = m
	}
	if m < d.last-60 {
		// The clock was set back. Without a skew nothing would expire until
		// it has caught up again.
		d.skew += d.last - m
		return
	}
	for n := min(m-d.last, minutes); n > 0; n-- {
		d.expire(m - n + 1)
	}
	d.last = max(d.last, m)
}

// expire empties the bucket that the given minute is going to use.
func (d *day) expire(minute int64) {
	b := d.bucket(minute)
	for _, t := range *b {
		d.count -= t.count
		d.expired += t.count
	}
	*b = nil
}

func (d *day) bucket(minute int64) *map[key]*tally {
	return &d.ring[(minute%minutes+minutes)%minutes]
}

// at returns the tally of a key in the minute of the given time; nil if that
// is more than a day ago. The day must have been advanced.
func (d *day) at(when time.Time, k key) *tally {
	m := min(when.Unix()/60+d.skew, d.last)
	if m <= d.last-minutes {
		return nil
	}
	b := d.bucket(m)
	if *b == nil {
		*b = map[key]*tally{}
	}
	if t := (*b)[k]; t != nil {
		return t
	}
	if len(*b) >= maxKeys {
		k = key{op: "(other)", program: "(other)", class: k.class}
	}
	if (*b)[k] == nil {
		(*b)[k] = &tally{}
	}
	return (*b)[k]
}

// record adds to a key's tally in the minute of the given time.
func (d *day) record(when time.Time, k key, change tally) {
	if t := d.at(when, k); t != nil {
		t.add(change)
		d.count += change.count
	}
}

// sums adds up the whole day, by the name that each key is given.
func (d *day) sums(name func(key) string) []Tally {
	by := map[string]*tally{}
	for _, b := range d.ring {
		for k, t := range b {
			n := name(k)
			if by[n] == nil {
				by[n] = &tally{}
			}
			by[n].add(*t)
		}
	}
	list := make([]Tally, 0, len(by))
	for n, t := range by {
		list = append(list, t.public(n))
	}
	slices.SortFunc(list, byCount)
	return list
}

func byCount(a, b Tally) int {
	if a.Requests != b.Requests {
		return b.Requests - a.Requests
	}
	return strings.Compare(a.Name, b.Name)
}
