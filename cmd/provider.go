package cmd

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/exavault"
	"github.com/frugalfs/frugalfs/remote/exavault1"
	"github.com/frugalfs/frugalfs/remote/filemail"
	"github.com/frugalfs/frugalfs/remote/filescom"
	"github.com/frugalfs/frugalfs/remote/ledger"
	"github.com/frugalfs/frugalfs/remote/yetishare"
)

// gate is what a client's requests pass, and what it tells of them.
type gate struct {
	http *http.Client
	// throttle stops all requests for a while; addSecret keeps a secret that a
	// sign-in brought out of logs.
	throttle  func(time.Duration)
	addSecret func(string)
	log       *slog.Logger
	// memory keeps what the client wants to know in later mounts; nil keeps
	// nothing.
	memory memory
}

// memory is what is kept of an account beside its state.
type memory interface {
	// Recall returns what was remembered under a key, "" if nothing was.
	Recall(key string) (string, error)
	Remember(key, value string) error
}

// gateOf is the gate of a mount.
func gateOf(l *ledger.Ledger, m memory, log *slog.Logger) gate {
	return gate{http: l.Client(), throttle: l.Throttle, addSecret: l.AddSecret, log: log, memory: m}
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
	// rooted is true if the account has a folder that is shown as its root.
	rooted bool
	// mails is true if what is stored there is mailed to people.
	mails bool
	// open makes a client; it makes no request.
	open func(acc account, g gate) (remote.Remote, error)
	// connect, if not nil, is what a first mount does before anything else.
	connect func(ctx context.Context, r remote.Remote, g gate) error
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
	{
		name: "filescom", address: "https://SITE.files.com",
		signIns: []signIn{{envAPIKey}, {envUsername, envPassword}},
		open: func(acc account, g gate) (remote.Remote, error) {
			return filescom.New(filescom.Options{
				URL: acc.url, APIKey: acc.secrets.APIKey, Username: acc.secrets.Username, Password: acc.secrets.Password,
				HTTP: g.http, Secret: g.addSecret, Logger: g.log,
			})
		},
	},
	{
		name: "yetishare", address: "https://www.SITE.com",
		signIns: []signIn{{envUsername, envPassword}, {envAPIKey, envAccessToken}},
		rooted:  true, open: openYetiShare, connect: connectYetiShare,
	},
	{
		name: "filemail", address: "https://www.filemail.com",
		signIns: []signIn{{envAPIKey, envUsername, envPassword}, {envUsername, envPassword}, {envAccessToken}},
		mails:   true,
		open: func(acc account, g gate) (remote.Remote, error) {
			return filemail.New(filemail.Options{
				URL: acc.url, APIKey: acc.secrets.APIKey, AccessToken: acc.secrets.AccessToken,
				Username: acc.secrets.Username, Password: acc.secrets.Password, Deletes: acc.deleteSent,
				HTTP: g.http, AddSecret: g.addSecret, Logger: g.log,
			})
		},
	},
}

// openYetiShare makes a client. The API keys of newer sites come as an API key
// and an access token.
func openYetiShare(acc account, g gate) (remote.Remote, error) {
	root := ""
	if g.memory != nil {
		var err error
		if root, err = g.memory.Recall(rootKey); err != nil {
			return nil, err
		}
	}
	return yetishare.New(yetishare.Options{
		URL: acc.url, Key1: acc.secrets.APIKey, Key2: acc.secrets.AccessToken,
		Username: acc.secrets.Username, Password: acc.secrets.Password,
		Root: acc.rootFolder, RootID: root, EmptyFiles: acc.emptyFiles, HTTP: g.http, AddSecret: g.addSecret, Logger: g.log,
	})
}

// rootKey is where the ID of the folder is kept that is shown as the root.
const rootKey = "root folder"

// connectYetiShare makes the folder that is shown as the root on the first mount.
// Later ones know its ID, and never take another folder for it.
func connectYetiShare(ctx context.Context, r remote.Remote, g gate) error {
	client, ok := r.(*yetishare.Client)
	if !ok || g.memory == nil {
		return nil
	}
	known, err := g.memory.Recall(rootKey)
	if err != nil || known != "" {
		return err
	}
	id, err := client.OpenRoot(ctx, true)
	if err != nil || id == "" {
		return err
	}
	return g.memory.Remember(rootKey, id)
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
