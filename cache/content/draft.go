package content

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

// draft is one staged generation, shared by all handles on it.
type draft struct {
	s    *Store
	ino  uint64
	body *body

	// size is the length of the file, mtime when it was last changed, in
	// nanoseconds since 1970.
	size, mtime atomic.Int64
	// clean is true if nothing was written since the last sync began.
	clean atomic.Bool

	// syncing lets one sync at a time through.
	syncing sync.Mutex

	// wmu is held shared by writers, and exclusively by whoever must know
	// that no write is under way. It guards the following.
	wmu sync.RWMutex
	// seals counts who relies on the content not to change; adopted is true
	// once it became a cached version, which never changes again.
	seals   int
	adopted bool

	// The following are guarded by body.disk.

	// cached is what the draft became when it was adopted.
	cached *blob
	// edits counts the syncs that were followed by a write.
	edits uint64
	// synced is what the record says.
	synced bool
	// fresh is true until the directory entry was synced.
	fresh bool
	// failed is why the content can never count as synced: the kernel tells
	// of a lost write once, and forgets it.
	failed error
}

func newDraft(s *Store, gen, ino uint64) *draft {
	d := &draft{s: s, ino: ino, body: &body{s: s}}
	d.body.gen.Store(gen)
	return d
}

func (d *draft) gen() uint64 { return d.body.gen.Load() }

func (d *draft) record(synced bool) Record {
	return Record{
		Gen: d.gen(), Ino: d.ino, Staged: true, Size: d.size.Load(),
		Used: d.s.now(), Bytes: d.size.Load(), Synced: synced,
	}
}

// touch notes a change of the file; size is its new length, or the end of
// what was written if grow is true.
func (d *draft) touch(size int64, grow bool) {
	d.mtime.Store(d.s.now().UnixNano())
	for {
		old := d.size.Load()
		if grow && old >= size || d.size.CompareAndSwap(old, size) {
			return
		}
	}
}

// writable tells whether the content may be changed; the caller holds d.wmu.
func (d *draft) writable() error {
	if d.seals > 0 || d.adopted {
		return ErrSealed
	}
	return d.soil()
}

// soil sees to it that the record calls the content unsynced before it
// changes; the caller holds d.wmu, shared or not.
func (d *draft) soil() error {
	if !d.clean.Load() {
		return nil
	}
	d.body.disk.Lock()
	defer d.body.disk.Unlock()
	if !d.clean.Load() {
		return nil
	}
	if d.synced && !d.s.isGone(d.body) {
		if err := d.s.rec.PutContent(d.record(false)); err != nil {
			return err
		}
	}
	d.synced = false
	d.edits++
	d.clean.Store(false)
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	if !d.body.gone && d.failed == nil {
		d.s.unsynced[d] = struct{}{}
	}
	return nil
}

// change runs a change of the file's length or blocks, while no write is
// under way, and takes the length it has afterwards.
func (d *draft) change(op string, f func(fd int) error) error {
	d.wmu.Lock()
	defer d.wmu.Unlock()
	if err := d.writable(); err != nil {
		return err
	}
	file, err := d.body.open()
	if err != nil {
		return err
	}
	if err := d.insist(func() error { return f(int(file.Fd())) }); err != nil {
		return local(op, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		return local(op, err)
	}
	d.touch(st.Size, false)
	return nil
}

// insist runs f again for as long as cached content can make way for it.
func (d *draft) insist(f func() error) error {
	for {
		err := f()
		if errors.Is(err, unix.EINTR) || full(err) && d.s.free(0) {
			continue
		}
		return err
	}
}

// copying runs f while the content does not change.
func (d *draft) copying(f func(*os.File) error) error {
	d.wmu.Lock()
	defer d.wmu.Unlock()
	file, err := d.body.open()
	if err != nil {
		return err
	}
	return f(file)
}

// seal counts one more who relies on the content, n being 1, or one fewer.
func (d *draft) seal(n int) error {
	d.wmu.Lock()
	defer d.wmu.Unlock()
	if d.seals+n < 0 {
		return remote.E(remote.Invalid, "unseal", "", errors.New("generation is not sealed"))
	}
	d.seals += n
	return nil
}

// startSync marks the moment that a sync speaks for. It returns false if
// there is nothing to sync.
func (d *draft) startSync() (edits uint64, needed bool, err error) {
	d.wmu.Lock() // waits for the writes under way
	defer d.wmu.Unlock()
	d.body.disk.Lock()
	defer d.body.disk.Unlock()
	if d.failed != nil {
		return 0, false, d.failed
	}
	if d.synced && d.clean.Load() {
		return 0, false, nil
	}
	d.clean.Store(true)
	return d.edits, true, nil
}

// endSync records that everything up to startSync is on disk, or that it is
// not.
func (d *draft) endSync(edits uint64, failed error) error {
	d.body.disk.Lock()
	defer d.body.disk.Unlock()
	if failed != nil {
		d.failed = failed
		d.forget()
		return failed
	}
	d.fresh = false
	if d.edits != edits || d.s.isGone(d.body) {
		return nil // written to again: the next sync records it
	}
	if err := d.s.rec.PutContent(d.syncedRecord()); err != nil {
		d.clean.Store(false)
		return err
	}
	d.synced = true
	d.forget()
	return nil
}

// syncedRecord is the record of synced content, as a cached one if it was
// adopted in the meantime; the caller holds body.disk.
func (d *draft) syncedRecord() Record {
	b := d.cached
	if b == nil {
		return d.record(true)
	}
	b.mu.Lock()
	b.syncedEdits = b.edits
	b.mu.Unlock()
	return b.record(b.snapshot())
}

// forget takes d from those that are to be synced.
func (d *draft) forget() {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	delete(d.s.unsynced, d)
}

// sync forces the content, and the directory entry of a new file, to disk.
func (d *draft) sync() error {
	d.syncing.Lock()
	defer d.syncing.Unlock()
	edits, needed, err := d.startSync()
	if err != nil || !needed {
		return err
	}
	f, err := d.body.open()
	if err == nil {
		err = d.force(f)
	}
	return d.endSync(edits, err)
}

func (d *draft) force(f *os.File) error {
	if err := unix.Fdatasync(int(f.Fd())); err != nil {
		return local("sync", err)
	}
	d.body.disk.Lock()
	fresh := d.fresh
	d.body.disk.Unlock()
	if !fresh {
		return nil
	}
	return syncFolder(d.s.folder(d.gen()))
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return local("sync", err)
	}
	err = f.Sync()
	_ = f.Close() // opened for reading only
	return local("sync", err)
}

func (d *draft) modTime() time.Time { return time.Unix(0, d.mtime.Load()) }
