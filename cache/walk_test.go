package cache_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// wide is an account of folders with folders with files, 4 by 5 by 3.
func wide() map[string]string {
	files := map[string]string{}
	for i := range 4 {
		for j := range 5 {
			for k := range 3 {
				files[fmt.Sprintf("d%d/e%d/f%d", i, j, k)] = "text"
			}
		}
	}
	return files
}

const wideEntries = 4 + 4*5 + 4*5*3

func TestAWalkListsTheTree(t *testing.T) {
	for _, pages := range []string{"none", "10"} {
		t.Run(pages, func(t *testing.T) {
			w := newWorld(t, wide(), withSwitch("page-cap", pages))
			most := 2 + 1 // two folders, then everything
			if pages != "none" {
				most = 2 + 1 + (wideEntries-2)/9
			}
			w.costs("a walk", most, func() {
				if n := w.walk(""); n != wideEntries {
					t.Errorf("%d entries", n)
				}
			})
			w.costs("the same walk again", 0, func() { w.walk("") })
			w.remount()
			w.costs("the same walk after a remount", 1, func() { w.walk("") })
		})
	}
}

func TestOneFolderIsNoWalk(t *testing.T) {
	w := newWorld(t, wide())
	w.costs("opening a folder deep down", 2, func() {
		if w.ino("d1/e1/f1") == 0 {
			t.Error("a file is not there")
		}
	})
	w.costs("listing two others", 2, func() {
		w.names("d2")
		w.names("d3")
	})
	if n := w.server.CountBy()["tree"]; n != 0 {
		t.Errorf("%d trees were listed", n)
	}
}

func TestATreeThatIsNotWorthItIsNotListed(t *testing.T) {
	files := map[string]string{}
	for i := range 5 {
		files[fmt.Sprintf("d%d/f", i)] = "text"
	}
	for i := range 300 {
		files[fmt.Sprintf("a large folder/f%03d", i)] = "text"
	}
	w := newWorld(t, files, withSwitch("page-cap", "10"))
	w.names("a large folder")
	w.costs("a walk over the others", 5, func() { w.walk("") })
}

func TestAWalkGoesOnWhereTreesCannotBeListed(t *testing.T) {
	for _, search := range []string{"400", "flat"} {
		t.Run(search, func(t *testing.T) {
			w := newWorld(t, wide(), withSwitch("search", search))
			w.costs("a walk", 4+4*5+1, func() {
				if n := w.walk(""); n != wideEntries {
					t.Errorf("%d entries", n)
				}
			})
		})
	}
}

// TestAFolderThatChangesWhileItsTreeIsListed changes the account between two
// pages.
func TestAFolderThatChangesWhileItsTreeIsListed(t *testing.T) {
	w := newWorld(t, wide(), withSwitch("page-cap", "10"))
	w.check(w.server.Fail(sandbox.Fault{Op: "tree", Nth: 4, Kind: sandbox.Stall}))
	walked := make(chan struct{})
	go func() {
		defer close(walked)
		w.walk("")
	}()
	w.until(func() bool { return len(w.server.Faults()) == 0 })
	w.api("POST", "/resources", `{"path":"/d0/made"}`)
	w.api("DELETE", "/resources", `{"resources":["/d1/e1/f1"]}`)
	w.api("POST", "/resources/move", `{"resources":["/d2/e0"],"parentResource":"/d3/e4"}`)
	w.server.Release()
	<-walked
	if _, ok := w.names("d0")["made"]; !ok {
		t.Error("a new folder is missing")
	}
	if _, ok := w.names("d1/e1")["f1"]; ok {
		t.Error("a deleted file is there")
	}
	if _, ok := w.names("d2")["e0"]; ok {
		t.Error("a folder is still where it was")
	}
	if n := len(w.names("d3/e4/e0")); n != 3 {
		t.Errorf("%d files in the folder that was moved", n)
	}
}

func TestReadersInATreeWaitForItsListing(t *testing.T) {
	w := newWorld(t, wide(), withSwitch("page-cap", "10"))
	w.names("d0")
	w.names("d1")
	w.server.ResetCount()
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() { w.walk(fmt.Sprintf("d%d", i)) })
	}
	group.Wait()
	// The two that are left may be listed before the walk is noticed.
	if n := w.server.CountBy()["list"]; n > 2 {
		t.Errorf("folders were listed by themselves: %v", w.server.CountBy())
	}
}

func TestATreeTakesAwayWhatIsGone(t *testing.T) {
	c := &clock{}
	w := newWorld(t, wide(), withClock(c), withSwitch("activity", "forbidden"))
	w.walk("")
	w.removeRemote("d1/e1/f1", "d2")
	w.server.Sweep()
	c.advance(2 * w.ns.Timeout())
	w.costs("a walk when all is old", 4, func() { w.walk("") })
	if names := w.names("d1/e1"); len(names) != 2 {
		t.Errorf("there are %v", names)
	}
	if slices.Contains(w.sorted(""), "d2") {
		t.Error("a deleted folder is there")
	}
}

func TestATreeLeavesWhatIsBeingChanged(t *testing.T) {
	w := newWorld(t, wide(), unhurried)
	w.write("d0/new", "written here")
	w.walk("")
	if w.read("d0/new") != "written here" || w.ino("d0/new") == cache.RootIno {
		t.Error("a new file is gone")
	}
	if n := w.walk(""); n != wideEntries+1 {
		t.Errorf("%d entries", n)
	}
}
