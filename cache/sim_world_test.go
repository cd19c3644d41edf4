package cache_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/cache/simulation"
)

// sim is one history: a namespace over an account in memory, with everything that
// happens decided by one source of random numbers, one thing after the other.
type sim struct {
	*testing.T
	r    *rand.Rand
	seed uint64
	odds odds
	acct *simulation.Account
	book book

	// The mount, nil while there is none.
	ns         *cache.Namespace
	dir        string
	ctx        context.Context
	cancel     context.CancelFunc
	disconnect func()
	handles    []*opened

	// crashIn is after how many durable steps the mount dies, 0 if it does not;
	// crashed is true once it did, and next is its state folder as it was then.
	crashIn int
	// fullIn is after how many durable steps one fails, as the disk is full, 0 if
	// none does.
	fullIn  int
	crashed bool
	next    string
	folders int

	// calm is true when nothing fails any more.
	calm bool
	// nested is how many requests are under way during which something else
	// happens, stepping is true while the outbox's own request is.
	nested   int
	stepping bool

	trace  []string
	wrong  []string
	counts counts
}

// counts are what happened in a history, or in many.
type counts struct {
	histories, events, changes, others, requests, mutations, faults, crashes, full, lates, windows int
}

func (c *counts) add(d counts) {
	c.histories += d.histories
	c.events += d.events
	c.changes += d.changes
	c.others += d.others
	c.requests += d.requests
	c.mutations += d.mutations
	c.faults += d.faults
	c.crashes += d.crashes
	c.full += d.full
	c.lates += d.lates
	c.windows += d.windows
}

// odds are how likely things are in one history, of a thousand.
type odds struct {
	kind                        int
	fault, during, crash, other int
	full                        int
	maxAge                      time.Duration
	events                      int
	manners                     simulation.Manners
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func someOdds(r *rand.Rand) odds {
	return odds{
		kind:  r.IntN(simulation.Kinds),
		fault: pick(r, 0, 0, 20, 80, 250), during: pick(r, 0, 50, 200), crash: pick(r, 0, 0, 10, 50),
		other: pick(r, 0, 50, 150, 300), maxAge: pick(r, time.Minute, 5*time.Minute), events: pick(r, 10, 25, 50),
		manners: simulation.Manners{
			OtherNames: r.IntN(2) == 0, NewIDs: r.IntN(3) == 0, ByPath: r.IntN(2) == 0, Silent: r.IntN(3) == 0, Restamps: r.IntN(3) == 0,
			PageSize: pick(r, 2, 3, 1000), Batch: pick(r, 1, 2, 100), FeedLag: pick(r, 0, 0, 3*time.Second, 2*time.Minute),
		},
	}
}

// newSim prepares the history of a seed.
func newSim(t *testing.T, seed uint64, home string) *sim {
	r := rand.New(rand.NewPCG(seed, 7))
	s := &sim{T: t, r: r, seed: seed, odds: someOdds(r), dir: filepath.Join(home, "state")}
	s.odds.full = pick(rand.New(rand.NewPCG(seed, 9)), 0, 0, 0, 30)
	s.odds.manners.NoIDs = rand.New(rand.NewPCG(seed, 8)).IntN(3) == 0
	s.acct = simulation.New(s, s.odds.manners)
	s.book = newBook(s)
	s.counts.histories = 1
	return s
}

// chance is true in so many cases of a thousand.
func (s *sim) chance(of1000 int) bool { return s.r.IntN(1000) < of1000 }

func (s *sim) note(format string, args ...any) {
	at := time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	s.trace = append(s.trace, fmt.Sprintf("%10.3f %s%s", at.Seconds(), strings.Repeat("    ", s.nested), fmt.Sprintf(format, args...)))
}

func (s *sim) wrongf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.note("WRONG: %s", text)
	s.wrong = append(s.wrong, text)
}

// hash is the history's fingerprint.
func (s *sim) hash() uint64 {
	h := fnv.New64a()
	for _, line := range s.trace {
		_, _ = h.Write([]byte(line + "\n"))
	}
	return h.Sum64()
}

