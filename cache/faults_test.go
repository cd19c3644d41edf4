package cache_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote/sandbox"

	"github.com/frugalfs/frugalfs/remote/remotetest/seed"
)

// changes are things to do to an account that holds a, b, d/x and e/f/y, and
// what the provider must hold afterwards.
var changes = map[string]struct {
	op   string
	do   func(*world)
	want map[string]string
	gone []string
}{
	"new file":  {"upload", func(w *world) { w.write("new", "text") }, map[string]string{"new": "text"}, nil},
	"overwrite": {"upload", func(w *world) { w.write("a", "other") }, map[string]string{"a": "other"}, nil},
	"save by rename": {"upload", func(w *world) { w.write("t", "other"); w.rename("t", "a", 0) },
		map[string]string{"a": "other"}, []string{"t"}},
	"new folder": {"mkdir", func(w *world) { w.mkdir("n"); w.write("n/x", "1") }, map[string]string{"n/x": "1"}, nil},
	"rename":     {"rename", func(w *world) { w.rename("a", "z", 0) }, map[string]string{"z": "A"}, []string{"a"}},
	"move":       {"move", func(w *world) { w.rename("a", "d/a", 0) }, map[string]string{"d/a": "A"}, []string{"a"}},
	"rename over": {"rename", func(w *world) { w.rename("a", "b", 0) },
		map[string]string{"b": "A"}, []string{"a"}},
	"delete":      {"delete", func(w *world) { w.remove("a") }, nil, []string{"a"}},
	"delete tree": {"delete", func(w *world) { w.removeTree("e") }, nil, []string{"e"}},
}

func account() map[string]string {
	return map[string]string{"a": "A", "b": "B", "d/x": "X", "e/f/y": "Y"}
}

// fault kinds that leave it open whether a change was carried out, or not.
var faults = []sandbox.Fault{
	{Kind: sandbox.Lost}, {Kind: sandbox.Reset, After: true}, {Kind: sandbox.Reset},
	{Kind: sandbox.Status, Status: 503}, {Kind: sandbox.Status, Status: 500, Apply: true}, {Kind: sandbox.HTML},
}

// TestEachChangeSurvivesEachFault makes every change while the provider fails
// in every way at its mutating call, and checks that it arrives once.
func TestEachChangeSurvivesEachFault(t *testing.T) {
	for name, c := range changes {
		for i, f := range faults {
			t.Run(fmt.Sprintf("%s/%s%d", name, f.Kind, i), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, account(), unhurried)
				w.walk("")
				c.do(w)
				f.Op = c.op
				w.check(w.server.Fail(f))
				w.flush()
				w.holds(c.want, c.gone)
			})
		}
	}
}

// TestEachChangeSurvivesACrash closes the mount while the answer of the mutating
// call is outstanding, and mounts again.
func TestEachChangeSurvivesACrash(t *testing.T) {
	for name, c := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, account(), unhurried)
			w.walk("")
			c.do(w)
			w.check(w.server.Fail(sandbox.Fault{Op: c.op, Kind: sandbox.Lost}))
			w.remount()
			w.flush()
			w.holds(c.want, c.gone)
		})
	}
}

// holds checks the account and the mount.
func (w *world) holds(want map[string]string, gone []string) {
	w.Helper()
	for name, text := range want {
		if got := w.remoteText(name); got != text {
			w.Errorf("the provider's %s is %q, want %q", name, got, text)
		}
		if got := w.read(name); got != text {
			w.Errorf("the mount's %s is %q, want %q", name, got, text)
		}
	}
	for _, name := range gone {
		if w.remoteHas(name) || w.ino(name) != 0 {
			w.Errorf("%s is still there", name)
		}
	}
	for name := range w.names("") {
		if len(name) > 12 && want[name] == "" {
			w.Errorf("something was left behind: %s", name)
		}
	}
}

// TestRandomHistories does random things under random faults, with remounts in
// between, and compares the account with the mount at the end.
func TestRandomHistories(t *testing.T) {
	r := rand.New(rand.NewPCG(seed.Of(t), 1))
	rounds := 4
	if os.Getenv("FRUGALFS_FULL") != "" {
		rounds = 60
	}
	for i := range rounds {
		s1, s2 := r.Uint64(), r.Uint64()
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			c := &clock{}
			w := newWorld(t, account(), withClock(c), func(w *world) {
				if i%2 == 1 {
					withoutIDs(w)
				}
				w.opt.Settle = time.Millisecond
				w.opt.Logger = slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			w.history(rand.New(rand.NewPCG(s1, s2)), 120)
			w.server.ClearFaults()
			w.flush()
			c.advance(25 * time.Hour) // what arrived late shows at the next listing
			w.walk("")
			w.flush()
			w.matches("")
			if w.Failed() {
				w.Log(w.ns.Dump())
				w.Log(w.activity())
				w.Log(w.log.String())
			}
		})
	}
}

