package cache

import (
	"os"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// stateOf is an object as a node's state, seen by a request sent at a time.
func stateOf(o remote.Object, parent uint64, seen int64) store.State {
	s := store.State{
		Exists: true, Place: store.Place{Parent: parent, Name: o.Name},
		ID: o.ID, Version: o.Version, Size: o.Size, Hash: o.Hash, Seen: seen,
	}
	if !o.ModTime.IsZero() {
		s.ModTime = o.ModTime.UnixNano()
	}
	return s
}

// mergeObject takes in one object that was observed in the folder parent by a
// request sent at a time. It returns the number of the node that stands for it,
// 0 if the observation is older than what is known.
func (t txn) mergeObject(parent uint64, o remote.Object, sent int64) (uint64, error) {
	if t.outdated(parent, o, sent) {
		return 0, nil
	}
	s := stateOf(o, parent, sent)
	n, err := t.match(s, o.Dir)
	if err != nil {
		return 0, err
	}
	if n == nil {
		return t.adoptOrAdd(s, o.Dir)
	}
	if n.Remote.Seen > sent {
		return n.Ino, nil
	}
	if t.ns.inflight[n.Ino] > 0 {
		t.doubt(n, s)
		return n.Ino, nil
	}
	delete(t.ns.doubted, n.Ino)
	return t.mergeState(recognised(n, o), s)
}

// outdated tells whether we did something about the object, or its place, after
// the request was sent.
func (t txn) outdated(parent uint64, o remote.Object, sent int64) bool {
	place := store.Place{Parent: parent, Name: o.Name}
	if at, ok := t.ns.gone[t.ns.identity(o.ID, place)]; ok && at >= sent {
		return true
	}
	return t.ns.inflightPlaces[place] > 0
}

// match finds the node of an object: by its ID, or by its place at the provider
// if there are no IDs or the object there was replaced by another.
func (t txn) match(s store.State, dir bool) (*store.Node, error) {
	if s.ID != "" {
		n, err := t.ByRemoteID(s.ID)
		if n != nil || err != nil {
			return t.loaded(n), err
		}
	}
	n, err := t.standing(s.Place)
	if err != nil || n == nil || (n.Kind == Dir) != dir {
		return nil, err
	}
	if t.ns.caps.IDs && isDisplaced(n) {
		return nil, nil // another object than the one that leaves this place
	}
	return n, nil
}

// adoptOrAdd takes in an object that no node stands for: a folder of the same
// name that is new here becomes its node, a file of the same name that is new
// here is a conflict, and otherwise a node is made.
func (t txn) adoptOrAdd(s store.State, dir bool) (uint64, error) {
	n, err := t.child(s.Parent, s.Name)
	if err != nil {
		return 0, err
	}
	if t.outgoing(n) {
		// It may be what was sent of it, of which nobody knows yet. Another one
		// shows when this is known.
		return 0, t.staleListing(s.Parent)
	}
	if n != nil && n.Kind == Dir && dir && !n.Remote.Exists {
		return n.Ino, t.adopt(n, s)
	}
	if n != nil {
		if err := t.stepAside(n); err != nil {
			return 0, err
		}
	}
	return t.addObject(s, dir)
}

// adopt makes a folder that is new here the node of a folder that the provider
// turned out to have.
func (t txn) adopt(n *store.Node, s store.State) error {
	c := t.touch(n, func(c *store.Node) {
		c.Remote, c.Dirty.Base = s, s
		c.Dirty.Changed = n.Dirty.Changed
	})
	t.ns.log.Info("folder exists at the provider already", "path", t.path(n.Ino))
	return t.put(c)
}

// addObject makes a node for an object that is new here.
func (t txn) addObject(s store.State, dir bool) (uint64, error) {
	ino, err := t.newIno()
	if err != nil {
		return 0, err
	}
	n := &store.Node{
		Ino: ino, Exists: true, Place: s.Place, Mode: 0o644, UID: t.ns.opt.UID, GID: t.ns.opt.GID,
		Size: s.Size, Mtime: t.shownTime(s), Ctime: t.shownTime(s), Remote: s,
	}
	if dir {
		n.Kind, n.Mode, n.Size = Dir, 0o755, 0
	}
	if err := t.put(n); err != nil {
		return 0, err
	}
	t.ns.invalidateEntry(s.Place)
	t.ns.invalidateContent(s.Parent)
	return ino, t.resurrect(s.Parent)
}

// shownTime is when a content that turned up at the provider changed: where the
// provider does not tell, when it was first seen.
func (t txn) shownTime(s store.State) int64 {
	if s.ModTime != 0 {
		return s.ModTime
	}
	return t.ns.now()
}

// resurrect shows a folder, and those above it, again that was deleted here while
// the provider turns out to hold something in it that was not.
func (t txn) resurrect(ino uint64) error {
	n, err := t.get(ino)
	if err != nil || n == nil || n.Exists || !n.Remote.Exists {
		return err
	}
	return t.showAgain(n)
}

// showAgain takes back a delete that was not sent.
func (t txn) showAgain(n *store.Node) error {
	t.ns.unused(n.Gen)
	c := *n
	c.Exists, c.Dirty, c.Gen, c.Copy = true, nil, 0, nil
	c.Place = n.Remote.Place
	if c.Kind != Dir {
		c.Size, c.Mtime = n.Remote.Size, t.shownTime(n.Remote)
		t.ns.invalidateContent(n.Ino)
	}
	if err := t.unstep(n, &c); err != nil {
		return err
	}
	if err := t.makeRoom(&c); err != nil {
		return err
	}
	t.ns.log.Warn("changed at the provider after it was deleted here: shown again", "path", t.path(n.Ino))
	t.ns.invalidateEntry(c.Place)
	t.ns.invalidateContent(c.Parent)
	if err := t.put(&c); err != nil {
		return err
	}
	return t.resurrect(c.Parent)
}

// unstep gives a node that is to be shown again a name that can be shown, if it
// was moved out of the way at the provider under one of ours: the one that it
// had here, or one like it.
func (t txn) unstep(n, c *store.Node) error {
	if !strings.HasPrefix(c.Name, outbox.TempPrefix) || strings.HasPrefix(n.Name, outbox.TempPrefix) {
		return nil
	}
	c.Name = n.Name
	other, err := t.child(c.Parent, c.Name)
	if err == nil && other != nil {
		c.Name, err = t.freeConflictName(c.Place)
	}
	now := t.ns.now()
	c.Dirty = &store.Dirty{Base: c.Remote, Since: now, Changed: now}
	return err
}

// mergeState merges a new remote state into a node that the provider knows:
// place, content and existence each by itself. It returns the number of the node
// that stands for the object then: after a conflict that is another one.
func (t txn) mergeState(n *store.Node, s store.State) (uint64, error) {
	if n.Kind == Dir {
		s.Version, s.Size = "", 0
	}
	switch {
	case n.Dirty == nil:
		return n.Ino, t.follow(n, s)
	case !n.Exists:
		return t.mergeDeleted(n, s)
	case n.Dirty.Content && n.Kind == File && !s.SameContent(n.Dirty.Base) && n.Dirty.Base.Exists:
		return t.conflict(n, s)
	}
	return n.Ino, t.rebase(n, s)
}

// follow shows what the provider has: the node is clean.
func (t txn) follow(n *store.Node, s store.State) error {
	c := *n
	c.Remote, c.Place = s, s.Place
	if isTemp(s.Name) && !isTemp(n.Name) {
		return t.comeBack(n, s)
	}
	if !s.SameContent(n.Remote) && n.Kind != Dir {
		c.Size, c.Mtime, c.Ctime, c.Gen = s.Size, t.shownTime(s), t.ns.now(), 0
		t.ns.invalidateContent(n.Ino)
	}
	if n.Remote.Seen == s.Seen && c.Remote == n.Remote {
		return nil
	}
	if c.Place != n.Place {
		if err := t.followPlace(n, &c); err != nil {
			return err
		}
	}
	return t.put(&c)
}

// comeBack has a clean node renamed to where it is shown: a call of ours that was
// given up arrived late, and left its object under a name of the moment.
func (t txn) comeBack(n *store.Node, s store.State) error {
	t.ns.log.Warn("left under a passing name at the provider: renaming it back", "path", t.path(n.Ino), "name", s.Name)
	c := *n
	c.Remote = s
	return t.put(t.touch(&c, func(*store.Node) {}))
}

// followPlace moves a clean node to where the provider has it now.
func (t txn) followPlace(n, c *store.Node) error {
	if ok, err := t.below(c.Parent, n.Ino); ok || err != nil {
		c.Place = n.Place // a circle: keep the local arrangement, and send it
		if err == nil && c.Dirty == nil {
			now := t.ns.now()
			c.Dirty = &store.Dirty{Base: c.Remote, Since: now, Changed: now}
		}
		return err
	}
	if err := t.makeRoom(c); err != nil {
		return err
	}
	t.ns.invalidateEntry(n.Place)
	t.ns.invalidateEntry(c.Place)
	t.ns.invalidateContent(n.Parent)
	t.ns.invalidateContent(c.Parent)
	return t.resurrect(c.Parent)
}

// below tells whether a folder is another one, or inside it.
func (t txn) below(ino, folder uint64) (bool, error) {
	for range maxDepth {
		if ino == folder {
			return true, nil
		}
		if ino == RootIno {
			return false, nil
		}
		n, err := t.get(ino)
		if err != nil || n == nil {
			return false, err
		}
		ino = n.Parent
	}
	return true, nil
}

// makeRoom frees the place that a node is about to take.
func (t txn) makeRoom(c *store.Node) error {
	other, err := t.child(c.Parent, c.Name)
	if err != nil || other == nil || other.Ino == c.Ino {
		return err
	}
	return t.stepAside(other)
}

// stepAside gives a node another name because the provider has something else
// in its place. What differs here keeps its content under a conflict's name. A
// clean node is where it is by old knowledge only: it waits, under a name of
// ours, for the listing that tells where it went.
func (t txn) stepAside(n *store.Node) error {
	if n.Dirty == nil && !n.LocalOnly {
		return t.hide(n)
	}
	name, err := t.freeConflictName(n.Place)
	if err != nil {
		return err
	}
	t.ns.log.Warn("conflict: kept under another name", "path", t.path(n.Ino), "name", name)
	t.ns.invalidateEntry(n.Place)
	t.ns.invalidateContent(n.Parent)
	c := *n
	c.Name = name
	if !n.LocalOnly {
		c = *t.touch(n, func(c *store.Node) { c.Name = name })
	}
	return t.put(&c)
}

func (t txn) hide(n *store.Node) error {
	c := *n
	c.Name = hiddenName(n.Ino)
	if err := t.put(&c); err != nil {
		return err
	}
	return t.staleListing(n.Parent)
}

// unhide gives a node that waited under a name of ours, and turned out to be
// gone, the name back that it had, or one like it.
func (t txn) unhide(c *store.Node) error {
	if c.Name != hiddenName(c.Ino) {
		return nil
	}
	name := c.Remote.Name
	other, err := t.child(c.Parent, name)
	if err == nil && other != nil {
		name, err = t.freeConflictName(store.Place{Parent: c.Parent, Name: name})
	}
	if err == nil {
		c.Name = name
	}
	return err
}

func (t txn) freeConflictName(p store.Place) (string, error) {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "here"
	}
	for try := 0; ; try++ {
		name := conflictName(p.Name, host, t.ns.opt.Now(), try)
		other, err := t.child(p.Parent, name)
		if err != nil || other == nil {
			return name, err
		}
	}
}

