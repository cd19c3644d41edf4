package filemail

import (
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// sent answers the list of sent transfers.
func (a *api) sent(_ *http.Request, p params) (map[string]any, error) {
	all, err := a.transfers(sentDir)
	if err != nil {
		return nil, err
	}
	if a.Switches.Is("list-open", "yes") {
		open, err := a.transfers(openDir)
		if err != nil {
			return nil, err
		}
		all = append(open, all...)
	}
	return a.page(all, p), nil
}

// received answers the list of received transfers since a time: in seconds in
// the classic API, in milliseconds in API 2.0.
func (a *api) received(r *http.Request, p params) (map[string]any, error) {
	n, err := strconv.ParseInt(p.get("from"), 10, 64)
	if err != nil {
		return nil, errMissing
	}
	from := time.UnixMilli(n)
	if isClassic(r) {
		from = time.Unix(n, 0)
	}
	limited := isClassic(r) || a.Switches.Is("inbox-from", "90days")
	if limited && a.Now().Sub(from) > 90*24*time.Hour {
		return nil, errParameter
	}
	all, err := a.transfers(receivedDir)
	if err != nil {
		return nil, err
	}
	var since []transfer
	for _, t := range all {
		if !t.Sent.Before(from) {
			since = append(since, t)
		}
	}
	return a.page(since, p), nil
}

// details answers for one transfer.
func (a *api) details(r *http.Request, p params) (map[string]any, error) {
	t, err := a.find(p.get("transferid"))
	if err != nil {
		return nil, err
	}
	if t.box == openDir {
		switch a.Switches.Get("details-open") {
		case "incomplete":
			return nil, errNotComplete
		case "missing":
			return nil, errNotFound
		}
	}
	out, err := a.shapeFiles(t, r.Host)
	if err != nil {
		return nil, err
	}
	if isClassic(r) || a.Switches.Is("details", "boxed") {
		out = map[string]any{"transfer": out}
	}
	return out, nil
}

// mine returns a sent transfer of the account.
func (a *api) mine(p params) (transfer, error) {
	t, err := a.find(p.get("transferid"))
	if err == nil && t.box != sentDir {
		err = errDenied
	}
	return t, err
}

// update changes the subject and the message.
func (a *api) update(r *http.Request, p params) (map[string]any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, err := a.mine(p)
	if err != nil {
		return nil, err
	}
	if s, given := p["subject"]; given {
		if s[0] == "" || utf8.RuneCountInString(s[0]) > 200 {
			return nil, errParameter
		}
		t.Subject = s[0]
	}
	if m, given := p["message"]; given {
		t.Message = m[0]
	}
	if err := a.Store.PutRecord(metaKind, t.ID, t.meta); err != nil {
		return nil, err
	}
	return a.shape(t), nil
}

// remove deletes a transfer, for everybody.
func (a *api) remove(_ *http.Request, p params) (map[string]any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, err := a.mine(p)
	if err != nil {
		return nil, err
	}
	if _, err := a.Store.Delete(t.ID); err != nil {
		return nil, err
	}
	if err := a.Store.PutRecord(metaKind, t.ID, nil); err != nil {
		return nil, err
	}
	return map[string]any{"storageinuse": a.number(a.Store.Top().Size)}, nil
}

// myFile returns a file of a sent transfer.
func (a *api) myFile(p params) (store.Node, transfer, error) {
	n, t, err := a.findFile(p.get("fileid"))
	if err == nil && t.box != sentDir {
		err = errDenied
	}
	return n, t, err
}

// renameFile gives a file another path in its transfer. A name that is taken is
// refused.
func (a *api) renameFile(r *http.Request, p params) (map[string]any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, t, err := a.myFile(p)
	if err != nil {
		return nil, err
	}
	name := strings.TrimPrefix(p.get("filename"), "/")
	if _, err := store.CleanPath("/" + name); name == "" || err != nil {
		return nil, errParameter
	}
	full := path.Join(t.Path, name)
	dir, _, err := a.Store.MkdirAll(path.Dir(full), a.Username)
	if err != nil {
		return nil, err
	}
	old := path.Dir(n.Path)
	if _, err := a.Store.Move(n.ID, store.Move{Parent: dir.ID, Name: path.Base(full)}); err != nil {
		return nil, err
	}
	a.prune(t, old)
	if !isClassic(r) && a.Switches.Is("rename-tells", "yes") {
		return map[string]any{"fileName": name}, nil
	}
	return map[string]any{}, nil
}

// prune removes folders that nothing is in: they are nothing at the service.
func (a *api) prune(t transfer, dir string) {
	for ; dir != t.Path && strings.HasPrefix(dir, t.Path); dir = path.Dir(dir) {
		n, err := a.Store.Lookup(dir)
		if err != nil || n.Entries > 0 {
			return
		}
		if _, err := a.Store.Delete(n.ID); err != nil {
			return
		}
	}
}

// removeFile deletes a file, for everybody.
func (a *api) removeFile(_ *http.Request, p params) (map[string]any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, t, err := a.myFile(p)
	if err != nil {
		return nil, err
	}
	if _, err := a.Store.Delete(n.ID); err != nil {
		return nil, err
	}
	a.prune(t, path.Dir(n.Path))
	return map[string]any{"storageinuse": a.number(a.Store.Top().Size)}, nil
}
