package cmd

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/cache/content"
	"github.com/frugalfs/frugalfs/cmd/control"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// TestStatusText has everything that can be wrong show, with the way out.
func TestStatusText(t *testing.T) {
	now := time.Now()
	s := control.Status{
		Mountpoint: "/mnt", State: control.Budget,
		Status: cache.Status{
			Account: "exavault https://site.example", Root: "/Reports", ReadOnly: true, Pending: 3, Failed: 1, Sending: 2,
			Uploads:   slices.Repeat([]cache.Upload{{Path: "/film", Size: 3 << 20, Percent: 43}}, mostNamed+2),
			Freshness: "age", MaxAge: time.Minute, Trouble: "upload: no\nmore",
			Content:   content.Usage{Cached: 1 << 20, Limit: 10 << 30, Staged: 17, StagedFiles: 1},
			Conflicts: []cache.Conflict{{Path: "/plan", At: now}}, Lost: []string{"/gone: damaged"},
			KnownAt: now.Add(-3 * time.Hour), Webhooks: &cache.Webhooks{Good: 2, Refused: 1, Last: now.Add(-5 * time.Second), Relied: true},
			Spared:  &cache.Spared{Requests: 7, Programs: []string{"baloo_file", "updatedb"}},
			Orphans: []string{"/s/content/1"}, SetAside: "/s/frugalfs.db.damaged-1",
		},
		Ledger: ledger.Snapshot{
			At: now, Limit: 100, Word: ledger.OwnWord, BlockedUntil: now.Add(90 * time.Second), JournalErrors: 4,
			Day:       ledger.Tally{Requests: 12, Failed: 3, Refused: 2, Up: 2048},
			ByOp:      []ledger.Tally{{Name: "list", Requests: 12}},
			ByProgram: []ledger.Tally{{Name: "cp", Requests: 7}, {Requests: 5}, {Name: "none"}},
		},
	}
	text := printed(s)
	for _, words := range []string{
		"/mnt\n", "https://site.example, folder /Reports, read-only", "used up", "in 1 min", "is shown, as it was 3 h", "2 messages, the last 5 s ago; 1 refused; the provider",
		"7 requests not made for baloo_file, updatedb", "3 changes, 2 requests under way",
		"sending     43% of 3 MiB: /film\n", "sending     and 2 more\n",
		"12 in 24 hours, 3 of them failed, and 2 not made", "0 of 100 left (the limit is --daily-limit)", "list 12", "cp 7, frugalfs 5\n",
		"2 KiB up", "1 MiB cached of at most 10 GiB; 17 B in 1 file written here", "after 1m0s", "upload: no more",
		"1 change; see why, then retry, export or drop with: frugalfs pending /mnt", "/plan", "/gone: damaged",
		"/s/content/1 belongs to nothing", "damaged-1 is the old state database", "4 records",
	} {
		if !strings.Contains(text, words) {
			t.Errorf("%q is missing in:\n%s", words, text)
		}
	}
}

func printed(s control.Status) string {
	var out bytes.Buffer
	newApp(strings.NewReader(""), &out, &out).printStatus(s)
	return out.String()
}

// TestStatusTextCalm has a mount without trouble not speak of any.
func TestStatusTextCalm(t *testing.T) {
	s := control.Status{State: control.Online, Mountpoint: "/mnt", Status: cache.Status{Root: "/", Freshness: "feed"}}
	text := printed(s)
	for _, words := range []string{"trouble", "given up", "conflict", "lost", "orphan", "set aside", "failed", "ledger", "by kind"} {
		if strings.Contains(text, words) {
			t.Errorf("%q is in:\n%s", words, text)
		}
	}
	for _, words := range []string{"nothing\n", "not known yet", "record of changes, read never"} {
		if !strings.Contains(text, words) {
			t.Errorf("%q is missing in:\n%s", words, text)
		}
	}
	s.State, s.LastAnswer, s.Ledger.At = control.Offline, time.Now().Add(-3*time.Hour), time.Now()
	if text := printed(s); !strings.Contains(text, "offline (last answer 3 h 0 min ago)") {
		t.Errorf("got:\n%s", text)
	}
}

func TestItemLine(t *testing.T) {
	now := time.Now()
	it := cache.PendingItem{Path: "/a\nb", Change: "new", Size: 2048, Since: now.Add(-50 * time.Hour)}
	for _, c := range []struct {
		change func(*cache.PendingItem)
		want   string
	}{
		{func(*cache.PendingItem) {}, `new          2 KiB  2 days ago     "/a\nb"`},
		{func(i *cache.PendingItem) { i.Failed, i.Reason = true, "no\nright" }, "given up: no right"},
		{func(i *cache.PendingItem) { i.Reason = "open for writing" }, "waits: open for writing"},
		{func(i *cache.PendingItem) { i.State = "sending 43%" }, "  sending 43%"},
	} {
		i := it
		c.change(&i)
		if got := itemLine(i, now); !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestList does not print thousands of lines.
func TestList(t *testing.T) {
	var out bytes.Buffer
	newApp(strings.NewReader(""), &out, &out).list(make([]cache.PendingItem, listed+3), time.Now())
	if text := out.String(); strings.Count(text, "\n") != listed+1 || !strings.HasSuffix(text, "and 3 more\n") {
		t.Errorf("got:\n%s", text)
	}
}
