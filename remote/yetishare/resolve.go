package yetishare

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// found is an object that a reference leads to.
type found struct {
	handle
	// entry is how a listing shows it; nil if it was addressed by its ID.
	entry *entry
}

// find resolves a reference: without a request if it has an ID, and otherwise by
// listing each folder on the way.
func (c *Client) find(ctx context.Context, op string, ref remote.Ref) (found, error) {
	if err := ended(ctx, op, ref.Path); err != nil {
		return found{}, err
	}
	if ref.ID != "" {
		h, ok := parseHandle(ref.ID)
		if !ok {
			return found{}, invalid(op, ref.Path, fmt.Sprintf("%.40q is no ID", ref.ID))
		}
		return found{handle: h}, nil
	}
	if !strings.HasPrefix(ref.Path, "/") {
		return found{}, invalid(op, ref.Path, "neither an ID nor an absolute path")
	}
	top, err := c.root.get(ctx, c)
	if err != nil {
		return found{}, lostRoot(op, ref.Path, err)
	}
	return c.walk(ctx, op, found{handle: handle{dir: true, id: top}}, "/", ref.Path)
}

// lostRoot makes an error of a folder, the one shown as "/", that could not be
// found. It proves nothing about what was in it.
func lostRoot(op, path string, err error) error {
	var e *remote.Error
	if !errors.As(err, &e) {
		return err
	}
	named := *e
	named.Op = op
	if path != "/" {
		named.Path = path
		if named.Kind == remote.NotExist {
			named.Kind = remote.Stale
		}
	}
	return &named
}

// walk goes down from a folder, which is shown at the path at, along a path.
func (c *Client) walk(ctx context.Context, op string, from found, at, path string) (found, error) {
	for name := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if name == "" {
			continue
		}
		next, err := c.step(ctx, from, at, name)
		if err != nil {
			return found{}, renamed(err, op, path)
		}
		from, at = next, clientkit.Join(at, name)
	}
	return from, nil
}

// step finds an entry of a folder by the name that it is shown under.
func (c *Client) step(ctx context.Context, from found, at, name string) (found, error) {
	path := clientkit.Join(at, name)
	if !from.dir {
		return found{}, remote.E(remote.NotExist, opList, path, nil)
	}
	l, err := c.list(ctx, from.id, at)
	if err != nil {
		return found{}, err
	}
	e, ok := l.named(name)
	switch {
	case !ok && !l.whole:
		return found{}, &remote.Error{Kind: remote.Corrupt, Op: opList, Path: path, Detail: "a listing says too little about an entry"}
	case !ok:
		return found{}, remote.E(remote.NotExist, opList, path, nil)
	}
	return found{e.handle, &e}, nil
}

// renamed names another operation in an error.
func renamed(err error, op, path string) error {
	var e *remote.Error
	if !errors.As(err, &e) {
		return err
	}
	n := *e
	n.Op, n.Path = op, path
	return &n
}

// folder resolves a reference to a folder. A file with an ID is looked for, as it
// may be no folder or not be there at all.
func (c *Client) folder(ctx context.Context, op string, ref remote.Ref) (found, error) {
	f, err := c.find(ctx, op, ref)
	if err != nil || f.dir {
		return f, err
	}
	if f.entry == nil {
		if _, err := c.fileInfo(ctx, f.id, ref.Path); err != nil {
			return f, renamed(err, op, ref.Path)
		}
	}
	return f, remote.E(remote.NotDir, op, ref.Path, nil)
}

// root is the folder that is shown as "/".
type root struct {
	path string // at the account
	// turn is held by whoever looks for it.
	turn chan struct{}

	// mu guards what follows. It is not held during a request.
	mu    sync.Mutex
	known bool
	id    int64
}

func (r *root) init(path, id string) (err error) {
	r.turn = make(chan struct{}, 1)
	if r.path, err = cleanRoot(path); err != nil {
		return err
	}
	h, ok := parseHandle(id)
	switch {
	case r.path == "/":
		r.known = true
	case ok && h.dir:
		r.known, r.id = true, h.id
	case id != "":
		return site.Invalid("%.40q is no ID of a folder", id)
	}
	return nil
}

func (r *root) have() (int64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.id, r.known
}

func (r *root) set(id int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.id, r.known = id, true
}

// get returns the folder's number, and looks it up once.
func (r *root) get(ctx context.Context, c *Client) (int64, error) {
	return r.once(ctx, func() (found, error) {
		return c.walk(ctx, opList, found{handle: handle{dir: true}}, "/", r.path)
	})
}

// once runs a search for the folder, one at a time, unless it is known.
func (r *root) once(ctx context.Context, search func() (found, error)) (int64, error) {
	if id, ok := r.have(); ok {
		return id, nil
	}
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return 0, remote.E(remote.Canceled, opList, r.path, ctx.Err())
	}
	if id, ok := r.have(); ok {
		return id, nil
	}
	f, err := search()
	if err != nil {
		return 0, err
	}
	if !f.dir {
		return 0, remote.E(remote.NotDir, opList, r.path, nil)
	}
	r.set(f.id)
	return f.id, nil
}

// OpenRoot finds the folder that is shown as "/", and makes it if it is missing
// and create is set. It returns the folder's ID, for Options.RootID of later
// clients; "" for the account's own root. It takes a request for each folder on
// the way, and as many as Mkdir for each that is made.
//
// A mount that has been before must not set create: a new folder in the place of
// one that was deleted or renamed would show everything as deleted.
func (c *Client) OpenRoot(ctx context.Context, create bool) (string, error) {
	if err := ended(ctx, opList, c.root.path); err != nil {
		return "", err
	}
	search := func() (found, error) { return c.walk(ctx, opList, found{handle: handle{dir: true}}, "/", c.root.path) }
	if create {
		search = func() (found, error) { return c.makeRoot(ctx) }
	}
	id, err := c.root.once(ctx, search)
	if err != nil {
		return "", err
	}
	return handle{dir: true, id: id}.String(), nil
}

// makeRoot goes down to the folder, and makes what is missing.
func (c *Client) makeRoot(ctx context.Context) (found, error) {
	from, at := found{handle: handle{dir: true}}, "/"
	for name := range strings.SplitSeq(strings.Trim(c.root.path, "/"), "/") {
		next, err := c.step(ctx, from, at, name)
		if remote.IsKind(err, remote.NotExist) {
			var o remote.Object
			o, err = c.mkdir(ctx, from.id, at, name)
			next.handle, _ = parseHandle(o.ID) // nothing beside an error
		}
		if err != nil {
			return found{}, err
		}
		from, at = next, clientkit.Join(at, name)
	}
	return from, nil
}
