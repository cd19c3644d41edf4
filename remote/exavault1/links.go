package exavault1

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// link asks for the address of a storage server, good for one transfer within
// thirty seconds (the SDK, getUploadFileUrl and getDownloadFileUrl).
func (c *Client) link(ctx context.Context, k call) (*url.URL, error) {
	a, err := c.ask(ctx, k)
	if err != nil {
		return nil, err
	}
	var results struct {
		URL clientkit.Text `json:"url"`
	}
	if err := clientkit.Lenient(json.Unmarshal(a.Results, &results)); err != nil || results.URL.S == "" {
		return nil, k.corrupt("the answer has no address", err)
	}
	u, err := c.base.Parse(results.URL.S)
	if err != nil || !c.trusts(u) {
		return nil, k.corrupt("the answer's address makes no sense", nil) // which may hold a token
	}
	return u, nil
}

// trusts tells whether an address that the provider gave may be used: content
// goes over TLS, and nothing on this machine or beside the provider is asked on
// its behalf unless the provider itself is there.
func (c *Client) trusts(u *url.URL) bool {
	switch {
	case u.Host == "" || u.User != nil:
		return false
	case u.Scheme == c.base.Scheme && u.Host == c.base.Host:
		return true
	case clientkit.Loopback(u.Hostname()):
		return clientkit.Loopback(c.base.Hostname()) && (u.Scheme == "http" || u.Scheme == "https")
	}
	return u.Scheme == "https"
}

// transfer makes a request to a storage server. It carries neither key nor
// token: its address does.
func transfer(ctx context.Context, op, method string, u *url.URL) (*http.Request, error) {
	ctx = ledger.WithTransfer(ledger.WithOp(ctx, op))
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, &remote.Error{Kind: remote.Corrupt, Op: op, Detail: "the storage server's address makes no sense"}
	}
	req.Header.Set("User-Agent", "frugalfs")
	return req, nil
}

// stale tells whether a status means that an address was used or has expired:
// then nothing was transferred.
func stale(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone:
		return true
	}
	return false
}
