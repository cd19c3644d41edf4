package yetishare

import (
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// DefaultRoot is the folder of the account that is shown as "/" unless another
// one is named. It is not the account's own root because the documented calls
// cannot move a file there ("File Edit": a blank folder_id keeps the old one).
const DefaultRoot = "/frugalfs"

// Placeholder is the value of Options.EmptyFiles that stores files without
// content as marked objects of one byte.
const Placeholder = "placeholder"

// site is how addresses of accounts look.
var site = clientkit.Address{Provider: "yetishare", Example: "https://www.filecad.com", API: []string{"/api/v2"}}

// Options configure a client.
type Options struct {
	// URL is the site's address as its user knows it, such as
	// "https://www.filecad.com", with the folder that the script is in, if any.
	// "/api/v2" is appended unless it is there already. Plain http is taken for
	// loopback addresses only.
	URL string
	// Key1 and Key2 are a pair of API keys, which newer sites make on the
	// account page. Without them, Username and Password sign in.
	Key1, Key2, Username, Password string
	// Root is the path of the account's folder that is shown as "/". "" means
	// DefaultRoot, "/" the account's own root.
	Root string
	// RootID is the ID of that folder as OpenRoot returned it; with it no
	// request is made to find the folder, and another one of that name is
	// never taken for it. "" looks the folder up, once.
	RootID string
	// EmptyFiles is "", and files without content are refused, as the site
	// does, or Placeholder.
	EmptyFiles string
	// HTTP sends the requests. It has to pass them through the ledger.
	HTTP *http.Client
	// AddSecret is told each token that must appear in no log: the ledger's
	// AddSecret. nil for none.
	AddSecret func(string)
	// Logger receives warnings; nil discards them.
	Logger *slog.Logger
	// Now is the clock that tokens and addresses age by; nil means time.Now.
	Now func() time.Time
}

// Client is an account at a site.
type Client struct {
	base        string // the API's address, without a slash at the end
	http        *http.Client
	log         *slog.Logger
	now         func() time.Time
	addSecret   func(string)
	placeholder bool
	session     *clientkit.Session[token]
	root        root
	zone        zone
	links       links
	gate        gate
	limits      limits
	digests     digests
	// noRange is true once the site sent a whole file for a range.
	noRange atomic.Bool
	// keepsDots tells what the site does with the dot that begins a name.
	keepsDots atomic.Int32
	// noFileMove and noFileCopy are true once the site proved to lack the call.
	noFileMove, noFileCopy atomic.Bool
}

var (
	_ remote.Remote      = (*Client)(nil)
	_ remote.MoveRenamer = (*Client)(nil)
	_ remote.Copier      = (*Client)(nil)
	_ remote.Quoter      = (*Client)(nil)
)

// New returns a client. It makes no request; errors are of kind Invalid.
func New(o Options) (*Client, error) {
	base, err := site.Base(o.URL)
	if err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	c := &Client{base: base, http: o.HTTP, log: o.Logger, now: o.Now, addSecret: o.AddSecret, placeholder: o.EmptyFiles == Placeholder}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	if err := c.root.init(o.Root, o.RootID); err != nil {
		return nil, err
	}
	c.session = clientkit.NewSession(clientkit.SignIn[token]{
		Op: opSignIn, Token: c.signIn(o), Final: refusedForGood, Forgiving: true, MaxIdle: renewAfter, Now: c.now,
	})
	return c, nil
}

func (o Options) check() error {
	keys, password := o.Key1 != "" && o.Key2 != "", o.Username != "" && o.Password != ""
	switch {
	case o.HTTP == nil:
		return site.Invalid("no HTTP client given")
	case o.Key1 != "" && o.Key2 == "", o.Key1 == "" && o.Key2 != "":
		return site.Invalid("one of the two API keys is missing")
	case !keys && !password:
		return site.Invalid("the credentials are missing: two API keys, or a user name and a password")
	case o.EmptyFiles != "" && o.EmptyFiles != Placeholder:
		return site.Invalid("files without content cannot be treated as %q", o.EmptyFiles)
	}
	return nil
}

// Capabilities describes the site. MaxFile is known once the account's limits
// were read, which Connect does.
func (c *Client) Capabilities() remote.Capabilities {
	return remote.Capabilities{
		Provider:    site.Provider,
		IDs:         true,
		ReplacesID:  true,
		MoveRenames: true,
		EmptyFiles:  c.placeholder,
		DeleteBatch: 1,
		MoveBatch:   1,
		CopyBatch:   1,
		MaxName:     clientkit.MaxName,
		MaxFile:     c.limits.announced.Load(),
	}
}

// cleanRoot returns the path of the folder that is shown as "/".
func cleanRoot(p string) (string, error) {
	if p == "" {
		return DefaultRoot, nil
	}
	if p == "/" {
		return p, nil
	}
	p = strings.TrimRight(p, "/")
	if !clientkit.ValidPath(p) || path.Clean(p) != p {
		return "", site.Invalid("%q is no path of a folder", p)
	}
	return p, nil
}
