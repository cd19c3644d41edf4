package fs

import (
	"context"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// emptyAccount is an account that holds nothing and is out of reach for
// everything but listings: what a mount does with it stays on this machine.
type emptyAccount struct{}

var _ remote.Remote = emptyAccount{}

func (emptyAccount) Capabilities() remote.Capabilities {
	return remote.Capabilities{Provider: "empty", IDs: true, RecursiveDelete: true, EmptyFiles: true,
		DeleteBatch: 1, MoveBatch: 1, CopyBatch: 1, MaxName: 255}
}

func offline(op string) error { return remote.E(remote.Offline, op, "/", nil) }

func (emptyAccount) Stat(context.Context, remote.Ref) (remote.Object, error) {
	return remote.Object{}, offline("stat")
}

func (emptyAccount) List(_ context.Context, _ remote.Ref, page func([]remote.Object) error) (remote.Listing, error) {
	sent := time.Now()
	return remote.Listing{Complete: true, Sent: sent}, page(nil)
}

func (emptyAccount) Download(context.Context, remote.Ref, int64, int64) (*remote.Download, error) {
	return nil, offline("download")
}

func (emptyAccount) Upload(context.Context, remote.Upload) (remote.Object, error) {
	return remote.Object{}, offline("upload")
}

func (emptyAccount) Mkdir(context.Context, remote.Ref, string) (remote.Object, error) {
	return remote.Object{}, offline("mkdir")
}

func (emptyAccount) Rename(context.Context, remote.Ref, string) (remote.Object, error) {
	return remote.Object{}, offline("rename")
}

func (emptyAccount) Move(context.Context, []remote.Ref, remote.Ref) ([]remote.Result, error) {
	return nil, offline("move")
}

func (emptyAccount) Delete(context.Context, []remote.Ref) ([]remote.Result, error) {
	return nil, offline("delete")
}
