package filemail

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/frugalfs/frugalfs/remote/sandbox/dialect"
	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// Where things are: the classic API below its prefix, API 2.0 at the top, and
// the file server beside both.
const (
	classicPrefix = "/api/"
	filesGet      = "/api/file/get"
	filesAdd      = "/api/file/add"
)

// The folders of the account.
const (
	sentDir     = "/sent"
	receivedDir = "/received"
	openDir     = "/.open"
)

// api is the dialect.
type api struct {
	dialect.Env
	home   dialect.Home
	tokens *tokens
	links  *links
	routes map[string]route // of both APIs

	// mu guards what follows, and is held while a transfer changes. It comes
	// before the store's own lock.
	mu     sync.Mutex
	report Report
	stages map[string]*stage // of files that come in pieces, by transfer and fileid
	busy   map[string]int    // how often an address was answered with 449
}

// Provider returns how to open the dialect.
func Provider() dialect.Provider {
	return dialect.Provider{Switches: switchTable, New: open}
}

func isCount(v string) bool {
	n, err := strconv.Atoi(v)
	return err == nil && n >= 0
}

func open(env dialect.Env) (dialect.Dialect, error) {
	home, err := store.CleanPath(env.Home)
	if err != nil {
		return nil, err
	}
	a := &api{Env: env, home: dialect.Home(home), stages: map[string]*stage{}, busy: map[string]int{}, report: Report{Mails: map[string]int{}}}
	for _, dir := range []string{sentDir, receivedDir, openDir} {
		if _, _, err := env.Store.MkdirAll(a.home.Account(dir), env.Username); err != nil {
			return nil, err
		}
	}
	a.tokens, a.links = newTokens(env), &links{env: env, given: map[string]given{}}
	a.routes = a.table()
	return a, nil
}

// params are a request's parameters, whichever way they came.
type params url.Values

func (p params) get(name string) string { return url.Values(p).Get(name) }

// number is a whole number that is not negative, or what stands for it.
func (p params) number(name string, standard int) int {
	n, err := strconv.Atoi(p.get(name))
	if err != nil || n < 0 {
		return standard
	}
	return n
}

// handler answers a request whose parameters were read with what is in the
// answer.
type handler func(r *http.Request, p params) (map[string]any, error)

type route struct {
	op string
	do handler
}

// table holds the operations of both APIs; {id} stands for one element of a path.
func (a *api) table() map[string]route {
	t := map[string]route{
		"authentication/login":  {"login", a.login},
		"authentication/logout": {"logout", a.logout},
		"transfer/initialize":   {"send", a.initialize},
		"transfer/complete":     {"send", a.complete},
		"transfer/cancel":       {"cancel", a.cancel},
		"transfer/sent/get":     {"list", a.sent},
		"transfer/received/get": {"list", a.received},
		"transfer/get":          {"details", a.details},
		"transfer/update":       {"rename", a.update},
		"transfer/delete":       {"delete", a.remove},
		"transfer/file/rename":  {"rename", a.renameFile},
		"transfer/file/delete":  {"delete", a.removeFile},
	}
	for name, as := range map[string]string{
		"POST /transfer/initialize": "transfer/initialize", "PUT /transfer/complete": "transfer/complete",
		"PUT /transfer/cancel": "transfer/cancel", "GET /transfer/sent": "transfer/sent/get",
		"GET /transfer/inbox": "transfer/received/get", "GET /transfer/{id}": "transfer/get",
		"PUT /transfer/{id}": "transfer/update", "DELETE /transfer/{id}": "transfer/delete",
		"PUT /transfer/file/rename": "transfer/file/rename", "DELETE /transfer/file/{id}": "transfer/file/delete",
	} {
		t[name] = t[as]
	}
	return t
}

// isClassic tells which API a request is to.
func isClassic(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, classicPrefix) }

// route finds the operation, and the element of the path that is its parameter.
func (a *api) route(r *http.Request) (op route, id string, ok bool) {
	if name, classic := strings.CutPrefix(r.URL.Path, classicPrefix); classic {
		op, ok = a.routes[name]
		return op, "", ok
	}
	if op, ok = a.routes[r.Method+" "+r.URL.Path]; ok {
		return op, "", true
	}
	dir, id := path.Split(r.URL.Path)
	op, ok = a.routes[r.Method+" "+dir+"{id}"]
	return op, id, ok && id != ""
}

// Op names the operation; requests to the file server are "fetch" and "store".
func (a *api) Op(r *http.Request) string {
	switch r.URL.Path {
	case filesGet:
		return "fetch"
	case filesAdd:
		return "store"
	}
	if op, _, ok := a.route(r); ok {
		return op.op
	}
	return "other"
}

// Transfer tells whether a request is to the file server.
func (a *api) Transfer(r *http.Request) bool {
	return r.URL.Path == filesGet || r.URL.Path == filesAdd
}

// maxBody bounds what the API reads.
const maxBody = 8 << 20

// ServeHTTP answers one request.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case filesGet:
		a.fetch(w, r)
		return
	case filesAdd:
		a.add(w, r)
		return
	}
	op, id, ok := a.route(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	p, err := readParams(r, id)
	if err == nil {
		err = a.admit(r, op, p)
	}
	if err != nil {
		a.writeError(w, r, err)
		return
	}
	payload, err := op.do(r, p)
	if err != nil {
		a.writeError(w, r, err)
		return
	}
	a.write(w, r, payload)
}

// admit checks who asks: the classic API by a login token, API 2.0 by a key.
func (a *api) admit(r *http.Request, op route, p params) error {
	if !isClassic(r) {
		if !same(r.Header.Get("X-Api-Key"), a.AccessToken) {
			return errDenied
		}
		return nil
	}
	if key := p.get("apikey"); key != "" && !same(key, a.APIKey) {
		return errDenied
	}
	if op.op != "login" && !a.tokens.good(p.get("logintoken")) {
		return errToken
	}
	return nil
}

// same compares a secret; one that was not configured is not asked for.
func same(got, want string) bool {
	return want == "" || subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// aliases are names of API 2.0, by those of the classic one.
var aliases = map[string]string{"filekey": "fileid", "newfilename": "filename"}

// readParams reads parameters from the query, a form or JSON. Names are taken
// without regard to case.
func readParams(r *http.Request, id string) (params, error) {
	p := params{}
	set := func(name, value string) {
		name = strings.ToLower(name)
		if as := aliases[name]; as != "" {
			name = as
		}
		p[name] = append(p[name], value)
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			return nil, errParameter
		}
		for name, v := range body {
			set(name, asText(v))
		}
	}
	if err := r.ParseForm(); err != nil {
		return nil, errParameter
	}
	for name, values := range r.Form {
		set(name, values[0])
	}
	if id != "" {
		p["transferid"], p["fileid"] = []string{id}, []string{id}
	}
	return p, nil
}

// asText writes a value of JSON as a form would.
func asText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = asText(v[i])
		}
		return strings.Join(parts, ",")
	}
	return ""
}

// Refuse answers an error as the service does.
func (a *api) Refuse(w http.ResponseWriter, status int, detail string) { http.Error(w, detail, status) }

// Limits does nothing: no document names a header.
func (a *api) Limits(http.Header, int, int) {}

// Notify does nothing: there are no webhooks.
func (a *api) Notify(store.Entry) {}

// Close removes what came of files that were never whole.
func (a *api) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.stages {
		a.discard(s)
	}
	clear(a.stages)
}
