package cache

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// A process that lists folder after folder is on a walk (find, du, grep -r,
// rsync). From the third folder it has to wait for, all folders that are still to
// come are asked for together, if that takes fewer requests.
const (
	// walkPause is how soon after a folder the next one must be listed to
	// belong to the same walk. People who click take longer.
	walkPause = 3 * time.Second
	// walkAfter is how many folders come before, and fewestFolders how many
	// must be left.
	walkAfter     = 2
	fewestFolders = 3
	// refusedFor is how long a tree is not asked for that turned out not to be
	// worth it.
	refusedFor = 10 * time.Minute
	// surveyed is how many folders are looked at to judge a tree.
	surveyed = 4000
)

// errNotCheaper ends the listing of a tree that takes more requests than the
// folders that are still to be listed.
var errNotCheaper = errors.New("not worth it: folders are listed one by one")

// walks is who lists what.
type walks struct {
	// mu guards the fields below.
	mu        sync.Mutex
	processes map[uint32]*walker
	// running are the trees that are being listed, by their tops; a channel is
	// closed when its listing has ended.
	running map[uint64]chan struct{}
	// refused are the tops of trees that were not worth it, until when.
	refused map[uint64]int64
	// page is how many entries a page of the provider has.
	page int
}

// walker is a process, the folders that it opened lately, and how many of them it
// had to wait for.
type walker struct {
	last   int64
	dirs   []uint64
	waited int
}

// remembered is how many folders are remembered of a walk.
const remembered = 8

func (w *walks) init() {
	w.processes, w.running, w.refused = map[uint32]*walker{}, map[uint64]chan struct{}{}, map[uint64]int64{}
	w.page = 1000
}

// learn notes how many entries a page has.
func (w *walks) learn(p remote.FirstPage) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.Entries < p.Total && p.Entries > 1 {
		w.page = p.Entries
	}
	return nil
}

// opened notes that a process opens a folder to list it, for what it will have to
// wait for next.
func (w *walks) opened(process uint32, dir uint64, now int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.walker(process, now).open(dir)
}

// step notes that a process has to wait for a folder that it opened, and returns
// those before it on the same walk; none as long as it had to wait for too few.
func (w *walks) step(process uint32, dir uint64, now int64) (before []uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.walker(process, now)
	p.open(dir)
	if p.waited++; p.waited > walkAfter {
		before = append(before, p.dirs[:len(p.dirs)-1]...)
	}
	return before
}

// walker returns what is known of a process; the caller holds mu.
func (w *walks) walker(process uint32, now int64) *walker {
	p := w.processes[process]
	if p == nil || now-p.last > int64(walkPause) {
		w.forget(now)
		p = &walker{}
		w.processes[process] = p
	}
	p.last = now
	return p
}

func (p *walker) open(dir uint64) {
	if n := len(p.dirs); n > 0 && p.dirs[n-1] == dir {
		return
	}
	if p.dirs = append(p.dirs, dir); len(p.dirs) > remembered {
		p.dirs = p.dirs[1:]
	}
}

// forget drops who is on no walk any more; the caller holds mu.
func (w *walks) forget(now int64) {
	for id, p := range w.processes {
		if now-p.last > int64(walkPause) {
			delete(w.processes, id)
		}
	}
	for top, until := range w.refused {
		if now > until {
			delete(w.refused, top)
		}
	}
}

// listed notes when a folder that was waited for came.
func (w *walks) listed(process uint32, now int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.processes[process]; p != nil {
		p.last = now
	}
}

// begin registers the listing of a tree. If there is one that covers a folder
// with these ancestors, itself included, that one is returned instead.
func (w *walks) begin(top uint64, ancestors []uint64) (end func(), other <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range ancestors {
		if ch := w.running[a]; ch != nil {
			return nil, ch
		}
	}
	ch := make(chan struct{})
	w.running[top] = ch
	return sync.OnceFunc(func() {
		w.mu.Lock()
		delete(w.running, top)
		w.mu.Unlock()
		close(ch)
	}), nil
}

// refuse remembers that a tree is not worth it.
func (w *walks) refuse(top uint64, until int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused[top] = until
}

// over finds the listing under way that covers a folder with these ancestors.
func (w *walks) over(ancestors []uint64) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range ancestors {
		if ch := w.running[a]; ch != nil {
			return ch
		}
	}
	return nil
}

func (w *walks) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.running) == 0
}

// ancestors returns a folder and those above it at the provider.
func (ns *Namespace) ancestors(dir uint64) (all []uint64) {
	_ = ns.view(func(t txn) error {
		for range maxDepth {
			all = append(all, dir)
			n, err := t.get(dir)
			if err != nil || n == nil || dir == RootIno {
				return err
			}
			if dir = n.Parent; n.Remote.Exists {
				dir = n.Remote.Parent
			}
		}
		return nil
	})
	return all
}

// awaitTree waits for the listing of a tree that will bring a folder, if there is
// one under way.
func (ns *Namespace) awaitTree(ctx context.Context, dir uint64) (waited bool, err error) {
	if ns.walks.idle() {
		return false, nil
	}
	other := ns.walks.over(ns.ancestors(dir))
	if other == nil {
		return false, nil
	}
	return true, waitFor(ctx, other)
}

func waitFor(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return remote.E(remote.Canceled, "wait", "", ctx.Err())
	}
}

