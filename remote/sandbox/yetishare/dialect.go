package yetishare

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/dialect"
	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// base is where the API begins ("API Path").
const base = "/api/v2/"

// maxForm is the most bytes of a form without a file.
const maxForm = 1 << 20

// api is the dialect.
type api struct {
	dialect.Env
	home   string // as a clean account path
	routes map[string]route

	// change is held while something is changed, so that a name is looked for
	// and taken at once.
	change sync.Mutex

	// mu guards what follows.
	mu       sync.Mutex
	tokens   map[string]time.Time // when each was last used
	failures int                  // refused sign-ins in a row
	links    map[string]link
	extras   map[int64]extra
	removed  map[int64]store.Node // by the ids of the files
	busy     int                  // downloads under way
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
		Env: env, home: home, tokens: map[string]time.Time{}, links: map[string]link{}, removed: map[int64]store.Node{},
		extras: readExtras(env.Store),
	}
	a.routes = a.table()
	return a, nil
}

// handler answers a request: its data, and the sentence beside it.
type handler func(r *http.Request) (data any, response string, err error)

type route struct {
	op string
	do handler
	// open is true for the one call that needs no token.
	open bool
}

func (a *api) table() map[string]route {
	return map[string]route{
		"authorize":            {"authorize", a.authorize, true},
		"disable_access_token": {"sign out", a.disable, false},
		"account/info":         {"account", a.accountInfo, false},
		"account/package":      {"account", a.accountPackage, false},
		"file/upload":          {"upload", a.upload, false},
		"file/download":        {"download", a.download, false},
		"file/info":            {"info", a.fileInfo, false},
		"file/edit":            {"edit", a.fileEdit, false},
		"file/delete":          {"delete", a.fileDelete, false},
		"file/move":            {"move", a.fileMove, false},
		"file/copy":            {"copy", a.fileCopy, false},
		"folder/create":        {"mkdir", a.folderCreate, false},
		"folder/listing":       {"list", a.folderListing, false},
		"folder/info":          {"info", a.folderInfo, false},
		"folder/edit":          {"edit", a.folderEdit, false},
		"folder/delete":        {"delete", a.folderDelete, false},
		"folder/move":          {"move", a.folderMove, false},
	}
}

// ServeHTTP answers one request.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.Transfer(r) {
		a.deliver(w, r)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, base)
	rt, ok := a.routes[name]
	if !ok || a.lacks(name) == "404" {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		a.fail(w, &apiError{http.StatusMethodNotAllowed, "Request method not expected."})
		return
	}
	if err := a.readForm(w, r, rt); err != nil {
		a.fail(w, err)
		return
	}
	data, response, err := rt.do(r)
	if err == nil {
		a.succeed(w, data, response)
		return
	}
	a.fail(w, err)
}

// lacks tells in which way the site is without a call, "" if it has it.
func (a *api) lacks(name string) string {
	switch name {
	case "file/move", "file/copy":
		if v := a.Switches.Get(strings.Replace(name, "/", "-", 1)); v != "yes" {
			return v
		}
	}
	return ""
}

// readForm reads the parameters and checks the token. An upload's are read by
// itself.
func (a *api) readForm(w http.ResponseWriter, r *http.Request, rt route) error {
	if rt.op == "upload" {
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return &apiError{http.StatusBadRequest, "Bad input parameter."}
	}
	if rt.open {
		return nil
	}
	if err := a.checkToken(r.FormValue("access_token"), r.FormValue("account_id")); err != nil {
		return err
	}
	if a.lacks(strings.TrimPrefix(r.URL.Path, base)) != "" {
		return say("Could not find the requested endpoint.")
	}
	return nil
}

// Transfer tells whether a request is for a file's content, at an address that
// file/download gave.
func (a *api) Transfer(r *http.Request) bool { return !strings.HasPrefix(r.URL.Path, base) }

// Op names the operation; the content itself is "fetch".
func (a *api) Op(r *http.Request) string {
	if a.Transfer(r) {
		return "fetch"
	}
	if rt, ok := a.routes[strings.TrimPrefix(r.URL.Path, base)]; ok {
		return rt.op
	}
	return "other"
}

// Refuse answers an error in the documented shape.
func (a *api) Refuse(w http.ResponseWriter, status int, detail string) {
	a.fail(w, &apiError{status, detail})
}

// Limits sets nothing: the API tells no limit.
func (a *api) Limits(http.Header, int, int) {}

// Notify does nothing: the API has no record of changes.
func (a *api) Notify(store.Entry) {}

// Close ends nothing: nothing runs in the background.
func (a *api) Close() {}
