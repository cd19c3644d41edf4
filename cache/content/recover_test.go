package content

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// reopen opens the folder of a store again, as a new process does after the
// old one was killed.
func reopen(t testing.TB, s *Store, rec Records, opt Options) *Store {
	t.Helper()
	killed.Store(s, true)
	n, err := openTuned(s.dir, rec, opt, quick())
	must(t, err)
	t.Cleanup(func() { mustClose(t, n) })
	return n
}

func TestKilledWhileFetchingShowsNoWrongByte(t *testing.T) {
	tune := quick()
	tune.save = 0
	s, rec := openStore(t, Options{}, tune)
	v := serve(t, pattern(32*unit, 80))
	f := mustRead(t, s, v.key("a"), v.fetch)
	defer mustClose(t, f)
	readRange(t, f, v.data, 0, 3*unit)
	readRange(t, f, v.data, 20*unit, unit)
	var left *memRecords
	eventually(t, "something recorded", func() bool {
		left = rec.clone()
		set, err := DecodeRanges(left.recs[1].Present)
		return err == nil && len(set.list) == 2
	})
	n := reopen(t, s, left, Options{})
	g := mustRead(t, n, v.key("a"), v.fetch)
	defer mustClose(t, g)
	set, err := DecodeRanges(left.recs[1].Present)
	must(t, err)
	for _, r := range set.All() {
		readRange(t, g, v.data, r.Start, r.Len())
	}
	readAll(t, g, v.data)
}

func TestKilledWhileWritingKeepsEverything(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	g := mustStage(t, s)
	data := pattern(100_000, 81)
	mustWrite(t, g, data, 0)
	n := reopen(t, s, rec.clone(), Options{})
	if len(n.Suspect())+len(n.Lost())+len(n.Orphans()) != 0 {
		t.Error("something is reported")
	}
	h, err := n.OpenStaged(g.Gen())
	must(t, err)
	wantStaged(t, h, data)
	if h.Ino() != 7 || h.ModTime().IsZero() || time.Since(h.ModTime()) > time.Minute {
		t.Errorf("node %d, changed %v", h.Ino(), h.ModTime())
	}
	mustClose(t, h)
	mustClose(t, g)
}

func TestUncleanBoot(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	v := serve(t, pattern(1000, 82))
	must(t, s.Ensure(t.Context(), v.key("synced"), v.fetch))
	must(t, s.syncAll(t.Context(), 0))
	must(t, s.Ensure(t.Context(), v.key("not synced"), v.fetch))
	safe, unsafe := mustStage(t, s), mustStage(t, s)
	mustWrite(t, safe, []byte("safe"), 0)
	must(t, safe.Sync(t.Context()))
	mustWrite(t, unsafe, []byte("unsafe"), 0)
	must(t, unsafe.Sync(t.Context()))
	mustWrite(t, unsafe, []byte("u"), 0)

	left := rec.clone()
	n := reopen(t, s, left, Options{UncleanBoot: true})
	if !n.Complete(v.key("synced")) || n.Complete(v.key("not synced")) {
		t.Error("wrong cached content believed")
	}
	sus := n.Suspect()
	if len(sus) != 1 || sus[0].Gen != unsafe.Gen() {
		t.Errorf("suspect: %+v", sus)
	}
	must(t, n.SyncDirty(t.Context()))
	if r, _ := left.get(unsafe.Gen()); r.Synced {
		t.Error("suspect content was recorded as synced")
	}
	h, err := n.OpenStaged(unsafe.Gen())
	must(t, err)
	wantStaged(t, h, []byte("unsafe"))
	wantKind(t, h.Sync(t.Context()), remote.Corrupt)
	wantKind(t, n.Adopt(h.Gen(), "a"), remote.Stale)
	mustClose(t, h)
	must(t, n.Drop(unsafe.Gen()))
	if len(n.Suspect()) != 0 {
		t.Error("still suspect after the drop")
	}
	mustClose(t, safe)
	mustClose(t, unsafe)
}

func TestFilesAndRecordsThatDoNotMatch(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	v := serve(t, pattern(1000, 83))
	must(t, s.Ensure(t.Context(), v.key("a"), v.fetch))
	must(t, s.Ensure(t.Context(), v.key("b"), v.fetch))
	lost, kept := mustStage(t, s), mustStage(t, s)
	mustWrite(t, kept, []byte("kept"), 0)
	left := rec.clone()
	delete(left.recs, kept.Gen())
	must(t, os.Remove(s.path(lost.Gen())))
	must(t, os.Remove(s.path(1)))
	bad := left.recs[2]
	bad.Gen, bad.Version, bad.Present = 50, "c", []byte{255}
	left.recs[50] = bad
	must(t, os.WriteFile(s.path(50), nil, 0o600))
	must(t, os.WriteFile(filepath.Join(s.dir, "stray"), []byte("?"), 0o600))
	must(t, os.WriteFile(filepath.Join(s.dir, "00", "stray"), []byte("!"), 0o600))

	n := reopen(t, s, left, Options{})
	if n.Complete(v.key("a")) || !n.Complete(v.key("b")) || n.Complete(Key{1, "c", 1000}) {
		t.Error("wrong content believed")
	}
	if l := n.Lost(); len(l) != 1 || l[0].Gen != lost.Gen() {
		t.Errorf("lost: %+v", l)
	}
	wantOrphans(t, n, "kept", "?", "!")
	must(t, n.Drop(lost.Gen()))
	if len(left.recs) != 1 || len(n.Lost()) != 0 {
		t.Errorf("records left: %v", left.recs)
	}
	m := reopen(t, n, left, Options{})
	if len(m.Orphans()) != 0 {
		t.Error("orphans are reported twice")
	}
	mustClose(t, lost)
	mustClose(t, kept)
}

