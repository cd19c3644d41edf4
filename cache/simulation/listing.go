package simulation

import (
	"context"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// runs is how often a listing starts again when the folder changes under it.
const runs = 3

// List implements remote.Remote.
func (c *Client) List(ctx context.Context, dir remote.Ref, page func([]remote.Object) error) (remote.Listing, error) {
	return c.list(ctx, "list", dir, c.a.children, page)
}

// ListTree implements remote.TreeLister.
func (c treeLister) ListTree(ctx context.Context, dir remote.Ref, page func([]remote.Object) error) (remote.Listing, error) {
	return c.list(ctx, "list tree", dir, c.a.below, page)
}

// list pages through the objects that entries returns of a folder. Two pages
// share one entry: where that is not the same, the listing starts again.
func (c *Client) list(ctx context.Context, op string, dir remote.Ref, entries func(string) []*object, page func([]remote.Object) error) (remote.Listing, error) {
	var l remote.Listing
	for range runs {
		l = remote.Listing{Sent: time.Now()}
		seen := map[string]bool{}
		for offset, before := 0, ""; ; {
			got, err := c.page(ctx, op, dir, entries, offset)
			if err != nil {
				return remote.Listing{}, err
			}
			if offset > 0 && (len(got.objects) == 0 || got.objects[0].Path != before || got.total != l.Total) {
				break
			}
			l.Total = got.total
			fresh := got.objects[min(offset, 1):]
			if err := page(fresh); err != nil {
				return remote.Listing{}, err
			}
			for _, o := range fresh {
				seen[o.Path], before = true, o.Path
			}
			if !got.more {
				l.Complete = len(seen) == l.Total
				break
			}
			offset += len(got.objects) - 1
		}
		if l.Complete {
			return l, nil
		}
	}
	return l, nil
}

type pageOf struct {
	objects []remote.Object
	total   int
	more    bool
}

// page is one request for a page.
func (c *Client) page(ctx context.Context, op string, dir remote.Ref, entries func(string) []*object, offset int) (pageOf, error) {
	a := c.a
	return ask(ctx, c, Call{Op: op, About: name(dir) + " " + itoa(offset)}, func(k Call) (p pageOf, answer string, err error) {
		o := a.find(dir)
		switch {
		case o == nil:
			return refuse[pageOf](k, remote.NotExist)
		case !o.dir:
			return refuse[pageOf](k, remote.NotDir)
		case k.Fate == Partly && offset > 0:
			return pageOf{}, "", &remote.Error{Kind: remote.Temporary, Op: k.Op, Path: k.About, Status: 500}
		}
		all := entries(o.id)
		p.total = len(all)
		end := min(offset+a.manners.PageSize, len(all))
		for i, each := range all[min(offset, end):end] {
			shown := a.describe(each)
			if i > 0 || offset == 0 { // the entry that two pages share is not looked at again
				shown, _, _ = a.answer(k, each)
			}
			p.objects = append(p.objects, shown)
			answer += " " + each.name
		}
		p.more = end < len(all)
		return p, answer, nil
	})
}
