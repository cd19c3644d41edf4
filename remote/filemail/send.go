package filemail

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// cancelWithin is how long the call may take that removes what a failed attempt
// left, after its caller went away.
const cancelWithin = time.Minute

// sending is one attempt to send a draft.
type sending struct {
	c     *Client
	draft remote.Draft
	about string // the path that errors name
	state *state
	// stored are the files that are known to be there, from an earlier attempt.
	stored map[string]bool
	// checked are the details that were found to be right before the transfer was
	// completed, nil if the provider does not tell them.
	checked *tree
}

// SendFolder sends a draft to its recipients: a transfer is opened, all files are
// stored in it, its details are compared with the draft, and only then it is
// completed, which is when the mails go out. It takes one transaction for each of
// these but the storing, and one for the name in sent; one more where the details
// are told of completed transfers only.
//
// Whatever happens, nothing is mailed twice: before a transfer is completed
// again, its details are asked whether it was.
func (c *Client) SendFolder(ctx context.Context, d remote.Draft) (remote.Object, []remote.Object, error) {
	if err := checkDraft(d); err != nil {
		return remote.Object{}, nil, err
	}
	s := &sending{c: c, draft: d, about: "/" + boxDrafts + "/" + d.Name, stored: map[string]bool{}}
	t, err := s.resume(ctx)
	if err == nil && t == nil {
		t, err = s.run(ctx)
	}
	if err != nil {
		return remote.Object{}, nil, err
	}
	return s.sent(ctx, t)
}

// Boxes implements [remote.Sender].
func (c *Client) Boxes() remote.Boxes {
	return remote.Boxes{Drafts: boxDrafts, Sent: boxSent, Received: boxReceived, Deletes: c.deletes}
}

// CheckDraft implements [remote.Sender].
func (c *Client) CheckDraft(d remote.Draft) error { return checkDraft(d) }

// run sends the draft, on top of what resume found.
func (s *sending) run(ctx context.Context) (*tree, error) {
	if s.state == nil {
		if err := s.open(ctx); err != nil {
			return nil, err
		}
	}
	if err := s.store(ctx); err != nil {
		return nil, s.abandon(ctx, err)
	}
	if err := s.verify(ctx); err != nil {
		return nil, s.abandon(ctx, err)
	}
	return s.complete(ctx)
}

// open opens a transfer. If no answer comes, there may be one that nobody can
// see and that goes by itself: so the outcome does not matter.
func (s *sending) open(ctx context.Context) error {
	d := s.draft
	k := s.c.api.initialize(shipment{to: d.To, subject: d.Name, message: d.Message, size: size(d.Files)}).named(opSend, s.about)
	b, err := s.c.ask(ctx, k)
	if err != nil {
		return k.own(err)
	}
	var got struct {
		ID  ident          `json:"transferid"`
		Key clientkit.Text `json:"transferkey"`
		URL clientkit.Text `json:"transferurl"`
	}
	err = clientkit.Lenient(json.Unmarshal(b, &got))
	if err != nil || !validTransfer(string(got.ID)) || got.Key.S == "" || got.URL.S == "" {
		return k.own(k.corrupt(http.StatusOK, "the answer does not describe a transfer", err))
	}
	s.c.addSecret(got.Key.S)
	s.state = &state{Transfer: string(got.ID), Key: got.Key.S, URL: got.URL.S, Fingerprint: fingerprint(d)}
	if err := s.checkpoint(); err != nil {
		return s.abandon(ctx, err)
	}
	return nil
}

// checkpoint makes the state durable.
func (s *sending) checkpoint() error {
	if s.draft.Checkpoint == nil {
		return nil
	}
	b, err := json.Marshal(s.state)
	if err == nil {
		err = s.draft.Checkpoint(b)
	}
	if err != nil {
		return remote.E(remote.KindOf(err), opSend, s.about, err)
	}
	return nil
}

// abandon ends an attempt that failed before it was completed: the transfer is
// canceled, unless the next attempt can go on with it.
func (s *sending) abandon(ctx context.Context, err error) error {
	e := clientkit.Lost(opSend, s.about, false, err)
	e.Unknown = false // nothing was mailed
	if ctx.Err() != nil && s.draft.Checkpoint != nil {
		return e
	}
	s.cancel(ctx)
	return e
}

