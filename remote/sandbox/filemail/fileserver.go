package filemail

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/dialect"
	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// links are the addresses of files' contents.
type links struct {
	env dialect.Env

	// mu guards given.
	mu    sync.Mutex
	given map[string]given // by the secret in the address
}

type given struct {
	file string
	at   time.Time
}

// give makes an address of a file's content.
func (l *links) give(host, file string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	secret := rand.Text()
	l.given[secret] = given{file, l.env.Now()}
	return "http://" + host + filesGet + "?" + url.Values{"filekey": {file}, "track": {secret}}.Encode()
}

// good tells whether an address is still good for a file.
func (l *links) good(file, secret string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, ok := l.given[secret]
	life := l.env.Switches.Duration("link-life")
	return ok && g.file == file && (life == 0 || l.env.Now().Sub(g.at) < life)
}

// fetch sends a file, or the range of it that is asked for.
func (a *api) fetch(w http.ResponseWriter, r *http.Request) {
	if a.isBusy(w, r) {
		return
	}
	q := r.URL.Query()
	if !a.links.good(q.Get("filekey"), q.Get("track")) {
		a.refuseLink(w)
		return
	}
	n, _, err := a.findFile(q.Get("filekey"))
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
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(n.Name))
	http.ServeContent(w, r, n.Name, time.Time{}, f)
}

// refuseLink answers for an address that is no longer good.
func (a *api) refuseLink(w http.ResponseWriter) {
	how := a.Switches.Get("link-refused")
	if how == "page" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<html><body>This link has expired.</body></html>")
		return
	}
	status, _ := strconv.Atoi(how)
	http.Error(w, "This link has expired.", status)
}

// isBusy answers 449 as often as the switch says, and then takes the request.
func (a *api) isBusy(w http.ResponseWriter, r *http.Request) bool {
	most, _ := a.Switches.Number("busy")
	a.mu.Lock()
	defer a.mu.Unlock()
	address := r.URL.String()
	if a.busy[address] >= most {
		delete(a.busy, address)
		return false
	}
	a.busy[address]++
	http.Error(w, "Retry with", 449)
	return true
}

// stage is a file of a transfer that comes, or came, in pieces.
type stage struct {
	transfer string
	of       int
	pieces   map[int]*store.Staged
	stored   int64 // the node, once the file is whole
}

// discard removes what is staged.
func (a *api) discard(s *stage) {
	for _, g := range s.pieces {
		if err := g.Discard(); err != nil {
			a.Logger.Warn("sandbox: cannot remove staged content", "err", err)
		}
	}
	s.pieces = nil
}

// unfinished tells whether a file of a transfer lacks pieces. The caller holds
// a.mu.
func (a *api) unfinished(t transfer) bool {
	for _, s := range a.stages {
		if s.transfer == t.Hash && s.stored == 0 {
			return true
		}
	}
	return false
}

var errUpload = errors.New("the upload makes no sense")

// add takes a file, or a piece of one.
func (a *api) add(w http.ResponseWriter, r *http.Request) {
	if a.isBusy(w, r) {
		return
	}
	if err := a.take(r); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = io.WriteString(w, "ok")
}

func (a *api) take(r *http.Request) error {
	q := r.URL.Query()
	t, err := a.keyed(q.Get("transferid"), q.Get("transferkey"))
	if err != nil {
		return err
	}
	p := params(q)
	n, of, size := p.number("chunk", -1), p.number("chunks", 0), p.number("chunksize", -1)
	name := q.Get("thefilename")
	if _, err := store.CleanPath("/" + name); err != nil || name == "" || of == 0 || n < 0 || n >= of || t.box != openDir {
		return errUpload
	}
	g, err := a.Store.Stage()
	if err != nil {
		return err
	}
	if _, err = io.Copy(g, r.Body); err == nil && (n < of-1 && g.Size() != int64(size) || r.ContentLength >= 0 && g.Size() != r.ContentLength) {
		err = errUpload
	}
	if err == nil {
		err = a.keep(t, q, n, of, g)
		g = nil // the stage has it
	}
	if g != nil {
		err = errors.Join(err, g.Discard())
	}
	return err
}

// keep takes in a piece, and stores the file once it is whole.
func (a *api) keep(t transfer, q url.Values, n, of int, g *store.Staged) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now, err := a.find(t.Hash); err != nil || now.box != openDir { // canceled, or sent, meanwhile
		return errors.Join(errUpload, g.Discard())
	}
	key := t.Hash + " " + q.Get("fileid")
	if q.Get("fileid") == "" {
		key += rand.Text()
	}
	s := a.stages[key]
	if s == nil || s.of != of || s.stored != 0 {
		old := s
		s = &stage{transfer: t.Hash, of: of, pieces: map[int]*store.Staged{}}
		if old != nil {
			a.discard(old)
			if err := a.replace(old); err != nil {
				return errors.Join(err, g.Discard())
			}
		}
		a.stages[key] = s
	}
	if old := s.pieces[n]; old != nil {
		if err := old.Discard(); err != nil {
			return errors.Join(err, g.Discard())
		}
	}
	s.pieces[n] = g
	if len(s.pieces) < of {
		return nil
	}
	return a.join(t, s, path.Join(t.Path, strings.TrimPrefix(q.Get("thefilename"), "/")))
}

// replace removes a file that is sent again.
func (a *api) replace(old *stage) error {
	if old.stored == 0 || !a.Switches.Is("repeat", "replace") {
		return nil
	}
	_, err := a.Store.Delete(old.stored)
	return err
}

// join makes a file of its pieces.
func (a *api) join(t transfer, s *stage, full string) error {
	defer a.discard(s)
	whole, err := a.Store.Stage()
	if err != nil {
		return err
	}
	for i := range s.of {
		f := s.pieces[i].File()
		if _, err := io.Copy(whole, io.NewSectionReader(f, 0, s.pieces[i].Size())); err != nil {
			return errors.Join(err, whole.Discard())
		}
	}
	done, err := a.Store.Put(whole, store.Put{Path: full, Taken: store.PickName, By: a.Username})
	if err == nil {
		s.stored = done.Node.ID
	}
	return errors.Join(err, whole.Discard())
}
