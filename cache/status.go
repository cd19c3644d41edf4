package cache

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/frugalfs/frugalfs/cache/content"
	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// health remembers how the provider answered lately.
type health struct {
	// mu guards the fields below. It is an innermost lock.
	mu        sync.Mutex
	last      error
	lastAt    time.Time
	okAt      time.Time
	conflicts []Conflict
	refusals  []Refusal
	lost      []string
	circuit   circuit

	// beats counts signs of life of the provider.
	beats atomic.Int64
}

// Conflict is a file that was changed on both sides.
type Conflict struct {
	Path string    `json:"path"`
	At   time.Time `json:"at"`
}

// Refusal is a folder that somebody wanted to send, and that could not be.
type Refusal struct {
	Path string    `json:"path"`
	At   time.Time `json:"at"`
	Why  string    `json:"why"`
}

// maxRefusals is how many refusals are listed.
const maxRefusals = 10

// noteRefusal reports why a rename did not send a folder: the program that asked
// for it knows a number only.
func (ns *Namespace) noteRefusal(to store.Place, err error) {
	if err == nil || !ns.boxed() || ordinary(remote.KindOf(err)) {
		return
	}
	path := ns.pathOf(to.Parent) + "/" + to.Name
	ns.log.Warn("a rename was refused", "to", path, "err", err)
	h := &ns.health
	h.mu.Lock()
	defer h.mu.Unlock()
	r := Refusal{Path: path, At: ns.opt.Now(), Why: err.Error()}
	h.refusals = slices.DeleteFunc(h.refusals, func(o Refusal) bool { return o.Path == r.Path && o.Why == r.Why })
	h.refusals = append(h.refusals, r)
	if len(h.refusals) > maxRefusals {
		h.refusals = h.refusals[1:]
	}
}

// ordinary tells whether a rename may well fail so: programs try these to find
// something out, and know what to do then.
func ordinary(k remote.Kind) bool {
	return k == remote.Exist || k == remote.NotExist || k == remote.CrossDevice
}

// maxConflicts is how many conflicts are listed.
const maxConflicts = 100

// note takes in how a request went.
func (h *health) note(err error, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil || remote.IsKind(err, remote.NotExist) {
		h.last, h.okAt = nil, at
	} else if !remote.IsKind(err, remote.Canceled) {
		h.last, h.lastAt = err, at
	}
	switch {
	case answered(err):
		h.circuit = circuit{}
		h.beats.Add(1)
	case remote.IsKind(err, remote.Offline):
		h.circuit.trip(err, at.UnixNano())
	}
}

// answered tells whether the provider has said something.
func answered(err error) bool {
	var e *remote.Error
	return err == nil || remote.IsKind(err, remote.NotExist) || errors.As(err, &e) && e.Status != 0
}

func (h *health) noteConflict(path string, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conflicts = append(h.conflicts, Conflict{path, at})
	if len(h.conflicts) > maxConflicts {
		h.conflicts = h.conflicts[1:]
	}
}

func (h *health) noteLost(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lost = append(h.lost, what)
}

// Status is how a mount stands.
type Status struct {
	Provider string `json:"provider"`
	Account  string `json:"account"`
	Root     string `json:"root"`
	StateDir string `json:"state_dir"`
	ReadOnly bool   `json:"read_only"`
	// Online is false after a request that did not get through; Trouble is
	// its error, or what keeps changes from being sent.
	Online  bool   `json:"online"`
	Trouble string `json:"trouble,omitempty"`
	// LastAnswer is when the provider last answered.
	LastAnswer time.Time `json:"last_answer,omitzero"`
	// Nodes counts what is known, Pending what is to be sent, Failed what of
	// it was given up, Sending the calls under way.
	Nodes   int `json:"nodes"`
	Pending int `json:"pending"`
	Failed  int `json:"failed"`
	Sending int `json:"sending"`
	// Uploads are the files that are being sent, by path.
	Uploads []Upload `json:"uploads,omitempty"`
	// KeptHere is how many of the pending are empty files that the provider
	// does not store.
	KeptHere int `json:"kept_here,omitempty"`
	// Freshness tells how changes made elsewhere are noticed: "feed" or
	// "age"; FeedRead is when the feed was last read.
	Freshness string        `json:"freshness"`
	FeedRead  time.Time     `json:"feed_read,omitzero"`
	MaxAge    time.Duration `json:"max_age"`
	// KnownAt is the time up to which what is shown holds: changes that others
	// made later may not show. It is zero if nothing is known.
	KnownAt time.Time `json:"known_at,omitzero"`
	// Webhooks tells what came of them, nil if none did; Spared what indexers
	// were refused, nil if nothing was.
	Webhooks *Webhooks `json:"webhooks,omitempty"`
	Spared   *Spared   `json:"spared,omitempty"`
	// Content is the state of the content on disk, in bytes.
	Content content.Usage `json:"content"`
	// Conflicts are the latest ones of this run.
	Conflicts []Conflict `json:"conflicts,omitempty"`
	// Refused are the latest renames of this run that should have sent a folder,
	// or changed what was sent, and could not.
	Refused []Refusal `json:"refused,omitempty"`
	// Unproven says why the state folder was found not to be as it was last
	// used when this mount began; "" if it was.
	Unproven string `json:"unproven,omitempty"`
	// SetAside is where a damaged database was moved, Orphans files that
	// belong to nothing known, Lost written content that is held back or
	// missing, with the reason.
	SetAside string   `json:"set_aside,omitempty"`
	Orphans  []string `json:"orphans,omitempty"`
	Lost     []string `json:"lost,omitempty"`
}

