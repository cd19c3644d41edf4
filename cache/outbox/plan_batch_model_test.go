package outbox

import (
	"slices"
	"testing"

	"github.com/frugalfs/frugalfs/remote/remotetest/seed"
)

// withArchives makes the provider one that unpacks archives.
func (w *world) withArchives() {
	w.byUpload = false
	c := &w.caps
	c.Archives, c.UploadMakesParents, c.RecursiveDelete, c.TreeList = true, true, true, true
	c.Archive, c.ArchiveFile = int64(w.roll(60)), int64(5+w.roll(5))
	c.MoveBatch, c.PageSize = 1+w.roll(6), 1+w.roll(20)
	w.torn = w.odds(4)
}

// unpack carries out an Archive step: all of it, or nothing.
func (w *world) unpack(s Step) bool {
	if w.torn && w.odds(2) {
		for _, ino := range s.Inos {
			w.nodes[ino].Plain = true
		}
		return false
	}
	for _, n := range w.topsOf(s) {
		if other := w.provider.taken(w.objectOf(s.Parent), n.Local.Name); other != nil {
			return w.refused(other)
		}
	}
	for _, ino := range s.Inos {
		n := w.nodes[ino]
		folder := w.objectOf(n.Local.Parent)
		if w.provider.objects[folder] == nil || n.object != 0 {
			w.failf("node %d is not new, or comes before its folder", ino)
			return false
		}
		w.made(n, w.provider.add(folder, n.Local.Name, n.Dir, n.content))
	}
	return true
}

// topsOf returns the nodes of an archive that go into its folder itself.
func (w *world) topsOf(s Step) []*modelNode {
	var tops []*modelNode
	for _, ino := range s.Inos {
		if n := w.nodes[ino]; n.Local.Parent == s.Parent {
			tops = append(tops, n)
		}
	}
	return tops
}

// checkArchives checks that each archive keeps the provider's limits and saves
// something, and that all of them together do.
func (w *world) checkArchives(in Input, steps []Step) {
	for _, s := range steps {
		if s.Op == Archive {
			w.checkArchive(in, s)
			w.checkFirm(in, s.Parent, steps)
		}
	}
	if !w.caps.Archives || w.odds(2) {
		return
	}
	in.Caps.Archives = false
	if plain := Plan(in); changeCost(steps) > changeCost(plain) {
		w.failf("costs more with archives:\n%swithout:\n%s", Explain(steps, inoName), Explain(plain, inoName))
	}
}

func (w *world) checkArchive(in Input, s Step) {
	within := map[uint64]bool{s.Parent: true}
	var bytes int64
	for _, ino := range s.Inos {
		n := w.nodes[ino]
		switch {
		case n.Remote.Exists || n.Base.Exists || !n.Local.Exists || !within[n.Local.Parent]:
			w.failf("node %d is not new, or is before its folder", ino)
		case n.Plain || n.Size > in.Caps.ArchiveFile || (!n.Ready && !n.Dir):
			w.failf("node %d does not belong in an archive", ino)
		}
		within[ino] = n.Dir
		bytes += n.Size
	}
	entries := len(s.Inos)
	want := 4 + (entries+1+in.Caps.PageSize-1)/in.Caps.PageSize
	if s.Cost != want || s.Cost >= entries || bytes > in.Caps.Archive || len(w.topsOf(s)) > in.Caps.MoveBatch {
		w.failf("archive of %d entries, %d bytes: %+v", entries, bytes, s)
	}
}

// checkFirm checks that no step moves the folder of an archive.
func (w *world) checkFirm(in Input, folder uint64, steps []Step) {
	if w.objectOf(folder) == 0 {
		w.failf("folder %d of an archive is not there", folder)
	}
	for ; folder != 0; folder = in.Parents[folder] {
		for _, s := range steps {
			if !s.Op.Observes() && s.Op != Settle && slices.Contains(s.Inos, folder) {
				w.failf("folder %d of an archive is changed by: %+v", folder, s)
			}
		}
	}
}

// converge plays the same changes to their end without disturbance, with or
// without archives, and returns what all requests cost.
func converge(seed uint64, archives bool) (int, error) {
	w := newWorld(diceOf(seed, nil))
	w.withArchives()
	w.torn, w.caps.CopyBatch = false, 0 // whether a copy can be made depends on the round
	for range 4 + w.roll(30) {
		w.act()
	}
	w.publish()
	for range 1 + w.roll(30) {
		w.act()
	}
	w.caps.Archives = archives
	for round := 0; w.unsent() > 0 && w.fault == nil; round++ {
		steps := Plan(w.input())
		if round > 50 || len(steps) == 0 {
			w.failf("no end in round %d", round)
		}
		w.run(steps, len(steps))
	}
	w.compare()
	return w.spent, w.fault
}

// TestPlanArchivesNeverCostMore compares all that is spent until both sides
// agree, with archives and without.
func TestPlanArchivesNeverCostMore(t *testing.T) {
	seed := seed.Of(t)
	for i := range uint64(randomCases / 8) {
		with, err := converge(seed+i, true)
		if err != nil {
			t.Fatalf("FRUGALFS_SEED=%d: %v", seed+i, err)
		}
		without, err := converge(seed+i, false)
		if err != nil {
			t.Fatalf("FRUGALFS_SEED=%d: %v", seed+i, err)
		}
		if with > without {
			t.Errorf("FRUGALFS_SEED=%d: %d requests with archives, %d without", seed+i, with, without)
		}
	}
}
