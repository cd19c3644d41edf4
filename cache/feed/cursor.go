// Package feed digests a provider's record of changes: which entries are new,
// which are our own doing, what they make stale, and whether anything may have
// been missed. It makes no request and reads no clock.
package feed

import (
	"encoding/json"
	"path"
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
	At   int64           `json:"at"`
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
		if c.ReadAt != 0 { // there was nothing then
			now = time.Unix(0, c.ReadAt)
		}
		return now.Add(-2 * Overlap)
	}
	return c.LastAt.Add(-Overlap)
}

// Expect notes a change that this mount made, as its path is relative to the
// folder that the API shows as root.
func (c *Cursor) Expect(op remote.ChangeOp, p string, at int64) {
	if len(c.Expected) >= maxExpected {
		c.Expected = c.Expected[maxExpected/2:]
	}
	c.Expected = append(c.Expected, Own{Op: op, Path: p, At: at})
}

// Digest takes in one read of the feed, sent at a time by our clock in
// nanoseconds. It returns what others changed. gap is true if changes may have
// been missed, and then everything known is stale.
func (c *Cursor) Digest(changes []remote.Change, complete bool, sent int64) (events []Event, gap bool) {
	first := c.Since == 0
	gap = !first && (!complete || !c.contains(changes))
	c.missed = 0
	for _, ch := range changes {
		if _, seen := c.Seen[ch.ID]; seen {
			continue
		}
		if ch.Op != 0 && !first && !c.own(ch) && !c.announced(ch) {
			events = append(events, eventsOf(ch)...)
			c.missed++
		}
	}
	c.remember(changes)
	c.forgetExpected(sent)
	c.forgetAnnounced(sent)
	c.ReadAt = sent
	if first || gap {
		c.Since = sent
	}
	return events, gap
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
// Feed paths are relative to the account, ours to the home folder: the feed's
// must end in ours.
func (c *Cursor) own(ch remote.Change) bool {
	for i, o := range c.Expected {
		if o.Op == ch.Op && endsIn(ch.Path, o.Path) {
			c.Expected = append(c.Expected[:i:i], c.Expected[i+1:]...)
			return true
		}
	}
	return false
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
