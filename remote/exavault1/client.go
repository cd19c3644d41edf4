package exavault1

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

const (
	// pageLimit is the most entries that a page of a listing may have (the SDK,
	// getResourceList).
	pageLimit = 100
	// batchSize is how many paths one move, copy or delete names. No document
	// sets a limit. A look before a move names each twice, and servers written
	// in PHP drop what comes after the thousandth parameter, without a word.
	batchSize = 400
)

// address says where the API is: the notes put it on the account's own host, and
// no document tells at which path of it.
var address = clientkit.Address{
	Provider: "exavault1", Example: "https://SITE.files.com", API: []string{"/api/v1.2", "/v1.2"},
}

// Windows are the provider's limits of rate, for the ledger's options: 500
// requests in any five minutes for each API key (the SDK, "API Rate Limits").
// Whoever exceeds them is refused for fifteen minutes.
func Windows() []ledger.Window { return []ledger.Window{{N: 500, Per: 5 * time.Minute}} }

// Options configure a client.
type Options struct {
	// URL is the account's address as its user knows it, such as
	// "https://SITE.files.com". APIPath is appended unless the address ends in
	// "/v1.2" already. Plain http is taken for loopback addresses only.
	URL string
	// APIPath is where the server keeps the API: "/api/v1.2" if empty, or
	// "/v1.2".
	APIPath string
	// APIKey is sent with every request.
	APIKey string
	// AccessToken is what an earlier sign-in brought; Username and Password get
	// a new one, at the start or when that one has expired. One of the two ways
	// must be given.
	AccessToken, Username, Password string
	// HTTP sends the requests. It has to pass them through the ledger.
	HTTP *http.Client
	// PageSize is how many entries to ask for in one listing request, at most
	// and by default 100.
	PageSize int
	// Throttle is told for how long the provider refuses everything after it
	// said so in an answer of status 200: the ledger's Throttle. nil for none.
	Throttle func(time.Duration)
	// AddSecret is told each token that a sign-in brings, so that it appears in
	// no log: the ledger's AddSecret. nil for none.
	AddSecret func(string)
	// Logger receives warnings; nil discards them.
	Logger *slog.Logger
}

// Client is an account at ExaVault, by its API of version 1.2.
type Client struct {
	base     *url.URL    // the API's address, without a slash at the end
	header   http.Header // what every request to the API carries; never changed
	http     *http.Client
	log      *slog.Logger
	pageSize int
	throttle func(time.Duration)
	session  *clientkit.Session[string]
	lookout  lookout
	// fullPage is the size of a page that need not be the last one.
	fullPage atomic.Int64
	// detailed is true once the server turned out to leave size or date out of
	// listings that are not.
	detailed atomic.Bool
	// warned is true once a refused entry was logged as a warning.
	warned atomic.Bool
}

var (
	_ remote.Remote     = (*Client)(nil)
	_ remote.TreeLister = (*Client)(nil)
	_ remote.Copier     = (*Client)(nil)
	_ remote.Feed       = (*Client)(nil)
)

// New returns a client. It makes no request; errors are of kind Invalid.
func New(o Options) (*Client, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	base, err := o.base()
	if err != nil {
		return nil, err
	}
	c := &Client{
		base: base, http: o.HTTP, log: o.Logger, pageSize: o.PageSize, throttle: o.Throttle,
		header: http.Header{"User-Agent": {"frugalfs"}, "Accept": {"application/json"}, "api_key": {o.APIKey}},
	}
	if c.pageSize == 0 {
		c.pageSize = pageLimit
	}
	c.fullPage.Store(int64(c.pageSize))
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	how := clientkit.SignIn[string]{Op: opLogin, Brought: o.AccessToken}
	if o.Password != "" {
		how.Token = c.signIn(o.Username, o.Password, o.AddSecret)
	}
	c.session = clientkit.NewSession(how)
	c.lookout.init(c)
	return c, nil
}

func (o *Options) check() error {
	switch {
	case o.HTTP == nil:
		return address.Invalid("no HTTP client given")
	case o.PageSize < 0 || o.PageSize > pageLimit:
		return address.Invalid("a page has 1 to %d entries", pageLimit)
	case o.APIKey == "":
		return address.Invalid("the API key is missing")
	case o.AccessToken == "" && (o.Username == "" || o.Password == ""):
		return address.Invalid("give an access token, or a user name and a password")
	case o.Username == "" && o.Password != "":
		return address.Invalid("a password without a user name is of no use")
	case o.APIPath != "" && !strings.HasPrefix(o.APIPath, "/"):
		return address.Invalid("the API's path begins with a slash")
	}
	if err := address.Secret("API key", o.APIKey); err != nil {
		return err
	}
	return address.Secret("access token", o.AccessToken)
}

func (o *Options) base() (*url.URL, error) {
	a := address
	if o.APIPath != "" {
		a.API = append([]string{strings.TrimRight(o.APIPath, "/")}, a.API...)
	}
	raw, err := a.Base(o.URL)
	if err != nil {
		return nil, err
	}
	return url.Parse(raw)
}

// sharing is how many changes are made at once, so that their looks share requests:
// well below the 40 connections that the service takes from one address.
const sharing = 16

// Capabilities describes the legacy API. Whether an upload makes missing folders
// is not documented, and so not relied on; file names are taken to be
// case-sensitive.
func (c *Client) Capabilities() remote.Capabilities {
	return remote.Capabilities{
		Provider:        "exavault1",
		RecursiveDelete: true,
		EmptyFiles:      true,
		DeleteBatch:     batchSize,
		MoveBatch:       batchSize,
		CopyBatch:       batchSize,
		Concurrency:     sharing,
		MaxName:         clientkit.MaxName,
	}
}

// now is the moment that evidence speaks for.
func now() time.Time { return time.Now() }
