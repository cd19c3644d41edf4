package exavault

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

const (
	// apiPath is where a server keeps the API (the reference, "The API URL").
	apiPath = "/api/v2"
	// batchSize is how many resources one move, copy or delete names. The
	// reference sets no limit; this one keeps requests and answers below a
	// few MB.
	batchSize = 1000
	// maxName is the longest file name in bytes that Linux takes.
	maxName = 255
)

// Options configure a client.
type Options struct {
	// URL is the account's address as its user knows it, such as
	// "https://SITE.exavault.com". "/api/v2" is appended unless it is there
	// already. Plain http is taken for loopback addresses only.
	URL string
	// APIKey and AccessToken are the two secrets that every request carries
	// (the reference, "Authentication").
	APIKey, AccessToken string
	// HTTP sends the requests. It has to pass them through the ledger.
	HTTP *http.Client
	// PageSize is how many entries to ask for in one listing request, 0 for
	// the default of 10,000. Servers may give fewer, or refuse so many: the
	// client then asks for 1,000 and for 100.
	PageSize int
	// Logger receives warnings; nil discards them.
	Logger *slog.Logger
}

// Client is an account at ExaVault.
type Client struct {
	base   string      // the API's address, without a slash at the end
	header http.Header // what every request carries; never changed
	http   *http.Client
	log    *slog.Logger
	pages  pageLimit
	feed   pageLimit
	// feedMax is the size of the largest page of the activity log so far.
	feedMax atomic.Int64
	// noTypeSort is true once the server refused to sort by type.
	noTypeSort atomic.Bool
	// warned is true once a refused entry was logged as a warning.
	warned atomic.Bool
}

var (
	_ remote.Remote            = (*Client)(nil)
	_ remote.TreeLister        = (*Client)(nil)
	_ remote.OwnTreeLister     = (*Client)(nil)
	_ remote.Copier            = (*Client)(nil)
	_ remote.ArchiveDownloader = (*Client)(nil)
	_ remote.Extractor         = (*Client)(nil)
	_ remote.Quoter            = (*Client)(nil)
	_ remote.Feed              = (*Client)(nil)
)

// New returns a client. It makes no request; errors are of kind Invalid.
func New(o Options) (*Client, error) {
	base, err := baseURL(o.URL)
	if err != nil {
		return nil, err
	}
	if o.HTTP == nil {
		return nil, invalid("no HTTP client given")
	}
	if o.PageSize < 0 {
		return nil, invalid("the page size is negative")
	}
	header, err := headers(o)
	if err != nil {
		return nil, err
	}
	c := &Client{base: base, header: header, http: o.HTTP, log: o.Logger}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.pages.init(o.PageSize, listLimit)
	c.feed.init(0, feedLimit)
	return c, nil
}

func invalid(format string, args ...any) *remote.Error {
	return &remote.Error{Kind: remote.Invalid, Op: "exavault", Detail: fmt.Sprintf(format, args...)}
}

// headers returns what every request carries. The secrets are checked here
// because net/http would refuse odd ones only when the first request is made.
func headers(o Options) (http.Header, error) {
	h := http.Header{"User-Agent": {"frugalfs"}, "Accept": {"application/json, */*"}}
	for _, s := range []struct{ what, name, value string }{
		{"API key", "ev-api-key", o.APIKey},
		{"access token", "ev-access-token", o.AccessToken},
	} {
		if s.value == "" {
			return nil, invalid("the %s is missing", s.what)
		}
		if strings.ContainsFunc(s.value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, invalid("the %s holds a character that cannot be sent (a blank or a line break, perhaps)", s.what)
		}
		h.Set(s.name, s.value)
	}
	return h, nil
}

// baseURL checks an account's address and completes it to the API's.
func baseURL(raw string) (string, error) {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return "", invalid("the account's address is missing; give it as https://SITE.exavault.com")
	}
	if !strings.Contains(raw, "://") {
		return "", invalid("the address %q has no scheme; write https:// in front of it", withoutUser(raw))
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return "", invalid("the address cannot be understood; give it as https://SITE.exavault.com")
	}
	if err := checkURL(u); err != nil {
		return "", err
	}
	u.Path = strings.TrimRight(u.Path, "/")
	if !strings.HasSuffix(u.Path, apiPath) {
		u.Path += apiPath
	}
	return u.String(), nil
}

func checkURL(u *url.URL) error {
	switch {
	case u.User != nil:
		return invalid("the address holds a user name or password; leave them out")
	case u.RawQuery != "" || u.Fragment != "":
		return invalid("the address %q has a query or a fragment; leave it out", u.Scheme+"://"+u.Host)
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return invalid("plain http would show the access token to everybody on the way; write https://%s", u.Host)
	}
	return invalid("the address has the scheme %q; it must be https", u.Scheme)
}

func withoutUser(raw string) string { return raw[strings.LastIndexByte(raw, '@')+1:] }

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Capabilities describes ExaVault. Uploads and new folders bring their missing
// parents with them; file names are taken to be case-sensitive, which the
// reference leaves open.
func (c *Client) Capabilities() remote.Capabilities {
	return remote.Capabilities{
		Provider:           "exavault",
		IDs:                true,
		UploadMakesParents: true,
		RecursiveDelete:    true,
		EmptyFiles:         true,
		DeleteBatch:        batchSize,
		MoveBatch:          batchSize,
		CopyBatch:          batchSize,
		MaxName:            maxName,
	}
}

// now is the moment that evidence speaks for.
func now() time.Time { return time.Now() }
