package ledger

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// Options are what a Ledger is made of. The zero value is useful.
type Options struct {
	// Base sends the requests. nil means a transport of our own, which keeps
	// and reuses connections, stays under NewConnsPerSecond and MaxConns, and
	// knows exactly whether a request left. IdleTimeout and HeaderTimeout
	// need a transport that reports to net/http/httptrace.
	Base http.RoundTripper
	// Dial opens connections for that transport; nil means a [net.Dialer].
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// NewConnsPerSecond and MaxConns bound new and open connections to one
	// host. 0 means 10 and 40, what ExaVault allows one address (its help
	// pages, "Published limits of the service").
	NewConnsPerSecond, MaxConns int

	// Journal keeps records across restarts; nil keeps them in memory only.
	Journal Journal
	// DailyLimit is our own limit of transactions in 24 hours, 0 for none. It
	// holds until the provider names one.
	DailyLimit int
	// Reserve is how many of the daily transactions interactive requests
	// leave for sending changes. 0 means 2 %, at least 20. It is never more
	// than half of the limit.
	Reserve int

	// RequestsPerSecond bounds transactions, 0 for any rate.
	RequestsPerSecond float64
	// Windows are further bounds, as 500 in five minutes for ExaVault 1.2.
	Windows []Window

	// Retries is how often a request that failed is sent again: 0 means 4, a
	// negative number never.
	Retries int
	// MaxRetryTime is how long after the first try the last retry may start.
	// 0 means one minute.
	MaxRetryTime time.Duration
	// IdleTimeout is how long a connection may stand still while a body goes
	// up or comes down. 0 means one minute.
	IdleTimeout time.Duration
	// HeaderTimeout is how long the provider may take to answer once it has
	// the whole request. Archives are made before the first byte is sent, so
	// 0 means ten minutes.
	HeaderTimeout time.Duration

	// Redactor removes secrets from text, Secrets are added to it. nil makes
	// a new one.
	Redactor *Redactor
	Secrets  []string

	// Logger gets one debug record per request and warnings; nil for none.
	Logger *slog.Logger
	// Now is the clock; nil means [time.Now]. Timers run on Go's own clock,
	// so a test that replaces one must replace both (testing/synctest does).
	Now func() time.Time
	// Jitter returns random numbers in [0,1) for the pauses between retries;
	// nil means math/rand.
	Jitter func() float64
}

// check finds values that make no sense.
func (o *Options) check() error {
	for _, n := range []float64{
		float64(o.DailyLimit), float64(o.Reserve), o.RequestsPerSecond,
		float64(o.NewConnsPerSecond), float64(o.MaxConns),
		float64(o.MaxRetryTime), float64(o.IdleTimeout), float64(o.HeaderTimeout),
	} {
		if n < 0 {
			return &remote.Error{Kind: remote.Invalid, Op: "ledger", Detail: "a limit is negative"}
		}
	}
	for _, w := range o.Windows {
		if w.N <= 0 || w.Per <= 0 {
			return &remote.Error{Kind: remote.Invalid, Op: "ledger", Detail: "a window is empty"}
		}
	}
	return nil
}

// fill sets the defaults.
func (o *Options) fill() {
	setDefault(&o.NewConnsPerSecond, 10)
	setDefault(&o.MaxConns, 40)
	setDefault(&o.Retries, 4)
	setDefault(&o.MaxRetryTime, time.Minute)
	setDefault(&o.IdleTimeout, time.Minute)
	setDefault(&o.HeaderTimeout, 10*time.Minute)
	if o.Redactor == nil {
		o.Redactor = NewRedactor()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	if o.Dial == nil {
		d := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
		o.Dial = d.DialContext
	}
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
