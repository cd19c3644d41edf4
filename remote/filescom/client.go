package filescom

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

const (
	// partSize is how many bytes go up in one request. A part may have from
	// 5 MB to 5 GB (the reference, "The upload object"), and each one after the
	// first costs a transaction: so parts are only as small as is bearable to
	// send again.
	partSize = 1 << 30
	// maxParts is the highest number of a part, and maxFile the largest file
	// (the reference, "File Uploading").
	maxParts = 10_000
	maxFile  = 5_000_000_000_000
	// maxPath is how many characters a path has at most (the reference, "The
	// File object").
	maxPath = 5000
)

var address = clientkit.Address{
	Provider: "filescom", Example: "https://SITE.files.com", API: []string{"/api/rest/v1"},
}

// Options configure a client.
type Options struct {
	// URL is the account's address as its user knows it, such as
	// "https://SITE.files.com". "/api/rest/v1" is appended unless it is there
	// already. Plain http is taken for loopback addresses only.
	URL string
	// APIKey is sent with every request; without it a session is begun with
	// Username and Password (the reference, "Authentication").
	APIKey, Username, Password string
	// HTTP sends the requests. It has to pass them through the ledger.
	HTTP *http.Client
	// Secret, if not nil, is told each secret that a sign-in brings, so that it
	// is kept out of logs.
	Secret func(string)
	// PageSize is how many entries to ask for in one listing request, 0 for
	// 10,000, the most that the service gives. If it refuses or fails, 1,000
	// are asked for.
	PageSize int
	// PartSize is the largest part of an upload in bytes, 0 for 1 GiB. Larger
	// files go in several, and can go on where they were interrupted.
	PartSize int64
	// Now is the clock that evidence and the life of download addresses go by;
	// nil means time.Now.
	Now func() time.Time
	// Pause waits between two looks at a move that goes on after its answer;
	// nil sleeps.
	Pause func(context.Context, time.Duration) error
	// Logger receives warnings; nil discards them.
	Logger *slog.Logger
}

// Client is an account at Files.com.
type Client struct {
	base   string      // the API's address, without a slash at the end
	header http.Header // what every request carries; never changed
	http   *http.Client
	now    func() time.Time
	pause  func(context.Context, time.Duration) error
	log    *slog.Logger
	part   int64

	session *clientkit.Session[string] // nil if there is an API key
	flow    flow
	pages   pageLimit
	links   links
	sums    sums
	made    made
	// treesWork is true once a tree listing brought what is below the first
	// level, cursors once a listing brought a cursor.
	treesWork, cursors atomic.Bool
	// warned is true once a refused entry was logged as a warning.
	warned atomic.Bool
}

var (
	_ remote.Remote        = (*Client)(nil)
	_ remote.TreeLister    = (*Client)(nil)
	_ remote.MoveRenamer   = (*Client)(nil)
	_ remote.Copier        = (*Client)(nil)
	_ remote.CopyRenamer   = (*Client)(nil)
	_ remote.ModTimeSetter = (*Client)(nil)
	_ remote.Feed          = (*Client)(nil)
)

// New returns a client. It makes no request; errors are of kind Invalid.
func New(o Options) (*Client, error) {
	base, err := address.Base(o.URL)
	if err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	c := &Client{
		base: base, header: headers(o), http: o.HTTP, now: o.Now, pause: o.Pause, log: o.Logger, part: o.PartSize,
	}
	c.fill()
	c.pages.init(o.PageSize)
	if o.APIKey == "" {
		c.session = clientkit.NewSession(clientkit.SignIn[string]{Op: opSession, Token: c.signIn(o.Username, o.Password, o.Secret)})
	}
	return c, nil
}

// check finds values that make no sense.
func (o *Options) check() error {
	switch {
	case o.HTTP == nil:
		return address.Invalid("no HTTP client given")
	case o.PageSize < 0 || o.PageSize > maxPage:
		return address.Invalid("a page has from 1 to %d entries", maxPage)
	case o.PartSize < 0 || o.PartSize > 5_000_000_000:
		return address.Invalid("a part of an upload has at most 5 GB")
	case o.APIKey == "" && (o.Username == "" || o.Password == ""):
		return address.Invalid("an API key, or a user name and a password, are needed")
	}
	return address.Secret("API key", o.APIKey)
}

func (c *Client) fill() {
	if c.part == 0 {
		c.part = partSize
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.pause == nil {
		c.pause = sleep
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
}

// headers returns what every request carries. Today's service takes the key in
// a header of its own (the SDK), that of 2020 as the user name of HTTP's basic
// authentication (the reference, "Authentication with API Key").
func headers(o Options) http.Header {
	h := http.Header{}
	h.Set("User-Agent", "frugalfs")
	h.Set("Accept", "application/json")
	if o.APIKey != "" {
		r := http.Request{Header: h}
		r.SetBasicAuth(o.APIKey, "x")
		h.Set("X-FilesAPI-Key", o.APIKey)
	}
	return h
}

// Capabilities describes Files.com.
func (c *Client) Capabilities() remote.Capabilities {
	return remote.Capabilities{
		Provider:           "filescom",
		Hash:               "md5",
		ModTime:            true,
		MoveRenames:        true,
		UploadMakesParents: true,
		RecursiveDelete:    true,
		CaseFolds:          true,
		EmptyFiles:         true,
		DeleteBatch:        1,
		MoveBatch:          1,
		CopyBatch:          1,
		MaxName:            clientkit.MaxName,
		MaxFile:            maxFile,
	}
}

// sleep waits, or returns ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("while a move goes on: %w", ctx.Err())
	case <-t.C:
		return nil
	}
}
