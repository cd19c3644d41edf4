package simulation

import (
	"context"
	"errors"

	"github.com/frugalfs/frugalfs/remote"
)

// Fate is what becomes of a request.
type Fate uint8

// The fates of a request.
const (
	// Works: it is carried out and answered.
	Works Fate = iota
	// Busy: it is refused for now and not carried out (HTTP 503).
	Busy
	// LostBefore: it is not carried out, and nothing tells so.
	LostBefore
	// LostAfter: it is carried out, and nothing tells so.
	LostAfter
	// Late: nothing tells what became of it, and it is carried out later, when
	// [Account.Deliver] is called.
	Late
	// Refused: it is refused for good (HTTP 403).
	Refused
	// Unreachable: there is no network.
	Unreachable
	// Spent: the transactions of the day are used up.
	Spent
	// Partly: a batch fails for some objects, a listing ends between two
	// pages, a body is short. Other requests work.
	Partly
	// Fates is how many there are.
	Fates
)

var fateNames = [Fates]string{"", "busy", "lost before", "lost after", "late", "refused", "unreachable", "spent", "partly"}

// String names the fate as traces show it.
func (f Fate) String() string { return fateNames[f] }

// Call is one request.
type Call struct {
	// Op is the operation ("list", "upload"), About what it is about.
	Op, About string
	// Content is what an upload sends.
	Content string
	// At is when it arrived, by [Account.Now].
	At int
	// Mutates is true if it changes the account.
	Mutates bool
	// Fate is what was decided about it, Late true while a late one is
	// carried out.
	Fate Fate
	Late bool
}

// Host decides what happens.
type Host interface {
	// Arrives is called when a request is on its way, and says what becomes of
	// it. It may change the account.
	Arrives(c Call) Fate
	// Leaves is called when the answer is on its way. It may change the
	// account. Between two pages of a listing it is called with what was
	// answered so far.
	Leaves(c Call, answer string, err error)
	// Destroys is called before a request replaces content by other content, or
	// deletes it. The account's lock is held.
	Destroys(c Call, o Object)
	// Shows is called when an answer that is not lost tells of an object. The
	// account's lock is held.
	Shows(c Call, o Object)
	// Strays is called before others move an object. The account's lock is held.
	Strays(o Object)
	// Duplicates is called before the provider copies an object, for each that is
	// copied with it. The account's lock is held.
	Duplicates(o Object)
}

// Object is a file or folder of the account.
type Object struct {
	ID, Parent string
	Name       string
	Path       string
	Dir        bool
	Version    string
	Content    string
}

// unknown is the error of a request that got no answer.
func unknown(c Call) error {
	return &remote.Error{
		Kind: remote.Temporary, Op: c.Op, Path: c.About, Unknown: c.Mutates, Err: errors.New("no answer"),
	}
}

// failure is the error that a fate shows as, nil if the request works.
func failure(c Call) error {
	e := &remote.Error{Op: c.Op, Path: c.About}
	switch c.Fate {
	case Busy:
		e.Kind, e.Status = remote.Temporary, 503
	case Refused:
		e.Kind, e.Status = remote.Permission, 403
	case Unreachable:
		e.Kind = remote.Offline
	case Spent:
		e.Kind, e.Status = remote.Budget, 429
	case LostBefore, LostAfter, Late:
		return unknown(c)
	default:
		return nil
	}
	return e
}

// canceled is the error of a request whose caller is gone.
func canceled(ctx context.Context, c Call) error {
	return &remote.Error{Kind: remote.Canceled, Op: c.Op, Path: c.About, Unknown: c.Mutates, Err: ctx.Err()}
}
