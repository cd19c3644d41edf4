package yetishare

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

const (
	// linkAge is how long an address is used. Sites do not say how long they
	// live.
	linkAge = 10 * time.Minute
	// maxLinks is how many addresses are kept.
	maxLinks = 1000
)

// address is where a file's content can be fetched.
type address struct {
	url string
	// page is true if the content may be a web page.
	page bool
	at   time.Time
}

// links keeps addresses by the files' numbers. Its zero value is empty.
type links struct {
	// mu guards what follows.
	mu   sync.Mutex
	byID map[int64]address
}

func (l *links) get(id int64, now time.Time) (address, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.byID[id]
	return a, ok && now.Sub(a.at) < linkAge
}

func (l *links) put(id int64, a address) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID == nil || len(l.byID) >= maxLinks {
		l.byID = map[int64]address{}
	}
	l.byID[id] = a
}

func (l *links) drop(id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.byID, id)
}

// address returns where the content of a file is, from an earlier request if
// there was one not long ago.
func (c *Client) address(ctx context.Context, w *wanted) (address, error) {
	if a, ok := c.links.get(w.id, c.now()); ok {
		return a, nil
	}
	k := call{op: opDownload, about: w.Path, path: "/file/download", named: true, form: url.Values{"file_id": {itoa(w.id)}}}
	ans, err := c.ask(ctx, k)
	if errors.Is(err, errNoLink) {
		return address{}, c.whyNoLink(ctx, w, err)
	}
	if err != nil {
		return address{}, err
	}
	var data link
	if !decode(ans.Data, &data) || data.ID.OK && data.ID.N != w.id {
		return address{}, k.corrupt(0, "the answer holds no address", nil)
	}
	u, ok := c.trusted(data.URL.S)
	if !ok {
		return address{}, k.corrupt(0, "the answer holds no address that can be used", nil)
	}
	a := address{url: u, page: pageName(data.Name.s) || data.Name.s == "", at: c.now()}
	c.links.put(w.id, a)
	return a, nil
}

// whyNoLink asks whether a file that has no address is there at all.
func (c *Client) whyNoLink(ctx context.Context, w *wanted, err error) error {
	if _, gone := c.fileInfo(ctx, w.id, w.Path); remote.IsKind(gone, remote.NotExist) {
		return renamed(gone, w.Op, w.Path)
	}
	return err
}

// trusted checks an address, which holds a token of its own. Sites that are
// configured so give one with plain http although they have TLS; it is not
// followed in the clear.
func (c *Client) trusted(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil {
		return "", false
	}
	if u.Scheme == "http" && (strings.HasPrefix(c.base, "https:") || !clientkit.Loopback(u.Hostname())) {
		u.Scheme = "https"
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return "", false
	}
	if t := u.Query().Get("download_token"); t != "" && c.addSecret != nil {
		c.addSecret(t)
	}
	return u.String(), true
}
