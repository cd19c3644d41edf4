package simulation

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// The optional interfaces, each by itself.
type (
	treeLister  struct{ *Client }
	moveRenamer struct{ *Client }
	copier      struct{ *Client }
	extractor   struct{ *Client }
	feeder      struct{ *Client }
)

// Kinds is how many kinds of client there are.
const Kinds = 7

// Connect returns a client of one of several kinds: with every optional
// interface (0), without one of them (1 to 5), or with none (6).
// After disconnect it makes no requests any more.
func (a *Account) Connect(kind int) (r remote.Remote, disconnect func()) {
	c := &Client{a: a}
	return c.as(kind), func() { c.gone.Store(true) }
}

func (c *Client) as(kind int) remote.Remote {
	t, m, k, e, f := treeLister{c}, moveRenamer{c}, copier{c}, extractor{c}, feeder{c}
	switch kind {
	case 1:
		return withoutTree{c, m, k, e, f}
	case 2:
		return withoutMoveRename{c, t, k, e, f}
	case 3:
		return withoutCopy{c, t, m, e, f}
	case 4:
		return withoutExtract{c, t, m, k, f}
	case 5:
		return withoutFeed{c, t, m, k, e}
	case 6:
		return c
	}
	return everything{c, t, m, k, e, f}
}

// Names of the optional interfaces as they are embedded: the methods of Client
// itself must stay the shallowest.
type (
	trees    interface{ remote.TreeLister }
	moves    interface{ remote.MoveRenamer }
	copies   interface{ remote.Copier }
	extracts interface{ remote.Extractor }
	feeds    interface{ remote.Feed }
)

type (
	everything struct {
		*Client
		trees
		moves
		copies
		extracts
		feeds
	}
	withoutTree struct {
		*Client
		moves
		copies
		extracts
		feeds
	}
	withoutMoveRename struct {
		*Client
		trees
		copies
		extracts
		feeds
	}
	withoutCopy struct {
		*Client
		trees
		moves
		extracts
		feeds
	}
	withoutExtract struct {
		*Client
		trees
		moves
		copies
		feeds
	}
	withoutFeed struct {
		*Client
		trees
		moves
		copies
		extracts
	}
)

// Extract implements remote.Extractor. What is in the way is left alone.
func (c extractor) Extract(ctx context.Context, archive, into remote.Ref) ([]remote.Object, error) {
	a := c.a
	k := Call{Op: "extract", About: name(archive), Mutates: true}
	return ask(ctx, c.Client, k, func(k Call) ([]remote.Object, string, error) {
		o, dir := a.find(archive), a.find(into)
		if o == nil || dir == nil {
			return refuse[[]remote.Object](k, remote.NotExist)
		}
		n, err := a.unpack(o.content, dir, k.Fate == Partly)
		if err != nil {
			return nil, "", remote.E(remote.Corrupt, k.Op, k.About, err)
		}
		a.log(remote.Unpacked, a.pathOf(dir), "")
		return nil, fmt.Sprint(n, " entries"), nil
	})
}

// unpack makes what is in an archive; of a half it makes every other file. The
// caller holds mu.
func (a *Account) unpack(archive string, dir *object, half bool) (n int, err error) {
	r, err := zip.NewReader(strings.NewReader(archive), int64(len(archive)))
	if err != nil {
		return 0, err
	}
	for i, f := range r.File {
		if half && i%2 == 1 {
			continue
		}
		text, err := contentOf(f)
		if err != nil {
			return n, err
		}
		n += a.unpackOne(dir, f.Name, text)
	}
	return n, nil
}

func contentOf(f *zip.File) (string, error) {
	r, err := f.Open()
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	text, err := io.ReadAll(r)
	return string(text), err
}

func (a *Account) unpackOne(dir *object, name, text string) int {
	parts := strings.Split(strings.TrimSuffix(name, "/"), "/")
	for _, part := range parts[:len(parts)-1] {
		next := a.child(dir.id, part)
		if next == nil {
			next = a.add(dir.id, part, true, "")
		}
		dir = next
	}
	last := parts[len(parts)-1]
	if a.child(dir.id, last) != nil {
		return 0
	}
	a.add(dir.id, last, strings.HasSuffix(name, "/"), text)
	return 1
}

// Changes implements remote.Feed.
func (c feeder) Changes(ctx context.Context, since time.Time) ([]remote.Change, bool, error) {
	a := c.a
	type read struct {
		changes  []remote.Change
		complete bool
	}
	r, err := ask(ctx, c.Client, Call{Op: "feed"}, func(Call) (read, string, error) {
		r := read{complete: !a.feedGap}
		a.feedGap = false
		for _, e := range a.entries {
			if !e.At.Before(since.Truncate(time.Second)) && !e.shown.After(time.Now()) {
				r.changes = append(r.changes, e.Change)
			}
		}
		return r, itoa(len(r.changes)) + " entries", nil
	})
	return r.changes, r.complete, err
}