// Status returns how the mount stands. It makes no request.
func (ns *Namespace) Status() (Status, error) {
	s := Status{
		Provider: ns.caps.Provider, Account: ns.opt.Account, Root: ns.opt.Root, StateDir: ns.state.dir,
		ReadOnly: ns.opt.ReadOnly, Freshness: "age", MaxAge: ns.opt.MaxAge, Content: ns.content.Usage(),
		Unproven: ns.unproven, Spared: ns.indexers.report(), SetAside: ns.state.setAside, Orphans: ns.content.Orphans(), Sending: ns.exec.Running(),
	}
	ns.health.report(&s)
	if trouble := ns.exec.Trouble(); trouble != nil {
		s.Trouble = trouble.Error()
	}
	_, hasFeed := ns.remote.(remote.Feed)
	err := ns.view(func(t txn) (err error) {
		s.Pending, s.Uploads = len(ns.dirty), t.uploadsNow()
		for ino, d := range ns.dirty {
			if d.Failed != "" {
				s.Failed++
			}
			if n, err := t.get(ino); err == nil && n != nil && ns.restsHere(n) {
				s.KeptHere++
			}
		}
		if hasFeed && !ns.feed.Forbidden {
			s.Freshness = "feed"
			if at := ns.feed.Read(); at != 0 {
				s.FeedRead = time.Unix(0, at)
			}
		}
		s.Webhooks = ns.hooks.report(ns.hooked)
		if s.KnownAt, err = t.knownAt(s.FeedRead); err != nil {
			return err
		}
		s.Nodes, err = t.CountNodes()
		return err
	})
	return s, err
}

// knownAt is the time up to which what is shown holds: when the feed was last
// read, or the oldest listing sent.
func (t txn) knownAt(feedRead time.Time) (time.Time, error) {
	oldest, err := t.OldestListing()
	at := time.Unix(0, oldest)
	switch {
	case err != nil || oldest == 0:
		return time.Time{}, err
	case t.ns.feed.Covers(oldest) && feedRead.After(at):
		return feedRead, nil
	}
	return at, nil
}

func (h *health) report(s *Status) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.Online, s.LastAnswer = true, h.okAt
	s.Conflicts, s.Lost, s.Refused = slices.Clone(h.conflicts), slices.Clone(h.lost), slices.Clone(h.refusals)
	if h.last != nil {
		s.Trouble = h.last.Error()
		s.Online = !remote.IsKind(h.last, remote.Offline)
	}
}

// quotaCache holds what the account may store: statfs never waits for the
// provider.
type quotaCache struct {
	mu    sync.Mutex
	quota remote.Quota
	known bool
	asked time.Time
}

// quotaAge is how old the quota may be that statfs shows.
const quotaAge = 6 * time.Hour

// unknownSpace is shown as free where the provider tells nothing.
const unknownSpace = 1 << 50

// Statfs returns the account's space as last told. It never waits: if the
// knowledge is old, it is asked for in the background, when the budget allows.
func (ns *Namespace) Statfs(ctx context.Context) (Statfs, error) {
	q, known := ns.currentQuota(ctx)
	s := Statfs{Total: unknownSpace, Free: unknownSpace, MaxName: MaxName}
	if known && q.Limit > 0 {
		s.Total, s.Free = q.Limit, max(q.Limit-max(q.Used, 0), 0)
	}
	return s, nil
}

func (ns *Namespace) currentQuota(ctx context.Context) (remote.Quota, bool) {
	c := &ns.quota
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked.IsZero() {
		ns.loadQuota(c)
	}
	quoter, ok := ns.remote.(remote.Quoter)
	if ok && ns.opt.Now().Sub(c.asked) > quotaAge && ns.ctx.Err() == nil && ns.indexer(ctx) == "" {
		c.asked = ns.opt.Now()
		ns.tasks.Go(func() { ns.askQuota(quoter) })
	}
	return c.quota, c.known
}

// savedQuota is the quota in the database.
type savedQuota struct {
	Quota remote.Quota `json:"quota"`
	At    time.Time    `json:"at"`
}

func (ns *Namespace) loadQuota(c *quotaCache) {
	var saved savedQuota
	_ = ns.view(func(t txn) error {
		text, err := t.Meta(metaQuota)
		if err == nil && text != "" && json.Unmarshal([]byte(text), &saved) == nil {
			c.quota, c.known, c.asked = saved.Quota, true, saved.At
		}
		return err
	})
}

func (ns *Namespace) askQuota(quoter remote.Quoter) {
	ctx, cancel := context.WithTimeout(ledger.WithClass(ns.ctx, ledger.Prefetch), time.Minute)
	defer cancel()
	q, err := quoter.Quota(ctx)
	if err != nil {
		ns.log.Debug("asking for the quota", "err", err)
		return
	}
	ns.quota.mu.Lock()
	ns.quota.quota, ns.quota.known = q, true
	ns.quota.mu.Unlock()
	text, err := json.Marshal(savedQuota{q, ns.opt.Now()})
	if err == nil {
		_ = ns.db.UpdateLazily(func(tx *store.Tx) error { return tx.SetMeta(metaQuota, string(text)) })
	}
}

// withCause tells the ledger on whose behalf a request about a node is made.
func (ns *Namespace) withCause(ctx context.Context, ino uint64) context.Context {
	return ledger.WithCause(ctx, ns.cause(ctx, ino))
}
