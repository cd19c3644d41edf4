package endtoend

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
)

// The writer is this test binary run as a program of its own. It changes files
// below a folder at random, and notes in a journal outside the mount what
// returned. It stops at the first error: then the mount is gone.

// writerEnv names the journal, and makes the test binary the writer.
const writerEnv = "FRUGALFS_ENDTOEND_WRITER"

// note is one line of the journal.
type note struct {
	// Begin lists the paths that the next operation may change: until its end
	// is noted they may be as before or as after.
	Begin []string `json:"begin,omitempty"`
	// Put and Sum are a file and its content after close, fsync or rename
	// returned; Gone a path that was removed; Made a folder.
	Put  string `json:"put,omitempty"`
	Sum  string `json:"sum,omitempty"`
	Gone string `json:"gone,omitempty"`
	Made string `json:"made,omitempty"`
	// Grown and Size say that so many bytes of a new file were written. The
	// content is stream(Seed).
	Grown string `json:"grown,omitempty"`
	Size  int    `json:"size,omitempty"`
	Seed  uint64 `json:"seed,omitempty"`
}

// writer is the program's state.
type writer struct {
	dir     string
	rng     *rand.Rand
	journal *os.File
	files   []string
	sums    map[string]string
	folders []string
	next    int
}

// writerMain runs the writer: arguments are the folder, a seed, a prefix for
// names, and how many operations.
func writerMain(journal string, args []string) int {
	seed, _ := strconv.ParseUint(args[1], 10, 64)
	count, _ := strconv.Atoi(args[3])
	f, err := os.OpenFile(journal, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	w := &writer{dir: args[0], rng: rand.New(rand.NewPCG(seed, 1)), journal: f,
		sums: map[string]string{}, folders: []string{args[2]}}
	if err := w.mkdir(args[2]); err != nil {
		return 0
	}
	for range count {
		if err := w.step(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 0
		}
	}
	return 0
}

func (w *writer) note(n note) error {
	line, err := json.Marshal(n)
	if err == nil {
		_, err = w.journal.Write(append(line, '\n'))
	}
	return err
}

func (w *writer) step() error {
	switch n := w.rng.IntN(100); {
	case n < 8:
		return w.mkdir(w.fresh("dir"))
	case n < 45 || len(w.files) == 0:
		return w.create(w.fresh("file"))
	case n < 60:
		return w.replace(w.pick())
	case n < 70:
		return w.extend(w.pick())
	case n < 85:
		return w.rename(w.pick())
	default:
		return w.remove(w.pick())
	}
}

// fresh is a new name in one of the folders.
func (w *writer) fresh(kind string) string {
	w.next++
	return filepath.Join(w.folders[w.rng.IntN(len(w.folders))], fmt.Sprintf("%s%d", kind, w.next))
}

func (w *writer) pick() string { return w.files[w.rng.IntN(len(w.files))] }

func (w *writer) path(name string) string { return filepath.Join(w.dir, name) }

func (w *writer) mkdir(name string) error {
	if err := w.note(note{Begin: []string{name}}); err != nil {
		return err
	}
	if err := os.Mkdir(w.path(name), 0o755); err != nil {
		return err
	}
	w.folders = append(w.folders, name)
	return w.note(note{Made: name})
}

// stream is the content that a seed stands for.
func stream(seed uint64, n int) []byte {
	out := make([]byte, 0, n+8)
	for rng := rand.New(rand.NewPCG(seed, 2)); len(out) < n; {
		out = strconv.AppendUint(out, rng.Uint64(), 36)
	}
	return out[:n]
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// create writes a new file in pieces, noting each.
func (w *writer) create(name string) error {
	seed := w.rng.Uint64()
	text := stream(seed, w.rng.IntN(200_000))
	if err := w.note(note{Begin: []string{name}}); err != nil {
		return err
	}
	f, err := os.OpenFile(w.path(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	for done := 0; done < len(text); {
		n, err := f.Write(text[done:min(len(text), done+50_000)])
		if err != nil {
			return err
		}
		done += n
		if err := w.note(note{Grown: name, Size: done, Seed: seed}); err != nil {
			return err
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	w.files = append(w.files, name)
	return w.put(name, text)
}

func (w *writer) put(name string, text []byte) error {
	w.sums[name] = sum(text)
	return w.note(note{Put: name, Sum: w.sums[name]})
}

// replace writes a temporary file, syncs it and renames it over an old one.
func (w *writer) replace(name string) error {
	text := stream(w.rng.Uint64(), w.rng.IntN(50_000))
	tmp := name + ".new"
	if err := w.note(note{Begin: []string{name, tmp}}); err != nil {
		return err
	}
	if err := writeSynced(w.path(tmp), text); err != nil {
		return err
	}
	if err := w.note(note{Put: tmp, Sum: sum(text)}); err != nil {
		return err
	}
	if err := w.note(note{Begin: []string{name, tmp}}); err != nil {
		return err
	}
	if err := os.Rename(w.path(tmp), w.path(name)); err != nil {
		return err
	}
	if err := w.note(note{Gone: tmp}); err != nil {
		return err
	}
	return w.put(name, text)
}

func writeSynced(path string, text []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// extend appends to a file.
func (w *writer) extend(name string) error {
	if err := w.note(note{Begin: []string{name}}); err != nil {
		return err
	}
	old, err := os.ReadFile(w.path(name))
	if err != nil {
		return err
	}
	more := []byte("one more line\n")
	f, err := os.OpenFile(w.path(name), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := f.Write(more); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return w.put(name, append(old, more...))
}

func (w *writer) rename(name string) error {
	to := w.fresh("moved")
	if err := w.note(note{Begin: []string{name, to}}); err != nil {
		return err
	}
	if err := os.Rename(w.path(name), w.path(to)); err != nil {
		return err
	}
	w.forget(name)
	w.files = append(w.files, to)
	w.sums[to] = w.sums[name]
	if err := w.note(note{Gone: name}); err != nil {
		return err
	}
	return w.note(note{Put: to, Sum: w.sums[to]})
}

func (w *writer) remove(name string) error {
	if err := w.note(note{Begin: []string{name}}); err != nil {
		return err
	}
	if err := os.Remove(w.path(name)); err != nil {
		return err
	}
	w.forget(name)
	return w.note(note{Gone: name})
}

func (w *writer) forget(name string) {
	for i, f := range w.files {
		if f == name {
			w.files = append(w.files[:i], w.files[i+1:]...)
			return
		}
	}
}

// promised is what a journal says must be there.
type promised struct {
	put     map[string]string // hash by path, "" a folder
	gone    map[string]bool
	grown   note
	pending map[string]bool // paths of an operation that did not end
}

// readJournal replays a journal.
func readJournal(path string) (*promised, int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	p := &promised{put: map[string]string{}, gone: map[string]bool{}, pending: map[string]bool{}}
	count := 0
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); count++ {
		var n note
		if err := json.Unmarshal(lines.Bytes(), &n); err != nil {
			return nil, 0, fmt.Errorf("journal line %d: %w", count+1, err)
		}
		p.replay(n)
	}
	return p, count, nil
}

func (p *promised) replay(n note) {
	switch {
	case n.Begin != nil:
		p.pending, p.grown = map[string]bool{}, note{}
		for _, path := range n.Begin {
			p.pending[path] = true
		}
	case n.Put != "":
		p.settle(n.Put, n.Sum)
	case n.Made != "":
		p.settle(n.Made, "")
	case n.Gone != "":
		delete(p.put, n.Gone)
		delete(p.pending, n.Gone)
		p.gone[n.Gone] = true
	case n.Grown != "":
		p.grown = n
	}
}

func (p *promised) settle(path, sum string) {
	p.put[path] = sum
	delete(p.gone, path)
	delete(p.pending, path)
	p.grown = note{}
}
