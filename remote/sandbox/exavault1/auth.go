package exavault1

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/dialect"
)

// tokens are the tokens that were given out.
type tokens struct {
	env dialect.Env

	// mu guards given.
	mu    sync.Mutex
	given map[string]time.Time
}

func newTokens(env dialect.Env) *tokens {
	t := &tokens{env: env, given: map[string]time.Time{}}
	if env.AccessToken != "" {
		t.given[env.AccessToken] = env.Now()
	}
	return t
}

// good tells whether a token is good. If neither token nor password was
// configured, none is asked for.
func (t *tokens) good(token string) bool {
	if t.env.AccessToken == "" && t.env.Password == "" {
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
	token := rand.Text()
	t.given[token] = t.env.Now()
	return token
}

func (t *tokens) forget(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.given, token)
}

// login answers authenticateUser.
func (a *api) login(w http.ResponseWriter, r *http.Request, p url.Values) error {
	if !p.Has("username") || !p.Has("password") {
		return &errMalformed{"username or password"}
	}
	if !same(p.Get("username"), a.Username) || !same(p.Get("password"), a.Password) {
		return errPassword
	}
	a.writeResults(w, 1, map[string]any{
		"username": a.Username, "accessToken": a.tokens.give(), "mode": a.number(0), "clientIp": clientIP(r),
	})
	return nil
}

// logout answers logoutUser.
func (a *api) logout(w http.ResponseWriter, _ *http.Request, p url.Values) error {
	a.tokens.forget(p.Get("access_token"))
	a.writeResults(w, 1, []any{})
	return nil
}

// same compares a secret; one that was not configured is not asked for.
func same(got, want string) bool {
	return want == "" || subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// The limit of rate: whoever makes more requests than allowed in any period is
// refused for the length of the penalty (the SDK, "API Rate Limits").
const (
	period  = 5 * time.Minute
	penalty = 15 * time.Minute
)

// burst counts the requests of the last five minutes.
type burst struct {
	env dialect.Env

	// mu guards what follows.
	mu     sync.Mutex
	recent []time.Time
	until  time.Time // when the penalty ends
}

// admits counts a request, and tells whether it is answered.
func (b *burst) admits() bool {
	limit, ok := b.env.Switches.Number("burst")
	if !ok {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.env.Now()
	for len(b.recent) > 0 && now.Sub(b.recent[0]) >= period {
		b.recent = b.recent[1:]
	}
	if now.Before(b.until) {
		return false
	}
	b.recent = append(b.recent, now)
	if len(b.recent) <= limit {
		return true
	}
	b.until = now.Add(penalty)
	return false
}
