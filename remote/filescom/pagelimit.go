package filescom

import (
	"errors"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/frugalfs/frugalfs/remote"
)

const (
	// maxPage is the most entries that a page has (the SDK), and safePage how
	// many are recommended.
	maxPage  = 10_000
	safePage = 1000
)

// pageLimit is how many entries to ask for. It is safe for use by many
// goroutines: the worst that a race brings is a request more.
type pageLimit struct{ limit atomic.Int64 }

func (p *pageLimit) init(limit int) {
	if limit == 0 {
		limit = maxPage
	}
	p.limit.Store(int64(limit))
}

// page requests one page. If a large one is refused, or the server fails over
// it, the recommended size is asked for from then on.
func (c *Client) page(ask func(limit int64) (head, error)) (int64, http.Header, error) {
	limit := c.pages.limit.Load()
	a, err := ask(limit)
	if err == nil || limit <= safePage || !isStatus(err, tooMuch...) {
		return limit, a.header, err
	}
	first := err
	if a, err = ask(safePage); err != nil {
		return limit, nil, first
	}
	c.pages.limit.Store(safePage)
	return safePage, a.header, nil
}

// tooMuch are the statuses of servers that cannot give so many entries.
var tooMuch = []int{
	http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusInternalServerError,
	http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
}

func isStatus(err error, statuses ...int) bool {
	e, ok := errors.AsType[*remote.Error](err)
	return ok && slices.Contains(statuses, e.Status)
}
