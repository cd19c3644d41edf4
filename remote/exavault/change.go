package exavault

import (
	"context"
	"net/http"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// Mkdir makes a folder (the reference, "POST /resources"). What the reference
// leaves open is a taken name: a server may refuse it, which is kind Exist if
// its words say so and Invalid otherwise, choose another name, or answer with
// the folder that is there; the Object shows which.
func (c *Client) Mkdir(ctx context.Context, parent remote.Ref, name string) (remote.Object, error) {
	about := clientkit.Join(parent.Path, name)
	if err := clientkit.CheckName(opMkdir, about, name); err != nil {
		return remote.Object{}, err
	}
	in, err := identifier(opMkdir, parent)
	if err != nil {
		return remote.Object{}, err
	}
	body := map[string]string{"path": about}
	if parent.ID != "" {
		body = map[string]string{"name": name, "parentResource": in}
	}
	k := call{op: opMkdir, about: about, method: http.MethodPost, path: "/resources", body: body, mutates: true}
	a, err := c.ask(ctx, k)
	if err != nil {
		return remote.Object{}, err
	}
	o, err := k.resource(a)
	if err == nil && !o.Dir {
		return o, k.corrupt(a.http, "a file came to be instead of a folder", nil)
	}
	return o, err
}

// Rename gives an object another name (the reference, "PATCH
// /resources/{id}"). It takes one request more if ref has no ID.
func (c *Client) Rename(ctx context.Context, ref remote.Ref, name string) (remote.Object, error) {
	if err := clientkit.CheckName(opRename, ref.Path, name); err != nil {
		return remote.Object{}, err
	}
	if ref.ID == "" {
		o, err := c.Stat(ctx, ref)
		if err != nil {
			return remote.Object{}, err
		}
		ref.ID = o.ID
	}
	if _, err := identifier(opRename, ref); err != nil {
		return remote.Object{}, err
	}
	k := call{
		op: opRename, about: ref.Path, method: http.MethodPatch, path: "/resources/" + ref.ID,
		body: map[string]string{"name": name}, mutates: true,
	}
	a, err := c.ask(ctx, k)
	if err != nil {
		return remote.Object{}, err
	}
	o, err := k.resource(a)
	if err == nil && o.ID != ref.ID {
		return o, k.corrupt(a.http, "the answer is about another resource", nil)
	}
	return o, err
}

// Extract unpacks a zip archive (the reference, "POST /resources/extract").
// The reference does not say if what is returned includes what lies in
// folders, nor what becomes of names that are taken.
func (c *Client) Extract(ctx context.Context, archive, into remote.Ref) ([]remote.Object, error) {
	ids, err := identifiers(opExtract, []remote.Ref{archive, into})
	if err != nil {
		return nil, err
	}
	k := call{
		op: opExtract, about: archive.Path, method: http.MethodPost, path: "/resources/extract",
		body: map[string]string{"resource": ids[0], "parentResource": ids[1]}, mutates: true,
	}
	resp, err := c.send(ctx, k)
	if err != nil {
		return nil, err
	}
	defer finish(resp)
	var e extracted
	_, err = k.collect(resp, e.element)
	return e.objects, err
}

// Quota asks for the account's limits (the reference, "GET /account", schema
// Quota).
func (c *Client) Quota(ctx context.Context) (remote.Quota, error) {
	k := call{op: opAccount, about: "/", method: http.MethodGet, path: "/account"}
	a, err := c.ask(ctx, k)
	if err != nil {
		return remote.Quota{}, err
	}
	return k.quota(a)
}
