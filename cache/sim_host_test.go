package cache_test

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/simulation"
	"github.com/frugalfs/frugalfs/remote"
)

var _ simulation.Host = (*sim)(nil)

// Fates that reading and changing requests may have, the likely ones more than
// once.
var (
	readFates = []simulation.Fate{
		simulation.Busy, simulation.LostBefore, simulation.Partly, simulation.Partly, simulation.Unreachable, simulation.Spent,
	}
	changeFates = []simulation.Fate{
		simulation.Busy, simulation.LostBefore, simulation.LostBefore, simulation.LostAfter, simulation.LostAfter,
		simulation.LostAfter, simulation.Late, simulation.Late, simulation.Partly, simulation.Partly, simulation.Unreachable,
		simulation.Spent, simulation.Refused,
	}
)

// Arrives implements simulation.Host.
func (s *sim) Arrives(c simulation.Call) simulation.Fate {
	s.counts.requests++
	if c.Mutates {
		s.counts.mutations++
	}
	s.pass(time.Millisecond)
	s.note("> %s %s %.40q", c.Op, c.About, c.Content)
	s.meanwhile(c)
	_ = s.durable("request")
	if s.calm || s.crashed || !s.chance(s.odds.fault) {
		return simulation.Works
	}
	s.counts.faults++
	fate := pick(s.r, readFates...)
	if c.Mutates {
		fate = pick(s.r, changeFates...)
	}
	if fate == simulation.Late && c.Mutates {
		s.counts.lates++
	}
	return fate
}

// Leaves implements simulation.Host.
func (s *sim) Leaves(c simulation.Call, answer string, err error) {
	s.note("< %s %s %s (%v)", c.Op, c.Fate, answer, err)
	if where, _, told := strings.Cut(answer, " "); told && c.Op == "upload" && path.Dir(where) != path.Dir(c.About) {
		s.book.strayed = true // also if the mount dies before it says so
	}
	_ = s.durable("answer")
	s.meanwhile(c)
	s.pass(time.Millisecond)
	if err == nil && c.Fate == simulation.Works && !s.crashed {
		s.book.sent(c)
	}
}

// meanwhile lets something else happen while a request is under way: others change
// the account, or, as no lock is held, the mount is used or sends something else.
func (s *sim) meanwhile(c simulation.Call) {
	if s.calm || s.crashed || s.nested > 1 || !s.chance(s.odds.during) {
		return
	}
	s.nested++
	defer func() { s.nested-- }()
	if !c.Mutates || !s.stepping || s.nested > 1 {
		if s.chance(2 * s.odds.other) {
			s.other()
		}
		return
	}
	s.stepping = false
	defer func() { s.stepping = true }()
	switch s.r.IntN(5) {
	case 0, 1:
		s.change()
	case 2:
		s.step()
	case 3:
		s.other()
	case 4:
		s.deliver()
	}
}

// step lets the outbox carry out one step.
func (s *sim) step() bool {
	s.stepping = true
	defer func() { s.stepping = false }()
	return s.ns.Outbox().Step(s.ctx, s.r.IntN)
}

// deliver lets a late request arrive.
func (s *sim) deliver() {
	if s.acct.Deliver() {
		s.note("a late request arrived")
	}
}

// Destroys implements simulation.Host.
func (s *sim) Destroys(c simulation.Call, o simulation.Object) { s.book.destroyed(c, o) }

// Shows implements simulation.Host.
func (s *sim) Shows(c simulation.Call, o simulation.Object) { s.book.saw(c, o) }

// Duplicates implements simulation.Host.
func (s *sim) Duplicates(o simulation.Object) { s.book.copied[o.Content] = true }

// Strays implements simulation.Host.
func (s *sim) Strays(o simulation.Object) { s.book.strays(o) }

// other lets others change the account.
func (s *sim) other() {
	s.counts.others++
	dirs, files := []string{simulation.RootID}, []simulation.Object(nil)
	all := slices.DeleteFunc(s.acct.Objects(), func(o simulation.Object) bool { return strings.HasPrefix(o.Path, archiveFolder) })
	for _, o := range all {
		if o.Dir {
			dirs = append(dirs, o.ID)
		} else {
			files = append(files, o)
		}
	}
	dir, name := pick(s.r, dirs...), someName(s.r)
	switch s.r.IntN(9) {
	case 0, 1:
		s.otherWrites(dir, name)
	case 2, 3:
		if len(files) > 0 {
			f := pick(s.r, files...)
			s.otherWrites(f.Parent, f.Name)
		}
	case 4:
		s.note("others: mkdir %s in %s: %v", name, dir, s.acct.OtherMakes(dir, name))
	case 5, 6:
		if len(all) > 0 {
			o := pick(s.r, all...)
			s.note("others: move %s to %s as %s: %v", o.Path, dir, name, s.acct.OtherMoves(o.ID, dir, name))
			clear(s.book.uploads) // what is not where it was sent to may be sent again
		}
	case 7, 8:
		if len(all) > 0 {
			s.otherDeletes(pick(s.r, all...))
		}
	}
}

func (s *sim) otherWrites(dir, name string) {
	token := s.book.token("r", 0)
	old, ok := s.acct.OtherWrites(dir, name, token)
	s.note("others: write %s as %s in %s over %q: %v", token, name, dir, old.Content, ok)
	if ok {
		s.book.release(old.Content)
		s.book.owe(token, false)
	}
}

// otherDeletes deletes an object; sometimes another file takes its place at once.
func (s *sim) otherDeletes(o simulation.Object) {
	gone, ok := s.acct.OtherDeletes(o.ID)
	s.note("others: delete %s: %v", o.Path, ok)
	for _, each := range gone {
		s.book.release(each.Content)
	}
	if ok && s.chance(300) && !strings.HasPrefix(o.Name, outbox.TempPrefix) {
		s.otherWrites(o.Parent, o.Name)
	}
}

// kindOf is the kind of an error in a few words, for the trace.
func kindOf(err error) string {
	if err == nil {
		return "ok"
	}
	return remote.KindOf(err).String()
}
