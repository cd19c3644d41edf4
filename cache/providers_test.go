package cache_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/exavault"
	"github.com/frugalfs/frugalfs/remote/exavault1"
	"github.com/frugalfs/frugalfs/remote/filescom"
	"github.com/frugalfs/frugalfs/remote/sandbox"
	"github.com/frugalfs/frugalfs/remote/yetishare"
)

// accountKind is how an account at one provider is served and reached.
type accountKind struct {
	sandbox sandbox.Options
	client  func(url string, hc *http.Client) (remote.Remote, error)
	// renames is true if the account's folder has names of the sandbox's making.
	renames bool
	// ops are the sandbox's names for operations that it has others for.
	ops map[string]string
}

var exavaultAccount = accountKind{
	sandbox: sandbox.Options{Provider: "exavault", APIKey: "key", AccessToken: "token"},
	client: func(url string, hc *http.Client) (remote.Remote, error) {
		return exavault.New(exavault.Options{URL: url, APIKey: "key", AccessToken: "token", HTTP: hc})
	},
}

// otherAccounts are those of the providers that hold files and folders.
var otherAccounts = map[string]accountKind{
	"exavault1": {
		sandbox: sandbox.Options{Provider: "exavault1", APIKey: "key", Username: "user", Password: "password"},
		client: func(url string, hc *http.Client) (remote.Remote, error) {
			return exavault1.New(exavault1.Options{URL: url, APIKey: "key", Username: "user", Password: "password", HTTP: hc})
		},
	},
	"filescom": {
		sandbox: sandbox.Options{Provider: "filescom", APIKey: "key"},
		client: func(url string, hc *http.Client) (remote.Remote, error) {
			return filescom.New(filescom.Options{URL: url, APIKey: "key", HTTP: hc})
		},
		ops: map[string]string{"upload": "end", "rename": "move"},
	},
	"yetishare": {
		sandbox: sandbox.Options{Provider: "yetishare", Username: "user", Password: "password"},
		client: func(url string, hc *http.Client) (remote.Remote, error) {
			return yetishare.New(yetishare.Options{URL: url, Username: "user", Password: "password", Root: "/", HTTP: hc})
		},
		renames: true,
	},
}

// asker is a client of the account beside the mount's.
func (w *world) asker() remote.Remote {
	w.Helper()
	hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := w.provider.client(w.url, hc)
	w.check(err)
	return r
}

// askText reads a file as another program on the account would.
func (w *world) askText(name string) string {
	w.Helper()
	d, err := w.asker().Download(w.Context(), remote.Ref{Path: "/" + name}, 0, -1)
	w.check(err)
	text, err := io.ReadAll(d)
	w.check(err)
	w.check(d.Close())
	return string(text)
}

// TestChangesOnEveryProvider makes every change at every provider, without and
// with faults of every kind at its mutating call, and with a crash there.
func TestChangesOnEveryProvider(t *testing.T) {
	for provider, kind := range otherAccounts {
		for name, c := range changes {
			for i := range len(faults) + 2 {
				t.Run(fmt.Sprintf("%s/%s/%d", provider, name, i), func(t *testing.T) {
					t.Parallel()
					clock := &clock{}
					w := newWorld(t, account(), unhurried, withClock(clock), func(w *world) { w.provider = kind })
					w.walk("")
					c.do(w)
					w.spoil(c.op, i)
					w.flush()
					clock.advance(25 * time.Hour) // what arrived late shows at the next listing
					w.walk("")
					w.flush()
					w.holds(c.want, c.gone)
				})
			}
		}
	}
}

// spoil has an operation fail in one of the ways, or the mount end during it.
func (w *world) spoil(op string, way int) {
	w.Helper()
	if own, ok := w.provider.ops[op]; ok {
		op = own
	}
	switch {
	case way < len(faults):
		f := faults[way]
		f.Op = op
		w.check(w.server.Fail(f))
	case way == len(faults):
		w.check(w.server.Fail(sandbox.Fault{Op: op, Kind: sandbox.Lost}))
		w.remount()
	}
}

// TestUnfinishedReplacement has the delete of a replaced file fail in every way,
// where a file is replaced by another one: in the end there is one file.
func TestUnfinishedReplacement(t *testing.T) {
	for i := range len(faults) + 1 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			c := &clock{}
			w := newWorld(t, account(), unhurried, withClock(c), func(w *world) { w.provider = otherAccounts["yetishare"] })
			w.walk("")
			w.write("a", "other")
			w.spoil("delete", i)
			w.flush()
			c.advance(25 * time.Hour)
			if names := w.names(""); len(names) != 4 || w.read("a") != "other" {
				t.Errorf("there are %v", names)
			}
		})
	}
}

// TestUploadsMakeTheirFolders: at Files.com new folders cost nothing, and what is
// known of them afterwards needs no listing.
func TestUploadsMakeTheirFolders(t *testing.T) {
	for way := range len(faults) + 2 {
		t.Run(fmt.Sprint(way), func(t *testing.T) {
			t.Parallel()
			c := &clock{}
			w := newWorld(t, account(), unhurried, withClock(c), func(w *world) { w.provider = otherAccounts["filescom"] })
			w.walk("")
			want := w.plant("tree")
			sent, walked := 2*len(want)+1, 0 // one folder is empty
			if way <= len(faults) {
				w.spoil("upload", way)
				sent, walked = 1000, 1000
			}
			w.costs("a tree", sent, func() { w.flush() })
			w.costs("walking through it", walked, func() { w.walk("tree") })
			w.all(want)
			c.advance(25 * time.Hour)
			w.walk("")
			w.flush()
			w.all(want)
		})
	}
}

// TestFolderMadeElsewhereMeanwhile: an upload goes into a folder that somebody else
// made since the last listing, and takes no name there.
func TestFolderMadeElsewhereMeanwhile(t *testing.T) {
	c := &clock{}
	w := newWorld(t, account(), unhurried, withClock(c), func(w *world) { w.provider = otherAccounts["filescom"] })
	w.walk("")
	w.mkdir("new")
	w.mkdir("new/deep")
	w.write("new/deep/f", "ours")
	w.putRemote("new/deep/f", "theirs")
	w.putRemote("new/deep/g", "theirs")
	w.flush()
	c.advance(25 * time.Hour)
	w.walk("")
	w.flush()
	if names := w.names("new/deep"); len(names) != 3 || w.remoteText("new/deep/f") != "theirs" || w.read("new/deep/g") != "theirs" {
		t.Errorf("there are %v", names)
	}
}
