// Package feed digests a provider's record of changes: which entries are new,
// which are our own doing, what they make stale, and whether anything may have
// been missed. It makes no request and reads no clock.
package feed

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// Overlap is how far back from the last entry seen the feed is read again:
// entries may show up late.
const Overlap = 5 * time.Minute

// Scope is how much an event makes stale.
type Scope uint8

// The scopes, the smallest first.
const (
	// Folder: the entries of the folder at Path, or of the nearest known
	// folder above it.
	Folder Scope = iota
	// Tree: the same, and everything below it.
	Tree
	// Everything: all that is known.
	Everything
)

// Event is something that others changed.
type Event struct {
	Scope Scope
	// Path is as the feed gives it, relative to the account; the mount may
	// see only the end of it.
	Path string
}

// Own is a change that this mount made: its entry in the feed tells nothing new,
// once.
type Own struct {
	Op   remote.ChangeOp `json:"op"`
	Path string          `json:"path"`
	// From is where a moved object was.
	From string `json:"from,omitempty"`
	At   int64  `json:"at"`
	// Told is true once a webhook told of it.
	Told bool `json:"told,omitempty"`
}

// Cursor is how far the feed was read. Its zero value has read nothing.
type Cursor struct {
	// LastID and LastAt are the last entry's; LastAt is the provider's clock.
	LastID string    `json:"last_id"`
	LastAt time.Time `json:"last_at"`
	// Seen are the entries within Overlap of the last one.
	Seen map[string]time.Time `json:"seen"`
	// Since is from when on, by our clock in nanoseconds, the feed has been
	// followed without a gap; 0 if it is not followed.
	Since int64 `json:"since"`
	// ReadAt is when the last read was sent, by our clock in nanoseconds.
	ReadAt int64 `json:"read_at"`
	// Expected are our own changes whose entries have not been seen.
	Expected []Own `json:"expected"`
	// Announced are changes by others that webhooks told of, and whose entries
	// have not been seen.
	Announced []Own `json:"announced,omitempty"`
	// Homes counts what came before our own paths in entries that looked like
	// our changes: the paths of the feed are relative to the account.
	Homes map[string]int `json:"homes,omitempty"`
	// Forbidden is true once the provider refused the feed to this user.
	Forbidden bool `json:"forbidden"`

	// missed is how many changes by others the last read showed that no webhook
	// had told of.
	missed int
}

// maxExpected bounds the own changes that are remembered.
const maxExpected = 20000

// Covers tells whether everything that changed since a time, by our clock in
// nanoseconds, is known up to the last read.
func (c *Cursor) Covers(since int64) bool {
	return c.Since != 0 && !c.Forbidden && since >= c.Since
}

// Read is when the last read was sent, by our clock in nanoseconds.
func (c *Cursor) Read() int64 { return c.ReadAt }

// From is the time, by the provider's clock, from which on to read.
func (c *Cursor) From(now time.Time) time.Time {
	if c.LastAt.IsZero() {
		if c.ReadAt != 0 {
			now = time.Unix(0, c.ReadAt) // nothing was there yet, however long ago that is
		}
		return now.Add(-2 * Overlap)
	}
	return c.LastAt.Add(-Overlap)
}

// Expect notes a change that this mount made, as its path is relative to the
// folder that the API shows as root.
func (c *Cursor) Expect(op remote.ChangeOp, p string, at int64) {
	c.expect(Own{Op: op, Path: p, At: at})
}

// ExpectMoved is Expect for an object that was moved from another path.
func (c *Cursor) ExpectMoved(from, p string, at int64) {
	c.expect(Own{Op: remote.Moved, Path: p, From: from, At: at})
}

func (c *Cursor) expect(o Own) {
	if len(c.Expected) >= maxExpected {
		c.Expected = c.Expected[maxExpected/2:]
	}
	c.Expected = append(c.Expected, o)
}

// Digest takes in one read of the feed, sent at a time by our clock in
// nanoseconds. It returns what others changed. gap is true if changes may have
// been missed, and then everything known is stale.
func (c *Cursor) Digest(changes []remote.Change, complete bool, sent int64) (events []Event, gap bool) {
	first := c.Since == 0
	gap = !first && (!complete || !c.contains(changes))
	c.missed = 0
	c.findHome(changes)
	doubtful := c.doubtful(changes)
	var foreign []int
	for i, ch := range changes {
		if _, seen := c.Seen[ch.ID]; seen {
			continue
		}
		own := c.own(ch)
		if ch.Op == 0 || first {
			continue
		}
		doubt := doubtful[Own{Op: ch.Op, Path: ch.Path}]
		if !doubt && (own || c.announced(ch)) {
			continue
		}
		if !doubt {
			c.missed++
		}
		foreign = append(foreign, i)
	}
	for _, i := range foreign {
		events = append(append(events, eventsOf(changes[i])...), c.later(changes[i], changes[i+1:])...)
	}
	c.remember(changes)
	c.forgetExpected(sent)
	c.forgetAnnounced(sent)
	c.ReadAt = sent
	if first || gap {
		c.Since = sent
	}
	return distinct(events), gap
}

// distinct leaves out events that were there before.
func distinct(events []Event) []Event {
	seen := map[Event]bool{}
	return slices.DeleteFunc(events, func(e Event) bool {
		again := seen[e]
		seen[e] = true
		return again
	})
}

