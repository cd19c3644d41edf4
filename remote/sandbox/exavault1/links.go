package exavault1

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/dialect"
	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// link is a signed address: good for one transfer, and not for long.
type link struct {
	upload    bool
	path      string // account path
	size      int64  // what an upload was announced with
	overwrite bool
	made      time.Time
}

// links are the addresses that were given out and not used.
type links struct {
	env dialect.Env

	// mu guards open.
	mu   sync.Mutex
	open map[string]link
}

// give makes an address on the host that the request was sent to, and forgets
// those that nobody used.
func (l *links) give(r *http.Request, k link) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	k.made = l.env.Now()
	for token, old := range l.open {
		if !l.fresh(old) {
			delete(l.open, token)
		}
	}
	token := rand.Text()
	l.open[token] = k
	return "http://" + r.Host + storagePrefix + token
}

func (l *links) fresh(k link) bool {
	return l.env.Now().Sub(k.made) < l.env.Switches.Duration("link-life")
}

// use takes an address out; ok is false if it is no longer good.
func (l *links) use(path string, upload bool) (k link, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	token := strings.TrimPrefix(path, storagePrefix)
	k, ok = l.open[token]
	delete(l.open, token)
	return k, ok && l.fresh(k) && k.upload == upload
}

// uploadURL answers getUploadFileUrl.
func (a *api) uploadURL(w http.ResponseWriter, r *http.Request, p url.Values) error {
	k, err := a.uploadLink(p)
	if err != nil {
		return err
	}
	a.writeResults(w, 1, map[string]any{"url": a.links.give(r, k)})
	return nil
}

func (a *api) uploadLink(p url.Values) (k link, err error) {
	if p.Get("fileSize") == "" || p.Get("destinationPath") == "" {
		return k, &errMalformed{"fileSize or destinationPath"}
	}
	k.upload = true
	if k.size, err = whole(p, "fileSize", 0); err != nil {
		return k, err
	}
	if k.overwrite, err = boolean(p, "allowOverwrite", true); err != nil {
		return k, err
	}
	clean, err := store.CleanPath(p.Get("destinationPath"))
	if err != nil {
		return k, err
	}
	k.path = a.home.Account(clean)
	return k, a.mayUpload(k)
}

// mayUpload tells whether a file may be stored at a path.
func (a *api) mayUpload(k link) error {
	if n, err := a.Store.Lookup(k.path); err == nil {
		switch {
		case n.Dir:
			return about("This is a folder")
		case !k.overwrite && a.Switches.Is("upload-taken", "refuse"):
			return errTaken
		}
	}
	dir, _ := store.SplitPath(k.path)
	if n, err := a.Store.Lookup(dir); err != nil && a.Switches.Is("upload-parents", "no") {
		return err
	} else if err == nil && !n.Dir {
		return about("This is not a folder")
	}
	return nil
}

// downloadURL answers getDownloadFileUrl.
func (a *api) downloadURL(w http.ResponseWriter, r *http.Request, p url.Values) error {
	files, err := paths(p, "filePaths")
	if err != nil {
		return err
	}
	clean, err := store.CleanPath(files[0])
	if err != nil {
		return err
	}
	k := link{path: a.home.Account(clean)}
	n, err := a.Store.Lookup(k.path)
	if err == nil && n.Dir {
		err = about("This is a folder")
	}
	if err != nil && a.Switches.Is("link-missing", "refuse") {
		return err
	}
	a.writeResults(w, 1, map[string]any{"url": a.links.give(r, k)})
	return nil
}
