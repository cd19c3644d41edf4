package exavault

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

const (
	// apiPath is where a server keeps the API (the reference, "The API URL").
	apiPath = "/api/v2"
	// batchSize is how many resources one move, copy or delete names. The
	// reference sets no limit; this one keeps requests and answers below a
	// few MB.
	batchSize = 1000
)

// address is how a user names an account.
var address = clientkit.Address{Provider: "exavault", Example: "https://SITE.exavault.com", API: []string{apiPath}}

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
	_ remote.ArchiveSizer      = (*Client)(nil)
	_ remote.Extractor         = (*Client)(nil)
	_ remote.Quoter            = (*Client)(nil)
	_ remote.Feed              = (*Client)(nil)
)

// New returns a client. It makes no request; errors are of kind Invalid.
func New(o Options) (*Client, error) {
	base, err := address.Base(o.URL)
	if err != nil {
		return nil, err
	}
	if o.HTTP == nil {
		return nil, address.Invalid("no HTTP client given")
	}
	if o.PageSize < 0 {
		return nil, address.Invalid("the page size is negative")
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

// headers returns what every request carries. The secrets are checked here
// because net/http would refuse odd ones only when the first request is made.
func headers(o Options) (http.Header, error) {
	h := http.Header{"User-Agent": {"frugalfs"}, "Accept": {"application/json, */*"}}
	for _, s := range []struct{ what, name, value string }{
		{"API key", "ev-api-key", o.APIKey},
		{"access token", "ev-access-token", o.AccessToken},
	} {
		if s.value == "" {
			return nil, address.Invalid("the %s is missing", s.what)
		}
		if err := address.Secret(s.what, s.value); err != nil {
			return nil, err
		}
		h.Set(s.name, s.value)
	}
	return h, nil
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
		MaxName:            clientkit.MaxName,
	}
}

// now is the moment that evidence speaks for.
func now() time.Time { return time.Now() }
