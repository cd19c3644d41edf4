package cache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// FoldsNames tells whether names that differ in case only are one name.
func (ns *Namespace) FoldsNames() bool { return ns.caps.CaseFolds }

// key is what all places have in common that are one place at the provider.
func (ns *Namespace) key(p store.Place) store.Place {
	if ns.caps.CaseFolds {
		p.Name = remote.FoldName(p.Name)
	}
	return p
}

// samePlace tells whether two places are one at the provider.
func (ns *Namespace) samePlace(a, b store.Place) bool { return ns.key(a) == ns.key(b) }

// standing returns the node that stands for what the provider has in a place,
// wherever the mount shows it, nil if there is none.
func (t txn) standing(p store.Place) (*store.Node, error) {
	n, err := t.child(p.Parent, p.Name)
	if err != nil || (n != nil && n.Remote.Exists && t.ns.samePlace(n.Remote.Place, p)) {
		return n, err
	}
	if err := t.loadDisplaced(); err != nil {
		return nil, err
	}
	ino, ok := t.ns.displaced[t.ns.key(p)]
	if !ok {
		return nil, nil
	}
	return t.get(ino)
}

// loadDisplaced finds the nodes that are not, or no longer, where the provider
// has them. All of them are dirty.
func (t txn) loadDisplaced() error {
	if t.ns.displaced != nil {
		return nil
	}
	found := map[store.Place]uint64{}
	for ino := range t.ns.dirty {
		n, err := t.get(ino)
		if err != nil {
			return err
		}
		if isDisplaced(n) {
			found[t.ns.key(n.Remote.Place)] = ino
		}
	}
	t.ns.displaced = found
	return nil
}

func isDisplaced(n *store.Node) bool {
	return n != nil && n.Remote.Exists && (!n.Exists || n.Remote.Place != n.Place)
}

// noteDisplaced keeps the displaced nodes right when a row changes from old,
// which may be nil, to n, nil if it is dropped.
func (t txn) noteDisplaced(old, n *store.Node) {
	if t.ns.displaced == nil {
		return
	}
	if isDisplaced(old) {
		if place := t.ns.key(old.Remote.Place); t.ns.displaced[place] == old.Ino {
			delete(t.ns.displaced, place)
		}
	}
	if isDisplaced(n) {
		t.ns.displaced[t.ns.key(n.Remote.Place)] = n.Ino
	}
}

// identity names an object for as long as it is remembered that it is gone: by
// its ID, or by its place at a provider without IDs.
func (ns *Namespace) identity(id string, p store.Place) string {
	if ns.caps.IDs {
		return id
	}
	p = ns.key(p)
	return formatIno(p.Parent) + "/" + p.Name
}

// question is what a request about a folder or a node was asked with.
type question struct {
	ref remote.Ref
	// known is what was known of the folder's entries.
	known store.Listing
	// moves is the count of folder moves at that time; see [txn.stands].
	moves uint64
}

// ask returns what to ask about a node with. Without IDs nothing is asked below a
// folder that is being moved: nobody knows the path.
func (t txn) ask(n *store.Node) (question, error) {
	q := question{ref: t.ref(n), moves: t.ns.moves}
	if t.ns.caps.IDs {
		return q, nil
	}
	above := map[uint64]bool{n.Ino: true}
	if err := t.addAbove(n.Remote.Parent, above); err != nil {
		return q, err
	}
	for ino := range above {
		if t.ns.moving[ino] > 0 {
			return q, outbox.ErrChanged
		}
	}
	return q, nil
}

// stands tells whether the answer to a question is about what it was asked
// about: without IDs a path may mean something else once a folder was moved.
func (t txn) stands(q question) error {
	if !t.ns.caps.IDs && q.moves != t.ns.moves {
		return outbox.ErrChanged
	}
	return nil
}

// askAgain is how often, and after which pause, a question is put again that was
// overtaken by a move.
const (
	askAgain   = 20
	askPause   = 50 * time.Millisecond
	askPauseUp = time.Second
)

// untilStanding repeats what was overtaken by our own moves of folders. The
// executor, which makes the moves, does not wait for itself.
func (ns *Namespace) untilStanding(ctx context.Context, path string, ask func() error) error {
	pause := askPause
	for range askAgain {
		err := ask()
		if !errors.Is(err, outbox.ErrChanged) || ledger.ClassOf(ctx) == ledger.Writeback {
			return err
		}
		wait := time.NewTimer(pause)
		select {
		case <-ns.exec.News():
		case <-wait.C:
		case <-ctx.Done():
		}
		wait.Stop()
		if ctx.Err() != nil {
			return remote.E(remote.Canceled, "list", path, ctx.Err())
		}
		pause = min(2*pause, askPauseUp)
	}
	return remote.E(remote.Temporary, "list", path, fmt.Errorf("a folder above it is being moved"))
}
