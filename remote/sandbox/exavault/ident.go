package exavault

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// resolve finds what a resource identifier stands for (introduction,
// "Identifying Resources"): "id:N", "hash:H" or a path. What is outside of the
// user's home does not exist.
func (a *api) resolve(ident string) (store.Node, error) {
	n, err := a.find(ident)
	if err != nil {
		return n, err
	}
	if !a.atHome(n.Path) {
		return n, errNotFound
	}
	return n, nil
}

func (a *api) find(ident string) (store.Node, error) {
	if digits, ok := strings.CutPrefix(ident, "id:"); ok {
		return a.byID(digits)
	}
	if hash, ok := strings.CutPrefix(ident, "hash:"); ok {
		return a.Store.ByHash(hash)
	}
	p, err := a.cleanPath(ident)
	if err != nil {
		return store.Node{}, err
	}
	return a.Store.Lookup(p)
}

func (a *api) byID(digits string) (store.Node, error) {
	id, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return store.Node{}, errNotFound
	}
	n, err := a.Store.ByID(id)
	if err == nil && !a.atHome(n.Path) {
		err = errNotFound
	}
	return n, err
}

// cleanPath turns a path that a request names into an account path.
func (a *api) cleanPath(p string) (string, error) {
	if p == "" {
		return "", invalid("A resource identifier must not be empty.")
	}
	if !strings.HasPrefix(p, "/") {
		if a.Switches.Is("slashless", "400") {
			return "", invalid("A path begins with a slash.")
		}
		p = "/" + p
	}
	clean, err := store.CleanPath(p)
	if err != nil {
		return "", err
	}
	return a.accountPath(clean), nil
}

// resolveDir is resolve for a folder.
func (a *api) resolveDir(ident string) (store.Node, error) {
	n, err := a.resolve(ident)
	if err == nil && !n.Dir {
		err = invalid("Destination must be a folder.")
	}
	return n, err
}

// maxBody bounds JSON bodies: a batch of ten thousand long paths fits.
const maxBody = 64 << 20

// readBody reads a JSON body.
func readBody(w http.ResponseWriter, r *http.Request, to any) error {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return invalid("The request body could not be read.")
	}
	if err := json.Unmarshal(b, to); err != nil {
		return invalid("The request body is not valid JSON: " + err.Error())
	}
	return nil
}

// identifiers returns the values of resources[] in a query, also written as
// resources[0].
func identifiers(r *http.Request) []string {
	query := r.URL.Query()
	out := query["resources[]"]
	for i := 0; query.Has("resources[" + strconv.Itoa(i) + "]"); i++ {
		out = append(out, query.Get("resources["+strconv.Itoa(i)+"]"))
	}
	return out
}
