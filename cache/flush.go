package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"time"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// PendingItem is something that is still to be sent.
type PendingItem struct {
	Ino  uint64 `json:"ino"`
	Path string `json:"path"`
	// Change is what is to be sent: "new", "content", "moved", "deleted",
	// "send" for a folder that is mailed to people.
	Change string `json:"change"`
	// State is as in the attribute user.frugalfs.state.
	State string    `json:"state"`
	Size  int64     `json:"size"`
	Since time.Time `json:"since"`
	// Reason says why it was given up, or why it waits; "" if neither.
	Reason string `json:"reason,omitempty"`
	// Failed is true if it is not tried again by itself.
	Failed bool `json:"failed,omitempty"`
	// KeptHere is true if nothing of it can be sent as it is: an empty file
	// that the provider does not store.
	KeptHere bool `json:"kept_here,omitempty"`
}

// Pending returns everything that is still to be sent, by path.
func (ns *Namespace) Pending() (items []PendingItem, err error) {
	err = ns.view(func(t txn) error {
		for ino := range ns.dirty {
			n, err := t.get(ino)
			if err != nil {
				return err
			}
			if n != nil && n.Dirty != nil {
				items = append(items, t.pendingItem(n))
			}
		}
		return nil
	})
	sort.Slice(items, func(i, j int) bool { return items[i].Path < items[j].Path })
	return items, err
}

func (t txn) pendingItem(n *store.Node) PendingItem {
	d := n.Dirty
	it := PendingItem{
		Ino: n.Ino, Path: t.path(n.Ino), Change: changeOf(n), Size: max(n.Size, 0),
		Since: time.Unix(0, d.Since), State: "pending", Reason: d.Failed, Failed: d.Failed != "",
	}
	if t.outgoing(n) {
		it.Change, it.Size = "send", t.sizeBelow(n)
	}
	switch {
	case d.Failed != "":
		it.State = "failed: " + d.Failed
	case t.ns.inflight[n.Ino] > 0:
		it.State = t.ns.sendingState(n.Ino)
	case n.Kind == File && n.Exists && t.ns.isWritten(n.Ino):
		it.Reason = "open for writing"
	case t.ns.restsHere(n):
		it.KeptHere = true
		it.Reason = "empty, and the provider stores no empty files: kept here until something is in it"
	}
	return it
}

func changeOf(n *store.Node) string {
	switch {
	case !n.Exists:
		return "deleted"
	case !n.Dirty.Base.Exists:
		return "new"
	case n.Dirty.Content:
		return "content"
	}
	return "moved"
}

// Flush sends everything that was changed before it was called, and returns
// what could not be sent, with the reason, when ctx ends or nothing more can be
// done without somebody's help.
func (ns *Namespace) Flush(ctx context.Context) (left []PendingItem, err error) {
	begun := ns.now()
	release := ns.exec.Force()
	defer release()
	for {
		news := ns.exec.News()
		items, err := ns.changedBefore(begun)
		if err != nil {
			return items, err
		}
		if len(items) == 0 && (!ns.unfinished() || ctx.Err() != nil) {
			return nil, ns.db.Sync()
		}
		if trouble := ns.exec.Trouble(); (len(items) > 0 && onlyFailed(items)) || remote.IsKind(trouble, remote.Auth) {
			return items, trouble
		}
		ns.exec.Wake()
		select {
		case <-ctx.Done():
			return items, ns.exec.Trouble()
		case <-ns.ctx.Done():
			return items, remote.E(remote.Canceled, "flush", "", ns.ctx.Err())
		case <-news:
		}
	}
}

// unfinished tells whether a call's outcome is still to be looked up, or
// something to be cleaned up.
func (ns *Namespace) unfinished() (yes bool) {
	_ = ns.view(func(txn) error {
		yes = len(ns.unresolved) > 0
		return nil
	})
	return yes
}

// changedBefore returns what differs since before a time.
func (ns *Namespace) changedBefore(at int64) (items []PendingItem, err error) {
	err = ns.view(func(t txn) error {
		for ino, d := range ns.dirty {
			if d.Since > at {
				continue
			}
			n, err := t.get(ino)
			if err != nil {
				return err
			}
			if n != nil && n.Dirty != nil && !ns.restsHere(n) {
				items = append(items, t.pendingItem(n))
			}
		}
		return nil
	})
	return items, err
}

func onlyFailed(items []PendingItem) bool {
	for _, it := range items {
		if !it.Failed {
			return false
		}
	}
	return true
}

// patience is how many passing failures in a row a close waits for.
const patience = 3

