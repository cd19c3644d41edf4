package filemail

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/dialect"
)

// tokens are the login tokens that were given out.
type tokens struct {
	env dialect.Env

	// mu guards given.
	mu    sync.Mutex
	given map[string]time.Time
}

func newTokens(env dialect.Env) *tokens {
	return &tokens{env: env, given: map[string]time.Time{}}
}

// good tells whether a token is good. If no password was configured, none is
// asked for.
func (t *tokens) good(token string) bool {
	if t.env.Password == "" {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	since, known := t.given[token]
	life := t.env.Switches.Duration("token-life")
	return known && (life == 0 || t.env.Now().Sub(since) < life)
}

func (t *tokens) give() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	token := randomHex()
	t.given[token] = t.env.Now()
	return token
}

func (t *tokens) forget(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.given, token)
}

// randomHex is 32 hex digits.
func randomHex() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// login answers authentication/login.
func (a *api) login(_ *http.Request, p params) (map[string]any, error) {
	if p.get("username") == "" || p.get("password") == "" {
		return nil, errMissing
	}
	if !same(p.get("username"), a.Username) || !same(p.get("password"), a.Password) {
		return nil, errPassword
	}
	switch a.Switches.Get("sign-in") {
	case "captcha":
		return nil, errCaptcha
	case "second-factor":
		return nil, errSecondStep
	case "sso":
		return nil, errSSO
	}
	return map[string]any{"logintoken": a.tokens.give()}, nil
}

// logout answers authentication/logout.
func (a *api) logout(_ *http.Request, p params) (map[string]any, error) {
	a.tokens.forget(p.get("logintoken"))
	return map[string]any{"logintoken": p.get("logintoken")}, nil
}
