package filemail

import (
	"net/http"
	"net/mail"
	"strings"
	"unicode/utf8"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// initialize opens a transfer.
func (a *api) initialize(r *http.Request, p params) (map[string]any, error) {
	subject := p.get("subject")
	if n := utf8.RuneCountInString(subject); n > 200 || n == 0 && !isClassic(r) {
		return nil, errParameter
	}
	m := meta{Key: randomHex(), Subject: subject, Message: p.get("message"), Sent: a.Now()}
	for to := range strings.SplitSeq(p.get("to"), ",") {
		if to = strings.TrimSpace(to); to == "" {
			continue
		}
		if _, err := mail.ParseAddress(to); err != nil {
			return nil, errEmail
		}
		m.To = append(m.To, to)
	}
	dir, _, err := a.Store.MkdirAll(a.home.Account(openDir+"/"+randomHex()), a.Username)
	if err != nil {
		return nil, err
	}
	if err := a.Store.PutRecord(metaKind, dir.ID, m); err != nil {
		return nil, err
	}
	return map[string]any{"transferid": dir.Hash, "transferkey": m.Key, "transferurl": "http://" + r.Host + filesAdd}, nil
}

// keyed returns the transfer that a request has the key of.
func (a *api) keyed(id, key string) (transfer, error) {
	t, err := a.find(id)
	if err == nil && (t.Key == "" || !same(key, t.Key)) {
		err = errDenied
	}
	return t, err
}

// complete sends a transfer: that is when the mails go out.
func (a *api) complete(_ *http.Request, p params) (map[string]any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, err := a.keyed(p.get("transferid"), p.get("transferkey"))
	if err != nil {
		return nil, err
	}
	out := map[string]any{"downloadurl": "https://www.filemail.com/d/" + t.Hash}
	if t.box != openDir {
		if a.Switches.Is("complete-twice", "mail") {
			a.mail(t)
			return out, nil
		}
		return nil, errState
	}
	files, err := a.files(t)
	switch {
	case err != nil:
		return nil, err
	case a.unfinished(t):
		return nil, errNotComplete
	case len(files) == 0:
		return nil, &apiError{errParameter.code, errParameter.name, "No files added to transfer", errParameter.status}
	}
	return out, a.deliver(t)
}

// deliver moves a transfer to where the lists show it. The caller holds a.mu.
func (a *api) deliver(t transfer) error {
	t.Sent = a.Now()
	if err := a.Store.PutRecord(metaKind, t.ID, t.meta); err != nil {
		return err
	}
	box, err := a.Store.Lookup(a.home.Account(sentDir))
	if err != nil {
		return err
	}
	name := strings.Map(func(r rune) rune {
		if r == '/' || r < ' ' {
			return '_'
		}
		return r
	}, t.Subject)
	if name == "" || name == "." || name == ".." || len(name) > store.MaxName/2 {
		name = t.Hash
	}
	if _, err := a.Store.Move(t.ID, store.Move{Parent: box.ID, Name: name, Taken: store.PickName}); err != nil {
		return err
	}
	a.report.Completed++
	a.mail(t)
	return nil
}

// cancel removes a transfer that is not complete.
func (a *api) cancel(_ *http.Request, p params) (map[string]any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, err := a.keyed(p.get("transferid"), p.get("transferkey"))
	switch {
	case err != nil:
		return nil, err
	case t.box != openDir:
		return nil, errState
	}
	if _, err := a.Store.Delete(t.ID); err != nil {
		return nil, err
	}
	for key, s := range a.stages {
		if s.transfer == t.Hash {
			a.discard(s)
			delete(a.stages, key)
		}
	}
	a.report.Canceled++
	return map[string]any{}, a.Store.PutRecord(metaKind, t.ID, nil)
}
