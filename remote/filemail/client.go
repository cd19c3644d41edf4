package filemail

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

const (
	// pageLimit is the provider's own page size (API 2.0, "GET /transfer/sent").
	pageLimit = 1000
	// linksKept is for how many files the address of the content is remembered.
	linksKept = 20000
)

// The hosts of the two APIs, and what each is called beside.
const (
	classicHost = "www.filemail.com"
	modernHost  = "api-public.filemail.com"
)

// Options configure a client.
type Options struct {
	// URL is the account's address as its user knows it,
	// "https://www.filemail.com". Plain http is taken for loopback addresses
	// only.
	URL string
	// AccessToken is an application key; with it, the client speaks API 2.0.
	AccessToken string
	// APIKey, Username and Password sign in to the classic API; APIKey may be
	// empty, as newer documents do without it.
	APIKey, Username, Password string
	// Deletes allows to delete sent files and transfers, for their recipients
	// too.
	Deletes bool
	// HTTP sends the requests. It has to pass them through the ledger.
	HTTP *http.Client
	// PageSize is how many transfers to ask for in one request, at most and by
	// default 1000.
	PageSize int
	// ChunkSize is the size of the pieces in which files above 50 MB are sent;
	// 0 means 20 MB.
	ChunkSize int64
	// AddSecret is told each token and key that is received, so that it appears
	// in no log: the ledger's AddSecret. nil for none.
	AddSecret func(string)
	// Logger receives warnings; nil discards them.
	Logger *slog.Logger
}

// Client is an account at Filemail.
type Client struct {
	api       api
	base      *url.URL
	http      *http.Client
	log       *slog.Logger
	session   *clientkit.Session[string] // nil if there is nothing to sign in to
	addSecret func(string)
	pageSize  int
	chunkSize int64 // of a file's pieces
	whole     int64 // the longest file that is sent in one piece
	deletes   bool
	// links are the addresses of files' contents as details told them.
	links *lru.Cache[string, link]
	// recent is true once the server turned out to list received transfers of
	// the last 90 days only.
	recent atomic.Bool
	// warned is true once a refused entry was logged as a warning.
	warned atomic.Bool
}

var (
	_ remote.Remote      = (*Client)(nil)
	_ remote.MoveRenamer = (*Client)(nil)
	_ remote.Sender      = (*Client)(nil)
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
	links, err := lru.New[string, link](linksKept)
	if err != nil {
		return nil, remote.E(remote.Invalid, "filemail", "", err)
	}
	c := &Client{
		base: base, http: o.HTTP, log: o.Logger, addSecret: o.AddSecret, deletes: o.Deletes, links: links,
		pageSize: o.PageSize, chunkSize: o.ChunkSize, whole: maxRequest,
	}
	c.fill()
	if o.AccessToken != "" {
		c.api = modern{key: o.AccessToken}
		return c, nil
	}
	c.api = classic{key: o.APIKey}
	c.session = clientkit.NewSession(clientkit.SignIn[string]{Op: opLogin, Token: c.signIn(o)})
	return c, nil
}

func (c *Client) fill() {
	if c.pageSize == 0 {
		c.pageSize = pageLimit
	}
	if c.chunkSize == 0 {
		c.chunkSize = defaultChunk
	} else {
		c.whole = c.chunkSize
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.addSecret == nil {
		c.addSecret = func(string) {}
	}
}

func (o *Options) check() error {
	a := address("")
	switch {
	case o.HTTP == nil:
		return a.Invalid("no HTTP client given")
	case o.PageSize < 0 || o.PageSize > pageLimit || o.PageSize == 1:
		return a.Invalid("a page has 2 to %d entries", pageLimit)
	case o.ChunkSize < 0 || o.ChunkSize > maxRequest:
		return a.Invalid("a piece has at most %d bytes", maxRequest)
	case o.AccessToken == "" && (o.Username == "" || o.Password == ""):
		return a.Invalid("give an application key as the access token, or a user name and a password")
	}
	if err := a.Secret("access token", o.AccessToken); err != nil {
		return err
	}
	return a.Secret("API key", o.APIKey)
}

// address says where an API is: the classic one below /api of its host.
func address(path string) clientkit.Address {
	return clientkit.Address{Provider: "filemail", Example: "https://" + classicHost, API: []string{path}}
}

// base returns the address of the API that the credentials are for.
func (o *Options) base() (*url.URL, error) {
	path := "/api"
	if o.AccessToken != "" {
		path = ""
	}
	raw, err := address(path).Base(o.URL)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, address("").Invalid("the address cannot be understood")
	}
	host := strings.ToLower(u.Host)
	if o.AccessToken != "" && (host == classicHost || host == "filemail.com") {
		u.Host, u.Path = modernHost, ""
	}
	return u, nil
}

// Capabilities describes the provider. Names are taken to be case-sensitive.
func (c *Client) Capabilities() remote.Capabilities {
	return remote.Capabilities{
		Provider:        "filemail",
		IDs:             true,
		MoveRenames:     true,
		RecursiveDelete: true,
		EmptyFiles:      true,
		CountsDownloads: true,
		DeleteBatch:     1,
		MoveBatch:       1,
		CopyBatch:       1,
		MaxName:         clientkit.MaxName,
	}
}

// now is the moment that evidence speaks for.
func now() time.Time { return time.Now() }
