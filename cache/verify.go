package cache

import (
	"bytes"
	"crypto/md5" //nolint:gosec // it is what providers state, and no secret depends on it
	"encoding/hex"
	"errors"
	"hash"
	"io"

	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// verifiedWhole is the largest file, in bytes, that is held in memory until its
// digest was checked; readers of larger ones follow the download, and get an error
// at its end.
const verifiedWhole = 4 << 20

// errHash is the cause if bytes are not those that the provider's digest is of.
var errHash = errors.New("the content does not match the provider's checksum")

// digestOf returns the hash of the provider's digests for a file, nil if there is
// none to check.
func (ns *Namespace) digestOf(want store.State) hash.Hash {
	if want.Hash == "" || ns.caps.Hash != "md5" {
		return nil
	}
	return md5.New() //nolint:gosec // see above
}

// hashFits tells whether bytes are those of a version, as far as the provider
// tells.
func (ns *Namespace) hashFits(want store.State, data []byte) bool {
	h := ns.digestOf(want)
	if h == nil {
		return true
	}
	_, _ = h.Write(data) // it never fails
	return hex.EncodeToString(h.Sum(nil)) == want.Hash
}

// verified downloads a whole small file, and checks it before anybody sees it. One
// that is wrong is downloaded once more.
func (ns *Namespace) verified(want store.State, download func() (*remote.Download, error)) (*remote.Download, error) {
	if ns.digestOf(want) == nil {
		return download()
	}
	for try := 0; ; try++ {
		data, d, err := readWhole(want.Size, download)
		switch {
		case err != nil:
			return nil, err
		case d != nil:
			return d, nil
		case ns.hashFits(want, data):
			return inMemory(data), nil
		case try > 0:
			return nil, remote.E(remote.Corrupt, "read", "", errHash)
		}
	}
}

// readWhole reads a download of size bytes. One that is not as long, or breaks,
// is returned as it came, for the store to judge.
func readWhole(size int64, download func() (*remote.Download, error)) ([]byte, *remote.Download, error) {
	d, err := download()
	if err != nil {
		return nil, nil, err
	}
	data, err := io.ReadAll(io.LimitReader(d, size+1))
	if err == nil && int64(len(data)) == size && d.Offset == 0 && (d.Size < 0 || d.Size == size) {
		return data, nil, d.Close()
	}
	so := bytes.NewReader(data)
	if err == nil {
		err = io.EOF
	}
	d.ReadCloser = &pieced{Reader: io.MultiReader(so, &failing{err}), Closer: d.ReadCloser}
	return nil, d, nil
}

// pieced is a body that was read ahead.
type pieced struct {
	io.Reader
	io.Closer
}

// failing is a reader that returns an error only.
type failing struct{ err error }

// Read implements io.Reader.
func (f *failing) Read([]byte) (int, error) { return 0, f.err }

// checking is a body of a whole file that ends with an error of kind Corrupt
// instead of io.EOF if its digest is wrong: the store then takes everything back.
type checking struct {
	io.ReadCloser
	sum  hash.Hash
	want string
}

// Read implements io.Reader.
func (c *checking) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	_, _ = c.sum.Write(p[:n]) // it never fails
	if remote.AtEnd(err) && hex.EncodeToString(c.sum.Sum(nil)) != c.want {
		return n, remote.E(remote.Corrupt, "read", "", errHash)
	}
	return n, err
}

// streamed adds the check of the digest to the download of a whole large file.
func (ns *Namespace) streamed(want store.State, download func() (*remote.Download, error)) (*remote.Download, error) {
	d, err := download()
	if h := ns.digestOf(want); err == nil && h != nil && d.Offset == 0 {
		d.ReadCloser = &checking{d.ReadCloser, h, want.Hash}
	}
	return d, err
}
