package exavault1

import (
	"context"
	"errors"
	"path"

	"github.com/frugalfs/frugalfs/remote"
)

// place is a path, and what an operation needs to be there.
type place struct {
	path string
	need need
}

type need uint8

const (
	anything need = iota // a file or folder
	aFolder
	aFile
	nothing
)

// wrong tells what is wrong with what was seen at the place; ok is true if
// nothing is.
func (p place) wrong(s sight) (kind remote.Kind, ok bool) {
	g := s[p.path]
	switch {
	case p.need == nothing:
		return remote.Exist, !g.exists
	case !g.exists:
		return remote.NotExist, p.path == "/"
	case p.need == aFolder:
		return remote.NotDir, g.object.Dir
	case p.need == aFile:
		return remote.IsDir, !g.object.Dir
	}
	return 0, true
}

// explain looks at what a refused request was about: its words may say
// anything, and prove nothing. If all is as it should be, the refusal stands,
// unless it claims that something is missing.
func (c *Client) explain(ctx context.Context, err error, places ...place) error {
	e, ok := errors.AsType[*remote.Error](err)
	if !ok || !definite(err) {
		return err
	}
	paths := make([]string, len(places))
	for i, p := range places {
		paths[i] = p.path
	}
	seen, lookErr := c.look(ctx, e.Op, paths...)
	if lookErr != nil {
		return unproven(e)
	}
	return settle(e, seen, places)
}

// settle corrects the kind of a refusal by what was seen.
func settle(e *remote.Error, seen sight, places []place) error {
	for _, p := range places {
		if kind, ok := p.wrong(seen); !ok {
			proven := *e
			proven.Kind = kind
			return &proven
		}
	}
	return unproven(e)
}

// unproven is a refusal without a claim that a look has disproved, or that none
// has proved.
func unproven(e *remote.Error) error {
	switch e.Kind {
	case remote.NotExist, remote.Exist, remote.NotDir, remote.IsDir:
		doubted := *e
		doubted.Kind = remote.Temporary
		return &doubted
	}
	return e
}

func parentOf(p string) place { return place{path.Dir(p), aFolder} }
