package exavault

import (
	"crypto/subtle"
	"net/http"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/remote/sandbox/dialect"
	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// base is where the API begins (introduction, "The API URL").
const base = "/api/v2"

// api is the dialect.
type api struct {
	dialect.Env
	home  string // as a clean account path
	mux   *http.ServeMux
	ops   map[string]string // by the pattern of the route
	hooks *hooks
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
	a := &api{Env: env, home: home, mux: http.NewServeMux(), ops: map[string]string{}}
	if a.hooks, err = newHooks(a); err != nil {
		return nil, err
	}
	for _, r := range a.routes() {
		pattern := r.method + " " + base + r.path
		a.ops[pattern] = r.op
		a.mux.Handle(pattern, a.route(r))
	}
	return a, nil
}

// handler answers a request, or returns an error to be answered.
type handler func(w http.ResponseWriter, r *http.Request) error

type route struct {
	method, path, op string
	permission       string // "" if none is needed
	do               handler
}

func (a *api) routes() []route {
	return []route{
		{"GET", "/resources", "info", "list", a.info},
		{"POST", "/resources", "mkdir", "modify", a.mkdir},
		{"DELETE", "/resources", "delete", "delete", a.deleteMany},
		{"GET", "/resources/list", "list", "list", a.list},
		{"GET", "/resources/list/{id}", "list", "list", a.listByID},
		{"POST", "/resources/upload", "upload", "upload", a.upload},
		{"GET", "/resources/download", "download", "download", a.download},
		{"POST", "/resources/copy", "copy", "modify", a.copy},
		{"POST", "/resources/move", "move", "modify", a.move},
		{"POST", "/resources/compress", "compress", "modify", a.compress},
		{"POST", "/resources/extract", "extract", "modify", a.extract},
		{"GET", "/resources/preview", "preview", "download", a.preview},
		{"GET", "/resources/{id}", "info", "list", a.infoByID},
		{"PATCH", "/resources/{id}", "rename", "modify", a.rename},
		{"DELETE", "/resources/{id}", "delete", "delete", a.deleteByID},
		{"GET", "/account", "account", "", a.account},
		{"GET", "/activity/session", "activity", "", a.activity},
		{"GET", "/activity/webhooks", "webhooks", "", a.hookLog},
		{"GET", "/webhooks", "webhooks", "", a.listHooks},
		{"POST", "/webhooks", "webhooks", "", a.addHook},
		{"GET", "/webhooks/{id}", "webhooks", "", a.getHook},
		{"PATCH", "/webhooks/{id}", "webhooks", "", a.patchHook},
		{"DELETE", "/webhooks/{id}", "webhooks", "", a.deleteHook},
		{"POST", "/webhooks/regenerate-token/{id}", "webhooks", "", a.newHookToken},
		{"POST", "/webhooks/resend/{id}", "webhooks", "", a.resendHook},
	}
}

// route makes an http.Handler that checks the permission and answers errors.
func (a *api) route(r route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		err := errForbidden
		if r.permission == "" || !a.Switches.Has("deny", r.permission) {
			err = r.do(w, req)
		}
		if err != nil {
			writeError(w, err)
		}
	})
}

// ServeHTTP answers one request.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !same(r.Header.Get("ev-api-key"), a.APIKey) || !same(r.Header.Get("ev-access-token"), a.AccessToken) {
		writeError(w, errUnauthorized)
		return
	}
	_, pattern := a.mux.Handler(r)
	if a.ops[pattern] == "" {
		writeError(w, &apiError{http.StatusNotFound, "ERROR_NOT_FOUND", "There is no such endpoint"})
		return
	}
	a.mux.ServeHTTP(w, r)
}

// same compares a secret; one that was not configured is not asked for.
func same(got, want string) bool {
	return want == "" || subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// Op names the operation; searches are "tree" and downloads of several
// resources, or of a folder, "archive".
func (a *api) Op(r *http.Request) string {
	_, pattern := a.mux.Handler(r)
	op := a.ops[pattern]
	switch {
	case op == "":
		return "other"
	case op == "list" && r.URL.Query().Get("name") != "":
		return "tree"
	case op == "download" && a.isArchive(identifiers(r)):
		return "archive"
	}
	return op
}

func (a *api) isArchive(idents []string) bool {
	if len(idents) != 1 {
		return len(idents) > 1
	}
	n, err := a.resolve(idents[0])
	return err == nil && n.Dir
}

// Refuse answers an error in the documented shape. The documents name no code
// for 429 and 5xx.
func (a *api) Refuse(w http.ResponseWriter, status int, detail string) {
	code := "ERROR_" + strings.ToUpper(strings.ReplaceAll(http.StatusText(status), " ", "_"))
	writeError(w, &apiError{status, code, detail})
}

// Limits sets the headers of the introduction's "Rate Limit Headers".
func (a *api) Limits(h http.Header, limit, remaining int) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(remaining))
}

// Close ends the deliveries of webhooks.
func (a *api) Close() { a.hooks.close() }
