package cache

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/cache/content"
	"github.com/frugalfs/frugalfs/cache/feed"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// Keys of the database's meta table.
const (
	metaAccount = "account"
	metaFeed    = "feed"
	metaBoot    = "boot"
	metaQuota   = "quota"
)

// load reads what an earlier run left, and makes the root if there was none.
func (ns *Namespace) load() error {
	return ns.db.Update(func(tx *store.Tx) error {
		t := txn{tx, ns}
		if err := t.ensureDirty(); err != nil {
			return err
		}
		if err := t.checkAccount(); err != nil {
			return err
		}
		text, err := t.Meta(metaFeed)
		if err != nil {
			return err
		}
		ns.feed = feed.Decode(text)
		if err := t.makeRoot(); err != nil {
			return err
		}
		return t.reserveOpenIntents()
	})
}

// checkAccount makes sure that the state is of this account: with another one's
// everything would look deleted.
func (t txn) checkAccount() error {
	have, err := t.Meta(metaAccount)
	if err != nil {
		return err
	}
	want := t.ns.opt.Account + " " + t.ns.opt.Root
	switch have {
	case want:
		return nil
	case "":
		return t.SetMeta(metaAccount, want)
	}
	return remote.E(remote.Invalid, "open state folder", t.ns.state.dir,
		fmt.Errorf("it belongs to %q, not to %q: name another folder with --state-dir", have, want))
}

func (t txn) makeRoot() error {
	n, err := t.get(store.RootIno)
	if err != nil || n != nil {
		return err
	}
	now := t.ns.now()
	return t.put(&store.Node{
		Ino: store.RootIno, Kind: Dir, Exists: true, Mode: 0o755, UID: t.ns.opt.UID, GID: t.ns.opt.GID,
		Mtime: now, Ctime: now, Remote: store.State{Exists: true, Seen: now},
	})
}

// bootID tells one run of the machine from another.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(id))
}

// openContent opens the content files, and notes whether the machine went down
// since the last run without a clean end.
func (ns *Namespace) openContent() error {
	unclean := false
	err := ns.update(func(t txn) error {
		clean, err := t.Clean()
		if err != nil {
			return err
		}
		boot, err := t.Meta(metaBoot)
		if err != nil {
			return err
		}
		unclean = !clean && boot != "" && boot != bootID()
		if err := t.SetMeta(metaBoot, bootID()); err != nil {
			return err
		}
		return t.SetClean(false)
	})
	if err != nil {
		return err
	}
	ns.content, err = content.Open(filepath.Join(ns.state.dir, "content"), records{ns}, content.Options{
		Limit: ns.opt.CacheSize, InOneGo: ns.caps.CountsDownloads, UncleanBoot: unclean, Now: ns.opt.Now, Logger: ns.log,
	})
	return err
}

// firstContact lists the root when nothing is known of it, which also proves
// the credentials. A mount that has been before makes no request.
func (ns *Namespace) firstContact(ctx context.Context) error {
	known, _, err := ns.freshness(RootIno)
	if err != nil || known {
		return err
	}
	if err := ns.beginFeed(ctx); err != nil {
		return err
	}
	return ns.list(ctx, RootIno)
}

// saveOnClose records what a later run wants to know.
func (ns *Namespace) saveOnClose() error {
	if err := ns.collect(); err != nil {
		return err
	}
	err := ns.update(func(t txn) error {
		if err := t.SetMeta(metaFeed, ns.feed.Encode()); err != nil {
			return err
		}
		return t.SetClean(true)
	})
	if err != nil {
		return err
	}
	return ns.db.Sync()
}

// records keeps the content store's records in the database.
type records struct{ ns *Namespace }

var _ content.Records = records{}

// NextGen implements content.Records.
func (r records) NextGen() (gen uint64, err error) {
	err = r.ns.update(func(t txn) error {
		gen, err = r.ns.gens.Next(t.Tx)
		return err
	})
	return gen, err
}

// PutContent implements content.Records. The record comes with the next commit:
// a node refers to a generation only in a later transaction, and a range that
// is not recorded is fetched again.
func (r records) PutContent(c content.Record) error {
	return r.ns.db.UpdateLazily(func(tx *store.Tx) error {
		return tx.PutContent(store.Content{
			Gen: c.Gen, Ino: c.Ino, Staged: c.Staged, Version: c.Version, Size: c.Size, Complete: c.Complete,
			Present: c.Present, Used: c.Used.UnixNano(), Bytes: c.Bytes, Synced: c.Synced,
		})
	})
}

// DropContent implements content.Records.
func (r records) DropContent(gen uint64) error {
	return r.ns.db.UpdateLazily(func(tx *store.Tx) error { return tx.DropContent(gen) })
}

// Contents implements content.Records.
func (r records) Contents() ([]content.Record, error) {
	var all []content.Record
	err := r.ns.view(func(t txn) error {
		rows, err := t.Contents()
		for _, c := range rows {
			all = append(all, content.Record{
				Gen: c.Gen, Ino: c.Ino, Staged: c.Staged, Version: c.Version, Size: c.Size, Complete: c.Complete,
				Present: c.Present, Used: time.Unix(0, c.Used), Bytes: c.Bytes, Synced: c.Synced,
			})
		}
		return err
	})
	return all, err
}
