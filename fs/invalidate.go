package fs

import (
	"context"
	"log/slog"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/frugalfs/frugalfs/cache"
)

// maxNames is how many names wait to be forgotten before whole folders are
// forgotten instead.
const maxNames = 1 << 16

// notifier is what a mount offers to make the kernel forget; go-fuse's server
// is one. ENOENT means that the kernel never knew.
type notifier interface {
	EntryNotify(parent uint64, name string) fuse.Status
	InodeNotify(ino uint64, off, length int64) fuse.Status
}

// places finds where a folder is.
type places interface {
	// place returns the folder that holds the folder ino, and its name there;
	// false if that cannot be told.
	place(ctx context.Context, ino uint64) (parent uint64, name string, ok bool)
}

// entry is one name in one folder.
type entry struct {
	parent uint64
	name   string
}

// batch is a set of things to forget. Each is in it once.
type batch struct {
	// names are names to forget; their folders are in inodes.
	names map[entry]struct{}
	// inodes are the nodes to forget: true with pages or listing, false the
	// attributes only.
	inodes map[uint64]bool
	// folders are folders in which every name is to be forgotten, because
	// names was full.
	folders map[uint64]struct{}
}

func newBatch() *batch {
	return &batch{names: map[entry]struct{}{}, inodes: map[uint64]bool{}, folders: map[uint64]struct{}{}}
}

func (b *batch) empty() bool { return len(b.names)+len(b.inodes)+len(b.folders) == 0 }

// invalidator makes the kernel forget what changed elsewhere. Calls only note
// down what is to be forgotten; one goroutine tells the kernel, because a
// notification waits for locks that the kernel holds while it waits for
// requests. It holds no lock of ours while it does.
//
// What waits is bounded: nothing waits twice, and once maxNames names do,
// further ones are noted by their folder alone, whose names the kernel then
// drops altogether. Nothing is ever lost.
type invalidator struct {
	places places
	log    *slog.Logger
	// limit is maxNames, smaller in tests.
	limit int
	// done is closed when the goroutine has ended.
	done chan struct{}

	mu sync.Mutex
	// wake, bound to mu, is signalled when one of the fields below changes.
	wake *sync.Cond
	// The rest is guarded by mu. next collects what is to be forgotten, now is
	// being worked on and is not changed any more.
	next, now *batch
	// started, paused and stopped are what the goroutine shall do; sending
	// tells that it is in a notification.
	started, paused, stopped, sending bool
	// cancel, guarded by mu, ends what the goroutine waits for; nil before
	// start.
	cancel context.CancelFunc
}

var _ cache.Invalidator = (*invalidator)(nil)

func newInvalidator(p places, log *slog.Logger) *invalidator {
	v := &invalidator{places: p, log: log, limit: maxNames, done: make(chan struct{}), next: newBatch(), now: newBatch()}
	v.wake = sync.NewCond(&v.mu)
	return v
}

// Entry implements [cache.Invalidator]. The folder's listing goes with it: it
// shows the name, or does not yet.
func (v *invalidator) Entry(parent uint64, name string) {
	v.note(func(b *batch) {
		b.inodes[parent] = true
		if _, whole := b.folders[parent]; whole {
			return
		}
		// The root has no name that could stand for its entries.
		if len(b.names) >= v.limit && parent != cache.RootIno {
			b.folders[parent] = struct{}{}
			return
		}
		b.names[entry{parent, name}] = struct{}{}
	})
}

// Attr implements [cache.Invalidator].
func (v *invalidator) Attr(ino uint64) {
	v.note(func(b *batch) {
		if _, known := b.inodes[ino]; !known {
			b.inodes[ino] = false
		}
	})
}

// Content implements [cache.Invalidator].
func (v *invalidator) Content(ino uint64) {
	v.note(func(b *batch) { b.inodes[ino] = true })
}

// note adds to the next batch, while there is a kernel to tell.
func (v *invalidator) note(add func(*batch)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.started && !v.stopped {
		add(v.next)
		v.wake.Broadcast()
	}
}

// pending tells whether the kernel has yet to hear about ino.
func (v *invalidator) pending(ino uint64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, next := v.next.inodes[ino]
	_, now := v.now.inodes[ino]
	return next || now
}

// start begins to tell the kernel.
func (v *invalidator) start(kernel notifier) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.started = true
	var ctx context.Context
	ctx, v.cancel = context.WithCancel(context.Background())
	go v.run(ctx, kernel)
}

// pause makes the kernel hear nothing from when it returns, until resume:
// what comes in meanwhile waits.
func (v *invalidator) pause() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.paused = true
	v.wake.Broadcast()
	for v.sending {
		v.wake.Wait()
	}
}

// resume ends a pause.
func (v *invalidator) resume() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.paused = false
	v.wake.Broadcast()
}

// stop ends the work for good, and returns when it has ended.
func (v *invalidator) stop() {
	v.mu.Lock()
	v.stopped = true
	cancel := v.cancel
	v.wake.Broadcast()
	v.mu.Unlock()
	if cancel != nil {
		cancel()
		<-v.done
	}
}

// run is the goroutine.
func (v *invalidator) run(ctx context.Context, kernel notifier) {
	defer close(v.done)
	for v.take() {
		v.tell(ctx, kernel)
	}
}

// take waits for work and makes it the current batch; false means to stop.
func (v *invalidator) take() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = newBatch()
	for !v.stopped && (v.paused || v.next.empty()) {
		v.wake.Wait()
	}
	v.now, v.next = v.next, newBatch()
	return !v.stopped
}

// tell works through the current batch. now is read without the lock: nobody
// changes it, and only take, in this goroutine, replaces it.
func (v *invalidator) tell(ctx context.Context, kernel notifier) {
	for e := range v.now.names {
		v.send(func() fuse.Status { return kernel.EntryNotify(e.parent, e.name) })
	}
	for ino := range v.now.folders {
		if parent, name, ok := v.places.place(ctx, ino); ok {
			v.send(func() fuse.Status { return kernel.EntryNotify(parent, name) })
		}
	}
	for ino, pages := range v.now.inodes {
		off := int64(-1) // attributes only
		if pages {
			off = 0
		}
		v.send(func() fuse.Status { return kernel.InodeNotify(ino, off, 0) })
	}
}

// send makes one notification, once it may.
func (v *invalidator) send(notify func() fuse.Status) {
	if !v.enter() {
		return
	}
	status := notify()
	v.leave()
	if status != fuse.OK && status != fuse.ENOENT {
		v.log.Debug("the kernel did not take an invalidation", "status", status)
	}
}

// enter waits until a notification may be made; false means to stop.
func (v *invalidator) enter() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for v.paused && !v.stopped {
		v.wake.Wait()
	}
	v.sending = !v.stopped
	return v.sending
}

func (v *invalidator) leave() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sending = false
	v.wake.Broadcast()
}
