package cache_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/frugalfs/frugalfs/cache"

	"github.com/frugalfs/frugalfs/remote/remotetest/seed"
)

// histories are how many random histories are run: seconds of them usually,
// minutes with FRUGALFS_FULL.
func histories() int {
	if os.Getenv("FRUGALFS_FULL") != "" {
		return 20000
	}
	return someHistories
}

// TestSimulatedHistories runs random histories: programs use the mount, others
// change the account, requests fail in every way, the mount dies at any step,
// and at the end everything acknowledged must be at the provider, and the mount
// show what the provider has.
func TestSimulatedHistories(t *testing.T) {
	base := firstSeed(t)
	template := newTemplate(t)
	n := histories()
	if os.Getenv("FRUGALFS_SEED") != "" {
		n = 1
	}
	var next atomic.Int64
	totals := make([]counts, runtime.GOMAXPROCS(0))
	t.Run("all", func(t *testing.T) {
		for i := range totals {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				for k := int(next.Add(1)) - 1; k < n && !t.Failed(); k = int(next.Add(1)) - 1 {
					s := simulate(t, base+uint64(k), template)
					s.report(t)
					totals[i].add(s.counts)
				}
			})
		}
	})
	var sum counts
	for _, c := range totals {
		sum.add(c)
	}
	t.Logf("%+v", sum)
}

// TestHistoriesRepeat runs histories twice: what happens depends on the seed and
// on nothing else.
func TestHistoriesRepeat(t *testing.T) {
	base := firstSeed(t)
	template := newTemplate(t)
	for k := range uint64(20) {
		a, b := simulate(t, base+k, template), simulate(t, base+k, template)
		if a.hash() == b.hash() {
			continue
		}
		i := 0
		for i < min(len(a.trace), len(b.trace))-1 && a.trace[i] == b.trace[i] {
			i++
		}
		t.Fatalf("FRUGALFS_SEED=%d is not the same twice:\n%s\n%s", base+k, a.trace[i], b.trace[i])
	}
}

// firstSeed is the seed of the first history, from FRUGALFS_SEED if that is set.
// Usually the same histories are run each time, so that a run tells about the
// code and not about luck; FRUGALFS_FULL runs others.
func firstSeed(t *testing.T) uint64 {
	t.Helper()
	return seed.Of(t)
}

// newTemplate makes a state folder that others are copied from, as making the
// tables takes long. It is in memory where there is such a file system.
func newTemplate(t *testing.T) string {
	t.Helper()
	home, err := os.MkdirTemp("/dev/shm", "frugalfs-")
	if err != nil {
		home = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	dir := filepath.Join(home, "template")
	state, err := cache.OpenState(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := state.Close(); err != nil {
		t.Fatal(err)
	}
	// What is kept for a full disk is too much to copy.
	if err := os.WriteFile(filepath.Join(dir, "ballast"), []byte{0}, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// simulate runs the history of a seed.
func simulate(t *testing.T, seed uint64, template string) (s *sim) {
	t.Helper()
	home, err := os.MkdirTemp(filepath.Dir(template), "history-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(home) }()
	if err := copyState(template, filepath.Join(home, "state")); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if p := recover(); p != nil {
			t.Logf("FRUGALFS_SEED=%d\n%s", seed, strings.Join(s.trace, "\n"))
			panic(p)
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		s = newSim(t, seed, home)
		s.run()
	})
	return s
}

// run is a history from its beginning to its end.
func (s *sim) run() {
	s.note("%+v", s.odds)
	for range 8 {
		s.other()
	}
	s.mount()
	for range s.odds.events {
		if len(s.wrong) > 0 {
			break
		}
		s.event()
		s.goOn()
	}
	s.end()
	if s.ns != nil {
		s.unmount()
	}
}

// goOn mounts again after the mount ended in whatever way.
func (s *sim) goOn() {
	synctest.Wait()
	if s.crashed {
		s.bury()
	}
	if s.ns == nil {
		s.mount()
	}
}

// end lets everything become quiet, and judges.
func (s *sim) end() {
	if s.ns == nil || len(s.wrong) > 0 {
		return
	}
	s.note("END")
	s.calm, s.crashIn, s.fullIn = true, 0, 0
	s.closeHandles()
	for s.acct.Deliver() {
		s.note("a late request arrived")
	}
	for range 5 {
		if !s.drain() {
			return
		}
		s.pass(s.odds.manners.FeedLag + 2*s.odds.maxAge)
		shown := map[string]string{}
		s.walk(folder{cache.RootIno, "/"}, shown)
		if pending, _ := s.ns.Pending(); len(pending) == 0 {
			s.compare(shown)
			break
		}
	}
	s.book.check()
	s.tidy()
}

// drain sends everything.
func (s *sim) drain() bool {
	defer s.ns.Outbox().Force()()
	for wait := time.Second; wait < 24*time.Hour; wait *= 2 {
		for range 200 {
			if !s.step() {
				break
			}
		}
		s.giveUpCopies()
		_, _ = s.ns.Retry()
		pending, err := s.ns.Pending()
		intents, _ := s.ns.Left()
		if err == nil && len(pending) == 0 && intents == 0 {
			return true
		}
		s.pass(wait)
	}
	plan, _ := s.ns.Explain()
	pending, _ := s.ns.Pending()
	s.wrongf("it does not come to an end: %+v\nplan:\n%s\ntrouble: %v", pending, plan, s.ns.Outbox().Trouble())
	return false
}

// walk reads everything that the mount shows.
func (s *sim) walk(dir folder, shown map[string]string) {
	all, err := s.names(dir.ino)
	if err != nil {
		s.wrongf("list %s: %v", dir.path, err)
	}
	for _, e := range all {
		p := path.Join(dir.path, e.Name)
		if e.Kind == cache.Dir {
			shown[p] = "a folder"
			s.walk(folder{e.Ino, p}, shown)
			continue
		}
		h, err := s.ns.Open(s.ctx, e.Ino, 0)
		if err == nil {
			shown[p], err = s.content(h)
			h.Release()
		}
		if err != nil {
			s.wrongf("read %s: %v", p, err)
		}
	}
}

// compare compares what the mount shows with what the account holds.
func (s *sim) compare(shown map[string]string) {
	for _, o := range s.acct.Objects() {
		want, got := o.Content, shown[o.Path]
		if o.Dir {
			want = "a folder"
		}
		_, ok := shown[o.Path]
		delete(shown, o.Path)
		if !ok && strings.Contains(o.Path, "/.frugalfs-") {
			continue // never shown
		}
		if !ok || got != want {
			s.wrongf("the provider has %s with %q, the mount shows %q (%v)", o.Path, want, got, ok)
		}
	}
	for p := range shown {
		s.wrongf("the mount shows %s, which the provider does not have", p)
	}
}

// tidy checks that nothing is kept that nobody needs.
func (s *sim) tidy() {
	s.pass(time.Minute) // deleted nodes linger for a while
	if err := s.ns.Tick(s.ctx); err != nil {
		s.wrongf("tick: %v", err)
	}
	if intents, gens := s.ns.Left(); intents > 0 || (len(gens) > 0 && s.counts.full == 0) { // the next mount drops those
		s.wrongf("%d intents and the staged contents %v are left", intents, gens)
	}
}

// report fails the test if something was wrong.
func (s *sim) report(t *testing.T) {
	t.Helper()
	if len(s.wrong) > 0 {
		t.Errorf("FRUGALFS_SEED=%d\n%s\n%s", s.seed, strings.Join(s.trace, "\n"), fmt.Sprint(strings.Join(s.wrong, "\n")))
	}
}
