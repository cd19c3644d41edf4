package cache

import (
	"path"
	"strings"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// An upload to a folder that is new here makes that folder, and those above it, at
// providers that know objects by their paths. The intent of such a call names the
// folder that is there already, and the path of the file below it; its nodes are
// the file and the new folders, the topmost first. What nobody made before is
// empty: a listing of the folder that is there, in which the topmost is not, holds
// for all of them.

// byUpload tells whether a new folder need not be made by itself. Names that the
// provider may write in another way are left to the call that answers with them.
func (s *snapshot) byUpload(n *store.Node) (bool, error) {
	ns := s.t.ns
	if n.Kind != Dir || n.Remote.Exists || !n.Exists || ns.caps.IDs || !ns.caps.UploadMakesParents ||
		ns.plain[n.Ino] >= plainAfter || !writtenOneWay(n.Name) {
		return false, nil
	}
	ino := n.Parent
	for range maxDepth {
		p, err := s.t.get(ino)
		if err != nil || p == nil {
			return false, err
		}
		if p.Remote.Exists || ino == RootIno {
			break
		}
		ino = p.Parent
	}
	l, err := s.t.listing(ino)
	return l.Complete && !l.Stale, err
}

// writtenOneWay tells whether a name has no characters that can be composed, and no
// blanks at its ends.
func writtenOneWay(name string) bool {
	return strings.TrimSpace(name) == name && !strings.ContainsFunc(name, func(r rune) bool { return r >= 0x300 })
}

// made is a folder that an upload makes.
type made struct {
	ino   uint64
	place store.Place
}

// fillMade works out which folders an Upload step makes.
func (j *job) fillMade(t txn) error {
	if j.step.Op != outbox.Upload || len(j.step.Below) == 0 {
		return nil
	}
	above := uint64(0)
	for i, ino := range j.step.Below {
		n, err := t.get(ino)
		if err != nil || n == nil {
			return staleOr(err, ino)
		}
		if n.Remote.Exists || n.Kind != Dir || (i > 0 && n.Parent != above) {
			return outbox.ErrChanged
		}
		above = ino
		j.made = append(j.made, made{ino, n.Place})
		j.places = append(j.places, n.Place)
	}
	if above != j.place.Parent {
		return outbox.ErrChanged
	}
	base := j.made[0].place.Parent
	if _, err := t.folderRef(base); err != nil {
		return err
	}
	l, err := t.listing(base)
	if err == nil && l.Complete && !l.Stale {
		j.absentSince = l.Sent
	}
	return err
}

// parentRef addresses the folder that a call is about; it need not be there if the
// call makes it.
func (j *job) parentRef(t txn) (remote.Ref, error) {
	if len(j.made) == 0 {
		return t.folderRef(j.place.Parent)
	}
	return remote.Ref{Path: t.ns.rootedPath(path.Join(t.remotePath(j.made[0].place.Parent), path.Join(j.madeNames()...)))}, nil
}

func (j *job) madeNames() (names []string) {
	for _, m := range j.made {
		names = append(names, m.place.Name)
	}
	return names
}

// announced is the place that the intent names.
func (j *job) announced() store.Place {
	if len(j.made) == 0 {
		return j.place
	}
	return store.Place{Parent: j.made[0].place.Parent, Name: path.Join(path.Join(j.madeNames()...), j.place.Name)}
}

// readMade takes from an intent which folders the upload makes.
func (j *job) readMade() {
	names := strings.Split(j.intent.Name, "/")
	if j.step.Op != outbox.Upload || len(j.step.Inos) < 2 || len(names) != len(j.step.Inos) {
		return
	}
	j.step.Below, j.step.Inos = j.step.Inos[1:], j.step.Inos[:1]
	parent := j.intent.Parent
	for i, ino := range j.step.Below {
		m := made{ino, store.Place{Parent: parent, Name: names[i]}}
		j.made = append(j.made, m)
		j.places = append(j.places, m.place)
		parent = ino
	}
	j.place = store.Place{Parent: parent, Name: names[len(names)-1]}
	j.places[0] = j.place
}

// commitMade takes in that the folders are there that an upload was to make.
func (j *job) commitMade(t txn) error {
	for _, m := range j.made {
		n, err := t.get(m.ino)
		if err != nil || n == nil {
			return err
		}
		if n.Remote.Exists {
			continue
		}
		full := t.ns.rootedPath(path.Join(t.remotePath(m.place.Parent), m.place.Name))
		j.expect(t, remote.MadeDir, full)
		err = t.commitState(n, stateOf(remote.Object{Name: m.place.Name, Path: full, Dir: true}, m.place.Parent, t.ns.now()))
		if err == nil {
			err = t.putListing(m.ino, store.Listing{Complete: j.absentSince != 0, Sent: j.absentSince})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// foundMade takes in that an upload's folders are there, with something in them that
// is not from here.
func (j *job) foundMade() error {
	if len(j.made) == 0 {
		return nil
	}
	j.absentSince = 0
	return j.ns.update(j.commitMade)
}

// giveUpMade has folders made by themselves whose making by an upload failed.
func (j *job) giveUpMade(cause error) {
	if len(j.made) == 0 || global(remote.KindOf(cause)) || remote.IsKind(cause, remote.Temporary) {
		return
	}
	_ = j.ns.view(func(txn) error {
		for _, m := range j.made {
			j.ns.plain[m.ino] = plainAfter
		}
		return nil
	})
}

// nearest is the folder of a call that the provider has.
func (j *job) nearest() uint64 { return j.announced().Parent }
