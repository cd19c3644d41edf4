package cmd

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/exavault"
	"github.com/frugalfs/frugalfs/remote/exavault1"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// gate is what a client's requests pass, and what it tells of them.
type gate struct {
	http *http.Client
	// throttle stops all requests for a while; addSecret keeps a secret that a
	// sign-in brought out of logs.
	throttle  func(time.Duration)
	addSecret func(string)
	log       *slog.Logger
}

// gateOf is the gate of a mount.
func gateOf(l *ledger.Ledger, log *slog.Logger) gate {
	return gate{http: l.Client(), throttle: l.Throttle, addSecret: l.AddSecret, log: log}
}

// noGate is for clients that are made to check their options only.
func noGate() gate {
	return gate{
		http: http.DefaultClient, throttle: func(time.Duration) {}, addSecret: func(string) {},
		log: slog.New(slog.DiscardHandler),
	}
}

// signIn is a set of secrets that together prove who somebody is, by the names
// of their environment variables.
type signIn []string

// provider is how accounts at one provider are reached.
type provider struct {
	name string
	// address is how an account's address looks.
	address string
	// signIns are the ways to prove who one is, the usual one first.
	signIns []signIn
	// windows are the rates that the provider takes, beside its daily limit.
	windows []ledger.Window
	open    func(acc account, g gate) (remote.Remote, error)
}

// providers are those that can be mounted, the first being the usual one.
var providers = []provider{
	{
		name: "exavault", address: "https://SITE.exavault.com",
		signIns: []signIn{{envAPIKey, envAccessToken}},
		open: func(acc account, g gate) (remote.Remote, error) {
			return exavault.New(exavault.Options{
				URL: acc.url, APIKey: acc.secrets.APIKey, AccessToken: acc.secrets.AccessToken, HTTP: g.http, Logger: g.log,
			})
		},
	},
	{
		name: "exavault1", address: "https://SITE.files.com",
		signIns: []signIn{{envAPIKey, envUsername, envPassword}, {envAPIKey, envAccessToken}},
		windows: exavault1.Windows(),
		open: func(acc account, g gate) (remote.Remote, error) {
			return exavault1.New(exavault1.Options{
				URL: acc.url, APIKey: acc.secrets.APIKey, AccessToken: acc.secrets.AccessToken,
				Username: acc.secrets.Username, Password: acc.secrets.Password,
				HTTP: g.http, Throttle: g.throttle, AddSecret: g.addSecret, Logger: g.log,
			})
		},
	},
}

// offered are the names of the providers, for people to read.
func offered() string {
	names := make([]string, len(providers))
	for i, p := range providers {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}

// findProvider returns a provider by name.
func findProvider(name string) (provider, error) {
	if name == "" {
		return provider{}, misuse("--provider is missing; offered: %s", offered())
	}
	i := slices.IndexFunc(providers, func(p provider) bool { return p.name == name })
	if i < 0 {
		return provider{}, misuse("the provider %q is not offered; offered: %s", name, offered())
	}
	return providers[i], nil
}

// complete tells whether a sign-in's secrets are all there.
func (s secrets) complete(in signIn) bool {
	for _, name := range in {
		if *s.named(name) == "" {
			return false
		}
	}
	return true
}

// ways describes what a provider's sign-ins need.
func (p provider) ways() string {
	ways := make([]string, len(p.signIns))
	for i, in := range p.signIns {
		ways[i] = join(in)
	}
	return strings.Join(ways, ", or ")
}

// join lists words for people to read.
func join(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
