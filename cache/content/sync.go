package content

import (
	"cmp"
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// SyncDirty forces to disk, and records as synced, the staged files that were
// changed since they last were, and the cached ones that were left alone for
// a while. It is meant to be called every few seconds. An error is the first
// of several; the rest was tried nevertheless.
func (s *Store) SyncDirty(ctx context.Context) error { return s.syncAll(ctx, s.tune.ripe) }

// syncAll is SyncDirty, for cached files that rested for at least ripe.
func (s *Store) syncAll(ctx context.Context, ripe time.Duration) error {
	s.syncing.Lock()
	defer s.syncing.Unlock()
	drafts, blobs := s.due(ripe)
	defer func() {
		for _, b := range blobs {
			s.release(b.body)
		}
		for _, d := range drafts {
			s.release(d.body)
		}
	}()
	if len(drafts)+len(blobs) > s.tune.bulk {
		done, err := s.syncBulk(ctx, drafts, blobs)
		if done {
			return err
		}
		s.log.Warn("syncing the file system", "err", err)
	}
	var failed error
	for _, d := range drafts {
		if err := canceledOr(ctx); err != nil {
			return err
		}
		failed = cmp.Or(failed, d.sync())
	}
	for _, b := range blobs {
		if err := canceledOr(ctx); err != nil {
			return err
		}
		failed = cmp.Or(failed, b.sync())
	}
	return failed
}

// due returns what is to be synced, with a reference to each.
func (s *Store) due(ripe time.Duration) (drafts []*draft, blobs []*blob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for d := range s.unsynced {
		s.keepLocked(d.body)
		drafts = append(drafts, d)
	}
	for b, since := range s.stale {
		if s.now().Sub(since) >= ripe {
			s.keepLocked(b.body)
			blobs = append(blobs, b)
		}
	}
	return drafts, blobs
}

// syncBulk is syncAll with one sync of the whole file system: it costs one
// commit of its journal instead of one per file. It returns false if that
// failed, which says nothing about any one file.
func (s *Store) syncBulk(ctx context.Context, drafts []*draft, blobs []*blob) (bool, error) {
	if err := canceledOr(ctx); err != nil {
		return true, err
	}
	var ends []func() error
	for _, d := range drafts {
		d.syncing.Lock()
		defer d.syncing.Unlock()
		if edits, needed, err := d.startSync(); err == nil && needed {
			ends = append(ends, func() error { return d.endSync(edits, nil) })
		}
	}
	for _, b := range blobs {
		st := b.snapshot()
		ends = append(ends, func() error { return b.endSync(st) })
	}
	if err := s.syncFS(); err != nil {
		return false, err
	}
	var first error
	for _, end := range ends {
		first = cmp.Or(first, end())
	}
	return true, first
}

func (s *Store) syncFS() error {
	f, err := os.Open(s.dir)
	if err != nil {
		return local("sync", err)
	}
	defer func() { _ = f.Close() }() // opened for reading only
	return local("sync", unix.Syncfs(int(f.Fd())))
}

// sync forces what is present of a blob to disk. If that fails the content is
// dropped: it can be fetched again.
func (b *blob) sync() error {
	st := b.snapshot()
	f, err := b.body.open()
	if err != nil {
		return err
	}
	if err := unix.Fdatasync(int(f.Fd())); err != nil {
		b.fail(local("sync", err))
		return local("sync", err)
	}
	return b.endSync(st)
}

// endSync records that a state is on disk.
func (b *blob) endSync(st state) error {
	b.body.disk.Lock()
	defer b.body.disk.Unlock()
	b.s.mu.Lock()
	gone := b.body.gone
	delete(b.s.stale, b)
	b.s.mu.Unlock()
	if gone {
		return nil
	}
	b.mu.Lock()
	current := st.edits == b.edits
	if current {
		b.syncedEdits = st.edits
	}
	b.mu.Unlock()
	if !current {
		b.s.ripen(b) // more came in the meantime
		return nil
	}
	st = b.snapshot()
	r := b.record(st)
	if err := b.s.rec.PutContent(r); err != nil {
		return err
	}
	b.noteSaved(st, r.Used)
	return nil
}
