package cache_test

import (
	"fmt"
	"strings"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/simulation"
)

// book knows which contents must not be lost. Each content is written once, so
// that it can be told where it went: it is owed from when its write is
// acknowledged until somebody who was shown it replaces or deletes it.
type book struct {
	s    *sim
	last int
	// known are all contents that ever were.
	known   map[string]bool
	lengths map[int]bool
	owed    map[string]*debt
	// local are the contents written here, by node.
	local map[uint64]string
	// copies are the contents of nodes that show another object's, copied all
	// contents that were ever copied: more than one object may have them.
	copies map[uint64]string
	copied map[string]bool
	// unsure are the nodes of which it is not known what was written when the mount
	// died.
	unsure map[uint64]bool
	// released counts how often somebody let a content go.
	released map[string]int
	// uploads counts the uploads of a content that were answered.
	uploads map[string]int
	// strayed is true once an upload came to a folder that was not meant: if it
	// cannot be brought home it is sent again.
	strayed bool
}

// debt is a content that is owed.
type debt struct {
	// here is true if it was written through the mount.
	here bool
	// at is when it was written, seen when the mount was first told of it, 0 if
	// it was not.
	at, seen int
	// astray is true once others moved it and nothing told so: where only paths
	// count, a request may meet it in the place of something else.
	astray bool
	// event counts the events up to its first sight.
	event int
}

func newBook(s *sim) book {
	return book{
		s: s, known: map[string]bool{"": true}, lengths: map[int]bool{}, owed: map[string]*debt{}, local: map[uint64]string{}, unsure: map[uint64]bool{},
		uploads: map[string]int{}, released: map[string]int{}, copies: map[uint64]string{}, copied: map[string]bool{},
	}
}

// token makes a content, to come after so many bytes. No two contents have the
// same length: where an answer does not tell whether the content changed, the
// length must.
func (b *book) token(by string, after int) string {
	b.last++
	token := fmt.Sprintf("%s%d", by, b.last)
	for b.lengths[after+len(token)] {
		token += "."
	}
	b.lengths[after+len(token)] = true
	b.known[token] = true
	return token
}

func (b *book) owe(token string, here bool) {
	b.known[token] = true
	if token != "" {
		b.owed[token] = &debt{here: here, at: b.s.acct.Now()}
	}
}

// release notes that a content may go. It returns how to take that back, if
// nobody else released it meanwhile.
func (b *book) release(token string) (undo func()) {
	d := b.owed[token]
	delete(b.owed, token)
	b.released[token]++
	before := b.released[token]
	return func() {
		if d != nil && b.released[token] == before {
			b.owed[token] = d
		}
	}
}

// shown is the content that the mount shows of a file.
func (b *book) shown(ino uint64) string {
	sight := b.s.ns.Sight(ino)
	switch {
	case sight.Copy:
		return b.copies[ino]
	case sight.Gen != 0:
		return b.local[ino]
	}
	return b.s.acct.Content(sight.Version)
}

// saw notes that an answer told of an object.
func (b *book) saw(c simulation.Call, o simulation.Object) {
	d := b.owed[o.Content]
	if d == nil {
		return
	}
	if d.astray {
		d.astray, d.seen = false, 0
	}
	if d.seen == 0 {
		d.seen, d.event = c.At, b.s.counts.events
	}
}

// strays notes that others moved an object.
func (b *book) strays(o simulation.Object) {
	if d := b.owed[o.Content]; d != nil && b.s.odds.manners.NoIDs {
		d.astray = true
	}
}

// forgetSights forgets what the mount was told just before it died: it may not
// have been recorded.
func (b *book) forgetSights() {
	for _, d := range b.owed {
		if d.event >= b.s.counts.events {
			d.seen = 0
		}
	}
}

// archiveFolder begins the names of folders in which archives are unpacked.
const archiveFolder = "/" + outbox.TempPrefix + "ar"

// destroyed judges that a request replaced or deleted a content: one that is
// owed must not go, but for the moment between the evidence and the request.
func (b *book) destroyed(c simulation.Call, o simulation.Object) {
	d := b.owed[o.Content]
	if d == nil || o.Dir || o.Content == "" || strings.HasPrefix(o.Path, archiveFolder) {
		return
	}
	if b.copied[o.Content] {
		return // another object may have it: in the end one must
	}
	b.release(o.Content)
	switch {
	case c.Late:
		b.s.note("a late request destroyed %q", o.Content)
	case d.astray:
		b.s.counts.windows++
		b.s.note("in the window: %s destroyed %q, which others moved", c.Op, o.Content)
	case d.here:
		b.s.wrongf("%s destroyed %q, which was written here", c.Op, o.Content)
	case d.seen != 0 && d.seen < c.At:
		b.s.wrongf("%s destroyed %q, which had been seen", c.Op, o.Content)
	default:
		b.s.counts.windows++
		b.s.note("in the window: %s destroyed %q", c.Op, o.Content)
	}
}

// sent judges that a request was carried out and answered.
func (b *book) sent(c simulation.Call) {
	if !strings.HasPrefix(c.Op, "upload") || strings.HasSuffix(c.About, "/a.zip") || c.Content == "" {
		return
	}
	if !b.known[c.Content] {
		b.s.wrongf("%q was sent, which nobody wrote", c.Content)
	}
	// Of a lost answer, the other name that it told is lost too.
	named := b.s.odds.manners.OtherNames && b.s.counts.faults+b.s.counts.crashes > 0
	if b.uploads[c.Content]++; b.uploads[c.Content] > 1 && b.owed[c.Content] != nil && !b.strayed && !named && !b.copied[c.Content] {
		b.s.wrongf("%q was sent %d times", c.Content, b.uploads[c.Content])
	}
}

// check compares what is owed with what the account holds.
func (b *book) check() {
	held := map[string]bool{}
	for _, o := range b.s.acct.Objects() {
		held[o.Content] = true
		if strings.HasPrefix(o.Name, outbox.TempPrefix) && b.s.counts.lates == 0 {
			b.s.wrongf("%s was left behind", o.Path)
		}
	}
	for token := range b.owed {
		if !held[token] {
			b.s.wrongf("%q is lost", token)
		}
	}
}
