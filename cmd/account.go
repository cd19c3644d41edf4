package cmd

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
)

// account is what it takes to reach an account.
type account struct {
	provider, url string
	secrets       secrets
	// rootFolder is the folder of the account that is shown as its root, "" for
	// the provider's usual one.
	rootFolder string
	// emptyFiles is how files without content are stored where the provider
	// does not; "" keeps them here.
	emptyFiles string
	// deleteSent allows to delete what was mailed, for its recipients too.
	deleteSent bool
	// name tells the account from others; "" means its address and user.
	name string
}

// Environment variables that secrets are taken from.
const (
	envAPIKey      = "FRUGALFS_API_KEY"
	envAccessToken = "FRUGALFS_ACCESS_TOKEN"
	envUsername    = "FRUGALFS_USERNAME"
	envPassword    = "FRUGALFS_PASSWORD"
	// envWebhookToken is what the provider signs webhooks with.
	envWebhookToken = "FRUGALFS_WEBHOOK_TOKEN"
)

// secrets prove who we are. They are in no command line, and in no environment
// that a child of this process sees.
type secrets struct {
	APIKey, AccessToken, Username, Password, WebhookToken string
}

// named is the secret that an environment variable holds.
func (s *secrets) named(env string) *string {
	switch env {
	case envAPIKey:
		return &s.APIKey
	case envAccessToken:
		return &s.AccessToken
	case envUsername:
		return &s.Username
	case envWebhookToken:
		return &s.WebhookToken
	}
	return &s.Password
}

// takeSecrets moves the secrets out of the environment, or receives them from
// the process that started this one. From then on they are printed nowhere.
func (a *app) takeSecrets() (s secrets, err error) {
	if a.parent != nil {
		err = json.NewDecoder(a.in).Decode(&s)
	} else {
		for _, name := range []string{envAPIKey, envAccessToken, envUsername, envPassword, envWebhookToken} {
			*s.named(name) = os.Getenv(name)
			_ = os.Unsetenv(name) // fails only for names that are none
		}
	}
	a.redactor.Add(s.APIKey, s.AccessToken, s.Password, s.WebhookToken)
	if err != nil {
		return s, remote.E(remote.Other, "receive the credentials", "", err)
	}
	return s, nil
}

// check finds what is missing or wrong, before anything is touched.
func (acc account) check() error {
	p, err := findProvider(acc.provider)
	switch {
	case err != nil:
		return err
	case acc.url == "":
		return misuse("--url is missing: name the account's address, as %s", p.address)
	case !strings.Contains(acc.url, "://"):
		// a user name or password in it is not repeated
		return misuse("--url lacks a scheme: write https://%s", acc.url[strings.LastIndexByte(acc.url, '@')+1:])
	case !slices.ContainsFunc(p.signIns, acc.secrets.complete):
		return misuse("the credentials are missing: set %s in the environment", p.ways())
	case !p.rooted && acc.rootFolder != "":
		return misuse("--root-folder is not for %s: name a folder as :/FOLDER", p.name)
	case !p.rooted && acc.emptyFiles != "":
		return misuse("--empty-files is not for %s: it stores files without content", p.name)
	}
	if !p.mails && acc.deleteSent {
		return misuse("--delete-sent is not for %s: it mails nothing", p.name)
	}
	if _, err := p.open(acc, noGate()); err != nil { // makes no request
		return usageError{err}
	}
	return nil
}

// open makes the client, and does what a first mount needs. Its requests pass a
// gate.
func (acc account) open(ctx context.Context, g gate) (remote.Remote, error) {
	p, err := findProvider(acc.provider)
	if err != nil {
		return nil, err
	}
	r, err := p.open(acc, g)
	if err == nil && p.connect != nil {
		err = p.connect(ctx, r, g)
	}
	return r, err
}

// id names the account in its state folder.
func (acc account) id() string {
	if acc.name != "" {
		return acc.name
	}
	user := acc.secrets.Username
	if user != "" {
		user += "@"
	}
	id := acc.provider + " " + user + strings.TrimRight(acc.url, "/")
	if acc.rootFolder != "" {
		id += " " + acc.rootFolder
	}
	return id
}

// host is the account's host name, for names that people read.
func (acc account) host() string {
	if u, err := url.Parse(acc.url); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return acc.provider
}

// wayIn tells what to check when the credentials are refused: the variables that
// they came from.
func (acc account) wayIn() string {
	p, err := findProvider(acc.provider)
	if err != nil {
		return ""
	}
	if i := slices.IndexFunc(p.signIns, acc.secrets.complete); i >= 0 {
		return join(p.signIns[i])
	}
	return p.ways()
}
