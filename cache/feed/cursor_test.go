package feed

import (
	"reflect"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func entry(id string, after time.Duration, op remote.ChangeOp, path, from string) remote.Change {
	return remote.Change{ID: id, At: t0.Add(after), Op: op, Path: path, From: from}
}

// following returns a cursor that has read entry "1".
func following(t *testing.T) *Cursor {
	t.Helper()
	c := &Cursor{}
	if events, gap := c.Digest([]remote.Change{entry("1", 0, remote.Changed, "/a/x", "")}, true, 100); len(events) != 0 || gap {
		t.Fatalf("the first read gave %v, gap %v", events, gap)
	}
	return c
}

func TestFirstReadIsABaseline(t *testing.T) {
	c := following(t)
	if c.Covers(99) || !c.Covers(100) {
		t.Error("a first read covers what comes after it, and nothing before")
	}
}

func TestOthersChangesBecomeEvents(t *testing.T) {
	tests := []struct {
		change remote.Change
		want   []Event
	}{
		{entry("2", 1, remote.Changed, "/a/x", ""), []Event{{Folder, "/a"}}},
		{entry("2", 1, remote.MadeDir, "/a/d", ""), []Event{{Folder, "/a"}}},
		{entry("2", 1, remote.Deleted, "/a/d", ""), []Event{{Folder, "/a"}, {Tree, "/a/d"}}},
		{entry("2", 1, remote.Moved, "/b/x", "/a/x"), []Event{{Folder, "/a"}, {Folder, "/b"}, {Tree, "/a/x"}, {Tree, "/b/x"}}},
		{entry("2", 1, remote.Moved, "/b/x", ""), []Event{{Everything, "/"}}},
		{entry("2", 1, remote.Unpacked, "/a/z.zip", ""), []Event{{Everything, "/"}}},
		{entry("2", 1, 0, "/a/x", ""), nil},
	}
	for _, tt := range tests {
		c := following(t)
		got, gap := c.Digest([]remote.Change{entry("1", 0, remote.Changed, "/a/x", ""), tt.change}, true, 200)
		if gap || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%+v: got %v (gap %v), want %v", tt.change, got, gap, tt.want)
		}
	}
}

func TestOwnChangesCountOnce(t *testing.T) {
	c := following(t)
	c.Expect(remote.Changed, "/a/x", 150)
	read := []remote.Change{
		entry("1", 0, remote.Changed, "/a/x", ""),
		entry("2", time.Second, remote.Changed, "/home/a/x", ""),
		entry("3", time.Second, remote.Changed, "/home/a/x", ""),
	}
	events, _ := c.Digest(read, true, 200)
	if want := []Event{{Folder, "/home/a"}}; !reflect.DeepEqual(events, want) {
		t.Errorf("got %v, want only the second change: %v", events, want)
	}
	if events, _ = c.Digest(read, true, 300); len(events) != 0 {
		t.Errorf("entries that were seen gave events again: %v", events)
	}
}

func TestGaps(t *testing.T) {
	c := following(t)
	if _, gap := c.Digest([]remote.Change{entry("9", time.Hour, remote.Changed, "/a/x", "")}, true, 200); !gap {
		t.Error("a read without the last entry is no gap")
	}
	if !c.Covers(200) || c.Covers(199) {
		t.Error("after a gap the feed covers from the read on")
	}
	c = following(t)
	if _, gap := c.Digest([]remote.Change{entry("1", 0, remote.Changed, "/a/x", "")}, false, 200); !gap {
		t.Error("an incomplete read is no gap")
	}
}

func TestLateEntriesWithinTheOverlapAreSeen(t *testing.T) {
	c := following(t)
	read := []remote.Change{entry("0", -time.Minute, remote.Deleted, "/a/late", ""), entry("1", 0, remote.Changed, "/a/x", "")}
	if from := c.From(t0); from.After(t0.Add(-Overlap)) {
		t.Errorf("reads from %v, too late", from)
	}
	if events, gap := c.Digest(read, true, 200); gap || len(events) != 2 {
		t.Errorf("got %v, gap %v", events, gap)
	}
}

func TestEncodeDecode(t *testing.T) {
	c := following(t)
	c.Expect(remote.Moved, "/p", 5)
	if got := Decode(c.Encode()); !reflect.DeepEqual(got, c) {
		t.Errorf("got %+v, want %+v", got, c)
	}
	if got := Decode("{broken"); !reflect.DeepEqual(got, &Cursor{}) {
		t.Errorf("broken text gave %+v", got)
	}
}

// TestEmptyFeedIsReadFromItsLastReadOn makes sure that what happens long before
// the second read of a feed that was empty is not missed.
func TestEmptyFeedIsReadFromItsLastReadOn(t *testing.T) {
	var c Cursor
	first := time.Unix(1000000, 0)
	c.Digest(nil, true, first.UnixNano())
	if from := c.From(first.Add(time.Hour)); from.After(first) {
		t.Errorf("read again from %v on, though the last read was at %v", from, first)
	}
}

// TestChangesInFoldersThatWereMovedSince makes sure that what others did in a
// folder is found in the place that it was moved to since, by others or by us.
func TestChangesInFoldersThatWereMovedSince(t *testing.T) {
	first := entry("1", 0, remote.Changed, "/a/x", "")
	for name, read := range map[string][]remote.Change{
		"by us, and the feed shows it":     {first, entry("2", 1, remote.Changed, "/a/d/x", ""), entry("3", 2, remote.Moved, "/a/e", "/a/d")},
		"by us, and the feed does not yet": {first, entry("2", 1, remote.Changed, "/a/d/x", "")},
	} {
		c := following(t)
		c.ExpectMoved("/a/d", "/a/e", 150)
		events, _ := c.Digest(read, true, 200)
		if want := []Event{{Folder, "/a/d"}, {Folder, "/a/e"}}; !reflect.DeepEqual(events, want) {
			t.Errorf("%s: got %v, want %v", name, events, want)
		}
	}
}

// TestOthersChangeThatEndsInOurPath makes sure that what others did to /d/c is not
// taken for our own change of /c.
func TestOthersChangeThatEndsInOurPath(t *testing.T) {
	c := following(t)
	c.Expect(remote.Changed, "/c", 150)
	read := []remote.Change{
		entry("1", 0, remote.Changed, "/a/x", ""),
		entry("2", time.Second, remote.Changed, "/d/c", ""),
		entry("3", time.Second, remote.Changed, "/c", ""),
	}
	events, _ := c.Digest(read, true, 200)
	if want := []Event{{Folder, "/d"}}; !reflect.DeepEqual(events, want) {
		t.Errorf("got %v, want %v", events, want)
	}
}
