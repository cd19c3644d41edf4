package cmd

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/exavault"
)

// offered are the providers that can be mounted.
var offered = []string{"exavault"}

// account is what it takes to reach an account.
type account struct {
	provider, url string
	secrets       secrets
	// name tells the account from others; "" means its address and user.
	name string
}

// Environment variables that secrets are taken from.
const (
	envAPIKey      = "FRUGALFS_API_KEY"
	envAccessToken = "FRUGALFS_ACCESS_TOKEN"
	envUsername    = "FRUGALFS_USERNAME"
	envPassword    = "FRUGALFS_PASSWORD"
)

// secrets prove who we are. They are in no command line, and in no environment
// that a child of this process sees.
type secrets struct {
	APIKey, AccessToken, Username, Password string
}

// takeSecrets moves the secrets out of the environment, or receives them from
// the process that started this one. From then on they are printed nowhere.
func (a *app) takeSecrets() (s secrets, err error) {
	if a.parent != nil {
		err = json.NewDecoder(a.in).Decode(&s)
	} else {
		for name, to := range map[string]*string{
			envAPIKey: &s.APIKey, envAccessToken: &s.AccessToken, envUsername: &s.Username, envPassword: &s.Password,
		} {
			*to = os.Getenv(name)
			_ = os.Unsetenv(name) // fails only for names that are none
		}
	}
	a.redactor.Add(s.APIKey, s.AccessToken, s.Password)
	if err != nil {
		return s, remote.E(remote.Other, "receive the credentials", "", err)
	}
	return s, nil
}

// check finds what is missing or wrong, before anything is touched.
func (acc account) check() error {
	switch s := acc.secrets; {
	case acc.url == "":
		return misuse("--url is missing: name the account's address, as https://SITE.exavault.com")
	case !strings.Contains(acc.url, "://"):
		// a user name or password in it is not repeated
		return misuse("--url lacks a scheme: write https://%s", acc.url[strings.LastIndexByte(acc.url, '@')+1:])
	case s.APIKey == "" || s.AccessToken == "":
		return misuse("the credentials are missing: set %s and %s in the environment", envAPIKey, envAccessToken)
	}
	if _, err := acc.open(http.DefaultClient, nil); err != nil { // makes no request
		return usageError{err}
	}
	return nil
}

// open makes the client. Requests are sent by hc.
func (acc account) open(hc *http.Client, l *mountLog) (remote.Remote, error) {
	return exavault.New(exavault.Options{
		URL: acc.url, APIKey: acc.secrets.APIKey, AccessToken: acc.secrets.AccessToken, HTTP: hc, Logger: l.logger(),
	})
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
	return acc.provider + " " + user + strings.TrimRight(acc.url, "/")
}

// host is the account's host name, for names that people read.
func (acc account) host() string {
	if u, err := url.Parse(acc.url); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return acc.provider
}
