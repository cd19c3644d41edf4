package cmd

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/cmd/control"
	"github.com/frugalfs/frugalfs/remote"
)

var _ control.Mount = (*mounted)(nil)

// Status implements [control.Mount].
func (m *mounted) Status() (control.Status, error) {
	known, err := m.ns.Status()
	if err != nil {
		return control.Status{}, err
	}
	s := control.Status{
		Mountpoint: m.cfg.dir, PID: os.Getpid(), Version: version(), Started: m.begun,
		Status: known, Ledger: m.ledger.Snapshot(),
	}
	s.State = s.Standing()
	return s, nil
}

// Flush implements [control.Mount].
func (m *mounted) Flush(ctx context.Context) (control.Left, error) {
	items, trouble := m.ns.Flush(ctx)
	left := control.Left{Items: items}
	if trouble == nil {
		return left, nil
	}
	if len(items) == 0 { // it is this machine that failed
		return left, trouble
	}
	left.Trouble = trouble.Error()
	return left, nil
}

// Pending implements [control.Mount].
func (m *mounted) Pending() ([]cache.PendingItem, error) { return m.ns.Pending() }

// Retry implements [control.Mount].
func (m *mounted) Retry() (int, error) { return m.ns.Retry() }

// Drop implements [control.Mount].
func (m *mounted) Drop() (int, error) { return m.ns.Drop() }

// Explain implements [control.Mount].
func (m *mounted) Explain() (string, error) { return m.ns.Explain() }

// Prefetch implements [control.Mount].
func (m *mounted) Prefetch(ctx context.Context, path string, tell func(cache.PrefetchProgress)) ([]cache.Missing, error) {
	return m.ns.Prefetch(ctx, path, tell)
}

// Export implements [control.Mount]. Into the mount itself it would wait for
// itself.
func (m *mounted) Export(ctx context.Context, dir string) ([]string, error) {
	if !filepath.IsAbs(dir) || strings.HasPrefix(filepath.Clean(dir)+"/", m.cfg.dir+"/") {
		return nil, &remote.Error{Kind: remote.Invalid, Op: "export", Path: dir, Detail: "name a folder outside the mount"}
	}
	return m.ns.Export(ctx, dir)
}
