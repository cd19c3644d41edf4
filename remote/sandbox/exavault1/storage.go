package exavault1

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// transfer answers a request to a signed address, which needs neither key nor
// token.
func (a *api) transfer(w http.ResponseWriter, r *http.Request) {
	upload := r.Method == http.MethodPost
	k, ok := a.links.use(r.URL.Path, upload)
	switch {
	case !ok:
		a.refuseLink(w)
	case upload:
		a.receive(w, r, k)
	default:
		a.send(w, r, k)
	}
}

// refuseLink answers for an address that is no longer good.
func (a *api) refuseLink(w http.ResponseWriter) {
	switch how := a.Switches.Get("link-refused"); how {
	case "error":
		a.writeError(w, &apiError{code: 107, message: "Token has expired"})
	case "page":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<html><body>This link has expired.</body></html>")
	default:
		status, _ := strconv.Atoi(how)
		http.Error(w, "This link has expired.", status)
	}
}

// receive stores the bare bytes of an upload. Whatever is not as it was
// announced is not stored.
func (a *api) receive(w http.ResponseWriter, r *http.Request, k link) {
	n, err := a.take(r, k)
	a.note(r, store.Entry{Op: store.OpUpload, Path: k.stored(n), Bytes: n.Size, Node: n, Failed: err != nil})
	if err != nil {
		a.writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"success": a.number(1)})
}

// stored is where the file is, or was meant to be.
func (k link) stored(n store.Node) string {
	if n.Path != "" {
		return n.Path
	}
	return k.path
}

func (a *api) take(r *http.Request, k link) (store.Node, error) {
	size, err := strconv.ParseInt(r.Header.Get("X_File_Size"), 10, 64)
	if err != nil || size != k.size {
		return store.Node{}, about("The size is not the one that was announced")
	}
	staged, err := a.Store.Stage()
	if err != nil {
		return store.Node{}, err
	}
	defer func() {
		if err := staged.Discard(); err != nil {
			a.Logger.Warn("sandbox: cannot remove staged content", "err", err)
		}
	}()
	if _, err := io.Copy(staged, io.LimitReader(r.Body, size+1)); err != nil || staged.Size() != size {
		return store.Node{}, about("The upload was interrupted")
	}
	if err := a.mayUpload(k); err != nil {
		return store.Node{}, err
	}
	put := store.Put{Path: k.path, Taken: store.PickName, By: a.Username}
	if k.overwrite {
		put.Taken = store.Replace
	}
	done, err := a.Store.Put(staged, put)
	return done.Node, err
}

// send sends a file, or the range of it that is asked for.
func (a *api) send(w http.ResponseWriter, r *http.Request, k link) {
	n, err := a.Store.Lookup(k.path)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	f, n, err := a.Store.Open(n.ID)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer func() { _ = f.Close() }() // it was only read
	if a.Switches.Is("range", "off") {
		r.Header.Del("Range")
	}
	if a.Switches.Is("content-type", "octet-stream") {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(n.Name))
	}
	a.note(r, store.Entry{Op: store.OpDownload, Path: n.Path, Bytes: n.Size, Node: n})
	http.ServeContent(w, r, n.Name, time.Time{}, f)
}
