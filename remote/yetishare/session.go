package yetishare

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// renewAfter is how long a token may be unused before another one is fetched: it
// dies after an hour without a request ("API Flow"), and a long upload would
// learn that at its end.
const renewAfter = 55 * time.Minute

// token is what every request but the sign-in carries.
type token struct{ access, account string }

// errRefused marks a sign-in that is not to be repeated.
var errRefused = errors.New("it is not tried again, as that may lock the account")

// signIn returns how to get a token ("Authorize Access"). It takes the API keys
// if there are any.
func (c *Client) signIn(o Options) func(context.Context) (token, error) {
	form := url.Values{"username": {o.Username}, "password": {o.Password}}
	if o.Key1 != "" {
		form = url.Values{"key1": {o.Key1}, "key2": {o.Key2}}
	}
	return func(ctx context.Context) (token, error) {
		k := call{op: opSignIn, about: "/", path: "/authorize", form: form}
		a, err := c.post(ctx, k, token{})
		if err != nil {
			return token{}, k.signInError(err)
		}
		var data struct {
			Access  clientkit.Text `json:"access_token"`
			Account label          `json:"account_id"`
		}
		if !decode(a.Data, &data) || data.Access.S == "" || !data.Account.ok {
			return token{}, k.corrupt(0, "the answer to the sign-in holds no token", nil)
		}
		if c.addSecret != nil {
			c.addSecret(data.Access.S)
		}
		return token{data.Access.S, data.Account.s}, nil
	}
}

// refusedForGood tells whether a sign-in is not to be repeated.
func refusedForGood(err error) bool { return errors.Is(err, errRefused) }

// signInError decides which failures of a sign-in are final: all that the site
// itself answered, but for its own trouble.
func (k call) signInError(err error) error {
	var e *remote.Error
	if !errors.As(err, &e) || !errors.Is(err, errAnswered) || e.Kind == remote.Temporary {
		return err
	}
	final := *e
	if final.Kind != remote.Permission {
		final.Kind = remote.Auth
	}
	final.Err = errRefused
	return &final
}

// disconnect ends a token early ("Disable Access").
func (c *Client) disconnect(ctx context.Context, t token) error {
	k := call{op: opSignOut, about: "/", path: "/disable_access_token", repeatable: true}
	_, err := c.post(ctx, k, t)
	return err
}

// Close ends the client's token, in one request if there is one, and says
// nothing if that fails: the token dies by itself.
func (c *Client) Close(ctx context.Context) {
	if t := c.session.Drop(); t != (token{}) {
		if err := c.disconnect(ctx, t); err != nil {
			c.log.Debug("ending the token", "err", err)
		}
	}
}
