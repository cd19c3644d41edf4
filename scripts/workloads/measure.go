package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// measure runs one step and says what it came to.
func (b *bench) measure(w workload, st step) (result, error) {
	r := b.newResult(w, st)
	if err := b.before(st); err != nil {
		return r, err
	}
	before, err := b.spent()
	if err != nil {
		return r, err
	}
	if err := b.idle(st.idle); err != nil {
		return r, err
	}
	started := time.Now()
	if st.script != "" {
		err = b.script(b.work(), st.script)
	}
	if err == nil {
		err = b.drain()
	}
	r.Seconds = time.Since(started).Seconds()
	if err == nil {
		err = b.take(&r, before)
	}
	if err == nil && !st.free && st.script != "" {
		err = b.script(b.model, st.script)
	}
	if err == nil {
		r.Wrong, err = b.wrong(st)
	}
	return r, err
}

// drain waits until everything was sent in its own time, which flush would
// not leave it.
func (b *bench) drain() error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	var failed error
	err := rig.Until(ctx, "everything to be sent", func() bool {
		var s struct{ Pending, Failed int }
		failed = b.mnt.Status(ctx, &s)
		return failed != nil || s.Pending == s.Failed
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	return b.mnt.Flush(b.ctx, patience)
}

// count counts what the account holds.
func (b *bench) count() counts {
	c := counts{entries: -1, page: b.page, share: b.service.share} // -1: the folder itself
	_ = filepath.WalkDir(b.root, func(_ string, d os.DirEntry, err error) error {
		c.entries++
		if err == nil && d.IsDir() {
			c.folders++
		}
		return nil
	})
	return c
}

// before does what comes before the measure, and sets the counters to zero.
// What a remount costs belongs to the step after it.
func (b *bench) before(st step) error {
	if st.remount {
		if err := b.mnt.Unmount(b.ctx, patience); err != nil {
			return err
		}
	}
	if err := b.box.Reset(b.ctx); err != nil {
		return err
	}
	if st.remount {
		return b.mount()
	}
	return nil
}

// idle lets time pass.
func (b *bench) idle(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-b.ctx.Done():
		return b.ctx.Err()
	}
}

// ledger is what status --json says of the ledger.
type ledger struct {
	Ledger struct {
		Day struct {
			Requests  int   `json:"requests"`
			Transfers int   `json:"transfers"`
			Up        int64 `json:"up"`
			Down      int64 `json:"down"`
		} `json:"day"`
	} `json:"ledger"`
}

func (b *bench) spent() (ledger, error) {
	var l ledger
	return l, b.mnt.Status(b.ctx, &l)
}

// pollOp is the sandbox's name for looks at what a provider has not finished.
const pollOp = "migration"

// take fills in what both counters say.
func (b *bench) take(r *result, before ledger) error {
	after, err := b.spent()
	if err != nil {
		return err
	}
	st, err := b.box.Stats(b.ctx)
	if err != nil {
		return err
	}
	r.Polls, r.ByOp = st.ByOp[pollOp], st.ByOp
	r.Requests = st.Count - r.Polls
	delete(r.ByOp, pollOp)
	r.Ledger = after.Ledger.Day.Requests - before.Ledger.Day.Requests
	r.Transfers = after.Ledger.Day.Transfers - before.Ledger.Day.Transfers
	r.Up = after.Ledger.Day.Up - before.Ledger.Day.Up
	r.Down = after.Ledger.Day.Down - before.Ledger.Day.Down
	if !b.explain {
		return nil
	}
	requests, err := b.box.Requests(b.ctx)
	for _, q := range requests {
		fmt.Printf("      %s  %s %s?%s -> %d, %d bytes\n", q.At.Format("15:04:05.000"), q.Method, q.Path, q.Query, q.Status, q.Bytes)
	}
	return err
}

// wrong compares the account with the model, "" if they are the same.
func (b *bench) wrong(st step) (string, error) {
	want := b.model
	if st.free {
		want = b.work()
	}
	// what this step made freely stays out of later comparisons with the model
	skip := func(path string) bool {
		return !st.free && strings.HasPrefix(path, "free-") || st.free && !strings.HasPrefix(path, "free-")
	}
	expected, err := rig.ReadTree(want, skip)
	if err != nil {
		return "", err
	}
	got, err := b.readAccount(skip)
	if err != nil {
		return "", err
	}
	return rig.Diff("expected", expected, "account", got), nil
}
