package filemail

import (
	"context"

	"github.com/frugalfs/frugalfs/remote"
)

// Stat describes one object: the details of its transfer, or the list of its box
// for a transfer itself, whose name depends on the others. The root's proves that
// the account can be used; the boxes are always there. A reference without an ID
// takes the box's list beside.
func (c *Client) Stat(ctx context.Context, ref remote.Ref) (remote.Object, error) {
	p, err := placeOf(opInfo, ref)
	if err != nil {
		return remote.Object{}, err
	}
	switch p.level {
	case inRoot:
		_, err := c.ask(ctx, c.api.list(boxSent, now(), 1, 0).named(opInfo, p.path))
		return remote.Object{Path: "/", Dir: true}, err
	case inBox:
		return boxObject(p.box), ctxError(ctx, opInfo, p.path)
	case inTransfer:
		t, err := c.find(ctx, opInfo, p)
		if err != nil {
			return remote.Object{}, err
		}
		return t.object(p.box), nil
	}
	t, err := c.open(ctx, opInfo, p)
	if err != nil {
		return remote.Object{}, err
	}
	p, f, err := t.locate(opInfo, p)
	if err != nil {
		return remote.Object{}, err
	}
	return t.object(p.rel, f), nil
}

// ctxError is the error of an operation that needs no request.
func ctxError(ctx context.Context, op, path string) error {
	if err := ctx.Err(); err != nil {
		return remote.E(remote.Canceled, op, path, err)
	}
	return nil
}

// open asks for the details of the transfer that a place is about or in, and
// knows its name: from the path if that can be right, and from the box's list
// otherwise.
func (c *Client) open(ctx context.Context, op string, p place) (*tree, error) {
	if p.transfer == "" {
		found, err := c.find(ctx, op, p)
		if err != nil {
			return nil, err
		}
		p.transfer = found.id()
	}
	t, err := c.details(ctx, op, p)
	if err != nil {
		return nil, err
	}
	if !t.shown() {
		return nil, remote.E(remote.NotExist, op, p.path, nil)
	}
	if t.name = p.name; !t.plausible(p.name) {
		found, err := c.find(ctx, op, p)
		if err != nil {
			return nil, err
		}
		t.name = found.name
	}
	return t, nil
}

// plausible tells whether the transfer may have a name.
func (t *tree) plausible(name string) bool {
	plain := safe(t.Subject.S)
	return name != "" && (name == plain || name == withID(plain, t.id()))
}

// List lists the root, a box, or what is in a transfer.
func (c *Client) List(ctx context.Context, dir remote.Ref, page func([]remote.Object) error) (remote.Listing, error) {
	p, err := placeOf(opList, dir)
	if err != nil {
		return remote.Listing{}, err
	}
	var objects []remote.Object
	l := remote.Listing{Complete: true, Sent: now()}
	switch {
	case p.level == inRoot:
		for _, b := range boxes {
			objects = append(objects, boxObject(b))
		}
		err = ctxError(ctx, opList, p.path)
	case p.level == inBox && p.box == boxDrafts:
		err = ctxError(ctx, opList, p.path)
	case p.level == inBox:
		objects, l, err = c.listBox(ctx, p.box)
	default:
		objects, l, err = c.listFiles(ctx, p)
	}
	if err != nil {
		return remote.Listing{}, err
	}
	l.Total = len(objects)
	if len(objects) > 0 {
		if err := page(objects); err != nil {
			return remote.Listing{}, err
		}
	}
	return l, nil
}

func (c *Client) listBox(ctx context.Context, box string) ([]remote.Object, remote.Listing, error) {
	transfers, l, err := c.box(ctx, opList, box)
	var objects []remote.Object
	for i := range transfers {
		objects = append(objects, transfers[i].object(box))
	}
	return objects, l, err
}

// ListTransfer implements [remote.Sender].
func (c *Client) ListTransfer(ctx context.Context, transfer remote.Ref, page func([]remote.Object) error) (remote.Listing, error) {
	p, err := placeOf(opList, transfer)
	switch {
	case err != nil:
		return remote.Listing{}, err
	case p.level != inTransfer:
		return remote.Listing{}, remote.E(remote.Invalid, opList, p.path, nil)
	}
	t, err := c.open(ctx, opList, p)
	if err != nil {
		return remote.Listing{}, err
	}
	objects := t.objects()
	if len(objects) > 0 {
		if err := page(objects); err != nil {
			return remote.Listing{}, err
		}
	}
	return remote.Listing{Complete: t.whole, Sent: t.asked, Total: len(objects)}, nil
}

func (c *Client) listFiles(ctx context.Context, p place) ([]remote.Object, remote.Listing, error) {
	t, err := c.open(ctx, opList, p)
	if err != nil {
		return nil, remote.Listing{}, err
	}
	p, f, err := t.locate(opList, p)
	if err == nil && f != nil {
		err = remote.E(remote.NotDir, opList, p.path, nil)
	}
	if err != nil {
		return nil, remote.Listing{}, err
	}
	return t.children(p.rel), remote.Listing{Complete: t.whole, Sent: t.asked}, nil
}
