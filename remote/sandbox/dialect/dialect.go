// Package dialect is what the sandbox's server and the providers' dialects
// know of each other: a dialect answers requests as one provider does, the
// server does everything that is the same for all of them (counting, limits,
// latency, faults).
package dialect

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// Env is what a dialect works with.
type Env struct {
	// Context ends when the sandbox is closed.
	Context context.Context
	// Store is the account.
	Store *store.Store
	// Switches hold the dialect's table with the values that were set.
	Switches *Switches
	// Now is the clock of everything that the account shows.
	Now func() time.Time
	// Account is the account's name, Home the folder that the user sees as
	// "/", relative to the account's root.
	Account, Home string
	// APIKey, AccessToken, Username and Password are what requests must
	// prove; what is "" is not asked for.
	APIKey, AccessToken, Username, Password string
	// DiskLimit is the storage quota in bytes that the account shows.
	DiskLimit int64
	// Limit tells the transactions allowed in 24 hours.
	Limit func() int
	// HookPause is the pause after the first failed delivery of a webhook; it
	// doubles with every further one.
	HookPause time.Duration
	// Logger receives warnings.
	Logger *slog.Logger
}

// Dialect speaks one provider's API.
type Dialect interface {
	// ServeHTTP answers a request that was counted and is within the limit.
	http.Handler
	// Op names the operation of a request ("list", "upload") without reading
	// its body; "other" if the provider has none such.
	Op(r *http.Request) string
	// Refuse answers an error in the provider's shape.
	Refuse(w http.ResponseWriter, status int, detail string)
	// Limits sets the headers that tell the limit, if the provider has them.
	Limits(h http.Header, limit, remaining int)
	// Notify is told of every new entry of the activity log. It neither
	// blocks nor calls the store.
	Notify(e store.Entry)
	// Close ends what runs in the background, and waits for it.
	Close()
}

// Storage is what a dialect has beside Dialect when its provider hands out
// signed addresses of an object storage.
type Storage interface {
	// Transfer tells whether a request goes to the storage and not to the
	// API: the provider counts none of those as transactions, and limits none.
	Transfer(r *http.Request) bool
}

// Reporter is what a dialect has beside Dialect when its provider does something
// to the outside (mails people) that tests and users want to see.
type Reporter interface {
	// Report returns what happened so far, as a value that JSON can hold.
	Report() any
}

// Provider is a dialect that can be opened by name.
type Provider struct {
	// Switches are what can be set differently.
	Switches []Switch
	// New starts the dialect.
	New func(Env) (Dialect, error)
}