// cancel removes an unfinished transfer. If that fails, the state is kept, and
// the next attempt finds it.
func (s *sending) cancel(ctx context.Context) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), cancelWithin)
	defer done()
	k := s.c.api.cancel(s.state.Transfer, s.state.Key).named(opCancel, s.about)
	_, err := s.c.ask(ctx, k)
	if err != nil && (s.state.Completing && !remote.IsKind(err, remote.NotExist) || !gone(err)) {
		s.c.log.Warn("an unfinished transfer could not be canceled", "err", err)
		return
	}
	s.state = nil
	if s.draft.Checkpoint == nil {
		return
	}
	if err := s.draft.Checkpoint(nil); err != nil {
		s.c.log.Warn("the state of a canceled transfer could not be removed", "err", err)
	}
}

// gone tells whether an unfinished transfer is none any more, by the answer to a
// request about it.
func gone(err error) bool {
	return remote.IsKind(err, remote.NotExist) || remote.IsKind(err, remote.Conflict)
}

// fate is what became of a transfer.
type fate uint8

const (
	isOpen     fate = iota // nobody was told of it
	isSent                 // it was completed
	isGone                 // there is none
	cannotTell             // the answer does not say which
)

// look asks what became of the transfer. The tree is nil if no details came.
func (s *sending) look(ctx context.Context) (fate, *tree, error) {
	p := place{level: inTransfer, path: s.about, box: boxSent, transfer: s.state.Transfer}
	t, err := s.c.details(ctx, opSend, p)
	switch {
	case numbered(err, codeNotComplete):
		return isOpen, nil, nil
	case err != nil && gone(err):
		return isGone, nil, nil
	case err != nil:
		return cannotTell, nil, err
	case t.complete():
		return isSent, t, nil
	case clientkit.Says(t.Status.S, "cancel", "delete", "expire"):
		return isGone, nil, nil
	case !s.state.Completing, clientkit.Says(t.Status.S, unfinished...), s.state.Open != "" && t.Status.S == s.state.Open:
		return isOpen, t, nil
	}
	return cannotTell, t, nil
}

// resume takes up what an earlier attempt left. It returns the transfer if that
// was sent already; otherwise s.state is what to go on with, nil to begin anew.
func (s *sending) resume(ctx context.Context) (*tree, error) {
	if s.state = stateOf(s.draft.State); s.state == nil {
		return nil, nil
	}
	s.c.addSecret(s.state.Key)
	now, t, err := s.look(ctx)
	switch {
	case err != nil:
		return nil, s.undecided(err)
	case now == isSent && s.state.Fingerprint != fingerprint(s.draft):
		return nil, s.conflict()
	case now == isSent:
		return t, nil
	case s.state.Completed && now != isGone:
		return nil, s.notShown()
	case s.state.Completing && now != isOpen:
		return nil, s.conflict()
	case now == isGone:
		s.state = nil
		return nil, nil
	case t == nil || s.state.Fingerprint != fingerprint(s.draft):
		// It cannot be told what is there, or is not the same any more.
		return nil, s.restart(ctx)
	}
	for _, f := range s.draft.Files {
		s.stored[f.Path] = t.holds(f)
	}
	return nil, nil
}

// restart removes what an earlier attempt left. What could not be removed does
// no harm if nobody ever asked to complete it.
func (s *sending) restart(ctx context.Context) error {
	s.cancel(ctx)
	if s.state != nil && s.state.Completing {
		return s.undecided(remote.E(remote.Temporary, opSend, s.about, nil))
	}
	s.state = nil
	return ctxError(ctx, opSend, s.about)
}

// undecided is the error when it is not known whether the mails went out.
func (s *sending) undecided(err error) error {
	e := clientkit.Lost(opSend, s.about, false, err)
	e.Unknown = s.state.Completing
	return e
}

// conflict is the error when that cannot be found out.
func (s *sending) conflict() error {
	return &remote.Error{
		Kind: remote.Conflict, Op: opSend, Path: s.about,
		Detail: "this draft, or an earlier state of it, may have been sent already, and it cannot be told any more; ask the recipients before sending it again",
	}
}

