package yetishare

import (
	"crypto/rand"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// link is the address of a file's content.
type link struct {
	id   int64
	made time.Time
}

// download answers /file/download.
func (a *api) download(r *http.Request) (any, string, error) {
	n, err := a.fileParam(r)
	if err != nil {
		if a.Switches.Is("no-link", "no-url") {
			return nil, "", errNoURL
		}
		return nil, "", err
	}
	token := rand.Text() + rand.Text()
	a.mu.Lock()
	a.links[token] = link{n.ID, a.Now()}
	a.mu.Unlock()
	address := url.URL{Scheme: "http", Host: r.Host, Path: "/" + short(n.ID), RawQuery: url.Values{"download_token": {token}}.Encode()}
	return object{"file_id": a.number(n.ID), "filename": a.name(n), "download_url": address.String()}, "", nil
}

// deliver answers a request for a file's content. An address that has died leads
// to a page, as the script redirects to one.
func (a *api) deliver(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/error.html") {
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		_, _ = io.WriteString(w, "<!DOCTYPE html>\n<html><body>The file could not be found.</body></html>\n") // as ServeHTTP's answers
		return
	}
	a.mu.Lock()
	l, ok := a.links[r.URL.Query().Get("download_token")]
	a.mu.Unlock()
	if !ok || a.Now().Sub(l.made) > a.Switches.Duration("link-life") {
		http.Redirect(w, r, "/error.html?e=expired", http.StatusFound)
		return
	}
	f, n, err := a.Store.Open(l.id)
	if err != nil {
		http.Redirect(w, r, "/error.html?e=gone", http.StatusFound)
		return
	}
	defer func() { _ = f.Close() }() // it was only read
	if !a.begin() {
		http.Error(w, "Too many connections.", http.StatusServiceUnavailable)
		return
	}
	defer a.end()
	w.Header().Set("Content-Type", a.fileType(n))
	a.note(store.OpDownload, n, "")
	if a.Switches.Is("range", "off") {
		r.Header.Del("Range")
		w = rangeless{w}
	}
	http.ServeContent(w, r, "", time.Time{}, f)
}

// begin counts a download, unless there are too many.
func (a *api) begin() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if most, ok := a.Switches.Number("downloads"); ok && a.busy >= most {
		return false
	}
	a.busy++
	return true
}

func (a *api) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.busy--
}

// rangeless does not say that ranges could be asked for.
type rangeless struct{ http.ResponseWriter }

// WriteHeader leaves a header out.
func (w rangeless) WriteHeader(status int) {
	w.Header().Del("Accept-Ranges")
	w.ResponseWriter.WriteHeader(status)
}
