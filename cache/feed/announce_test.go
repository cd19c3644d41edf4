package feed

import (
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

func TestAnnouncementsAreNoNewsInTheFeed(t *testing.T) {
	start := time.Unix(1000, 0)
	c := &Cursor{}
	c.Digest(nil, true, start.UnixNano())
	ch := remote.Change{Op: remote.Changed, Path: "/d/a", At: start}
	for range 2 { // a message may come twice
		if got := c.Announce([]remote.Change{ch}, start.UnixNano()); len(got) != 1 || got[0] != (Event{Scope: Folder, Path: "/d"}) {
			t.Errorf("an announcement makes stale: %v", got)
		}
	}
	first, second := ch, ch
	first.ID, second.ID = "1", "2"
	events, gap := c.Digest([]remote.Change{first, second}, true, start.UnixNano())
	if gap || len(events) != 1 || c.Missed() != 1 {
		t.Errorf("events %v, gap %v, missed %d: want the second entry only", events, gap, c.Missed())
	}
}

func TestAnnouncedOwnChangesAreRecognisedTwice(t *testing.T) {
	start := time.Unix(1000, 0)
	c := &Cursor{}
	c.Digest(nil, true, start.UnixNano())
	c.Expect(remote.Changed, "/d/a", start.UnixNano())
	ch := remote.Change{ID: "1", Op: remote.Changed, Path: "/d/a", At: start}
	if got := c.Announce([]remote.Change{ch}, start.UnixNano()); len(got) != 0 {
		t.Errorf("our own change makes stale: %v", got)
	}
	if events, _ := c.Digest([]remote.Change{ch}, true, start.UnixNano()); len(events) != 0 || c.Missed() != 0 {
		t.Errorf("our own change makes stale: %v", events)
	}
	if got := c.Announce([]remote.Change{ch}, start.UnixNano()); len(got) != 1 {
		t.Errorf("another change of the same file is taken for ours: %v", got)
	}
}

func TestOldAnnouncementsExcuseNothing(t *testing.T) {
	start := time.Unix(1000, 0)
	c := &Cursor{}
	c.Digest(nil, true, start.UnixNano())
	ch := remote.Change{ID: "1", Op: remote.Deleted, Path: "/d/a", At: start}
	c.Announce([]remote.Change{ch}, start.UnixNano())
	c.Digest(nil, true, start.Add(10*time.Minute).UnixNano())
	events, _ := c.Digest([]remote.Change{ch}, true, start.Add(11*time.Minute).UnixNano())
	if len(events) == 0 || c.Missed() != 1 {
		t.Errorf("a change was taken for announced: %v, missed %d", events, c.Missed())
	}
}

func TestAnEmptyFeedIsReadFromTheLastReadOn(t *testing.T) {
	start := time.Unix(1000000, 0)
	c := &Cursor{}
	c.Digest(nil, true, start.UnixNano())
	if from := c.From(start.Add(time.Hour)); from.After(start.Add(-Overlap)) {
		t.Errorf("read from %v on, although nothing was seen at %v", from, start)
	}
}
