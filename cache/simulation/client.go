package simulation

import (
	"context"
	"errors"
	"io"
	"path"
	"strings"
	"sync/atomic"

	"github.com/frugalfs/frugalfs/remote"
)

// Client is what one mount has of an account: the operations that every provider
// has.
type Client struct {
	a    *Account
	gone atomic.Bool
}

var _ remote.Remote = (*Client)(nil)

// Capabilities implements remote.Remote.
func (c *Client) Capabilities() remote.Capabilities {
	m := c.a.manners
	return remote.Capabilities{
		Provider: "simulation", IDs: !m.NoIDs, UploadMakesParents: m.ByPath, RecursiveDelete: true, EmptyFiles: true,
		DeleteBatch: m.Batch, MoveBatch: m.Batch, CopyBatch: m.Batch, MoveRenames: true,
	}
}

// ask makes a request: apply carries it out, with the lock held, and says in a
// few words what came of it.
func ask[T any](ctx context.Context, m *Client, c Call, apply func(c Call) (T, string, error)) (T, error) {
	var none T
	a := m.a
	if m.left(ctx) {
		return none, canceled(ctx, c)
	}
	c.At = a.Now()
	c.Fate = a.host.Arrives(c)
	if m.left(ctx) {
		return none, canceled(ctx, c)
	}
	if c.Fate == Late && c.Mutates {
		a.postpone(func() { _, _, _ = locked(a, lateOf(c), apply) })
	}
	if err := failure(c); err != nil && (c.Fate != LostAfter || !c.Mutates) {
		a.host.Leaves(c, "", err)
		return none, err
	}
	v, answer, err := locked(a, c, apply)
	a.host.Leaves(c, answer, err)
	switch {
	case m.left(ctx):
		return none, canceled(ctx, c)
	case c.Fate == LostAfter:
		return none, unknown(c)
	}
	return v, err
}

// left tells whether nobody waits for the answer any more.
func (c *Client) left(ctx context.Context) bool { return ctx.Err() != nil || c.gone.Load() }

func lateOf(c Call) Call {
	c.Late = true
	return c
}

func locked[T any](a *Account, c Call, apply func(c Call) (T, string, error)) (T, string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return apply(c)
}

func (a *Account) postpone(do func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.late = append(a.late, do)
}

// answer shows an object, unless the answer is lost. The caller holds mu.
func (a *Account) answer(c Call, o *object) (remote.Object, string, error) {
	if c.Fate != LostAfter && !c.Late {
		a.host.Shows(c, a.view(o))
	}
	return a.describe(o), a.pathOf(o) + " " + o.id, nil
}

func refuse[T any](c Call, kind remote.Kind) (T, string, error) {
	var none T
	return none, "", remote.E(kind, c.Op, c.About, nil)
}

// Stat implements remote.Remote.
func (c *Client) Stat(ctx context.Context, ref remote.Ref) (remote.Object, error) {
	a := c.a
	return ask(ctx, c, Call{Op: "stat", About: name(ref)}, func(k Call) (remote.Object, string, error) {
		o := a.find(ref)
		if o == nil {
			return refuse[remote.Object](k, remote.NotExist)
		}
		return a.answer(k, o)
	})
}

// name is a reference as traces show it.
func name(ref remote.Ref) string {
	if ref.ID == "" {
		return ref.Path
	}
	return ref.Path + "#" + ref.ID
}

// Download implements remote.Remote. A body that is short ends as one does whose
// connection broke.
func (c *Client) Download(ctx context.Context, ref remote.Ref, offset, length int64) (*remote.Download, error) {
	a := c.a
	return ask(ctx, c, Call{Op: "download", About: name(ref)}, func(k Call) (*remote.Download, string, error) {
		o := a.find(ref)
		switch {
		case o == nil:
			return refuse[*remote.Download](k, remote.NotExist)
		case o.dir:
			return refuse[*remote.Download](k, remote.IsDir)
		}
		size := int64(len(o.content))
		end := size
		if length >= 0 {
			end = min(end, offset+length)
		}
		text := o.content[min(offset, size):max(end, min(offset, size))]
		body := io.Reader(strings.NewReader(text))
		if k.Fate == Partly && len(text) > 0 {
			body = io.MultiReader(strings.NewReader(text[:len(text)/2]), broken{})
		}
		return &remote.Download{ReadCloser: io.NopCloser(body), Offset: offset, Size: size}, text, nil
	})
}

// broken is a connection that broke.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Upload implements remote.Remote.
func (c *Client) Upload(ctx context.Context, up remote.Upload) (remote.Object, error) {
	a := c.a
	k := Call{Op: "upload", About: path.Join(up.Parent.Path, up.Name), Mutates: true}
	if up.Overwrite {
		k.Op = "upload over"
	}
	content := make([]byte, up.Size)
	if _, err := up.Content.ReadAt(content, 0); err != nil && !errors.Is(err, io.EOF) {
		return remote.Object{}, remote.E(remote.KindOf(err), k.Op, k.About, err)
	}
	k.Content = string(content)
	return ask(ctx, c, k, func(k Call) (remote.Object, string, error) {
		dir := a.uploadFolder(up.Parent)
		if dir == nil {
			return refuse[remote.Object](k, remote.NotExist)
		}
		return a.store(k, dir, up.Name, k.Content, up.Overwrite)
	})
}

// uploadFolder is where an upload goes. The caller holds mu.
func (a *Account) uploadFolder(ref remote.Ref) *object {
	if !a.manners.ByPath {
		if dir := a.find(ref); dir != nil && dir.dir {
			return dir
		}
		return nil
	}
	dir := a.objects[RootID]
	for _, part := range strings.Split(strings.Trim(ref.Path, "/"), "/") {
		if part == "" {
			continue
		}
		next := a.child(dir.id, part)
		if next == nil {
			next = a.add(dir.id, part, true, "")
		}
		if dir = next; !dir.dir {
			return nil
		}
	}
	return dir
}

// store puts a file into a folder. The caller holds mu.
func (a *Account) store(k Call, dir *object, name, content string, overwrite bool) (remote.Object, string, error) {
	o := a.child(dir.id, name)
	switch {
	case o != nil && o.dir, o != nil && !overwrite && !a.manners.OtherNames:
		return refuse[remote.Object](k, remote.Exist)
	case o != nil && overwrite:
		if o.content != content {
			a.host.Destroys(k, a.view(o))
		}
		if !a.manners.NewIDs {
			a.fill(o, content)
			break
		}
		delete(a.objects, o.id)
		o = a.add(dir.id, name, false, content)
	default:
		o = a.add(dir.id, a.freeName(dir.id, name), false, content)
	}
	a.log(remote.Changed, a.pathOf(o), "")
	return a.answer(k, o)
}
