package filescom

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/frugalfs/frugalfs/remote/sandbox/dialect"
	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// base is where the API begins, storageBase where the storage does.
const (
	base        = "/api/rest/v1/"
	storageBase = "/storage/"
)

// userID is the id of the account's only user.
const userID = 124437

// api is the dialect.
type api struct {
	dialect.Env
	home dialect.Home
	key  [32]byte // signs the addresses of the storage
	hook *hooks

	// mu guards what follows.
	mu         sync.Mutex
	sessions   map[string]bool
	uploads    map[string]*upload
	lastRef    int64
	migrations map[int64]*migration
}

// Provider returns how to open the dialect.
func Provider() dialect.Provider {
	return dialect.Provider{Switches: switchTable, New: open}
}

func open(env dialect.Env) (dialect.Dialect, error) {
	home, err := store.CleanPath(env.Home)
	if err != nil {
		return nil, err
	}
	if _, _, err := env.Store.MkdirAll(home, env.Username); err != nil {
		return nil, err
	}
	a := &api{
		Env: env, home: dialect.Home(home), lastRef: 6157051245,
		sessions: map[string]bool{}, uploads: map[string]*upload{}, migrations: map[int64]*migration{},
	}
	_, _ = rand.Read(a.key[:]) // never fails
	a.hook, err = newHooks(a)
	return a, err
}

// ServeHTTP answers one request, of the API or of the storage.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.Transfer(r) {
		a.storage(w, r)
		return
	}
	if err := a.answer(w, r); err != nil {
		a.writeError(w, err)
	}
}

func (a *api) answer(w http.ResponseWriter, r *http.Request) error {
	t, err := a.target(r)
	if err != nil {
		return err
	}
	route, ok := a.find(r.Method, t)
	if !ok {
		return errNoRoute
	}
	if !route.open && !a.admitted(r) {
		return errUnauthorized
	}
	p, err := readParams(w, r)
	if err != nil {
		return err
	}
	return route.do(w, &request{Request: r, target: t, params: p})
}

// Transfer tells whether a request goes to the storage.
func (a *api) Transfer(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, storageBase) }

// Op names the operation. A tree listing is "tree". POST /files is "end",
// though with the flow of 2020 it begins uploads, too: only the body tells.
func (a *api) Op(r *http.Request) string {
	if a.Transfer(r) {
		if r.Method == http.MethodPut {
			return "put"
		}
		return "get"
	}
	t, err := a.target(r)
	if err != nil {
		return "other"
	}
	route, ok := a.find(r.Method, t)
	if !ok {
		return "other"
	}
	q := r.URL.Query()
	switch {
	case route.op == "list" && q.Get("recursive") == "true":
		return "tree"
	case route.op == "download" && q.Get("action") == "stat":
		return "info"
	}
	return route.op
}

// Refuse answers an error in the shape of the service.
func (a *api) Refuse(w http.ResponseWriter, status int, detail string) {
	class := "internal-server-error"
	switch {
	case status == http.StatusTooManyRequests:
		class = "rate-limited/too-many-requests"
	case status == http.StatusServiceUnavailable:
		class = "service-unavailable/uploads-unavailable"
	case status == http.StatusUnauthorized:
		class = "not-authenticated/authentication-required"
	case status == http.StatusForbidden:
		class = "not-authorized/insufficient-permission-for-params"
	case status == http.StatusNotFound:
		class = "not-found"
	case status < http.StatusInternalServerError:
		class = "bad-request/request-params-invalid"
	}
	a.writeError(w, &apiError{status, class, detail})
}

// Limits sets headers as other providers have them, if the switch says so:
// Files.com is not known to tell what is left.
func (a *api) Limits(h http.Header, limit, remaining int) {
	if a.Switches.Is("rate-headers", "yes") {
		h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
		h.Set("X-RateLimit-Remaining", strconv.Itoa(remaining))
	}
}

// Close ends deliveries and drops unfinished uploads.
func (a *api) Close() {
	a.hook.close()
	a.mu.Lock()
	uploads := a.uploads
	a.uploads = nil
	a.mu.Unlock()
	for _, u := range uploads {
		a.discard(u)
	}
}
