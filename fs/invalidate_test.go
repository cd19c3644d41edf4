package fs

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/frugalfs/frugalfs/cache"
)

// fakeKernel writes down what it is told to forget.
type fakeKernel struct {
	// hold, if not nil, keeps each notification until it can be received from.
	hold   chan struct{}
	status fuse.Status

	mu sync.Mutex
	// told is guarded by mu.
	told []string
}

func (k *fakeKernel) tell(format string, args ...any) fuse.Status {
	if k.hold != nil {
		<-k.hold
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.told = append(k.told, fmt.Sprintf(format, args...))
	return k.status
}

func (k *fakeKernel) EntryNotify(parent uint64, name string) fuse.Status {
	return k.tell("entry %d/%s", parent, name)
}

func (k *fakeKernel) InodeNotify(ino uint64, off, length int64) fuse.Status {
	return k.tell("inode %d from %d for %d", ino, off, length)
}

// heard returns what the kernel was told, sorted, and forgets it.
func (k *fakeKernel) heard() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	told := k.told
	k.told = nil
	slices.Sort(told)
	return told
}

// fakePlaces knows folder n as "dn" in folder n-1.
type fakePlaces struct{}

func (fakePlaces) place(_ context.Context, ino uint64) (uint64, string, bool) {
	return ino - 1, fmt.Sprint("d", ino), ino != 99
}

func newTestInvalidator(k notifier, limit int) *invalidator {
	v := newInvalidator(fakePlaces{}, quiet())
	v.limit = limit
	v.start(k)
	return v
}

func expect(t *testing.T, k *fakeKernel, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := k.heard(); !slices.Equal(got, want) {
		t.Errorf("the kernel heard %q, want %q", got, want)
	}
}

func TestInvalidations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &fakeKernel{}
		v := newTestInvalidator(k, 10)
		defer v.stop()
		v.Entry(5, "a")
		expect(t, k, "entry 5/a", "inode 5 from 0 for 0")
		v.Attr(6)
		expect(t, k, "inode 6 from -1 for 0")
		v.Content(7)
		expect(t, k, "inode 7 from 0 for 0")
		k.status = fuse.ENOENT
		v.Entry(5, "never known")
		expect(t, k, "entry 5/never known", "inode 5 from 0 for 0")
		k.status = fuse.EINVAL
		v.Content(8)
		expect(t, k, "inode 8 from 0 for 0")
	})
}

func TestInvalidationsAreNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &fakeKernel{}
		v := newTestInvalidator(k, 10)
		defer v.stop()
		v.pause()
		for range 100 {
			v.Entry(5, "a")
			v.Attr(6)
			v.Content(6)
			v.Attr(6)
		}
		expect(t, k)
		v.resume()
		expect(t, k, "entry 5/a", "inode 5 from 0 for 0", "inode 6 from 0 for 0")
	})
}

func TestPendingUntilTheKernelHasHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &fakeKernel{hold: make(chan struct{})}
		v := newTestInvalidator(k, 10)
		defer v.stop()
		if v.pending(5) {
			t.Error("pending before anything happened")
		}
		v.Content(5)
		synctest.Wait()
		if !v.pending(5) {
			t.Error("not pending while the kernel is being told")
		}
		v.Content(5) // changed again: must be told again
		k.hold <- struct{}{}
		synctest.Wait()
		if !v.pending(5) {
			t.Error("not pending although it changed again")
		}
		k.hold <- struct{}{}
		synctest.Wait()
		if v.pending(5) {
			t.Error("pending although the kernel heard")
		}
		expect(t, k, "inode 5 from 0 for 0", "inode 5 from 0 for 0")
	})
}

func TestTooManyNamesBecomeFolders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &fakeKernel{}
		v := newTestInvalidator(k, 2)
		defer v.stop()
		v.pause()
		for i := range 100 {
			v.Entry(5, fmt.Sprint(i))
			v.Entry(99, fmt.Sprint(i)) // a folder that is nowhere
		}
		v.Entry(cache.RootIno, "in the root")
		v.resume()
		expect(t, k, "entry 1/in the root", "entry 4/d5", "entry 5/0", "entry 99/0",
			"inode 1 from 0 for 0", "inode 5 from 0 for 0", "inode 99 from 0 for 0")
	})
}

func TestPauseWaitsForTheNotificationUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &fakeKernel{hold: make(chan struct{})}
		v := newTestInvalidator(k, 10)
		defer v.stop()
		v.Content(5)
		synctest.Wait()
		paused := make(chan struct{})
		go func() { v.pause(); close(paused) }()
		synctest.Wait()
		if closed(paused) {
			t.Error("paused in the middle of a notification")
		}
		k.hold <- struct{}{}
		<-paused
		v.resume()
	})
}

func TestNothingIsToldBeforeStartOrAfterStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &fakeKernel{}
		v := newInvalidator(fakePlaces{}, quiet())
		v.Content(5)
		v.start(k)
		expect(t, k)
		v.pause()
		v.Content(6)
		v.stop()
		v.Content(7)
		expect(t, k)
		if v.pending(7) {
			t.Error("something waits for a kernel that is gone")
		}
	})
	newInvalidator(fakePlaces{}, quiet()).stop() // never started: must not hang
}
