// Package remotetest is the suite that every client of a provider passes. It
// holds a client to the contract in package remote, through real HTTP to a
// server, and checks after each of its tests that the server was asked exactly
// as often as the ledger says.
//
// Where the contract leaves a provider two ways, the suite takes both, and
// checks what must hold in either: above all that no content is ever lost.
package remotetest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

// Counter is the part of the ledger that the suite needs.
type Counter interface {
	// Count returns how many transactions there were.
	Count() int
}

// Instance is an account without content.
type Instance struct {
	// Remote is the client under test.
	Remote remote.Remote
	// Ledger is what its requests pass.
	Ledger Counter
	// ServerCount returns how many requests the server counted.
	ServerCount func() int
	// Fail makes the next request of an operation (as the ledger names it) go
	// wrong. It may be nil.
	Fail func(op string, what Fault)
}

// Fault is what can go wrong with one request.
type Fault string

// The faults that an Instance is asked for.
const (
	// Lost: the request is carried out, and no answer comes.
	Lost Fault = "lost"
	// Cut: the answer ends after some bytes of its body.
	Cut Fault = "cut"
	// HTML: a page comes instead of an answer, with status 200; the request
	// is not carried out.
	HTML Fault = "html"
	// Unavailable: status 503; the request is not carried out.
	Unavailable Fault = "unavailable"
	// Spent: status 429; the request is not carried out.
	Spent Fault = "spent"
)

// The optional interfaces, as Harness.Offers names them.
const (
	TreeLister        = "TreeLister"
	MoveRenamer       = "MoveRenamer"
	Copier            = "Copier"
	ArchiveDownloader = "ArchiveDownloader"
	Extractor         = "Extractor"
	Quoter            = "Quoter"
	Feed              = "Feed"
)

// Harness says how to test a client.
type Harness struct {
	// Open makes an instance for one test and ends it with the test.
	Open func(t *testing.T) Instance
	// Offers are the optional interfaces that the client has, all of them:
	// one more or less is a failure, so that nothing is left untested unseen.
	Offers []string
	// PageSize is how many entries a page of a listing has.
	PageSize int
	// MoveReplaces and CopyReplaces are true if the server replaces what has
	// the name already. The suite then leaves those cases out.
	MoveReplaces, CopyReplaces bool
	// TreeUnsupported is true if this server cannot list trees although the
	// client can, and FeedForbidden if the user may not read the feed.
	TreeUnsupported, FeedForbidden bool
	// NeverComplete is true if the server does not tell how many entries
	// there are.
	NeverComplete bool
	// UploadCost is how many transactions an upload takes to a name that is
	// free, ChangeCost how many a rename, and a batch of moves or copies. 0
	// means 1.
	UploadCost, ChangeCost int
	// FullPagesGoOn is true if a listing whose last page is full takes another
	// request to prove that nothing follows.
	FullPagesGoOn bool
	// MkdirCost is how many transactions making a folder takes, 0 means 1.
	MkdirCost int
	// PathsSearched is true if a reference without an ID takes further
	// transactions.
	PathsSearched bool
	// TakenUnseen is true if the server lets a name be taken twice and does not
	// say so: both objects are kept, and a listing shows one of them under
	// another name.
	TakenUnseen bool
	// CopiesLimited is true if folders, or anything at this server, cannot be
	// copied although the client can. The suite then leaves copies out.
	CopiesLimited bool
	// Keeps tells whether the provider keeps a name exactly; nil means any.
	// Other names are left out.
	Keeps func(name string) bool
	// SharedReads is true if a read may cost nothing, as it uses what an
	// earlier one of the same file brought.
	SharedReads bool
	// UploadResolves is true if the client itself looks what became of an
	// upload without an answer.
	UploadResolves bool
	// Seeded, if not nil, makes the suite run only the checks that a provider
	// can pass which does not take any file anywhere.
	Seeded *Seeded
}

// check is one test of the suite. It runs if the client has the optional
// interface named by needs.
type check struct {
	name  string
	needs string
	run   func(s *space)
}

// Run runs the suite as subtests of t.
func Run(t *testing.T, h Harness) {
	has := offered(h.Open(t).Remote)
	want := slices.Sorted(slices.Values(h.Offers))
	if !slices.Equal(has, want) {
		t.Errorf("the client offers %q, and the harness expects %q", has, want)
	}
	ran, left := 0, []string{}
	for _, c := range h.checks() {
		if c.needs != "" && !slices.Contains(has, c.needs) {
			left = append(left, c.name)
			continue
		}
		ran++
		t.Run(c.name, func(t *testing.T) { runCheck(t, h, c) })
	}
	t.Logf("%d checks ran; for want of an optional interface %d did not: %q", ran, len(left), left)
}

// checks are those that apply to the provider.
func (h Harness) checks() []check {
	if h.Seeded != nil {
		return seededChecks
	}
	return slices.Concat(lookChecks, listChecks, contentChecks, changeChecks, optionChecks, faultChecks)
}

// runCheck runs one check in an account of its own and compares the counts.
func runCheck(t *testing.T, h Harness, c check) {
	t.Parallel()
	in := h.Open(t)
	c.run(&space{T: t, Instance: in, h: h, ctx: context.Background()})
	if asked, counted := in.ServerCount(), in.Ledger.Count(); asked != counted {
		t.Errorf("the server was asked %d times, and the ledger says %d", asked, counted)
	}
}

// offered returns the names of the optional interfaces that r has, sorted.
func offered(r remote.Remote) []string {
	var names []string
	add := func(name string, has bool) {
		if has {
			names = append(names, name)
		}
	}
	_, has := r.(remote.ArchiveDownloader)
	add(ArchiveDownloader, has)
	_, has = r.(remote.Copier)
	add(Copier, has)
	_, has = r.(remote.Extractor)
	add(Extractor, has)
	_, has = r.(remote.Feed)
	add(Feed, has)
	_, has = r.(remote.MoveRenamer)
	add(MoveRenamer, has)
	_, has = r.(remote.Quoter)
	add(Quoter, has)
	_, has = r.(remote.TreeLister)
	add(TreeLister, has)
	return names
}

// pages returns how many requests a listing of n entries takes at most: pages
// overlap by one entry.
func (h Harness) pages(n int) int {
	size, most := h.PageSize, 1
	if n > size && size > 1 {
		most = (n - 1 + size - 2) / (size - 1)
	}
	if h.FullPagesGoOn && n > 1 && (n-1)%(size-1) == 0 {
		most++
	}
	return most
}

func numbered(i int) string { return fmt.Sprintf("file %04d.txt", i) }
