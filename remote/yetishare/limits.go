package yetishare

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/frugalfs/frugalfs/remote"
)

// smallFile is up to which size a file is sent without knowing the account's
// limits: to send it in vain costs less than to ask.
const smallFile = 8 << 20

// limits are those of the account's package, 0 for none.
type limits struct {
	read    atomic.Bool
	maxFile atomic.Int64
	// announced is the part that Capabilities tells; it does not change after
	// Connect.
	announced atomic.Int64
}

// Connect signs in and reads the limits of the account's package, in two
// requests; a client that is used without it does so when it first needs to.
// Call it before Capabilities is asked for, which tells the largest file then.
// An account that may not upload is no error: it can be read.
func (c *Client) Connect(ctx context.Context) error {
	if err := ended(ctx, opPackage, "/"); err != nil {
		return err
	}
	if _, err := c.readLimits(ctx); err != nil {
		return err
	}
	c.limits.announced.Store(c.limits.maxFile.Load())
	return nil
}

// readLimits asks for the account's package ("Account Package").
func (c *Client) readLimits(ctx context.Context) (*pack, error) {
	k := call{op: opPackage, about: "/", path: "/account/package"}
	a, err := c.ask(ctx, k)
	if err != nil {
		return nil, err
	}
	var p pack
	if !decode(a.Data, &p) {
		return nil, k.corrupt(0, "the answer describes no package", nil)
	}
	c.limits.maxFile.Store(max(p.MaxUploadSize.N, 0))
	c.limits.read.Store(true)
	c.gate.limit(p.ConcurrentDownloads.N)
	if p.CanUpload.OK && !p.CanUpload.Yes {
		c.log.Warn("the account may not upload files")
	}
	return &p, nil
}

// fits refuses a file that is larger than the site takes, before it is sent. The
// limits are read once, before the first file that is not small. That they cannot
// be read is no reason not to try.
func (c *Client) fits(ctx context.Context, full string, size int64) error {
	if size > smallFile && !c.limits.read.Load() {
		if _, err := c.readLimits(ctx); err != nil {
			if hopeless(err) {
				return renamed(err, opUpload, full)
			}
			c.log.Warn("the limits of the account cannot be read", "err", err)
			c.limits.read.Store(true)
		}
	}
	most := c.limits.maxFile.Load()
	if most > 0 && size > most {
		return &remote.Error{Kind: remote.TooLarge, Op: opUpload, Path: full, Detail: fmt.Sprintf("the site takes files of up to %d bytes", most)}
	}
	return nil
}

// Quota tells what the account's package allows. How much is used is not told:
// it would take a listing of the whole account's root.
func (c *Client) Quota(ctx context.Context) (remote.Quota, error) {
	p, err := c.readLimits(ctx)
	if err != nil {
		return remote.Quota{}, err
	}
	q := remote.Quota{Limit: -1, Used: -1}
	if p.MaxStorage.OK && p.MaxStorage.N > 0 {
		q.Limit = p.MaxStorage.N
	}
	return q, nil
}
