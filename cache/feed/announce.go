package feed

import (
	"slices"

	"github.com/frugalfs/frugalfs/remote"
)

// maxAnnounced bounds the announcements that wait for their entries.
const maxAnnounced = 5000

// Announce takes in what a webhook told at a time by our clock in nanoseconds,
// and returns what it makes stale: what its entry in the feed would, which then
// tells nothing new. Our own changes make nothing stale.
func (c *Cursor) Announce(changes []remote.Change, at int64) (events []Event) {
	for _, ch := range changes {
		if ch.Op == 0 || c.tellOwn(ch) {
			continue
		}
		events = append(events, eventsOf(ch)...)
		c.note(Own{Op: ch.Op, Path: ch.Path, At: at})
	}
	return events
}

// tellOwn tells whether an announced change is one of our own, each of which is
// announced once; it stays expected in the feed.
func (c *Cursor) tellOwn(ch remote.Change) bool {
	home, known := c.home()
	for i := range c.Expected {
		o := &c.Expected[i]
		// Until the home folder is known the feed, which is read all the same,
		// tells ours from what is called alike.
		ours := ch.Path == home+o.Path || !known && endsIn(ch.Path, o.Path)
		if !o.Told && o.Op == ch.Op && ours {
			o.Told = true
			return true
		}
	}
	return false
}

// note remembers an announcement. Of several that look the same only one is
// kept, since a message may come twice: the entry of a second change must not
// pass for known.
func (c *Cursor) note(o Own) {
	same := func(a Own) bool { return a.Op == o.Op && a.Path == o.Path }
	if len(c.Announced) < maxAnnounced && !slices.ContainsFunc(c.Announced, same) {
		c.Announced = append(c.Announced, o)
	}
}

// announced tells whether a webhook told of an entry, and crosses that off.
func (c *Cursor) announced(ch remote.Change) bool {
	for i, o := range c.Announced {
		if o.Op == ch.Op && o.Path == ch.Path {
			c.Announced = slices.Delete(c.Announced, i, i+1)
			return true
		}
	}
	return false
}

// forgetAnnounced drops announcements whose entries should have been in the read
// that was sent at a time: they are worth nothing for later ones.
func (c *Cursor) forgetAnnounced(sent int64) {
	c.Announced = slices.DeleteFunc(c.Announced, func(o Own) bool { return sent-o.At > int64(Overlap) })
}

// Missed is how many changes by others the last read showed that no webhook had
// told of.
func (c *Cursor) Missed() int { return c.missed }
