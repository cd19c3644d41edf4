package yetishare

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"strings"
	"sync"

	"github.com/frugalfs/frugalfs/remote"
)

// What the client knows about the "hash" in the answer to an upload. The
// documentation shows 32 hex digits and does not say of what.
const (
	hashUnknown = iota
	hashIsMD5
	hashIsOther
)

// digests remembers what the site's hash is.
type digests struct {
	// mu guards what follows.
	mu    sync.Mutex
	known int
}

func (d *digests) get() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.known
}

func (d *digests) set(what int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known = what
}

// check compares the hash of an upload's answer with the MD5 of what was sent.
// The first time that they differ, before any was equal, the file is read back:
// if it is whole, the hash is something else, and is not looked at any more.
func (d *digests) check(ctx context.Context, c *Client, h handle, full, told, sent string) error {
	known := d.get()
	if b, err := hex.DecodeString(told); err != nil || len(b) != md5.Size || known == hashIsOther {
		return nil
	}
	if strings.EqualFold(told, sent) {
		d.set(hashIsMD5)
		return nil
	}
	damaged := &remote.Error{Kind: remote.Corrupt, Op: opUpload, Path: full, Detail: "the site stored other bytes than were sent"}
	if known == hashIsMD5 {
		return damaged
	}
	back, err := c.readBack(ctx, h, full)
	if err != nil {
		return err
	}
	if back != sent {
		return damaged
	}
	c.log.Info("the site's hash is no MD5 of the content; it is not compared any more")
	d.set(hashIsOther)
	return nil
}

// readBack returns the MD5 of a stored file's content.
func (c *Client) readBack(ctx context.Context, h handle, full string) (string, error) {
	d, err := c.Download(ctx, remote.Ref{ID: h.String(), Path: full}, 0, -1)
	if err != nil {
		return "", err
	}
	sum := md5.New()
	_, err = io.Copy(sum, d)
	_ = d.Close() // it was only read
	if err != nil {
		return "", remote.E(remote.Temporary, opUpload, full, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