// history does n random things.
func (w *world) history(r *rand.Rand, n int) {
	w.Helper()
	ops := []string{"upload", "mkdir", "rename", "move", "delete", "info", "tree"}
	for i := range n {
		if r.IntN(12) == 0 {
			f := faults[r.IntN(len(faults))]
			f.Op = ops[r.IntN(len(ops))]
			w.check(w.server.Fail(f))
		}
		if r.IntN(40) == 0 {
			w.remount()
		}
		w.opt.Logger.Debug("step", "i", i)
		w.step(r, i)
	}
}

func (w *world) step(r *rand.Rand, i int) {
	w.Helper()
	dirs, files := w.tree("")
	dir := dirs[r.IntN(len(dirs))]
	name := dir + "/" + string(rune('a'+r.IntN(6)))
	file := ""
	if len(files) > 0 {
		file = files[r.IntN(len(files))]
	}
	ctx := w.Context()
	switch r.IntN(7) {
	case 0, 1:
		if a := w.names(dir)[name[len(dir)+1:]]; a.Kind == cache.File {
			w.write(name, fmt.Sprintf("text %d", i))
		}
	case 2:
		p, base := w.parent(name)
		_, _ = w.ns.Mkdir(ctx, p, base, 0o755)
	case 3:
		if file != "" {
			w.remove(file)
		}
	case 4, 5:
		from := file
		if r.IntN(3) == 0 && dir != "" {
			from = dir
		}
		if from != "" {
			p1, b1 := w.parent(from)
			to := dirs[r.IntN(len(dirs))] + "/" + string(rune('a'+r.IntN(6)))
			p2, b2 := w.parent(to)
			flags := uint32(0)
			if r.IntN(4) == 0 {
				flags = cache.RenameExchange
			}
			_ = w.ns.Rename(ctx, p1, b1, p2, b2, flags)
		}
	case 6:
		p, base := w.parent(dir)
		if dir != "" {
			_ = w.ns.Rmdir(ctx, p, base)
		}
	}
}

// tree returns the paths of all folders, "" among them, and files.
func (w *world) tree(dir string) (dirs, files []string) {
	w.Helper()
	dirs = append(dirs, dir)
	for base, a := range w.names(dir) {
		if a.Kind != cache.Dir {
			files = append(files, dir+"/"+base)
			continue
		}
		d, f := w.tree(dir + "/" + base)
		dirs, files = append(dirs, d...), append(files, f...)
	}
	return dirs, files
}

// matches compares the mount with the account's folder.
func (w *world) matches(dir string) {
	w.Helper()
	shown := w.names(dir)
	entries, err := os.ReadDir(w.root() + dir)
	w.check(err)
	for _, e := range entries {
		a, ok := shown[e.Name()]
		delete(shown, e.Name())
		switch {
		case !ok:
			w.Errorf("the provider has %s/%s, the mount does not", dir, e.Name())
		case e.IsDir() != (a.Kind == cache.Dir):
			w.Errorf("%s/%s is of another kind", dir, e.Name())
		case e.IsDir():
			w.matches(dir + "/" + e.Name())
		case w.read(dir+"/"+e.Name()) != w.remoteText(dir+"/"+e.Name()):
			w.Errorf("%s/%s: the mount has %q, the provider %q", dir, e.Name(), w.read(dir+"/"+e.Name()), w.remoteText(dir+"/"+e.Name()))
		}
	}
	for name := range shown {
		w.Errorf("the mount has %s/%s, the provider does not", dir, name)
	}
}

// activity is what happened on the account, one line each.
func (w *world) activity() string {
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.url+"/api/v2/activity/session?sort=date&limit=1000", nil)
	w.check(err)
	req.Header.Set("ev-api-key", "key")
	req.Header.Set("ev-access-token", "token")
	resp, err := http.DefaultClient.Do(req)
	w.check(err)
	defer func() { _ = resp.Body.Close() }()
	var log struct {
		Data []struct {
			Attributes struct{ Operation, FileName, FileSource, Status, Username string }
		}
	}
	w.check(json.NewDecoder(resp.Body).Decode(&log))
	lines := ""
	for _, e := range log.Data {
		lines += fmt.Sprintf("%+v\n", e.Attributes)
	}
	return lines
}
