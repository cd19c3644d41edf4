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
		return s.syncBulk(ctx, drafts, blobs)
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
// commit of its journal instead of one per file.
func (s *Store) syncBulk(ctx context.Context, drafts []*draft, blobs []*blob) error {
	if err := canceledOr(ctx); err != nil {
		return err
	}
	var ends []func(error) error
	for _, d := range drafts {
		d.syncing.Lock()
		defer d.syncing.Unlock()
		if edits, needed, err := d.startSync(); err == nil && needed {
			ends = append(ends, func(err error) error { return d.endSync(edits, err) })
		}
	}
	for _, b := range blobs {
		st := b.snapshot()
		ends = append(ends, func(err error) error { return b.endSync(st, err) })
	}
	failed := s.syncFS()
	var first error
	for _, end := range ends {
		first = cmp.Or(first, end(failed))
	}
	return first
}

func (s *Store) syncFS() error {
	f, err := os.Open(s.dir)
	if err != nil {
		return local("sync", err)
	}
	defer func() { _ = f.Close() }() // opened for reading only
	return local("sync", unix.Syncfs(int(f.Fd())))
}

// sync forces what is present of a blob to disk.
func (b *blob) sync() error {
	st := b.snapshot()
	f, err := b.body.open()
	if err == nil {
		err = local("sync", unix.Fdatasync(int(f.Fd())))
	}
	return b.endSync(st, err)
}

// endSync records that a state is on disk. If it cannot be forced there the
// content is dropped: it can be fetched again.
func (b *blob) endSync(st state, failed error) error {
	if failed != nil {
		b.fail(failed)
		return failed
	}
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