// later returns what a change means at the paths that its object got by moves
// after it: those that the feed shows, and our own that it will show.
func (c *Cursor) later(ch remote.Change, changes []remote.Change) (events []Event) {
	follow := func(from, to string) {
		p, ok := moved(ch.Path, from, to)
		q, too := moved(ch.From, from, to)
		if !ok && !too {
			return
		}
		if ok {
			ch.Path = p
		}
		if too {
			ch.From = q
		}
		events = append(events, eventsOf(ch)...)
	}
	for _, m := range changes {
		if m.Op == remote.Moved {
			follow(m.From, m.Path)
		}
	}
	for _, o := range c.Expected {
		follow(o.From, o.Path)
	}
	return events
}

// moved is where a path is after a move of it, or of a folder above it. The move
// may be known by the end of its paths only.
func moved(p, from, to string) (string, bool) {
	if from == "" || from == "/" {
		return p, false
	}
	before, after, ok := strings.Cut(p+"/", from+"/")
	return path.Join(before, to, after), ok
}

// contains tells whether the last entry seen before is among those read.
func (c *Cursor) contains(changes []remote.Change) bool {
	if c.LastID == "" {
		return true
	}
	for _, ch := range changes {
		if ch.ID == c.LastID {
			return true
		}
	}
	return false
}

// own tells whether an entry is one of our own changes, and crosses it off.
func (c *Cursor) own(ch remote.Change) bool {
	home, known := c.home()
	if !known {
		return false
	}
	for i, o := range c.Expected {
		if o.Op == ch.Op && ch.Path == home+o.Path {
			c.Expected = append(c.Expected[:i:i], c.Expected[i+1:]...)
			return true
		}
	}
	return false
}

// doubtful returns what more entries tell than this mount is waiting for: which of
// them are its own cannot be told.
func (c *Cursor) doubtful(changes []remote.Change) map[Own]bool {
	home, _ := c.home()
	surplus := map[Own]int{}
	for _, ch := range changes {
		if _, seen := c.Seen[ch.ID]; !seen {
			surplus[Own{Op: ch.Op, Path: ch.Path}]++
		}
	}
	for _, o := range c.Expected {
		surplus[Own{Op: o.Op, Path: home + o.Path}]--
	}
	doubtful := map[Own]bool{}
	for what, n := range surplus {
		doubtful[what] = n > 0
	}
	return doubtful
}

// maxHomes bounds what is counted in Homes.
const maxHomes = 32

// findHome counts what comes before our own paths in the entries that look like
// our changes. An entry of others may end in one of our paths by chance; our own
// all begin alike.
func (c *Cursor) findHome(changes []remote.Change) {
	if len(c.Homes) > maxHomes {
		home, known := c.home()
		c.Homes = nil
		if known {
			c.Homes = map[string]int{home: 2}
		}
	}
	for _, ch := range changes {
		if _, seen := c.Seen[ch.ID]; seen {
			continue
		}
		for _, o := range c.Expected {
			if o.Op == ch.Op && endsIn(ch.Path, o.Path) {
				if c.Homes == nil {
					c.Homes = map[string]int{}
				}
				c.Homes[strings.TrimSuffix(ch.Path, o.Path)]++
			}
		}
	}
}

// home is what comes before our own paths in the feed's. It is known once it was
// seen twice, or if it is nothing.
func (c *Cursor) home() (home string, known bool) {
	votes := 0
	for _, h := range slices.Sorted(maps.Keys(c.Homes)) { // "" first
		if n := c.Homes[h]; n > votes {
			home, votes = h, n
		}
	}
	return home, votes > 1 || (votes > 0 && home == "")
}

func endsIn(p, end string) bool {
	return p == end || (strings.HasPrefix(end, "/") && strings.HasSuffix(p, end))
}

// remember keeps the entries that a later read, which overlaps, will show again.
func (c *Cursor) remember(changes []remote.Change) {
	if c.Seen == nil {
		c.Seen = map[string]time.Time{}
	}
	for _, ch := range changes {
		c.Seen[ch.ID] = ch.At
		if !ch.At.Before(c.LastAt) {
			c.LastID, c.LastAt = ch.ID, ch.At
		}
	}
	for id, at := range c.Seen {
		if at.Before(c.LastAt.Add(-2 * Overlap)) {
			delete(c.Seen, id)
		}
	}
}

// forgetExpected drops own changes whose entries never came.
func (c *Cursor) forgetExpected(now int64) {
	kept := c.Expected[:0]
	for _, o := range c.Expected {
		if now-o.At < int64(time.Hour) {
			kept = append(kept, o)
		}
	}
	c.Expected = kept
}

// eventsOf is what an entry makes stale.
func eventsOf(ch remote.Change) []Event {
	switch ch.Op {
	case remote.Changed, remote.MadeDir:
		return []Event{{Folder, path.Dir(ch.Path)}}
	case remote.Deleted, remote.Copied:
		return []Event{{Folder, path.Dir(ch.Path)}, {Tree, ch.Path}}
	case remote.Moved:
		if ch.From == "" {
			return []Event{{Everything, "/"}}
		}
		return []Event{{Folder, path.Dir(ch.From)}, {Folder, path.Dir(ch.Path)}, {Tree, ch.From}, {Tree, ch.Path}}
	}
	return []Event{{Everything, "/"}}
}

// Encode and Decode carry a cursor across restarts.
func (c *Cursor) Encode() string {
	text, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	return string(text)
}

// Decode returns the cursor that Encode wrote; a new one for anything else.
func Decode(text string) *Cursor {
	c := &Cursor{}
	if json.Unmarshal([]byte(text), c) != nil {
		return &Cursor{}
	}
	return c
}
