package exavault

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/frugalfs/frugalfs/remote"
)

// pageLimit finds out how many elements a server lets one ask for. It is safe
// for use by many goroutines: the worst that a race brings is a request more.
type pageLimit struct {
	limit  atomic.Int64
	proven atomic.Bool // whether the server took limit
}

func (p *pageLimit) init(limit, standard int) {
	if limit == 0 {
		limit = standard
	}
	p.limit.Store(int64(limit))
}

// lower returns the limit to try after a server refused one; false if that
// limit cannot be the reason.
func (p *pageLimit) lower(limit int64) (int64, bool) {
	if p.proven.Load() {
		return 0, false
	}
	for _, l := range []int64{1000, 100} {
		if l < limit {
			return l, true
		}
	}
	return 0, false
}

func (p *pageLimit) prove(limit int64) {
	p.limit.Store(limit)
	p.proven.Store(true)
}

// page requests one page of a collection. As long as no limit was taken yet, a
// 400 may be about the limit (if doubt says so too), and smaller ones are
// tried. If they are refused too, the first error is returned.
func (c *Client) page(ctx context.Context, p *pageLimit, doubt func(*remote.Error) bool, ask func(limit int64) call) (*http.Response, error) {
	limit := p.limit.Load()
	var first error
	for {
		resp, err := c.send(ctx, ask(limit))
		if err == nil {
			p.prove(limit)
			return resp, nil
		}
		if first == nil {
			first = err
		}
		lower, ok := p.lower(limit)
		e, is := errors.AsType[*remote.Error](err)
		if !ok || !is || e.Status != http.StatusBadRequest || !doubt(e) {
			return nil, first
		}
		limit = lower
	}
}

func isStatus(err error, status int) bool {
	e, ok := errors.AsType[*remote.Error](err)
	return ok && e.Status == status
}