// sendNow returns when the provider has what a file holds now, or with the
// error that keeps it from being sent.
func (ns *Namespace) sendNow(ctx context.Context, ino uint64) error {
	ns.hurry(ino, 1)
	defer ns.hurry(ino, -1)
	release := ns.exec.Force()
	defer release()
	for {
		news := ns.exec.News()
		n, err := ns.node(ino)
		if err != nil || n.Dirty == nil || n.LocalOnly || !n.Exists || ns.restsHere(n) {
			return err
		}
		if n.Dirty.Failed != "" {
			return remote.E(remote.Kind(n.Dirty.FailKind), "send", n.Name, errors.New(n.Dirty.Failed))
		}
		if trouble := ns.exec.Trouble(); trouble != nil && (global(remote.KindOf(trouble)) || n.Dirty.Tries >= patience) {
			return trouble
		}
		select {
		case <-ctx.Done():
			return remote.E(remote.Canceled, "send", n.Name, ctx.Err())
		case <-ns.ctx.Done():
			return remote.E(remote.Canceled, "send", n.Name, ns.ctx.Err())
		case <-news:
		}
	}
}

// hurry counts who waits for a file to be sent although it is open for writing:
// close(2) is called on an open file.
func (ns *Namespace) hurry(ino uint64, by int) {
	_ = ns.view(func(t txn) error {
		count(ns.hurried, []uint64{ino}, by)
		return nil
	})
}

// Retry lets everything that was given up, or waits after a failure, be tried
// again now.
func (ns *Namespace) Retry() (int, error) {
	n, err := ns.eachDirty(func(n *store.Node) bool { return n.Dirty.Failed != "" || n.Dirty.RetryAt != 0 },
		func(t txn, n *store.Node) error {
			c, d := *n, *n.Dirty
			d.Failed, d.FailKind, d.RetryAt, d.Tries = "", 0, 0, 0
			c.Dirty = &d
			return t.put(&c)
		})
	ns.exec.Force()()
	return n, err
}

func (ns *Namespace) eachDirty(pick func(*store.Node) bool, do func(txn, *store.Node) error) (count int, err error) {
	err = ns.update(func(t txn) error {
		for ino := range ns.dirty {
			n, err := t.get(ino)
			if err != nil {
				return err
			}
			if n == nil || n.Dirty == nil || !pick(n) {
				continue
			}
			if err := do(t, n); err != nil {
				return err
			}
			count++
		}
		return nil
	})
	return count, err
}

// Drop gives up what could not be sent: files that are new here go, changed ones
// become what the provider has, and deleted ones are shown again. A folder that
// was to be mailed is a draft again. Only nodes
// whose sending failed for good are dropped.
func (ns *Namespace) Drop() (int, error) {
	return ns.eachDirty(func(n *store.Node) bool { return n.Dirty.Failed != "" && !ns.isOpen(n.Ino) },
		func(t txn, n *store.Node) error {
			ns.unused(n.Gen)
			ns.invalidateEntry(n.Place)
			ns.invalidateContent(n.Parent)
			if t.outgoing(n) {
				return t.giveBack(n)
			}
			if !n.Remote.Exists {
				return t.dropLost(n)
			}
			ns.invalidateContent(n.Ino)
			return t.showAgain(n)
		})
}

// Export copies the content of everything that could not be sent into a folder
// outside the mount, under its path, and returns the files made.
func (ns *Namespace) Export(ctx context.Context, dir string) (files []string, err error) {
	items, err := ns.Pending()
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		if err := ctx.Err(); err != nil {
			return files, remote.E(remote.Canceled, "export", it.Path, err)
		}
		some, err := ns.exportItem(it, filepath.Join(dir, filepath.FromSlash(it.Path)))
		files = append(files, some...)
		if err != nil {
			return files, err
		}
	}
	return files, nil
}

// exportItem copies the content of a file, or of all files of a folder that was
// to be mailed.
func (ns *Namespace) exportItem(it PendingItem, to string) (files []string, err error) {
	gens := map[string]uint64{}
	err = ns.view(func(t txn) error {
		n, err := t.get(it.Ino)
		if err != nil || n == nil || !n.Exists {
			return err
		}
		gens[to] = n.Gen
		if !t.outgoing(n) {
			return nil
		}
		d, err := t.collect(n)
		if err != nil {
			return err
		}
		for _, c := range d.nodes {
			gens[filepath.Join(to, filepath.FromSlash(d.paths[c.Ino]))] = c.Gen
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(gens)) {
		if gens[name] == 0 {
			continue
		}
		if err := ns.exportFile(gens[name], name); err != nil {
			return files, err
		}
		files = append(files, name)
	}
	return files, nil
}

func (ns *Namespace) exportFile(gen uint64, to string) error {
	st, err := ns.content.OpenStaged(gen)
	if err != nil {
		return err
	}
	defer func() { _ = st.Close() }()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return stateError(to, err)
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return remote.E(remote.Exist, "export", to, fmt.Errorf("%w: name an empty folder", err))
	}
	_, err = io.Copy(f, io.NewSectionReader(st, 0, st.Size()))
	if e := errors.Join(err, f.Sync(), f.Close()); e != nil {
		return stateError(to, e)
	}
	return nil
}

// Explain returns the plan for everything that is still to be sent, as text.
func (ns *Namespace) Explain() (string, error) {
	in, _, err := (&tree{ns}).Snapshot(true)
	if err != nil {
		return "", err
	}
	return outbox.Explain(outbox.Plan(in), ns.pathOf), nil
}
