package clientkit

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
)

// Address says how a provider's addresses look.
type Address struct {
	// Provider is its name on the command line, for errors.
	Provider string
	// Example is how a user writes the address of an account.
	Example string
	// API are the paths where the API may be; the first is appended to an
	// address that ends in none of them.
	API []string
}

// Base checks an account's address and completes it to the API's, without a
// slash at the end. Errors are of kind Invalid.
func (a Address) Base(raw string) (string, error) {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return "", a.Invalid("the account's address is missing; give it as %s", a.Example)
	}
	if !strings.Contains(raw, "://") {
		return "", a.Invalid("the address %q has no scheme; write https:// in front of it", withoutUser(raw))
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return "", a.Invalid("the address cannot be understood; give it as %s", a.Example)
	}
	if err := a.check(u); err != nil {
		return "", err
	}
	u.Path = strings.TrimRight(u.Path, "/")
	if !a.complete(u.Path) {
		u.Path += a.API[0]
	}
	return u.String(), nil
}

func (a Address) complete(path string) bool {
	for _, api := range a.API {
		if strings.HasSuffix(path, api) {
			return true
		}
	}
	return false
}

func (a Address) check(u *url.URL) error {
	switch {
	case u.User != nil:
		return a.Invalid("the address holds a user name or password; leave them out")
	case u.RawQuery != "" || u.Fragment != "":
		return a.Invalid("the address %q has a query or a fragment; leave it out", u.Scheme+"://"+u.Host)
	case u.Scheme == "https", u.Scheme == "http" && Loopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return a.Invalid("plain http would show the access token to everybody on the way; write https://%s", u.Host)
	}
	return a.Invalid("the address has the scheme %q; it must be https", u.Scheme)
}

// Secret refuses a secret that no header can carry: net/http would only when
// the first request is made. The error does not hold it.
func (a Address) Secret(what, value string) error {
	if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return a.Invalid("the %s holds a character that cannot be sent (a blank or a line break, perhaps)", what)
	}
	return nil
}

// Invalid is an error about the options of the provider's client.
func (a Address) Invalid(format string, args ...any) *remote.Error {
	return &remote.Error{Kind: remote.Invalid, Op: a.Provider, Detail: fmt.Sprintf(format, args...)}
}

func withoutUser(raw string) string { return raw[strings.LastIndexByte(raw, '@')+1:] }

// Loopback tells whether a host name means this machine.
func Loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Trusts tells whether an address that the provider at base gave may be used:
// content goes over TLS, and nothing on this machine is asked on the provider's
// behalf unless the provider itself is here.
func Trusts(base, u *url.URL) bool {
	switch {
	case u.Host == "" || u.User != nil:
		return false
	case u.Scheme == base.Scheme && u.Host == base.Host:
		return true
	case Loopback(u.Hostname()):
		return Loopback(base.Hostname()) && (u.Scheme == "http" || u.Scheme == "https")
	}
	return u.Scheme == "https"
}