// listOnWalk lists a folder, with others if it is one of a walk.
func (ns *Namespace) listOnWalk(ctx context.Context, dir uint64) error {
	process := processOf(callerOf(ctx).PID)
	before := ns.walks.step(process, dir, ns.now())
	defer func() { ns.walks.listed(process, ns.now()) }()
	if len(before) > 0 {
		if fresh, err := ns.walkOn(ctx, dir, before); fresh || err != nil {
			return err
		}
	}
	return ns.list(ctx, dir)
}

// walkOn lists the tree that a walk is in, if that is worth it, and tells whether
// the folder is known now. Whatever else goes wrong is left to the listing of
// the folder alone.
func (ns *Namespace) walkOn(ctx context.Context, dir uint64, before []uint64) (fresh bool, err error) {
	if _, ok := ns.remote.(remote.TreeLister); !ok || ns.now() < ns.noTreesUntil.Load() {
		return false, nil
	}
	above := ns.ancestors(dir)
	plan, ok := ns.planWalk(above[1:], before)
	if !ok {
		return false, nil
	}
	if err := ns.walkTree(ctx, plan, above); remote.IsKind(err, remote.Canceled) && ctx.Err() != nil {
		return false, err
	}
	_, fresh, err = ns.freshness(dir)
	return fresh, err
}

// walkTree lists a tree for everybody who waits for something in it.
func (ns *Namespace) walkTree(ctx context.Context, plan walkPlan, above []uint64) error {
	end, other := ns.walks.begin(plan.top, above)
	if other != nil {
		return waitFor(ctx, other)
	}
	cause := ns.cause(ctx, plan.top)
	err := ns.shareFor(ctx, treeDeadline, "tree "+formatIno(plan.top), func(ctx context.Context) error {
		defer end()
		err := ns.listTree(ledger.WithCause(ctx, cause), plan.top, ns.worth(plan))
		if err != nil {
			ns.log.Debug("listing a tree for a walk", "path", ns.pathOf(plan.top), "err", err)
			ns.walks.refuse(plan.top, ns.now()+int64(refusedFor))
		}
		return err
	})
	if ns.ctx.Err() != nil {
		end() // it may never have begun
	}
	return err
}

// worth judges a tree by the first page of its listing: what is left of it must
// take fewer requests than the folders that are not known. How many those are is
// known at least in part; the page shows more, and, as a sample, their share.
func (ns *Namespace) worth(plan walkPlan) func(remote.FirstPage, int) error {
	return func(p remote.FirstPage, folders int) error {
		_ = ns.walks.learn(p)
		if p.Entries >= p.Total || p.Entries < 2 {
			return nil
		}
		left := (p.Total - p.Entries + p.Entries - 2) / (p.Entries - 1)
		guess := folders * (p.Total / p.Entries) / 2
		if left > max(plan.unknown, folders, guess) {
			return errNotCheaper
		}
		return nil
	}
}

// walkPlan is the tree to list, and how many folders in it are not known.
type walkPlan struct {
	top     uint64
	unknown int
}

// planWalk chooses the tree to list for a walk: of the folders above the one
// that is wanted, up to the one that holds all that was listed before, the one
// whose listing brings the most folders that are not known for the fewest pages
// of what is.
func (ns *Namespace) planWalk(above, before []uint64) (best walkPlan, ok bool) {
	shared := map[uint64]int{}
	for _, d := range before {
		for _, a := range ns.ancestors(d) {
			shared[a]++
		}
	}
	most := 0
	for _, top := range above {
		unknown, known := ns.survey(top)
		score := unknown - known/ns.walks.pageSize()
		if unknown >= fewestFolders && score > most && !ns.walks.isRefused(top, ns.now()) {
			best, ok, most = walkPlan{top, unknown}, true, score
		}
		if shared[top] == len(before) {
			break
		}
	}
	return best, ok
}

func (w *walks) pageSize() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.page
}

func (w *walks) isRefused(top uint64, now int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refused[top] > now
}

// survey counts the folders in a tree that would have to be listed, and the
// entries of those that need not be.
func (ns *Namespace) survey(top uint64) (unknown, known int) {
	_ = ns.view(func(t txn) error {
		l, err := t.listing(top)
		if err != nil {
			return err
		}
		if ns.fresh(l) {
			known = l.Entries
		} else {
			unknown = 1
		}
		queue := []uint64{top}
		for looked := 0; len(queue) > 0 && looked < surveyed; looked++ {
			folders, err := t.Folders(queue[0])
			if err != nil {
				return err
			}
			queue = queue[1:]
			for _, f := range folders {
				if ns.fresh(f.Listing) {
					known += f.Listing.Entries
				} else {
					unknown++
				}
				queue = append(queue, f.Ino)
			}
		}
		return nil
	})
	return unknown, known
}

// processOf returns the process that a thread belongs to.
func processOf(thread uint32) uint32 {
	if thread == 0 {
		return 0
	}
	status, err := os.ReadFile("/proc/" + strconv.FormatUint(uint64(thread), 10) + "/status")
	if err != nil {
		return thread
	}
	_, rest, _ := bytes.Cut(status, []byte("\nTgid:"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	id, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 10, 32)
	if err != nil {
		return thread
	}
	return uint32(id)
}
