package clientkit

import (
	"context"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// SignIn is how a session gets its tokens, and when it needs another.
type SignIn[T comparable] struct {
	// Op is how errors name a sign-in.
	Op string
	// Brought is a token that was brought along; its zero value if none was.
	Brought T
	// Token brings a new token; nil if there is no password to do so.
	Token func(context.Context) (T, error)
	// Final tells which errors of Token end the session for good, as services
	// lock users out for repeating them: those of kind Auth if it is nil.
	Final func(error) bool
	// Forgiving is set if a new token may be refused without that being the end:
	// for services whose reasons cannot be relied upon.
	Forgiving bool
	// MaxIdle is how long a token may be unused, by the clock Now, before another
	// one is fetched; 0 for ever, and then Now is not needed.
	MaxIdle time.Duration
	Now     func() time.Time
}

// Session is the token that requests carry. Whoever finds it expired signs in
// for all that wait; a sign-in that was refused is never repeated. A nil session
// has the zero token, for requests that need none.
type Session[T comparable] struct {
	how SignIn[T]
	// turn is held by whoever signs in.
	turn chan struct{}

	// mu guards what follows. It is not held during a request.
	mu     sync.Mutex
	token  T
	proven bool      // whether the token was brought along, or accepted once
	used   time.Time // when the token was last accepted
	over   error     // why there will be no token any more
}

// NewSession makes a session; it sends nothing.
func NewSession[T comparable](how SignIn[T]) *Session[T] {
	if how.Final == nil {
		how.Final = func(err error) bool { return remote.IsKind(err, remote.Auth) }
	}
	if how.MaxIdle == 0 {
		how.Now = func() time.Time { return time.Time{} }
	}
	return &Session[T]{how: how, turn: make(chan struct{}, 1), token: how.Brought, proven: true, used: how.Now()}
}

// Do makes a request with a token, and once more with a new one if the first has
// expired: a request that was refused for that has done nothing. own names the
// request in an error of the sign-in before it.
func (s *Session[T]) Do(ctx context.Context, expired func(error) bool, own func(error) error, send func(T) error) error {
	var none T
	token, err := s.Get(ctx, none)
	if err != nil {
		return own(err)
	}
	err = send(token)
	if s != nil && err != nil && expired(err) {
		if token, err = s.Get(ctx, token); err != nil {
			return own(err)
		}
		err = send(token)
	}
	if err == nil {
		s.prove(token)
	}
	return err
}

// Get returns a token other than the refused one (the zero token if none was
// refused), signing in if that is needed.
func (s *Session[T]) Get(ctx context.Context, refused T) (token T, err error) {
	if s == nil {
		return token, nil
	}
	if token, ok, err := s.have(refused); ok || err != nil {
		return token, err
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return token, remote.E(remote.Canceled, s.how.Op, "", ctx.Err())
	}
	if token, ok, err := s.have(refused); ok || err != nil {
		return token, err // somebody else has signed in meanwhile
	}
	token, err = s.how.Token(ctx)
	s.took(token, err)
	return token, err
}

// have returns the token at hand, or why there will be none; neither if it takes
// a sign-in to get one.
func (s *Session[T]) have(refused T) (token T, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	there := s.token != token
	switch {
	case s.over != nil:
	case there && s.token != refused && !s.idle():
		return s.token, true, nil
	case s.how.Token == nil:
		s.end("the access token is not accepted, or has expired, and there is no password to get another")
	case there && !s.proven && !s.how.Forgiving:
		// One after the other would go on for ever.
		s.end("the token of a new sign-in is not accepted")
	}
	return token, false, s.over
}

// idle tells whether the token was unused for too long. mu is held.
func (s *Session[T]) idle() bool {
	return s.how.MaxIdle > 0 && s.how.Now().Sub(s.used) >= s.how.MaxIdle
}

// end says why there will be no token any more. mu is held.
func (s *Session[T]) end(detail string) {
	s.over = &remote.Error{Kind: remote.Auth, Op: s.how.Op, Detail: detail}
}

// took takes in what a sign-in brought.
func (s *Session[T]) took(token T, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// After a failure there is none: what was refused once is not tried again.
	s.token, s.proven, s.used = token, false, s.how.Now()
	if err != nil && s.how.Final(err) {
		s.over = err
	}
}

// prove notes that a token was accepted.
func (s *Session[T]) prove(token T) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if token == s.token {
		s.proven, s.used = true, s.how.Now()
	}
}

// Drop forgets the token and returns it, the zero token if there is none.
func (s *Session[T]) Drop() T {
	s.mu.Lock()
	defer s.mu.Unlock()
	var none T
	token := s.token
	s.token = none
	return token
}
