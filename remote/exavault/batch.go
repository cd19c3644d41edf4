package exavault

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// Move puts objects into another folder (the reference, "POST
// /resources/move"). A Result of kind NotExist, and an error of that kind, may
// mean either the object or the target folder: the reference does not tell
// them apart. A name that is taken there is refused or, depending on the
// server, changed.
func (c *Client) Move(ctx context.Context, refs []remote.Ref, parent remote.Ref) ([]remote.Result, error) {
	return c.gather(ctx, opMove, refs, parent)
}

// Copy puts copies into another folder (the reference, "POST
// /resources/copy"). What Move says about results holds.
func (c *Client) Copy(ctx context.Context, refs []remote.Ref, parent remote.Ref) ([]remote.Result, error) {
	return c.gather(ctx, opCopy, refs, parent)
}

// gather moves or copies refs into parent.
func (c *Client) gather(ctx context.Context, op string, refs []remote.Ref, parent remote.Ref) ([]remote.Result, error) {
	to, err := identifier(op, parent)
	if err != nil {
		return nil, err
	}
	body := func(ids []string) any { return map[string]any{"resources": ids, "parentResource": to} }
	return c.batch(ctx, call{op: op, method: http.MethodPost, path: "/resources/" + op}, refs, body)
}

// Delete removes objects for good (the reference, "DELETE /resources", and
// "DELETE /resources/{id}" for a single one, which needs no body).
func (c *Client) Delete(ctx context.Context, refs []remote.Ref) ([]remote.Result, error) {
	k := call{op: opDelete, method: http.MethodDelete, path: "/resources"}
	if len(refs) == 1 && refs[0].ID != "" {
		k.path += "/" + refs[0].ID
		return c.batch(ctx, k, refs, func([]string) any { return nil })
	}
	return c.batch(ctx, k, refs, func(ids []string) any { return map[string]any{"resources": ids} })
}

// batch sends k for refs, with the body made of their identifiers.
func (c *Client) batch(ctx context.Context, k call, refs []remote.Ref, body func([]string) any) ([]remote.Result, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	k.about, k.mutates = refs[0].Path, true
	if len(refs) > batchSize {
		return nil, &remote.Error{Kind: remote.Invalid, Op: k.op, Path: k.about, Detail: "too many objects for one request"}
	}
	ids, err := identifiers(k.op, refs)
	if err != nil {
		return nil, err
	}
	k.body = body(ids)
	a, err := c.ask(ctx, k)
	if err != nil {
		return k.only(refs, err)
	}
	return k.results(a, refs), nil
}

// only turns the refusal of a request about one object into that object's
// Result. A refusal of several says nothing about any of them, and neither
// does one that is about the account or the network.
func (k call) only(refs []remote.Ref, err error) ([]remote.Result, error) {
	switch kind := remote.KindOf(err); {
	case len(refs) > 1, remote.IsUnknown(err):
		return nil, err
	case kind == remote.Auth, kind == remote.Budget, kind == remote.Temporary, kind == remote.Offline, kind == remote.Canceled:
		return nil, err
	}
	return []remote.Result{{Err: err}}, nil
}

// meta is the "meta" of results and errors.
type meta struct {
	ID   clientkit.Number `json:"id"`
	Path clientkit.Text   `json:"path"`
}

// item is what one resource of a batch came to (the reference, schema
// ResourceMultiResponse). Its examples wrap what the schema has bare.
type item struct {
	Status clientkit.Number `json:"responseStatus"`
	Data   json.RawMessage  `json:"data"`
	Errors wireErrors       `json:"errors"`
	Meta   meta             `json:"meta"`
	ID     clientkit.Number `json:"id"`
}

// results tells the outcome of each ref from the answer to a batch.
func (k call) results(a *answer, refs []remote.Ref) []remote.Result {
	items := a.Responses
	if items == nil {
		items = a.implied(k.op, refs)
	}
	out := make([]remote.Result, len(refs))
	for i, j := range match(items, refs, k.op != opCopy) {
		own := k
		own.about = refs[i].Path
		if j < 0 {
			out[i].Err = own.corrupt(a.http, "the answer does not tell what became of it", nil)
		} else {
			out[i] = own.result(a.http, &items[j])
		}
	}
	return out
}

// implied makes items of an answer that has none: the one that a single
// resource gets, and the documented empty one of a delete that succeeded as a
// whole.
func (a *answer) implied(op string, refs []remote.Ref) []item {
	ok := clientkit.Number{N: http.StatusOK, OK: true}
	if len(refs) == 1 {
		return []item{{Status: ok, Data: a.Data, Meta: a.Meta}}
	}
	var each []json.RawMessage
	if err := json.Unmarshal(a.Data, &each); err != nil && !a.empty {
		return nil // no array: it tells nothing
	}
	if op == opDelete && len(each) == 0 {
		each = make([]json.RawMessage, len(refs))
	}
	items := make([]item, len(each))
	for i, data := range each {
		items[i] = item{Status: ok, Data: data}
	}
	return items
}

// result reads one item.
func (k call) result(status int, it *item) remote.Result {
	rs := resources(it.Data)
	switch s := it.Status; {
	case s.OK && (s.N < 200 || s.N >= 300):
		return remote.Result{Err: k.statusError(int(min(max(s.N, 0), 999)), it.Errors.detail())}
	case !s.OK && len(it.Errors) > 0, !s.OK && len(rs) == 0 && !it.ID.OK:
		return remote.Result{Err: k.corrupt(status, "the answer does not tell if it succeeded: "+it.Errors.detail(), nil)}
	case k.op == opDelete, len(rs) == 0:
		return remote.Result{}
	}
	o, err := k.object(status, &rs[0])
	return remote.Result{Object: o, Err: err}
}
