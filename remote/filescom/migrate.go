package filescom

import (
	"context"
	"net/http"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

const (
	// firstPause is the pause before the first look at a move that goes on
	// after its answer; each further one is half as long again, up to
	// longestPause: every look is a transaction.
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
)

// migration is a move or copy: the answer to it, or a look at it later (the SDK,
// "FileAction" and "FileMigration").
type migration struct {
	Status clientkit.Text   `json:"status"`
	ID     clientkit.Number `json:"file_migration_id"`
}

// migrate makes a move or copy to the path to, and waits until it is done.
func (c *Client) migrate(ctx context.Context, k call, to string) error {
	c.forget(k, to)
	defer c.forget(k, to)
	var m migration
	r, err := c.ask(ctx, k, &m)
	if err != nil {
		return err
	}
	for pause := firstPause; ; pause = min(pause+pause/2, longestPause) {
		done, err := k.state(m, r.status)
		if done || err != nil {
			return err
		}
		if err := c.pause(ctx, pause); err != nil {
			return k.lost(err)
		}
		id := m.ID
		m = migration{}
		if _, err := c.ask(ctx, migrationCall(k.about, id), &m); err != nil {
			return unknown(err)
		}
		m.ID = id
	}
}

// forget drops the download addresses that a move changes.
func (c *Client) forget(k call, to string) {
	c.links.drop(to)
	if k.op != opCopy {
		c.links.drop(k.about)
	}
}

func migrationCall(about string, id clientkit.Number) call {
	return call{op: opMigrate, about: about, method: http.MethodGet, path: "/file_migrations/" + itoa(id.N)}
}

// state tells whether a migration is done. One that failed may have moved some
// of a folder's contents.
func (k call) state(m migration, status int) (done bool, err error) {
	switch m.Status.S {
	case "completed", "complete":
		return true, nil
	case "failed", "canceled", "cancelled":
		e := &remote.Error{Kind: remote.Temporary, Op: k.op, Path: k.about, Detail: "the provider could not finish it", Unknown: true}
		return true, e
	case "":
		return true, k.corrupt(status, "the answer does not tell whether it is done", nil)
	}
	if !m.ID.OK || m.ID.N <= 0 {
		return true, k.corrupt(status, "it goes on, and the answer does not tell where", nil)
	}
	return false, nil
}
