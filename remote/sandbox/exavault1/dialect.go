package exavault1

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/frugalfs/frugalfs/remote/sandbox/dialect"
	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// The paths where the API may be, and where signed addresses lead.
const (
	apiPrefix     = "/api/v1.2/"
	plainPrefix   = "/v1.2/"
	storagePrefix = "/storage/"
)

// api is the dialect.
type api struct {
	dialect.Env
	home   dialect.Home
	routes map[string]route // by the operation's name
	tokens *tokens
	burst  *burst
	links  *links
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
	a := &api{Env: env, home: dialect.Home(home)}
	a.tokens, a.burst, a.links = newTokens(env), &burst{env: env}, &links{env: env, open: map[string]link{}}
	a.routes = a.table()
	return a, nil
}

// handler answers a request whose parameters were read, or returns an error to
// be answered.
type handler func(w http.ResponseWriter, r *http.Request, p url.Values) error

type route struct {
	op         string
	permission string // "" if none is needed
	do         handler
}

// table holds the operations. Each takes GET and POST (the SDK,
// "Introduction").
func (a *api) table() map[string]route {
	return map[string]route{
		"authenticateUser":      {"login", "", a.login},
		"logoutUser":            {"logout", "", a.logout},
		"getResourceList":       {"list", "list", a.list},
		"getResourceProperties": {"info", "list", a.properties},
		"checkFilesExist":       {"info", "", a.check},
		"getFolders":            {"folders", "list", a.folders},
		"createFolder":          {"mkdir", "modify", a.mkdir},
		"renameResource":        {"rename", "modify", a.rename},
		"moveResources":         {"move", "modify", a.move},
		"copyResources":         {"copy", "modify", a.copy},
		"deleteResources":       {"delete", "delete", a.delete},
		"getUploadFileUrl":      {"upload", "upload", a.uploadURL},
		"getDownloadFileUrl":    {"download", "download", a.downloadURL},
		"previewFile":           {"preview", "", a.preview},
		"getFileActivityLogs":   {"activity", "", a.activity},
	}
}

// operation returns the operation that a path names, "" if it is not the API's.
func (a *api) operation(path string) string {
	prefix := a.Switches.Get("prefix")
	if name, ok := strings.CutPrefix(path, apiPrefix); ok && prefix != "plain" {
		return name
	}
	if name, ok := strings.CutPrefix(path, plainPrefix); ok && prefix != "api" {
		return name
	}
	return ""
}

// Op names the operation. Searches are "tree", and transfers "store" and
// "fetch".
func (a *api) Op(r *http.Request) string {
	if a.Transfer(r) {
		if r.Method == http.MethodPost {
			return "store"
		}
		return "fetch"
	}
	op := a.routes[a.operation(r.URL.Path)].op
	switch {
	case op == "":
		return "other"
	case op == "list" && r.URL.Query().Get("pattern") != "":
		return "tree"
	}
	return op
}

// Transfer tells whether a request is to a signed address.
func (a *api) Transfer(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, storagePrefix) }

// maxForm bounds forms: a batch of ten thousand long paths fits.
const maxForm = 64 << 20

// ServeHTTP answers one request.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.Transfer(r) {
		a.transfer(w, r)
		return
	}
	name := a.operation(r.URL.Path)
	if name == "" {
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		a.writeError(w, &errMalformed{"form"})
		return
	}
	if err := a.serve(w, r, name); err != nil {
		a.writeError(w, err)
	}
}

func (a *api) serve(w http.ResponseWriter, r *http.Request, name string) error {
	op, known := a.routes[name]
	switch {
	case !same(r.Header.Get("api_key"), a.APIKey):
		return errKey
	case !a.burst.admits():
		return errBurst
	case !known:
		return errOperation
	case op.op != "login" && !a.tokens.good(r.Form.Get("access_token")):
		return errToken
	case op.permission != "" && a.Switches.Has("deny", op.permission):
		return errForbidden
	}
	return op.do(w, r, r.Form)
}

// Refuse answers an error as the service does: what the API itself refuses comes
// with status 200, everything else from whatever stands in front of it.
func (a *api) Refuse(w http.ResponseWriter, status int, detail string) {
	switch status {
	case http.StatusTooManyRequests:
		a.writeError(w, errDaily)
	case http.StatusInternalServerError:
		a.writeError(w, &errMalformed{detail})
	default:
		http.Error(w, detail, status)
	}
}

// Limits does nothing: no document names a header.
func (a *api) Limits(http.Header, int, int) {}

// Notify does nothing: the legacy API's webhooks are not spoken.
func (a *api) Notify(store.Entry) {}

// Close does nothing: nothing runs in the background.
func (a *api) Close() {}
