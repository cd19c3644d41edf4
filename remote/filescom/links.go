package filescom

import (
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

const (
	// linkLife is how long a download address works (recorded answers), and
	// linkMargin how long before that it is used no more.
	linkLife   = 60 * time.Second
	linkMargin = 10 * time.Second
	// maxLinks is how many addresses are kept.
	maxLinks = 1024
)

// link is a signed address of one version of a file.
type link struct {
	url    string
	size   int64
	hash   string // "" if the service did not tell
	object remote.Object
	until  time.Time
}

// links keeps download addresses as long as they work, as several ranges of a
// file can be read with one. An address stands for the version that the file
// had when it was given: it is dropped as soon as any answer shows another.
type links struct {
	// mu guards what follows. It is not held during a request.
	mu    sync.Mutex
	have  map[string]link
	asked map[string][]*question
}

// question is a request for an address under way.
type question struct {
	seen    []remote.Object // what other answers showed meanwhile
	changed bool            // whether we changed the file, or a folder above it
}

// get returns an address that still works.
func (l *links) get(full string, now time.Time) (link, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k, ok := l.have[full]
	if ok && !now.Before(k.until) {
		delete(l.have, full)
		return link{}, false
	}
	return k, ok
}

// ask notes that an address is asked for.
func (l *links) ask(full string) *question {
	q := &question{}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked == nil {
		l.asked = map[string][]*question{}
	}
	l.asked[full] = append(l.asked[full], q)
	return q
}

// answer ends a question, and keeps the address it brought unless the file has
// changed meanwhile. k is nil if there was none.
func (l *links) answer(full string, q *question, k *link, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := l.asked[full][:0]
	for _, o := range l.asked[full] {
		if o != q {
			rest = append(rest, o)
		}
	}
	if l.asked[full] = rest; len(rest) == 0 {
		delete(l.asked, full)
	}
	if k == nil || q.changed {
		return
	}
	for _, o := range q.seen {
		if !sameVersion(o, k.object) {
			return
		}
	}
	l.keep(full, *k, now)
}

// keep needs mu.
func (l *links) keep(full string, k link, now time.Time) {
	if l.have == nil {
		l.have = map[string]link{}
	}
	if len(l.have) >= maxLinks {
		for p, old := range l.have {
			if !now.Before(old.until) {
				delete(l.have, p)
			}
		}
	}
	if len(l.have) < maxLinks {
		l.have[full] = k
	}
}

// observe takes in what an answer shows of a file.
func (l *links) observe(o remote.Object) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k, ok := l.have[o.Path]; ok && !sameVersion(o, k.object) {
		delete(l.have, o.Path)
	}
	for _, q := range l.asked[o.Path] {
		q.seen = append(q.seen, o)
	}
}

// sameVersion tells whether two observations of a path show the same content.
// A hash that appeared later says nothing against that.
func sameVersion(a, b remote.Object) bool {
	if a.Hash != "" && b.Hash != "" {
		return a.Hash == b.Hash && a.Size == b.Size
	}
	return a.Version == b.Version
}

// drop forgets the addresses of a path and of all below it.
func (l *links) drop(full string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.have {
		if within(full, p) {
			delete(l.have, p)
		}
	}
	for p, qs := range l.asked {
		for _, q := range qs {
			q.changed = q.changed || within(full, p)
		}
	}
}

// within tells whether p is full or below it, whatever the case.
func within(full, p string) bool {
	return len(p) >= len(full) && strings.EqualFold(p[:len(full)], full) &&
		(len(p) == len(full) || p[len(full)] == '/' || strings.HasSuffix(full, "/"))
}

// lifeOf returns how long a signed address can be used, by its own word if it
// has one (storage services put it in the query).
func lifeOf(raw string) time.Duration {
	life := linkLife
	if u, err := url.Parse(raw); err == nil {
		if s, err := strconv.ParseInt(u.Query().Get("X-Amz-Expires"), 10, 32); err == nil && s > 0 {
			life = time.Duration(s) * time.Second
		}
	}
	return life - min(linkMargin, life/2)
}