// mergeDeleted merges into a node that was deleted here: a delete is a write,
// so what changed at the provider since is shown again. Of a file that was
// written here and that somebody still has open, that is done by another node.
func (t txn) mergeDeleted(n *store.Node, s store.State) (uint64, error) {
	base := n.Dirty.Base
	c := *n
	c.Remote = s
	switch {
	case s.Place == base.Place && (n.Kind != File || s.SameContent(base)):
		return n.Ino, t.put(&c)
	case n.Gen == 0 || !t.ns.isOpen(n.Ino):
		return n.Ino, t.showAgain(&c)
	}
	c.Remote, c.Dirty = store.State{}, nil
	if err := t.put(&c); err != nil {
		return 0, err
	}
	return t.adoptOrAdd(s, n.Kind == Dir)
}

// rebase takes what changed at the provider into a node that differs here in
// another respect.
func (t txn) rebase(n *store.Node, s store.State) error {
	c, d := *n, *n.Dirty
	place := n.Place
	if s.Place != d.Base.Place && n.Place == d.Base.Place {
		c.Place = s.Place
	}
	if !d.Content && n.Kind == File && !s.SameContent(d.Base) {
		c.Size, c.Mtime, c.Gen = s.Size, t.shownTime(s), 0
		t.ns.invalidateContent(n.Ino)
	}
	c.Remote, d.Base = s, s
	c.Dirty = &d
	if c.Place != place {
		if err := t.followPlace(n, &c); err != nil {
			return err
		}
	}
	if !differs(&c) {
		c.Dirty = nil
	}
	return t.put(&c)
}

