package filescom

import (
	"crypto/md5" //nolint:gosec // the service's digest is an MD5
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"strconv"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// facts are what the service knows about a file or folder beyond store.Node.
type facts struct {
	// Size and Updated are those of the content that MD5 and CRC32 are of.
	Size    int64     `json:"size"`
	Updated time.Time `json:"updated"`
	MD5     string    `json:"md5"`
	CRC32   string    `json:"crc32"`
	// Stored is when the content came; zero for what was put there by hand.
	Stored time.Time `json:"stored"`
	// Provided is the time that a client gave.
	Provided *time.Time `json:"provided,omitempty"`
	// Color is a mark that people see.
	Color string `json:"color,omitempty"`
	// Newest, of a folder, is when something last came to be anywhere below.
	Newest time.Time `json:"newest,omitzero"`
}

// digests computes what the service tells about content.
type digests struct {
	md5 hash.Hash
	crc hash.Hash32
}

func newDigests() digests { return digests{md5.New(), crc32.NewIEEE()} } //nolint:gosec // see the import

// Write takes in content; it never fails.
func (d digests) Write(p []byte) (int, error) {
	_, _ = d.md5.Write(p)
	return d.crc.Write(p)
}

func (d digests) sum() (md5sum, crc string) {
	// "crc32 without leading zeros" is what recordings show.
	return hex.EncodeToString(d.md5.Sum(nil)), strconv.FormatUint(uint64(d.crc.Sum32()), 16)
}

// facts returns what is known about a node. Content that came to the folder by
// hand is read to know its digests.
func (a *api) facts(n store.Node) (facts, error) {
	var f facts
	if raw := a.Store.About(n.ID); raw != nil {
		if err := json.Unmarshal(raw, &f); err != nil {
			return f, remote.E(remote.Corrupt, "look", n.Path, err)
		}
	}
	if n.Dir || f.MD5 != "" && f.Size == n.Size && f.Updated.Equal(n.Updated) {
		return f, nil
	}
	return a.inspect(n)
}

// inspect reads a file's content for its digests and keeps them.
func (a *api) inspect(n store.Node) (facts, error) {
	file, now, err := a.Store.Open(n.ID)
	if remote.IsKind(err, remote.NotExist) {
		return facts{}, nil // deleted meanwhile: what it was shows without digests
	}
	if err != nil {
		return facts{}, err
	}
	d := newDigests()
	size, err := io.Copy(d, file)
	if err = errors.Join(err, file.Close()); err != nil {
		return facts{}, err
	}
	f := facts{Size: size, Updated: now.Updated}
	f.MD5, f.CRC32 = d.sum()
	return f, a.Store.SetAbout(n.ID, f)
}

// keep stores the facts about a node as it is now.
func (a *api) keep(n store.Node, f facts) error {
	if !n.Dir {
		f.Size, f.Updated = n.Size, n.Updated
	}
	return a.Store.SetAbout(n.ID, f)
}

// arrived notes in all folders above a path that something came to be there.
func (a *api) arrived(path string) error {
	for path != "/" {
		path, _ = store.SplitPath(path)
		n, err := a.Store.Lookup(path)
		if err != nil {
			return nil //nolint:nilerr // moved away meanwhile: there is nothing to note
		}
		f, err := a.facts(n)
		if err != nil {
			return err
		}
		f.Newest = a.Now()
		if err := a.Store.SetAbout(n.ID, f); err != nil {
			return err
		}
	}
	return nil
}
