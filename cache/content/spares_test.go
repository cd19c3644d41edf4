package content

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// standing is a clock that stands still, so that however slow the machine is
// one new file follows another at once.
func standing() time.Time { return time.Unix(1_800_000_000, 0) }

// stageMany stages files until spares are there and one was used, and returns how many it staged.
func stageMany(t *testing.T, s *Store) (staged int) {
	t.Helper()
	gens := map[uint64]bool{}
	eventually(t, "spares", func() bool {
		g := mustStage(t, s)
		if gens[g.Gen()] {
			t.Fatalf("generation %d was given twice", g.Gen())
		}
		gens[g.Gen()] = true
		mustWrite(t, g, []byte{byte(g.Gen())}, 0)
		wantStaged(t, g, []byte{byte(g.Gen())})
		mustClose(t, g)
		return len(gens) > 4*spareMost && countSpares(s) > 0
	})
	return len(gens)
}

func countSpares(s *Store) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.spares.list)
}

// contentFiles returns how many files there are outside the orphanage.
func contentFiles(t *testing.T, s *Store) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "??", "*"))
	must(t, err)
	return len(files)
}

func TestSparesAreMadeForManyNewFilesAndGoAtTheEnd(t *testing.T) {
	s, _ := openStore(t, Options{Now: standing}, quick())
	n := stageMany(t, s)
	must(t, s.Close())
	if got := contentFiles(t, s); got != n {
		t.Errorf("%d files for %d staged contents", got, n)
	}
}

func TestFewNewFilesMakeNoSpares(t *testing.T) {
	now := standing()
	s, _ := openStore(t, Options{Now: func() time.Time { return now }}, quick())
	for range 3 * spareFrom {
		mustClose(t, mustStage(t, s))
		now = now.Add(2 * spareBurst)
	}
	if got := contentFiles(t, s); got != 3*spareFrom {
		t.Errorf("%d files for %d staged contents", got, 3*spareFrom)
	}
}

func TestKilledWithSparesLeavesNone(t *testing.T) {
	s, rec := openStore(t, Options{Now: standing}, quick())
	n := stageMany(t, s)
	left := rec.clone()
	eventually(t, "an end of the filling", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return !s.spares.filling
	})
	next := reopen(t, s, left, Options{})
	if len(next.Orphans())+len(next.Lost())+len(next.Suspect()) != 0 {
		t.Errorf("reported: %v %v %v", next.Orphans(), next.Lost(), next.Suspect())
	}
	if got := contentFiles(t, next); got != n {
		t.Errorf("%d files for %d staged contents", got, n)
	}
	s.dropSpares()
}

func TestWhatWasToHoldSomethingIsNoSpare(t *testing.T) {
	s, rec := openStore(t, Options{}, quick())
	for gen, produce := range map[uint64]func(path string) error{
		1001: func(p string) error { return os.WriteFile(p, []byte("x"), 0o600) },
		1002: func(p string) error {
			if err := os.WriteFile(p, nil, 0o600); err != nil {
				return err
			}
			return unix.Setxattr(p, pathAttr, []byte("/a"), 0)
		},
	} {
		if err := produce(s.path(gen)); errors.Is(err, unix.ENOTSUP) {
			must(t, os.Remove(s.path(gen)))
			must(t, os.WriteFile(s.path(gen), []byte("y"), 0o600)) // a file system without attributes
		} else {
			must(t, err)
		}
	}
	next := reopen(t, s, rec.clone(), Options{})
	if got := len(next.Orphans()); got != 2 {
		t.Errorf("%d files set aside, not 2", got)
	}
}
