package outbox

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/frugalfs/frugalfs/remote"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeTree is an outbox of new folders in the root; what was done to them is
// recorded.
type fakeTree struct {
	// mu guards the fields below.
	mu        sync.Mutex
	nodes     map[uint64]Node
	done      []uint64
	recovered int
	// fail is what a step answers, by node; each is answered once.
	fail map[uint64]error
	// recoverFail is what Recover answers, once.
	recoverFail error
	readyAt     time.Time
}

func newFakeTree(inos ...uint64) *fakeTree {
	f := &fakeTree{nodes: map[uint64]Node{}, fail: map[uint64]error{}}
	for _, ino := range inos {
		f.nodes[ino] = Node{Ino: ino, Dir: true, Ready: true, Local: Place{Exists: true, Parent: 1, Name: string(rune('a' + ino))}}
	}
	return f
}

func (f *fakeTree) Recover(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.recovered++
	err := f.recoverFail
	f.recoverFail = nil
	return err
}

func (f *fakeTree) Snapshot(force bool) (in Input, next time.Time, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in = Input{Parents: map[uint64]uint64{1: 0}, Caps: Capabilities{DeleteBatch: 1, MoveBatch: 1, PageSize: 100}}
	for _, n := range f.nodes {
		n.Ready = force || !time.Now().Before(f.readyAt)
		in.Nodes = append(in.Nodes, n)
	}
	if !force && time.Now().Before(f.readyAt) {
		next = f.readyAt
	}
	return in, next, nil
}

func (f *fakeTree) Do(_ context.Context, step Step, _ *Input) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	ino := step.Inos[0]
	if err := f.fail[ino]; err != nil {
		delete(f.fail, ino)
		return err
	}
	if _, ok := f.nodes[ino]; !ok {
		return ErrChanged
	}
	f.done = append(f.done, ino)
	delete(f.nodes, ino)
	return nil
}

func (f *fakeTree) finished() []uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	got := slices.Clone(f.done)
	slices.Sort(got)
	return got
}

// running runs an executor on a clock of its own until the test ends.
func running(t *testing.T, f *fakeTree, check func(e *Executor)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := NewExecutor(f, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() {
			defer close(over)
			e.Run(ctx)
		}()
		check(e)
		cancel()
		<-over
	})
}

// pass lets time pass on the clock of the bubble.
func pass(d time.Duration) { <-time.After(d) }

func TestEverythingIsSent(t *testing.T) {
	f := newFakeTree(20, 21, 22, 23, 24, 25)
	running(t, f, func(*Executor) {
		pass(time.Second)
		if got := f.finished(); len(got) != 6 || f.recovered != 1 {
			t.Errorf("sent %v after %d recoveries", got, f.recovered)
		}
	})
}

func TestNothingIsSentBeforeItIsReady(t *testing.T) {
	f := newFakeTree(20)
	running(t, f, func(e *Executor) {
		f.mu.Lock()
		f.readyAt = time.Now().Add(time.Minute)
		f.mu.Unlock()
		pass(59 * time.Second)
		if got := f.finished(); len(got) != 0 {
			t.Errorf("sent %v too early", got)
		}
		pass(2 * time.Second)
		if got := f.finished(); len(got) != 1 {
			t.Errorf("sent %v once it was ready", got)
		}
	})
}

func TestForceDoesNotWait(t *testing.T) {
	f := newFakeTree(20)
	running(t, f, func(e *Executor) {
		f.mu.Lock()
		f.readyAt = time.Now().Add(time.Hour)
		f.mu.Unlock()
		release := e.Force()
		defer release()
		pass(time.Second)
		if got := f.finished(); len(got) != 1 {
			t.Errorf("sent %v", got)
		}
	})
}

func TestTroubleThatConcernsAllPausesAll(t *testing.T) {
	f := newFakeTree(20, 21)
	f.fail[20] = remote.E(remote.Offline, "mkdir", "/a", nil)
	f.fail[21] = remote.E(remote.Offline, "mkdir", "/b", nil)
	running(t, f, func(e *Executor) {
		pass(time.Second)
		if got := f.finished(); len(got) != 0 || !remote.IsKind(e.Trouble(), remote.Offline) {
			t.Errorf("sent %v, trouble %v", got, e.Trouble())
		}
		pass(2 * time.Second) // two that failed at once are one failure: two seconds
		if got := f.finished(); len(got) != 2 || e.Trouble() != nil {
			t.Errorf("sent %v after the pause, trouble %v", got, e.Trouble())
		}
	})
}

func TestUnknownOutcomesAreLookedUpBeforeAnythingElse(t *testing.T) {
	f := newFakeTree(20)
	f.fail[20] = &remote.Error{Kind: remote.Temporary, Unknown: true}
	running(t, f, func(*Executor) {
		pass(10 * time.Second)
		if got := f.finished(); len(got) != 1 || f.recovered != 2 {
			t.Errorf("sent %v after %d recoveries", got, f.recovered)
		}
	})
}

func TestNothingIsPlannedWhileRecoveryFails(t *testing.T) {
	f := newFakeTree(20)
	f.recoverFail = remote.E(remote.Offline, "look", "", nil)
	running(t, f, func(*Executor) {
		pass(time.Second)
		if got := f.finished(); len(got) != 0 {
			t.Errorf("sent %v before the recovery", got)
		}
		pass(5 * time.Second)
		if got := f.finished(); len(got) != 1 || f.recovered != 2 {
			t.Errorf("sent %v after %d recoveries", got, f.recovered)
		}
	})
}

func TestChangedNodesArePlannedAgain(t *testing.T) {
	f := newFakeTree(20)
	f.fail[20] = errors.Join(ErrChanged)
	running(t, f, func(e *Executor) {
		pass(2 * time.Second)
		if got := f.finished(); len(got) != 1 || e.Trouble() != nil {
			t.Errorf("sent %v, trouble %v", got, e.Trouble())
		}
	})
}
