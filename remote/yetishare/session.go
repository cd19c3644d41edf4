package yetishare

import (
	"context"
	"errors"
	"net/url"
	"sync"
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

// session keeps the token. Whoever finds it expired signs in for all that wait;
// a sign-in that was refused is never repeated, as too many lock the account.
type session struct {
	signIn func(context.Context) (token, error)
	now    func() time.Time
	// turn is held by whoever signs in.
	turn chan struct{}

	// mu guards what follows. It is not held during a request.
	mu    sync.Mutex
	token token
	used  time.Time // when the token was last accepted
	over  error     // why there will be no token any more
}

func (s *session) init(signIn func(context.Context) (token, error), now func() time.Time) {
	s.signIn, s.now, s.turn = signIn, now, make(chan struct{}, 1)
}

// get returns a token other than the refused one.
func (s *session) get(ctx context.Context, refused token) (token, error) {
	if t, ok, err := s.have(refused); ok || err != nil {
		return t, err
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return token{}, remote.E(remote.Canceled, opSignIn, "", ctx.Err())
	}
	if t, ok, err := s.have(refused); ok || err != nil {
		return t, err // somebody else has signed in meanwhile
	}
	t, err := s.signIn(ctx)
	s.took(t, err)
	return t, err
}

// have returns the token at hand, or why there will be none.
func (s *session) have(refused token) (token, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over != nil:
		return token{}, false, s.over
	case s.token == token{}, s.token == refused, s.now().Sub(s.used) >= renewAfter:
		return token{}, false, nil
	}
	return s.token, true, nil
}

// took notes what a sign-in came to.
func (s *session) took(t token, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.used = t, s.now()
	if errors.Is(err, errRefused) {
		s.over = err
	}
}

// accepted notes that a request with the token was answered.
func (s *session) accepted(t token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == t {
		s.used = s.now()
	}
}

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
	c.session.mu.Lock()
	t := c.session.token
	c.session.token = token{}
	c.session.mu.Unlock()
	if t != (token{}) {
		if err := c.disconnect(ctx, t); err != nil {
			c.log.Debug("ending the token", "err", err)
		}
	}
}