// conflict separates the two sides of a file that was changed here and there:
// the node, with what is open on it, keeps the local content under a conflict's
// name and becomes new; another node, which is returned, shows what the provider
// has.
func (t txn) conflict(n *store.Node, s store.State) (uint64, error) {
	name, err := t.freeConflictName(n.Place)
	if err != nil {
		return 0, err
	}
	t.ns.log.Warn("conflict: changed here and at the provider", "path", t.path(n.Ino), "kept as", name)
	place := n.Place
	c := *n
	d := *n.Dirty
	d.Base, d.Changed = store.State{}, t.ns.now()
	c.Remote, c.Name, c.Dirty = store.State{}, name, &d
	if err := t.put(&c); err != nil {
		return 0, err
	}
	t.ns.invalidateEntry(place)
	t.ns.invalidateContent(place.Parent)
	t.ns.health.noteConflict(t.path(n.Ino), t.ns.opt.Now())
	ino, err := t.adoptOrAdd(s, false)
	if err == nil {
		err = t.nameOf(ino, place)
	}
	return ino, err
}

// nameOf gives a node that is at the provider under a name of ours, on its way
// to another, a place that can be shown, or one like it.
func (t txn) nameOf(ino uint64, place store.Place) error {
	n, err := t.get(ino)
	if err != nil || n == nil || !strings.HasPrefix(n.Name, outbox.TempPrefix) {
		return err
	}
	other, err := t.child(place.Parent, place.Name)
	if err == nil && other != nil {
		place.Name, err = t.freeConflictName(place)
	}
	if err != nil {
		return err
	}
	return t.put(t.touch(n, func(c *store.Node) { c.Place = place }))
}

