package content

import "time"

// tuning is how the store reads. Tests shrink it; users cannot.
type tuning struct {
	// small is the largest file that is fetched whole, in one request, and
	// shown only after its last byte was checked.
	small int64
	// inOneGo is Options.InOneGo.
	inOneGo bool
	// chunk is the shortest range that is asked for; far reads start on a
	// multiple of it, because the kernel's read-ahead may arrive out of order.
	chunk int64
	// grow is by how much longer than what was read in sequence the next
	// request is, and chunkMax from where on it goes to the end instead.
	grow, chunkMax int64
	// windowMin and windowMax bound how far a stream runs ahead of its
	// furthest reader; in between it is as much as the reader took so far.
	windowMin, windowMax int64
	// reachMin is the distance ahead of a stream that is always waited for,
	// reachMax the most, and reachTime how long that may take.
	reachMin, reachMax int64
	reachTime          time.Duration
	// nearEnd is how little may be missing for a stream to run to its end
	// without readers.
	nearEnd int64
	// buffer is how much is read, written and shown at a time.
	buffer int64
	// memory is how much of what cannot be kept on disk is held for readers.
	memory int64
	// linger is how long a stream waits after the last close, idle how long
	// while somebody has the file open.
	linger, idle time.Duration
	// paused is how many streams may wait at once: each holds a connection.
	paused int
	// stall is how long a request may go without a byte.
	stall time.Duration
	// tries is how many requests may follow one that was cut short, renew
	// after how much progress they are counted anew, pause what the first
	// of them waits.
	tries int
	renew int64
	pause time.Duration
	// save is how often the record is written while a file fills, ripe how
	// long a cached file rests before it is synced: by then the kernel has
	// written it by itself.
	save, ripe time.Duration
	// bulk is from how many files on one sync of the file system is cheaper.
	bulk int
}

const mib = 1 << 20

var defaults = tuning{
	small: 4 * mib, chunk: mib / 4, grow: 4, chunkMax: 16 * mib,
	windowMin: mib / 2, windowMax: 2 * mib,
	reachMin: mib, reachMax: 8 * mib, reachTime: time.Second,
	nearEnd: mib, buffer: mib / 8, memory: 4 * mib,
	linger: 3 * time.Second, idle: 30 * time.Second, paused: 24,
	stall: time.Minute, tries: 4, renew: 8 * mib, pause: 100 * time.Millisecond,
	save: 3 * time.Second, ripe: 30 * time.Second, bulk: 8,
}

// ask is what is known when a reader misses bytes that no stream will bring.
type ask struct {
	// size is the length of the file.
	size int64
	// gap is what is missing and on no stream's way around at.
	gap Range
	// at is the first byte missed, end where the read ends.
	at, end int64
	// run is how much was read in sequence before.
	run int64
	// whole is true if everything is wanted.
	whole bool
	// noRanges is true if the server always sends from the first byte on.
	noRanges bool
}

// plan returns the range to ask the provider for.
func (t *tuning) plan(a ask) Range {
	length := a.run * t.grow
	switch {
	case a.noRanges:
		return Range{0, a.size}
	case a.whole, t.inOneGo, a.size <= t.small:
		return a.gap
	case a.gap.Start == 0 && a.at < t.reachMin:
		// The start of a file is mostly the start of a reading from start to
		// end; flow control keeps it cheap when it is not.
		return a.gap
	case length > t.chunkMax:
		return Range{t.startOf(a), a.gap.End}
	}
	r := Range{Start: t.startOf(a)}
	r.End = min(a.gap.End, max(r.Start+max(length, t.chunk), a.end))
	if a.gap.End-r.End < t.chunk {
		r.End = a.gap.End
	}
	return r
}

// startOf returns where a request that must bring a.at starts.
func (t *tuning) startOf(a ask) int64 { return max(a.gap.Start, a.at-a.at%t.chunk) }

// window returns how far a stream may run ahead of a reader that took taken
// bytes from it.
func (t *tuning) window(taken int64) int64 {
	return min(max(taken, t.windowMin), t.windowMax)
}

// reach returns how far ahead of a stream a reader waits for it, given how
// many bytes it brought in how much time spent reading.
func (t *tuning) reach(got int64, busy time.Duration) int64 {
	if got < t.reachMin/4 || busy <= 0 {
		return t.reachMin
	}
	soon := float64(got) / float64(busy) * float64(t.reachTime)
	return int64(min(max(soon, float64(t.reachMin)), float64(t.reachMax)))
}
