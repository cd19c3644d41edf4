package filescom

import (
	"context"
	"net/http"
	"sync"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// session is what requests carry if there is no API key. Whoever finds it
// expired signs in for all that wait; a sign-in that was refused is never
// repeated, as the service locks users out for that.
type session struct {
	// signIn begins a new session; nil if there is an API key.
	signIn func(context.Context) (string, error)
	// turn is held by whoever signs in.
	turn chan struct{}

	// mu guards what follows. It is not held during a request.
	mu     sync.Mutex
	id     string
	proven bool  // whether the session was accepted once
	over   error // why there will be no session any more
}

func (s *session) init(signIn func(context.Context) (string, error)) {
	s.signIn, s.turn = signIn, make(chan struct{}, 1)
}

// get returns a session other than the refused one, "" if none is needed.
func (s *session) get(ctx context.Context, refused string) (string, error) {
	if s.signIn == nil {
		return "", nil
	}
	if id, err := s.have(refused); id != "" || err != nil {
		return id, err
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", remote.E(remote.Canceled, opSession, "", ctx.Err())
	}
	if id, err := s.have(refused); id != "" || err != nil {
		return id, err // somebody else has signed in meanwhile
	}
	id, err := s.signIn(ctx)
	s.took(id, err)
	return id, err
}

// have returns the session at hand, or why there is none; neither if it takes a
// sign-in to get one.
func (s *session) have(refused string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over != nil:
		return "", s.over
	case s.id != "" && s.id != refused:
		return s.id, nil
	case s.id != "" && !s.proven:
		// One after the other would go on for ever.
		s.over = &remote.Error{Kind: remote.Auth, Op: opSession, Detail: "the session of a new sign-in is not accepted"}
	}
	return "", s.over
}

// took takes in what a sign-in brought.
func (s *session) took(id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.id, s.proven = id, false
	case remote.IsKind(err, remote.Auth):
		s.over = err
	}
}

// prove notes that a session was accepted.
func (s *session) prove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == s.id {
		s.proven = true
	}
}

// signIn returns what begins a session (the reference, "Logging in").
func (c *Client) signIn(user, password string, secret func(string)) func(context.Context) (string, error) {
	k := call{
		op: opSession, method: http.MethodPost, path: "/sessions", once: true,
		body: map[string]string{"username": user, "password": password},
	}
	return func(ctx context.Context) (string, error) {
		resp, err := c.attempt(ctx, k, "")
		if err != nil {
			return "", err
		}
		defer finish(resp)
		var answer struct {
			ID clientkit.Text `json:"id"`
		}
		if _, err := k.read(resp, &answer); err != nil {
			return "", err
		}
		if answer.ID.S == "" || address.Secret("session", answer.ID.S) != nil {
			return "", k.corrupt(resp.StatusCode, "the answer brings no session", nil)
		}
		if secret != nil {
			secret(answer.ID.S)
		}
		return answer.ID.S, nil
	}
}
