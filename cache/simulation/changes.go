package simulation

import (
	"context"
	"path"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
)

// Mkdir implements remote.Remote.
func (c *Client) Mkdir(ctx context.Context, parent remote.Ref, name string) (remote.Object, error) {
	a := c.a
	k := Call{Op: "mkdir", About: path.Join(parent.Path, name), Mutates: true}
	return ask(ctx, c, k, func(k Call) (remote.Object, string, error) {
		dir := a.find(parent)
		switch {
		case dir == nil:
			return refuse[remote.Object](k, remote.NotExist)
		case !dir.dir:
			return refuse[remote.Object](k, remote.NotDir)
		case a.child(dir.id, name) != nil:
			return refuse[remote.Object](k, remote.Exist)
		}
		o := a.add(dir.id, name, true, "")
		a.log(remote.MadeDir, a.pathOf(o), "")
		return a.answer(k, o)
	})
}

// Rename implements remote.Remote.
func (c *Client) Rename(ctx context.Context, ref remote.Ref, to string) (remote.Object, error) {
	a := c.a
	k := Call{Op: "rename", About: name(ref) + " to " + to, Mutates: true}
	return ask(ctx, c, k, func(k Call) (remote.Object, string, error) {
		o := a.find(ref)
		if o == nil {
			return refuse[remote.Object](k, remote.NotExist)
		}
		return a.place(k, o, a.objects[o.parent], to)
	})
}

// MoveRename implements remote.MoveRenamer.
func (c moveRenamer) MoveRename(ctx context.Context, ref, parent remote.Ref, to string) (remote.Object, error) {
	a := c.a
	k := Call{Op: "move and rename", About: name(ref) + " to " + path.Join(name(parent), to), Mutates: true}
	return ask(ctx, c.Client, k, func(k Call) (remote.Object, string, error) {
		o, dir := a.find(ref), a.find(parent)
		if o == nil || dir == nil {
			return refuse[remote.Object](k, remote.NotExist)
		}
		return a.place(k, o, dir, to)
	})
}

// place puts an object somewhere, and describes it. The caller holds mu.
func (a *Account) place(k Call, o, dir *object, name string) (remote.Object, string, error) {
	if err := a.put(k, o, dir, name); err != nil {
		return remote.Object{}, "", err
	}
	return a.answer(k, o)
}

// put puts an object somewhere. The caller holds mu.
func (a *Account) put(k Call, o, dir *object, name string) error {
	other := a.child(dir.id, name)
	switch {
	case !dir.dir:
		return remote.E(remote.NotDir, k.Op, k.About, nil)
	case a.inside(dir, o.id):
		return remote.E(remote.Invalid, k.Op, k.About, nil)
	case other == o:
		return nil
	case other != nil && !a.manners.OtherNames:
		return remote.E(remote.Exist, k.Op, k.About, nil)
	}
	from := a.pathOf(o)
	o.parent, o.name = dir.id, a.freeName(dir.id, name)
	if a.manners.Restamps && !o.dir {
		a.fill(o, o.content)
	}
	a.log(remote.Moved, a.pathOf(o), from)
	return nil
}

// batch does something to each of several objects; when it works in part, every
// other one is refused.
func (c *Client) batch(ctx context.Context, k Call, refs []remote.Ref, one func(Call, *object) (remote.Object, error)) ([]remote.Result, error) {
	a := c.a
	for _, ref := range refs {
		k.About += " " + name(ref)
	}
	return ask(ctx, c, k, func(k Call) ([]remote.Result, string, error) {
		results := make([]remote.Result, len(refs))
		var answers []string
		for i, ref := range refs {
			o := a.find(ref)
			r := &results[i]
			switch {
			case o == nil:
				r.Err = remote.E(remote.NotExist, k.Op, name(ref), nil)
			case k.Fate == Partly && i%2 == len(refs)%2:
				r.Err = &remote.Error{Kind: remote.Temporary, Op: k.Op, Path: name(ref), Status: 500}
			default:
				r.Object, r.Err = one(k, o)
			}
			answers = append(answers, told(*r))
		}
		return results, strings.Join(answers, ", "), nil
	})
}

func told(r remote.Result) string {
	if r.Err != nil {
		return remote.KindOf(r.Err).String()
	}
	return "ok " + r.Object.Path
}

// Move implements remote.Remote.
func (c *Client) Move(ctx context.Context, refs []remote.Ref, parent remote.Ref) ([]remote.Result, error) {
	a := c.a
	k := Call{Op: "move", About: "to " + name(parent), Mutates: true}
	return c.batch(ctx, k, refs, func(k Call, o *object) (remote.Object, error) {
		dir := a.find(parent)
		if dir == nil {
			return remote.Object{}, remote.E(remote.NotExist, k.Op, name(parent), nil)
		}
		name := o.name
		if err := a.put(k, o, dir, name); err != nil || (a.manners.Silent && o.name == name) {
			return remote.Object{}, err
		}
		moved, _, err := a.answer(k, o)
		return moved, err
	})
}

// Delete implements remote.Remote.
func (c *Client) Delete(ctx context.Context, refs []remote.Ref) ([]remote.Result, error) {
	a := c.a
	return c.batch(ctx, Call{Op: "delete", Mutates: true}, refs, func(k Call, o *object) (remote.Object, error) {
		a.log(remote.Deleted, a.pathOf(o), "")
		gone := append(a.below(o.id), o)
		for _, each := range gone {
			a.host.Destroys(k, a.view(each))
		}
		for _, each := range gone {
			delete(a.objects, each.id)
		}
		return remote.Object{}, nil
	})
}

// Copy implements remote.Copier.
func (c copier) Copy(ctx context.Context, refs []remote.Ref, parent remote.Ref) ([]remote.Result, error) {
	a := c.a
	k := Call{Op: "copy", About: "to " + name(parent), Mutates: true}
	return c.batch(ctx, k, refs, func(k Call, o *object) (remote.Object, error) {
		dir := a.find(parent)
		if dir == nil {
			return remote.Object{}, remote.E(remote.NotExist, k.Op, name(parent), nil)
		}
		if a.child(dir.id, o.name) != nil && !a.manners.OtherNames {
			return remote.Object{}, remote.E(remote.Exist, k.Op, o.name, nil)
		}
		made := a.copyTo(o, dir.id, a.freeName(dir.id, o.name))
		a.log(remote.Copied, a.pathOf(made), "")
		shown, _, err := a.answer(k, made)
		return shown, err
	})
}

func (a *Account) copyTo(o *object, parent, name string) *object {
	below := a.children(o.id)
	a.host.Duplicates(a.view(o))
	made := a.add(parent, name, o.dir, o.content)
	for _, each := range below {
		a.copyTo(each, made.id, each.name)
	}
	return made
}

// itoa is strconv.Itoa, short as it is used in traces.
func itoa(n int) string { return strconv.Itoa(n) }
