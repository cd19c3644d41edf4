package clientkit

import (
	"context"
	"sync"

	"github.com/frugalfs/frugalfs/remote"
)

// opLogin is how errors name a sign-in.
const opLogin = "login"

// Session is the token that requests carry. Whoever finds it expired signs in
// for all that wait; a sign-in that was refused is never repeated.
type Session struct {
	// signIn gets a new token.
	signIn func(context.Context) (string, error)
	// turn is held by whoever signs in.
	turn chan struct{}

	// mu guards what follows. It is not held during a request.
	mu     sync.Mutex
	token  string
	proven bool  // whether the token was accepted once
	over   error // why there will be no token any more
}

// NewSession makes a session without a token. signIn brings one; its error of
// kind Auth ends the session for good.
func NewSession(signIn func(context.Context) (string, error)) *Session {
	return &Session{signIn: signIn, turn: make(chan struct{}, 1)}
}

// Get returns a token other than the refused one ("" for none was refused),
// signing in if that is needed.
func (s *Session) Get(ctx context.Context, refused string) (string, error) {
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
func (s *Session) have(refused string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over != nil:
		return "", s.over
	case s.token != "" && s.token != refused:
		return s.token, nil
	case s.token != "" && !s.proven:
		// One after the other would go on for ever.
		s.over = &remote.Error{Kind: remote.Auth, Op: opLogin, Detail: "the token of a new sign-in is not accepted"}
	}
	return "", s.over
}

// took takes in what a sign-in brought.
func (s *Session) took(token string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.token, s.proven = token, false
	case remote.IsKind(err, remote.Auth):
		s.over = err
	}
}

// Prove notes that a token was accepted.
func (s *Session) Prove(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if token == s.token {
		s.proven = true
	}
}