// holds tells whether a file is there, once and whole.
func (t *tree) holds(f remote.DraftFile) bool {
	n := 0
	for i := range t.files {
		if t.files[i].wire != f.Path {
			continue
		}
		if n++; t.files[i].size != f.Size {
			return false
		}
	}
	return n == 1
}

// verify compares the details of the transfer with the draft. The provider may
// not tell them before the transfer was sent: then its word for each upload
// stands, and the details are compared afterwards.
func (s *sending) verify(ctx context.Context) error {
	now, t, err := s.look(ctx)
	switch {
	case err != nil:
		return err
	case now == isOpen && t != nil:
		s.state.Open, s.checked = t.Status.S, t
		return s.compare(t)
	case now == isOpen, now == isGone:
		return nil
	}
	return &remote.Error{Kind: remote.Conflict, Op: opSend, Path: s.about, Detail: "the transfer was sent by somebody else"}
}

// compare fails unless the transfer holds exactly what the draft does.
func (s *sending) compare(t *tree) error {
	for _, f := range s.draft.Files {
		if !t.holds(f) {
			return &remote.Error{
				Kind: remote.Corrupt, Op: opSend, Path: s.about,
				Detail: clientkit.Clean("the provider does not show it once and whole: " + f.Path),
			}
		}
	}
	if len(t.Files) != len(s.draft.Files) || !t.whole {
		return &remote.Error{
			Kind: remote.Corrupt, Op: opSend, Path: s.about,
			Detail: fmt.Sprintf("the provider shows %d files of %d", len(t.Files), len(s.draft.Files)),
		}
	}
	return nil
}

// complete lets the provider mail the recipients, once. If no answer comes, the
// details tell whether it did.
func (s *sending) complete(ctx context.Context) (*tree, error) {
	s.state.Completing = true
	if err := s.checkpoint(); err != nil {
		s.state.Completing = false
		return nil, s.abandon(ctx, err)
	}
	k := s.c.api.complete(s.state.Transfer, s.state.Key).named(opSend, s.about)
	for again := false; ; again = true {
		_, asked := s.c.ask(ctx, k)
		if asked == nil {
			s.completed()
			if s.checked != nil {
				return s.checked, nil
			}
		}
		now, t, err := s.look(ctx)
		switch {
		case err != nil:
			return nil, s.unsure(asked, err)
		case now == isSent:
			return t, nil
		case asked == nil:
			return nil, s.notShown()
		case now != isOpen:
			return nil, s.conflict()
		case !remote.IsUnknown(asked):
			s.state.Completing = false // it was refused
			return nil, s.abandon(ctx, asked)
		case again:
			return nil, s.unsure(asked, nil)
		}
	}
}

// completed notes that the mails went out. Without the note, the next attempt
// has to rely on the details.
func (s *sending) completed() {
	s.state.Completed = true
	if err := s.checkpoint(); err != nil {
		s.c.log.Warn("that a transfer was sent could not be noted", "err", err)
	}
}

// notShown is the error when the provider says that it sent a transfer, and does
// not show it so.
func (s *sending) notShown() error {
	return &remote.Error{Kind: remote.Temporary, Op: opSend, Path: s.about, Detail: "it was sent, and the provider does not show it yet", Unknown: true}
}

// unsure is the error after a call to complete of which nothing tells what came
// of it.
func (s *sending) unsure(asked, err error) error {
	if asked != nil {
		err = asked
	}
	e := clientkit.Lost(opSend, s.about, true, err)
	e.Unknown = true
	return e
}

// sent describes a transfer that was sent. The box's list tells its name.
func (s *sending) sent(ctx context.Context, t *tree) (remote.Object, []remote.Object, error) {
	found, err := s.c.find(ctx, opSend, place{level: inTransfer, path: s.about, box: boxSent, transfer: t.id()})
	if err == nil {
		err = s.compare(t)
	}
	if err != nil {
		e := clientkit.Lost(opSend, s.about, true, err)
		e.Unknown = true // it was sent: the next attempt must look again, and not send
		if e.Kind == remote.NotExist {
			e.Kind = remote.Temporary
		}
		return remote.Object{}, nil, e
	}
	t.name, t.Sent = found.name, found.Sent
	return found.object(boxSent), t.objects(), nil
}