func wantOrphans(t *testing.T, s *Store, want ...string) {
	t.Helper()
	var got []string
	for _, path := range s.Orphans() {
		b, err := os.ReadFile(path)
		must(t, err)
		got = append(got, string(b))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("orphans: %q, want %q", got, want)
	}
}

func TestStoreIsWarmAfterAReopen(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	v := serve(t, pattern(100_000, 84))
	must(t, s.Ensure(t.Context(), v.key("a"), v.fetch))
	g := mustStage(t, s)
	mustWrite(t, g, v.data, 0)
	must(t, s.Adopt(g.Gen(), "adopted"))
	mustClose(t, g)
	before := s.Usage()
	mustClose(t, s)
	for _, r := range rec.clone().recs {
		if !r.Synced {
			t.Errorf("not synced by Close: %+v", r)
		}
	}
	n := reopen(t, s, rec, Options{UncleanBoot: true})
	if got := n.Usage(); got != before {
		t.Errorf("usage %+v, was %+v", got, before)
	}
	for _, key := range []Key{v.key("a"), {7, "adopted", 100_000}} {
		f := mustRead(t, n, key, noFetch)
		readAll(t, f, v.data)
		mustClose(t, f)
	}
}

func TestALowerLimitEvictsAtTheStart(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	v := serve(t, pattern(100_000, 85))
	for i := range 4 {
		must(t, s.Ensure(t.Context(), Key{uint64(i + 1), "a", 100_000}, v.fetch))
	}
	mustClose(t, s)
	n := reopen(t, s, rec, Options{Limit: 220_000})
	if u := n.Usage(); u.Files != 2 || u.Cached > u.Limit {
		t.Errorf("usage %+v", u)
	}
}

func TestSyncDirtyInBulk(t *testing.T) {
	for _, count := range []int{3, 30} {
		s, rec := openStore(t, Options{}, quick())
		for range count {
			g := mustStage(t, s)
			mustWrite(t, g, []byte("x"), 0)
			mustClose(t, g)
		}
		must(t, s.SyncDirty(t.Context()))
		for _, r := range rec.recs {
			if !r.Synced {
				t.Fatalf("not synced: %+v", r)
			}
		}
		puts := rec.puts
		must(t, s.SyncDirty(t.Context()))
		if rec.puts != puts || len(s.unsynced) != 0 {
			t.Error("synced again for nothing")
		}
	}
}

func TestCachedContentIsSyncedOnceItRests(t *testing.T) {
	now := time.Unix(1e9, 0)
	s, rec := openStore(t, Options{Now: func() time.Time { return now }}, quick())
	v := serve(t, pattern(1000, 86))
	must(t, s.Ensure(t.Context(), v.key("a"), v.fetch))
	must(t, s.SyncDirty(t.Context()))
	if r, _ := rec.get(1); r.Synced || !r.Complete {
		t.Errorf("record %+v", r)
	}
	eventually(t, "the stream is gone", func() bool { return resting(s) == 1 })
	now = now.Add(time.Minute)
	must(t, s.SyncDirty(t.Context()))
	if r, _ := rec.get(1); !r.Synced || !r.Used.Equal(time.Unix(1e9, 0)) {
		t.Errorf("record %+v", r)
	}
	now = now.Add(2 * time.Hour)
	mustClose(t, mustRead(t, s, v.key("a"), noFetch))
	if r, _ := rec.get(1); !r.Synced || !r.Used.Equal(now) {
		t.Errorf("record %+v", r)
	}
}

func TestOrphansOfOneNameAreAllKept(t *testing.T) {
	s, _ := openStore(t, Options{}, quick())
	for _, text := range []string{"one", "two"} {
		must(t, os.WriteFile(s.path(77), []byte(text), 0o600))
		n := reopen(t, s, newRecords(), Options{})
		if len(n.Orphans()) != 1 {
			t.Errorf("orphans %v", n.Orphans())
		}
		b, err := os.ReadFile(n.Orphans()[0])
		if err != nil || !bytes.Equal(b, []byte(text)) {
			t.Errorf("%q, %v", b, err)
		}
	}
}