// Write takes in a line of the namespace's log.
func (s *sim) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "landed in another folder") {
		s.book.strayed = true
	}
	s.note("log: %s", strings.ReplaceAll(strings.TrimSpace(string(p)), filepath.Dir(s.dir), ""))
	return len(p), nil
}

func (s *sim) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

// mount opens the state folder, again until it works.
func (s *sim) mount() {
	for try := 0; s.ns == nil; try++ {
		if try == 30 {
			s.wrongf("the mount does not come up")
			return
		}
		s.calm = s.calm || try > 20
		err := s.tryMount()
		synctest.Wait()
		if s.crashed {
			s.bury()
		} else if err != nil {
			s.note("mount: %v", err)
			s.pass(time.Second)
		}
	}
}

func (s *sim) tryMount() error {
	state, err := cache.OpenState(s.dir)
	if err != nil {
		return err
	}
	state.FailStore(s.durable)
	s.ctx, s.cancel = context.WithCancel(s.Context())
	opt := cache.Options{Account: "simulation", MaxAge: s.odds.maxAge, RetryPause: time.Second, Logger: s.logger()}
	opt.Remote, s.disconnect = s.acct.Connect(s.odds.kind)
	ns, err := cache.NewStill(s.ctx, state, opt)
	if err != nil {
		s.cancel()
		_ = state.Close()
		return err
	}
	s.ns = ns
	return nil
}

// unmount ends the mount in good order.
func (s *sim) unmount() {
	s.closeHandles()
	if err := s.ns.Close(); err != nil && !s.crashed && !errors.Is(err, unix.ENOSPC) {
		s.wrongf("unmount: %v", err)
	}
	s.cancel()
	s.ns = nil
}

// fails are the durable steps that can fail.
var fails = map[string]bool{"write": true, "commit": true, "sync": true}

// durable is called at each durable step of the mount.
func (s *sim) durable(label string) error {
	if s.fullIn > 0 && !s.calm && !s.crashed && fails[label] {
		if s.fullIn--; s.fullIn == 0 {
			s.note("FULL at %s", label)
			s.counts.full++
			return unix.ENOSPC
		}
	}
	if s.crashIn > 0 && !s.crashed {
		if s.crashIn--; s.crashIn == 0 {
			s.crash()
		}
	}
	return nil
}

// crash kills the mount: what its state folder holds now is all that the next
// one gets, and no request leaves any more.
func (s *sim) crash() {
	s.note("CRASH")
	s.counts.crashes++
	s.crashed = true
	s.folders++
	s.next = fmt.Sprintf("%s-%d", strings.TrimRight(s.dir, "-0123456789"), s.folders)
	if err := copyState(s.dir, s.next); err != nil {
		s.wrongf("copying the state folder: %v", err)
	}
	// Contexts that programs wait under are ended later, so that one goroutine at a
	// time does something.
	s.disconnect()
	if s.ns != nil {
		s.ns.Stop()
	}
}

// bury gets rid of what is left of a mount that died.
func (s *sim) bury() {
	if s.ns != nil {
		s.closeHandles()
		_ = s.ns.Close()
		s.ns = nil
	}
	s.cancel()
	synctest.Wait()
	_ = os.RemoveAll(s.dir)
	s.dir, s.next, s.crashed = s.next, "", false
	s.book.forgetSights()
}

func (s *sim) closeHandles() {
	for _, o := range s.handles {
		o.h.Release()
	}
	s.handles = nil
}

// pass lets time pass.
func (s *sim) pass(d time.Duration) { <-time.After(d) }

// copyState copies a state folder with the times of its files.
func copyState(from, to string) error {
	return filepath.WalkDir(from, func(p string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, p)
		target := filepath.Join(to, rel)
		if e.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		info, err := e.Info()
		if err != nil || strings.HasSuffix(p, "-shm") {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if err := os.WriteFile(target, data, 0o600); err != nil {
			return err
		}
		return os.Chtimes(target, info.ModTime(), info.ModTime())
	})
}
