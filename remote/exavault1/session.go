package exavault1

import (
	"context"
	"encoding/json"
	"net/url"
	"sync"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// session is the token that requests carry. Whoever finds it expired signs in
// for all that wait; a sign-in that was refused is never repeated.
type session struct {
	// signIn gets a new token; nil if there is no password to do so.
	signIn func(context.Context) (string, error)
	// turn is held by whoever signs in.
	turn chan struct{}

	// mu guards what follows. It is not held during a request.
	mu     sync.Mutex
	token  string
	ours   bool  // whether a sign-in of this session brought the token
	proven bool  // whether the token was accepted once
	over   error // why there will be no token any more
}

func (s *session) init(token string) {
	s.turn, s.token = make(chan struct{}, 1), token
}

// get returns a token other than the refused one, "" for none.
func (s *session) get(ctx context.Context, refused string) (string, error) {
	if token, err := s.have(refused); token != "" || err != nil {
		return token, err
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", remote.E(remote.Canceled, opLogin, "", ctx.Err())
	}
	if token, err := s.have(refused); token != "" || err != nil {
		return token, err // somebody else has signed in meanwhile
	}
	token, err := s.signIn(ctx)
	s.took(token, err)
	return token, err
}

// have returns the token at hand, or why there is none; neither if it takes a
// sign-in to get one.
func (s *session) have(refused string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over != nil:
		return "", s.over
	case s.token != "" && s.token != refused:
		return s.token, nil
	case s.signIn == nil:
		s.over = &remote.Error{Kind: remote.Auth, Op: opLogin, Detail: "the access token is not accepted, or has expired, and there is no password to get another"}
	case s.token != "" && s.ours && !s.proven:
		// One after the other would go on for ever.
		s.over = &remote.Error{Kind: remote.Auth, Op: opLogin, Detail: "the token of a new sign-in is not accepted"}
	}
	return "", s.over
}

// took takes in what a sign-in brought.
func (s *session) took(token string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.token, s.ours, s.proven = token, true, false
	case remote.IsKind(err, remote.Auth):
		s.over = err
	}
}

// prove notes that a token was accepted.
func (s *session) prove(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if token == s.token {
		s.proven = true
	}
}

// signIn returns what gets a token (the SDK, authenticateUser).
func (c *Client) signIn(user, password string, secret func(string)) func(context.Context) (string, error) {
	k := call{op: opLogin, name: "authenticateUser", post: true, form: url.Values{"username": {user}, "password": {password}}}
	return func(ctx context.Context) (string, error) {
		a, err := c.send(ctx, k, "")
		if err != nil {
			return "", err
		}
		var results struct {
			AccessToken clientkit.Text `json:"accessToken"`
		}
		err = clientkit.Lenient(json.Unmarshal(a.Results, &results))
		token := results.AccessToken.S
		if err != nil || token == "" || address.Secret("access token", token) != nil {
			return "", k.corrupt("the answer brings no token", err)
		}
		if secret != nil {
			secret(token)
		}
		return token, nil
	}
}
