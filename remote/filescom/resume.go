package filescom

import (
	"context"
	"crypto/md5" //nolint:gosec // the service's own digest
	"encoding/hex"
	"encoding/json"
	"io"
	"sync"

	"github.com/frugalfs/frugalfs/remote"
)

// stateVersion is that of the form below.
const stateVersion = 1

// state is what an upload in parts needs to go on after an interruption.
type state struct {
	Version int             `json:"v"`
	Path    string          `json:"path"`
	Size    int64           `json:"size"`
	Part    int64           `json:"part"`
	Ref     string          `json:"ref"`
	Serial  bool            `json:"serial"` // whether parts must come one after the other
	Parts   map[int]partSum `json:"parts"`

	// mu guards Parts, and is held while a state is handed to the caller, so
	// that the newest is the last.
	mu sync.Mutex
}

// partSum is a part that the storage has.
type partSum struct {
	ETag string `json:"etag"`
	MD5  string `json:"md5"`
}

// restore takes over the state of an interrupted upload; false if there is none
// that fits.
func (u *upload) restore() bool {
	u.renew()
	var s state
	if len(u.up.Resume) == 0 || json.Unmarshal(u.up.Resume, &s) != nil {
		return false
	}
	if s.Version != stateVersion || s.Path != u.full || s.Size != u.up.Size || s.Part != u.part || s.Ref == "" {
		return false
	}
	for part, sum := range s.Parts {
		if part < 1 || part > u.parts() || hashOf(sum.MD5) == "" {
			return false
		}
	}
	u.Ref, u.Serial, u.resumed = s.Ref, s.Serial, true
	if s.Parts != nil {
		u.Parts = s.Parts
	}
	return true
}

// renew begins with nothing.
func (u *upload) renew() {
	u.Version, u.Path, u.Size, u.Part = stateVersion, u.full, u.up.Size, u.part
	u.Ref, u.Parts, u.resumed = "", map[int]partSum{}, false
}

// checkpoint hands the state to the caller. A file of one part begins anew.
func (u *upload) checkpoint() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.save()
}

// save needs mu.
func (u *upload) save() error {
	if u.up.Checkpoint == nil || u.parts() == 1 {
		return nil
	}
	b, err := json.Marshal(&u.state)
	if err == nil {
		err = u.up.Checkpoint(b)
	}
	if err != nil {
		return remote.E(remote.KindOf(err), opUpload, u.full, err)
	}
	return nil
}

// record notes a part that arrived.
func (u *upload) record(part int, sum partSum) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.Parts[part] = sum
	return u.save()
}

func (u *upload) sent(part int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, ok := u.Parts[part]
	return ok
}

// etags are the parts as the end of an upload names them.
func (u *upload) etags() []map[string]any {
	u.mu.Lock()
	defer u.mu.Unlock()
	var list []map[string]any
	for part := 1; part <= u.parts(); part++ {
		if etag := u.Parts[part].ETag; etag != "" {
			list = append(list, map[string]any{"etag": etag, "part": part})
		}
	}
	return list
}

// digest computes the MD5 of a file in several parts beside the sending: the
// service tells it later, and it is the file's version.
type digest struct {
	done chan struct{}
	hash string
	err  error
}

// start begins the computation unless the only part's digest will do. What it
// returns ends it, and waits until nothing reads the content any more.
func (d *digest) start(ctx context.Context, u *upload) (stop func()) {
	if u.parts() == 1 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	d.done = make(chan struct{})
	go func() {
		defer close(d.done)
		sum := md5.New() //nolint:gosec // see above
		_, d.err = io.Copy(sum, &interruptible{ctx, io.NewSectionReader(u.up.Content, 0, u.up.Size)})
		d.hash = hex.EncodeToString(sum.Sum(nil))
	}()
	return func() {
		cancel()
		<-d.done
	}
}

// wait returns the digest of the whole file.
func (d *digest) wait(ctx context.Context, u *upload) (string, error) {
	if u.parts() == 1 {
		u.mu.Lock()
		defer u.mu.Unlock()
		return u.Parts[1].MD5, nil
	}
	select {
	case <-d.done:
		return d.hash, d.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// interruptible is a reader that ends with a context.
type interruptible struct {
	ctx  context.Context
	from io.Reader
}

// Read implements io.Reader.
func (r *interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}
