package control

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
)

// Client asks a running mount. Its methods return errors of type
// *remote.Error: those of the mount as they are there, and ErrGone as the
// cause if nobody listens.
type Client struct {
	socket string
	http   *http.Client
}

// NewClient returns a client of the mount that listens at socket. It does not
// connect yet.
func NewClient(socket string) *Client {
	connect := func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, socket) }
	return &Client{socket: socket, http: &http.Client{
		Transport: &http.Transport{DialContext: connect, DisableKeepAlives: true},
	}}
}

// Status asks how the mount stands.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	return s, c.do(ctx, http.MethodGet, "/status", nil, &s)
}

// Flush has the mount send everything, and returns what is left after at most
// timeout; 0 is without a limit.
func (c *Client) Flush(ctx context.Context, timeout time.Duration) (left Left, err error) {
	return left, c.do(ctx, http.MethodPost, "/flush", url.Values{"timeout": {timeout.String()}}, &left)
}

// Unmount has the mount send everything for at most timeout, unmount and end.
// What it returns is left in the state folder.
func (c *Client) Unmount(ctx context.Context, timeout time.Duration) (left Left, err error) {
	return left, c.do(ctx, http.MethodPost, "/unmount", url.Values{"timeout": {timeout.String()}}, &left)
}

// Pending lists what is to be sent.
func (c *Client) Pending(ctx context.Context) (items []cache.PendingItem, err error) {
	return items, c.do(ctx, http.MethodGet, "/pending", nil, &items)
}

// Retry has everything that was given up tried again, and returns how many
// nodes that is about.
func (c *Client) Retry(ctx context.Context) (n int, err error) {
	return n, c.do(ctx, http.MethodPost, "/pending/retry", nil, &n)
}

// Drop gives up for good what could not be sent, and returns how many nodes
// that is about.
func (c *Client) Drop(ctx context.Context) (n int, err error) {
	return n, c.do(ctx, http.MethodPost, "/pending/drop", nil, &n)
}

// Export has what is to be sent copied into dir, an absolute path, and returns
// the files made.
func (c *Client) Export(ctx context.Context, dir string) (files []string, err error) {
	return files, c.do(ctx, http.MethodPost, "/pending/export", url.Values{"dir": {dir}}, &files)
}

// Explain returns the plan for what is to be sent, in words.
func (c *Client) Explain(ctx context.Context) (plan string, err error) {
	return plan, c.do(ctx, http.MethodPost, "/pending/explain", nil, &plan)
}

// do sends a request and decodes the answer. The answer is not bounded: it
// comes from a process of the same user, and lists may be long.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, answer any) error {
	resp, err := c.send(ctx, method, path, query)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return c.failed(err)
	}
	return nil
}

// failed is the error of a request that was not answered.
func (c *Client) failed(err error) error {
	var ours *remote.Error
	if errors.As(err, &ours) {
		return ours
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	kind := remote.KindOf(err)
	if kind == remote.Other {
		kind = remote.Temporary
	}
	return &remote.Error{Kind: kind, Op: "ask the mount at", Path: c.socket, Detail: "it ended before it answered", Err: err}
}