// remoteGone takes in that the provider no longer has a node's object, and with
// a folder nothing below it.
func (t txn) remoteGone(n *store.Node) error {
	if t.ns.inflight[n.Ino] > 0 {
		return nil // our own doing, or about to be known
	}
	children, err := t.RemoteChildren(n.Ino)
	if err != nil {
		return err
	}
	for _, c := range children {
		if err := t.remoteGone(t.loaded(c)); err != nil {
			return err
		}
	}
	return t.goneAlone(n)
}

// goneAlone is remoteGone for a node below which nothing is left at the
// provider. What was changed here, and the folders it needs, become new.
func (t txn) goneAlone(n *store.Node) error {
	keep := n.Exists && n.Dirty != nil && n.Dirty.Content
	if n.Kind == Dir && n.Exists {
		needed, err := t.holdsChanges(n.Ino)
		if err != nil {
			return err
		}
		keep = needed
	}
	t.ns.invalidateEntry(n.Place)
	t.ns.invalidateContent(n.Parent)
	if !keep {
		return t.dropLost(n)
	}
	t.ns.log.Warn("deleted at the provider, changed here: kept", "path", t.path(n.Ino))
	c := *n
	if err := t.unhide(&c); err != nil {
		return err
	}
	c.Remote = store.State{}
	c.Dirty = nil
	return t.put(t.touch(&c, func(c *store.Node) { c.Dirty.Content = c.Kind == File }))
}

// dropLost drops a node that the provider lost, with what is local only below
// it. A node that somebody has open stays until it is closed.
func (t txn) dropLost(n *store.Node) error {
	if n.Kind == Dir {
		if err := t.dropLocalChildren(n.Ino); err != nil {
			return err
		}
	}
	if t.ns.isOpen(n.Ino) {
		c := *n
		c.Exists, c.Remote, c.Dirty = false, store.State{}, nil
		t.ns.invalidateAttr(n.Ino) // whoever has it open sees that it has no name any more
		return t.put(&c)
	}
	return t.linger(n)
}

func (t txn) dropLocalChildren(ino uint64) error {
	for {
		nodes, err := t.children(ino, 0, 100)
		if err != nil || len(nodes) == 0 {
			return err
		}
		for _, c := range nodes {
			if err := t.dropLost(c); err != nil {
				return err
			}
		}
		if nodes, err = t.children(ino, 0, 1); err != nil || len(nodes) == 0 {
			return err
		}
	}
}

// holdsChanges tells whether a folder shows something that is still to be sent.
func (t txn) holdsChanges(ino uint64) (bool, error) {
	after := uint64(0)
	for {
		nodes, err := t.children(ino, after, 200)
		if err != nil || len(nodes) == 0 {
			return false, err
		}
		for _, n := range nodes {
			if n.Dirty != nil && n.Exists {
				return true, nil
			}
			if n.Kind == Dir {
				if found, err := t.holdsChanges(n.Ino); found || err != nil {
					return found, err
				}
			}
			after = n.Ino
		}
	}
}

// goneMemory is how long deletes from here are remembered against listings
// that were requested before them.
const goneMemory = 15 * time.Minute

// remember notes that an object was deleted from here, or left its place.
func (t txn) remember(s store.State) {
	id := t.ns.identity(s.ID, s.Place)
	now := t.ns.now()
	for old, at := range t.ns.gone {
		if len(t.ns.gone) > 1<<16 && now-at > int64(goneMemory) {
			delete(t.ns.gone, old)
		}
	}
	if id != "" {
		t.ns.gone[id] = now
	}
}
