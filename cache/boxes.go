package cache

import (
	"errors"
	"strings"

	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// Depths in an account that mails folders of files.
const (
	atRoot     = iota
	atBox      // a box
	atTransfer // a transfer or, in the drafts, what may become one
)

// position is where in an account with boxes something is.
type position struct {
	// box is the name of the box, "" for the root.
	box   string
	depth int
	// top is the transfer that it is, or is in, 0 if the mount does not show it.
	top uint64
}

// boxed tells whether the account has boxes, in which not everything can be
// changed.
func (ns *Namespace) boxed() bool { return ns.sender != nil }

// positionOf finds out where a node is.
func (t txn) positionOf(ino uint64) (p position, err error) {
	var chain []uint64 // from the node up, without the root
	for at := ino; at != RootIno && len(chain) < maxDepth; {
		n, err := t.get(at)
		if err != nil || n == nil {
			return p, staleOr(err, at)
		}
		chain = append(chain, at)
		at = n.Parent
	}
	parts := splitRooted(t.ns.rootedPath(t.path(ino)))
	p.depth = len(parts)
	if p.depth > atRoot {
		p.box = parts[0]
	}
	// The chain is shorter than the path if a folder of the account is mounted.
	if i := p.depth - atTransfer; i >= 0 && i < len(chain) {
		p.top = chain[i]
	}
	return p, nil
}

func splitRooted(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// isDraft tells whether what is in a folder exists here only.
func (t txn) isDraft(folder uint64) (bool, error) {
	if !t.ns.boxed() {
		return false, nil
	}
	p, err := t.positionOf(folder)
	return p.box == t.ns.boxes.Drafts && p.depth >= atBox, err
}

// outgoing tells whether a node is a transfer that is still to be sent.
func (t txn) outgoing(n *store.Node) bool {
	if !t.ns.boxed() || n == nil || n.Kind != Dir || !n.Exists || n.LocalOnly || n.Remote.Exists || n.Dirty == nil {
		return false
	}
	p, err := t.positionOf(n.Ino)
	return err == nil && p.box == t.ns.boxes.Sent && p.depth == atTransfer
}

// outgoingAbove returns the transfer that is still to be sent and that a node
// is, or is in, nil if there is none.
func (t txn) outgoingAbove(ino uint64) (*store.Node, error) {
	if !t.ns.boxed() {
		return nil, nil
	}
	p, err := t.positionOf(ino)
	if err != nil || p.top == 0 {
		return nil, err
	}
	n, err := t.get(p.top)
	if err != nil || !t.outgoing(n) {
		return nil, err
	}
	return n, nil
}

func refuse(kind remote.Kind, op, name, why string) error {
	return remote.E(kind, op, name, errors.New(why))
}

// mayAdd refuses new entries of a folder in which nothing can come to be: only
// drafts are made here.
func (t txn) mayAdd(op string, folder uint64, name string) error {
	if !t.ns.boxed() {
		return nil
	}
	p, err := t.positionOf(folder)
	if err != nil || (p.box == t.ns.boxes.Drafts && p.depth >= atBox) {
		return err
	}
	if p.depth == atRoot {
		return refuse(remote.NotPermitted, op, name, "files and folders are made in "+t.ns.boxes.Drafts)
	}
	if p.box == t.ns.boxes.Sent && p.depth == atBox {
		return refuse(remote.NotPermitted, op, name, "make it in "+t.ns.boxes.Drafts+", and rename it to a name in "+p.box+" to send it")
	}
	return t.fixed(op, name, p)
}

// fixed is the refusal of a change of what is in a transfer.
func (t txn) fixed(op, name string, p position) error {
	if n, err := t.get(p.top); err == nil && t.outgoing(n) {
		return refuse(remote.Busy, op, name, "it is being sent: rename it back to a name in "+t.ns.boxes.Drafts+" while that has not begun")
	}
	if p.box == t.ns.boxes.Sent {
		return refuse(remote.ReadOnly, op, name, "its recipients have it as it is")
	}
	return refuse(remote.ReadOnly, op, name, "what was received belongs to its sender")
}

// mayWrite refuses to change the content of what was sent or received.
func (t txn) mayWrite(n *store.Node) error {
	if !t.ns.boxed() || !n.Exists {
		return nil
	}
	p, err := t.positionOf(n.Ino)
	if err != nil || (p.box == t.ns.boxes.Drafts && p.depth > atBox) {
		return err
	}
	return t.fixed("open", n.Name, p)
}

// mayRemove refuses to delete what stays.
func (t txn) mayRemove(op string, n *store.Node) error {
	if !t.ns.boxed() {
		return nil
	}
	p, err := t.positionOf(n.Ino)
	switch {
	case err != nil:
		return err
	case p.depth <= atBox:
		return refuse(remote.NotPermitted, op, n.Name, "the account always has it")
	case p.box == t.ns.boxes.Drafts:
		return nil
	}
	top, err := t.get(p.top)
	switch {
	case err != nil:
		return err
	case p.box != t.ns.boxes.Sent || t.outgoing(top):
		return t.fixed(op, n.Name, p)
	case !t.ns.boxes.Deletes:
		return refuse(remote.NotPermitted, op, n.Name, "it would be taken from its recipients, too, and for good")
	}
	return nil
}

// passage is what a rename means in an account with boxes.
type passage uint8

const (
	stays     passage = iota // it is a rename and nothing more
	sends                    // a draft is to be sent
	withdraws                // what is not sent yet is to be a draft again
)

// mayMove says what a rename means, and refuses what is not possible.
func (t txn) mayMove(n *store.Node, to store.Place) (passage, error) {
	if !t.ns.boxed() {
		return stays, nil
	}
	from, err := t.positionOf(n.Ino)
	if err != nil {
		return stays, err
	}
	into, err := t.positionOf(to.Parent)
	if err != nil {
		return stays, err
	}
	drafts, sent := t.ns.boxes.Drafts, t.ns.boxes.Sent
	across := func(a, b string) bool {
		return from.box == a && into.box == b && from.depth == atTransfer && into.depth == atBox
	}
	switch {
	case from.depth <= atBox:
		return stays, refuse(remote.NotPermitted, "rename", n.Name, "the account always has it")
	case from.box == drafts && into.box == drafts:
		return stays, nil
	case across(drafts, sent):
		return sends, nil
	case across(sent, drafts) && t.outgoing(n):
		return withdraws, t.mayWithdraw(n)
	case from.box == sent && into.box == sent:
		return stays, t.mayMoveSent(n, from, into)
	case into.box == drafts:
		return stays, refuse(remote.CrossDevice, "rename", n.Name, "nothing can leave its transfer")
	}
	return stays, t.mayAdd("rename", to.Parent, to.Name)
}

// mayMoveSent refuses to move what was sent out of its transfer.
func (t txn) mayMoveSent(n *store.Node, from, into position) error {
	top, err := t.get(from.top)
	switch {
	case err != nil:
		return err
	case t.outgoing(top):
		return t.fixed("rename", n.Name, from)
	case from.depth == atTransfer && into.depth == atBox:
		return nil // another subject
	case from.depth == atTransfer || from.top != into.top:
		return refuse(remote.CrossDevice, "rename", n.Name, "nothing can leave its transfer")
	}
	return nil
}

// mayExchange refuses to swap what is not all in drafts.
func (t txn) mayExchange(nodes ...*store.Node) error {
	for _, n := range nodes {
		if draft, err := t.isDraft(n.Parent); err != nil || !t.ns.boxed() || draft {
			if err != nil {
				return err
			}
			continue
		}
		return refuse(remote.NotPermitted, "rename", n.Name, "only drafts can be swapped")
	}
	return nil
}
