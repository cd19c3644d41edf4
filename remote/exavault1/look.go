package exavault1

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// glance is what a look saw at one path.
type glance struct {
	// object is what is there; the zero Object if nothing is.
	object remote.Object
	exists bool
	// err is why it cannot be told.
	err error
}

// sight is what a look saw, by the paths that were asked for.
type sight map[string]glance

// isDir tells whether a folder is at a path.
func (s sight) isDir(p string) bool { return s[p].exists && s[p].object.Dir }

// Stat describes one object (the SDK, checkFilesExist). Several that are asked
// for at once may share a transaction.
func (c *Client) Stat(ctx context.Context, ref remote.Ref) (remote.Object, error) {
	p, err := pathOf(opInfo, ref)
	if err != nil {
		return remote.Object{}, err
	}
	seen, err := c.look(ctx, opInfo, p)
	switch {
	case err != nil:
		return remote.Object{}, err
	case !seen[p].exists && p == "/":
		// A user's home folder is there; the call may just not know its name.
		return c.home(ctx)
	case !seen[p].exists:
		return remote.Object{}, remote.E(remote.NotExist, opInfo, p, nil)
	}
	return seen[p].object, nil
}

// home proves that the home folder can be listed.
func (c *Client) home(ctx context.Context) (remote.Object, error) {
	k := listCall(opInfo, "/", 0, 1, false)
	if _, err := c.ask(ctx, k); err != nil {
		return remote.Object{}, err
	}
	return remote.Object{Path: "/", Dir: true}, nil
}

// look tells what is at some paths, for the operation op. It fails if it cannot
// tell for any one of them.
func (c *Client) look(ctx context.Context, op string, paths ...string) (sight, error) {
	seen, err := c.lookout.ask(ctx, paths)
	if err == nil {
		for _, p := range paths {
			if err = seen[p].err; err != nil {
				break
			}
		}
	}
	if err != nil {
		e := clientkit.Lost(op, paths[0], false, err)
		e.Unknown = false // a look changes nothing
		return nil, e
	}
	return seen, nil
}

// checkFiles looks at paths, each named once, in one request.
func (c *Client) checkFiles(ctx context.Context, paths []string) (sight, error) {
	k := call{op: opInfo, about: paths[0], name: "checkFilesExist", form: url.Values{"filePaths[]": paths}}
	a, err := c.ask(ctx, k)
	if err != nil {
		return nil, err
	}
	var checks []check
	if err := clientkit.Lenient(json.Unmarshal(a.Results, &checks)); err != nil || checks == nil {
		return nil, k.corrupt("the answer does not tell what exists", err)
	}
	seen, bare := k.sight(paths, checks)
	if len(bare) == 0 {
		return seen, nil
	}
	return seen, c.properties(ctx, bare, seen)
}

// check is what the answer says of one path (the SDK, ExistingResource).
type check struct {
	Exists   clientkit.Flag `json:"exists"`
	Resource *resource      `json:"resource"`
}

// sight matches the checks with the paths that they are of. What is missing
// need not be named in them, so the rest counts: as many paths as checks are
// left, and all of these say that there is nothing. bare are paths of which it
// is said only that something is there.
func (k call) sight(paths []string, checks []check) (seen sight, bare []string) {
	m := &checkup{k: k, seen: sight{}, at: map[string]bool{}}
	for _, p := range paths {
		m.at[p] = true
	}
	inOrder := len(paths) == len(checks)
	for i := range checks {
		hint := ""
		if inOrder {
			hint = paths[i]
		}
		m.take(&checks[i], hint)
	}
	for _, p := range paths {
		if _, told := m.seen[p]; told {
			continue
		}
		if inOrder && m.odd == 0 {
			m.seen[p] = glance{}
			continue
		}
		m.seen[p] = glance{err: k.corrupt("the answer does not tell what is at "+p, nil)}
	}
	return m.seen, m.bare
}

// checkup is the state of matching checks.
type checkup struct {
	k    call
	at   map[string]bool // the paths asked for
	seen sight
	bare []string
	odd  int // checks that are of none of the paths, or say nothing
}

// take takes in one check. hint is the path that has its place in the request:
// it counts only for what the check itself does not contradict.
func (m *checkup) take(ch *check, hint string) {
	switch {
	case !ch.Exists.OK:
		m.odd++
	case !ch.Exists.Yes:
		// Counted by what is left over.
	case ch.Resource == nil:
		if hint == "" || m.told(hint) {
			m.odd++
			return
		}
		m.seen[hint] = glance{}
		m.bare = append(m.bare, hint)
	default:
		m.found(ch.Resource, hint)
	}
}

func (m *checkup) told(p string) bool {
	_, told := m.seen[p]
	return told
}

// found takes in what is there.
func (m *checkup) found(r *resource, hint string) {
	o, f := r.object("")
	p := m.whose(o.Path, hint)
	switch {
	case p == "":
		m.odd++
	case f == bare:
		m.seen[p] = glance{}
		m.bare = append(m.bare, p)
	case f != noFault:
		m.seen[p] = glance{err: m.k.corrupt("the answer describes "+p+" incompletely", nil)}
	default:
		m.seen[p] = glance{object: o, exists: true}
	}
}

// whose returns the path that an object was found under, "" if it is none of
// those asked for: its own, or one that differs in case only on a server that
// does not tell them apart.
func (m *checkup) whose(own, hint string) string {
	if m.at[own] && !m.told(own) {
		return own
	}
	if hint != "" && !m.told(hint) && (own == "" || strings.EqualFold(own, hint)) {
		return hint
	}
	for p := range m.at {
		if !m.told(p) && strings.EqualFold(p, own) {
			return p
		}
	}
	return ""
}

// properties describes objects that are there (the SDK, getResourceProperties).
func (c *Client) properties(ctx context.Context, paths []string, seen sight) error {
	k := call{op: opInfo, about: paths[0], name: "getResourceProperties", form: url.Values{"filePaths[]": paths}}
	a, err := c.ask(ctx, k)
	if err != nil {
		return err
	}
	for _, p := range paths {
		seen[p] = glance{err: k.corrupt("the answer does not describe "+p, nil)}
	}
	var list []resource
	if err := clientkit.Lenient(json.Unmarshal(a.Results, &list)); err != nil {
		return k.corrupt("the answer describes nothing", err)
	}
	for i := range list {
		o, f := list[i].object("")
		if _, asked := seen[o.Path]; asked && f == noFault {
			seen[o.Path] = glance{object: o, exists: true}
		}
	}
	return nil
}
