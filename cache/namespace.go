// Package cache is the namespace: the tree that the mount shows, made of what is
// known of the remote and, over it, of what was changed here.
//
// Every node has a remote, a base and a local state (package store). Operations
// change local state only, in one database transaction, and return; the outbox
// (package outbox) sends what differs. What others did arrives as observations
// (listings, looks, feed entries), which are merged: place, content and existence
// each by itself.
//
// # Locks
//
// The database's lock is the namespace's lock: whatever runs inside DB.Update or
// DB.View holds it, and with it may touch the fields marked "guarded by the
// database's lock". The order is inode.mu, then the database's lock, then
// Namespace.openMu. None of them is held across a network call. Node values
// that were handed out are never changed.
package cache

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/frugalfs/frugalfs/cache/content"
	"github.com/frugalfs/frugalfs/cache/feed"
	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// Options say what a namespace is made of.
type Options struct {
	// Remote is the account. Root is the folder of it that is mounted, "/" for
	// all of it.
	Remote remote.Remote
	Root   string
	// Account names the account (address and user): a state folder belongs to
	// one account.
	Account string
	// MaxAge is how long cached metadata is shown without asking, and how
	// often the change feed is read at most. 0 means a minute.
	MaxAge time.Duration
	// Settle is how long a node must be quiet before it is sent. 0 means two
	// seconds.
	Settle time.Duration
	// RetryPause is how long sending waits after a failure; it doubles with
	// each. 0 means two seconds.
	RetryPause time.Duration
	// SyncClose makes close and fsync wait until the provider has the bytes.
	SyncClose bool
	ReadOnly  bool
	// CacheSize bounds cached content, in bytes; 0 is no bound.
	CacheSize int64
	// LocalNames are patterns (path.Match) of names that are never sent; nil
	// means DefaultLocalNames.
	LocalNames []string
	// Witnesses is the folder, apart from the state folder, that tells whether
	// that is the one that was last in use, and no copy; "" asks nobody.
	Witnesses string
	// Indexers are the executables, by the last element of their paths, that
	// see only what is known: they never cost a request. nil means
	// DefaultIndexers.
	Indexers []string
	// Patience is how long something that is known waits for a provider that
	// gives no sign of life before it is shown as it is. 0 means two seconds.
	Patience time.Duration
	// UID and GID own what has no owner of its own.
	UID, GID uint32
	Logger   *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Cache sizes. A node takes about 400 bytes, so the caches together stay under
// 60 MB whatever the size of the account.
const (
	cachedNodes    = 1 << 16
	cachedNames    = 1 << 16
	cachedListings = 1 << 14
)

// Namespace is the tree that the mount shows.
type Namespace struct {
	opt    Options
	log    *slog.Logger
	remote remote.Remote
	caps   remote.Capabilities
	// sender is the remote of an account that mails folders of files, in which
	// boxes say what can be changed; nil for all others.
	sender  remote.Sender
	boxes   remote.Boxes
	state   *State
	db      *store.DB
	content *content.Store
	exec    *outbox.Executor
	inv     atomic.Pointer[Invalidator]

	// flights shares one request between all who wait for the same listing or
	// feed read.
	flights singleflight.Group
	// ctx ends when the namespace is closed; network work runs under it.
	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	// The caches below are filled and changed under the database's lock only,
	// so that they never hold what a rolled back transaction wrote; they are
	// read without it.
	nodes    *lru.Cache[uint64, *store.Node]
	names    *lru.Cache[store.Place, uint64]
	listings *lru.Cache[uint64, store.Listing]

	// Guarded by the database's lock.
	inos, gens *store.Sequence
	dirty      map[uint64]*store.Dirty
	// inflight counts, per node and per place, the mutating calls under way:
	// listings do not touch them.
	inflight       map[uint64]int
	inflightPlaces map[store.Place]int
	// moving counts, per folder, the calls under way that move or delete it,
	// busyBelow those about something below it.
	moving, busyBelow map[uint64]int
	// moves counts the beginnings and ends of such moves.
	moves uint64
	// causes are the programs that changed what is dirty.
	causes map[uint64]string
	// plain counts, per node, the archives with it that failed.
	plain map[uint64]int
	// noCopy are nodes that the provider failed to copy: they are sent with their
	// contents.
	noCopy map[uint64]bool
	// hurried counts, per file, the closes that wait for it to be sent.
	hurried map[uint64]int
	// lingering are deleted nodes that nothing needs, and since when.
	lingering map[uint64]int64
	// displaced are the nodes that are not where the provider has them, by
	// the place's key; nil until it is asked for.
	displaced map[store.Place]uint64
	// gone are objects, by identity, that were deleted from here, or moved at a
	// provider without IDs, and when: a listing requested earlier must not
	// bring them back.
	gone map[string]int64
	// doubted are what was seen of nodes while a call about them was under way, and
	// was not as they were known: before they are overwritten they are looked at
	// again, and so is the folder if that was not the call's own doing.
	doubted map[uint64]store.State
	// trees are the times of complete tree listings, by folder.
	trees map[uint64]int64
	// hot counts sends per place, running holds the intents whose calls are
	// under way or were.
	hot     map[store.Place]heat
	running map[int64]bool
	// unresolved are the jobs whose outcome is not known.
	unresolved map[int64]*job
	feed       *feed.Cursor
	// staled is when folders were marked as not holding, staledAll when all of
	// them were: a listing that was under way then does not hold either.
	staled    map[uint64]int64
	staledAll int64
	// hooked is true while the feed is read less often because of webhooks, and
	// distrusted until when it is not for all that they tell.
	hooked     bool
	distrusted int64

	// openMu guards open, the nodes that somebody has open.
	openMu sync.RWMutex
	open   map[uint64]*inode

	// uploads are the *progress of the uploads under way, by node.
	uploads sync.Map

	// lastUse is when a system call last came in, in nanoseconds.
	lastUse atomic.Int64
	// noTreesUntil is until when folders are listed one by one.
	noTreesUntil atomic.Int64
	walks        walks
	batches      batches
	// unproven says why the state folder is not believed, "" if it is.
	unproven string
	health   health
	hooks    hooks
	indexers indexers
	garbage  garbage
	quota    quotaCache
}

// New makes the namespace of an account over its state folder. On the first
// mount it lists the root, which proves the credentials; later it asks nothing.
func New(ctx context.Context, state *State, opt Options) (*Namespace, error) {
	ns, err := open(ctx, state, opt)
	if err == nil {
		ns.start()
	}
	return ns, err
}

// open is New without the background work.
func open(ctx context.Context, state *State, opt Options) (*Namespace, error) {
	ns := newNamespace(state, opt)
	if err := ns.load(); err != nil {
		return nil, err
	}
	if err := ns.prove(opt.Witnesses); err != nil {
		return nil, err
	}
	if err := ns.openContent(); err != nil {
		return nil, err
	}
	if err := ns.recoverLocal(); err != nil {
		return nil, err
	}
	if err := ns.firstContact(ctx); err != nil {
		_ = ns.content.Close()
		return nil, err
	}
	ns.exec = outbox.NewExecutor(&tree{ns}, outbox.Options{
		Pause: ns.opt.RetryPause, Now: ns.opt.Now, Logger: ns.log, Concurrency: ns.caps.Concurrency,
	})
	return ns, nil
}

func newNamespace(state *State, opt Options) *Namespace {
	setDefaults(&opt)
	ns := &Namespace{
		opt: opt, log: opt.Logger, remote: opt.Remote, caps: opt.Remote.Capabilities(),
		state: state, db: state.db, inos: store.NewInos(), gens: store.NewGens(),
		inflight: map[uint64]int{}, inflightPlaces: map[store.Place]int{},
		moving: map[uint64]int{}, busyBelow: map[uint64]int{}, hurried: map[uint64]int{}, plain: map[uint64]int{}, noCopy: map[uint64]bool{}, causes: map[uint64]string{}, lingering: map[uint64]int64{},
		gone: map[string]int64{}, doubted: map[uint64]store.State{}, trees: map[uint64]int64{}, open: map[uint64]*inode{}, staled: map[uint64]int64{},
		hot: map[store.Place]heat{}, running: map[int64]bool{}, unresolved: map[int64]*job{},
	}
	ns.ctx, ns.cancel = context.WithCancel(context.Background())
	if s, ok := opt.Remote.(remote.Sender); ok {
		ns.sender, ns.boxes = s, s.Boxes()
	}
	ns.nodes, _ = lru.New[uint64, *store.Node](cachedNodes)
	ns.names, _ = lru.New[store.Place, uint64](cachedNames)
	ns.listings, _ = lru.New[uint64, store.Listing](cachedListings)
	ns.walks.init()
	ns.batches.init()
	ns.db.OnReset(ns.resetLocked)
	if ns.caps.CaseFolds {
		ns.db.FoldNames(remote.FoldName)
	}
	return ns
}

func setDefaults(opt *Options) {
	if opt.Root == "" {
		opt.Root = "/"
	}
	if opt.MaxAge == 0 {
		opt.MaxAge = time.Minute
	}
	if opt.Settle == 0 {
		opt.Settle = 2 * time.Second
	}
	if opt.RetryPause == 0 {
		opt.RetryPause = 2 * time.Second
	}
	if opt.LocalNames == nil {
		opt.LocalNames = DefaultLocalNames
	}
	if opt.Indexers == nil {
		opt.Indexers = DefaultIndexers
	}
	if opt.Patience == 0 {
		opt.Patience = 2 * time.Second
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
}

// now is the time in nanoseconds since 1970.
func (ns *Namespace) now() int64 { return ns.opt.Now().UnixNano() }

// resetLocked forgets everything that was cached of a transaction that was
// rolled back. It runs under the database's lock.
func (ns *Namespace) resetLocked() {
	ns.nodes.Purge()
	ns.names.Purge()
	ns.listings.Purge()
	ns.inos.Reset()
	ns.gens.Reset()
	ns.dirty, ns.displaced = nil, nil
}

// ReadOnly tells whether the mount refuses changes.
func (ns *Namespace) ReadOnly() bool { return ns.opt.ReadOnly }

// Timeout is how long the kernel may keep entries, attributes and absences
// without asking: as long as they count as fresh, so that use of the mount is
// seen, and changes made elsewhere show, after that time at the latest.
func (ns *Namespace) Timeout() time.Duration { return ns.opt.MaxAge }

// Used tells the namespace that somebody uses the mount.
func (ns *Namespace) Used() { ns.lastUse.Store(ns.now()) }

// SetInvalidator sets who tells the kernel what changed.
func (ns *Namespace) SetInvalidator(inv Invalidator) { ns.inv.Store(&inv) }

func (ns *Namespace) invalidateEntry(p store.Place) {
	if inv := ns.inv.Load(); inv != nil && *inv != nil {
		(*inv).Entry(p.Parent, p.Name)
	}
}

func (ns *Namespace) invalidateAttr(ino uint64) {
	if inv := ns.inv.Load(); inv != nil && *inv != nil {
		(*inv).Attr(ino)
	}
}

func (ns *Namespace) invalidateContent(ino uint64) {
	if inv := ns.inv.Load(); inv != nil && *inv != nil {
		(*inv).Content(ino)
	}
}

// start begins the background work.
func (ns *Namespace) start() {
	ns.tasks.Go(func() { ns.exec.Run(ns.ctx) })
	ns.tasks.Go(func() { ns.syncRegularly(ns.ctx) })
	ns.tasks.Go(func() { ns.pollRegularly(ns.ctx) })
}

// Close stops the background work and closes the state. What is not sent yet
// stays queued; Flush first to send it.
func (ns *Namespace) Close() error {
	ns.cancel()
	ns.tasks.Wait()
	err := ns.content.Close()
	if e := ns.saveOnClose(); err == nil {
		err = e
	}
	if e := ns.state.Close(); err == nil {
		err = e
	}
	return err
}
