package content

import (
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// spare is an empty staged file that was made before anybody asked for one:
// the making of a file is most of what a new one costs. It has no record, no
// path on it, and a number of its own.
type spare struct {
	gen  uint64
	file *os.File
}

// Spares are made while new files come one after the other.
const (
	// spareBurst is how soon one new file follows another if more will.
	spareBurst = time.Second
	// spareFrom is how many must have come like that.
	spareFrom = 8
	// spareMost is how many are kept at hand.
	spareMost = 16
)

// spares is what a store has at hand; Store.mu guards it.
type spares struct {
	list []spare
	// last is when a staged file was last asked for, and streak how many
	// were, each soon after the other.
	last   time.Time
	streak int
	// filling is true while somebody makes more.
	filling bool
}

// takeSpare returns a spare file, if there is one, and sees to it that there
// will be.
func (s *Store) takeSpare() (spare, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &s.spares
	now := s.now()
	if now.Sub(p.last) > spareBurst {
		p.streak = 0
	}
	p.last = now
	p.streak++
	if s.closed {
		return spare{}, false
	}
	if p.streak >= spareFrom && len(p.list) <= spareMost/2 && !p.filling {
		p.filling = true
		s.work.Go(s.fillSpares)
	}
	if len(p.list) == 0 {
		return spare{}, false
	}
	sp := p.list[0]
	p.list = p.list[1:]
	return sp, true
}

// fillSpares makes spares until there are enough of them, or one cannot be
// made: then whoever needs a file learns why.
func (s *Store) fillSpares() {
	for s.wantsSpare() {
		sp, err := s.makeSpare()
		s.mu.Lock()
		if err != nil {
			s.spares.filling = false
			s.mu.Unlock()
			s.log.Debug("preparing a staged file", "err", err)
			return
		}
		s.spares.list = append(s.spares.list, sp)
		s.mu.Unlock()
	}
}

// wantsSpare tells whether one more is needed; if not, the filling is over.
func (s *Store) wantsSpare() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spares.filling = !s.closed && len(s.spares.list) < spareMost
	return s.spares.filling
}

func (s *Store) makeSpare() (spare, error) {
	gen, err := s.rec.NextGen()
	if err != nil {
		return spare{}, err
	}
	f, err := os.OpenFile(s.path(gen), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	return spare{gen, f}, local("create", err)
}

// dropSpares removes all spares.
func (s *Store) dropSpares() {
	s.mu.Lock()
	list := s.spares.list
	s.spares.list = nil
	s.mu.Unlock()
	for _, sp := range list {
		s.dropSpare(sp)
	}
}

func (s *Store) dropSpare(sp spare) {
	_ = sp.file.Close() // nothing is in it
	if err := s.unlink(sp.gen); err != nil {
		s.log.Warn("removing a file that was not needed", "err", err)
	}
}

// leftSpare tells whether a file without a record is a spare that a killed
// process left. Files that were to hold something have their path on them.
func (s *Store) leftSpare(name string) bool {
	path := filepath.Join(s.dir, name)
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != 0 {
		return false
	}
	_, err = unix.Lgetxattr(path, pathAttr, nil)
	return err != nil
}
