package content

import "time"

// state is what a record shows of a blob.
type state struct {
	present  []byte
	complete bool
	synced   bool
	edits    uint64
}

// snapshot returns what may be recorded now: the bytes of all of it are in
// the file.
func (b *blob) snapshot() state {
	b.mu.Lock()
	defer b.mu.Unlock()
	return state{b.present.Encode(), b.complete.Load(), b.syncedEdits == b.edits, b.edits}
}

// record returns the record for a state.
func (b *blob) record(st state) Record {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	return Record{
		Gen: b.body.gen.Load(), Ino: b.key.Ino, Version: b.key.Version, Size: b.key.Size,
		Complete: st.complete, Present: st.present, Used: b.body.used, Bytes: b.body.bytes,
		Synced: st.synced,
	}
}

// useGrain is how exactly records tell when content was last used.
const useGrain = time.Hour

// unsaved tells whether the record lacks something.
func (b *blob) unsaved() bool {
	b.s.mu.Lock()
	used := b.body.used
	b.s.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.edits != b.savedEdits || used.Sub(b.savedUse) >= useGrain
}

// save writes the record if there is something new to it.
func (b *blob) save() error {
	if b.body.gen.Load() == 0 || !b.unsaved() {
		return nil
	}
	err := b.put()
	b.s.room(0)
	return err
}

// put writes the record.
func (b *blob) put() error {
	b.body.disk.Lock()
	defer b.body.disk.Unlock()
	if b.body.gen.Load() == 0 || b.s.isGone(b.body) {
		return nil
	}
	b.mu.Lock()
	still := len(b.streams) == 0
	b.mu.Unlock()
	if f := b.body.file.Load(); f != nil && still {
		b.s.settle(b.body, f)
	}
	st := b.snapshot()
	r := b.record(st)
	if err := b.s.rec.PutContent(r); err != nil {
		return err
	}
	b.noteSaved(st, r.Used)
	if !st.synced {
		b.s.ripen(b)
	}
	return nil
}

// ripen notes that a blob is to be synced when it was left alone for a while.
func (s *Store) ripen(b *blob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !b.body.gone {
		s.stale[b] = s.now()
	}
}

func (b *blob) noteSaved(st state, used time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.saved, b.savedUse, b.savedEdits = b.s.now(), used, st.edits
}

// saveIfDue is save at the end of a stream, and while the file fills, but not
// too often.
func (b *blob) saveIfDue(streamEnds bool) {
	b.mu.Lock()
	due := b.s.now().Sub(b.saved) >= b.s.tune.save ||
		streamEnds && (b.complete.Load() || b.handles == 0)
	b.mu.Unlock()
	if !due {
		return
	}
	if err := b.save(); err != nil {
		b.s.log.Warn("recording cached content", "err", err)
	}
}
