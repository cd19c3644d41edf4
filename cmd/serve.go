package cmd

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/cmd/control"
	"github.com/frugalfs/frugalfs/remote"
)

const (
	// drainTime is how long a mount that is asked to end, or was unmounted by
	// others, goes on sending.
	drainTime = 30 * time.Second
	// detachTime is how long requests under way may keep an unmount waiting.
	detachTime = 30 * time.Second
	// replyTime is how long the last answers on the control socket may take.
	replyTime = 5 * time.Second
)

// mounted is a running mount. It implements [control.Mount].
type mounted struct {
	*layers
	begun time.Time
	// turn holds one token: who has it may unmount.
	turn chan struct{}
	// over is closed when the mount has ended; left, what could not be sent,
	// and failed, what went wrong on the way, are set before.
	over   chan struct{}
	left   []cache.PendingItem
	failed error
}

// serve mounts, and returns when the mount has ended.
func (a *app) serve(ctx context.Context, cfg mountConfig) error {
	harden()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	y, err := a.openInterruptibly(ctx, cfg, signals)
	if err != nil {
		return err
	}
	defer func() { _ = y.log.close() }()
	m := &mounted{layers: y, begun: time.Now(), turn: make(chan struct{}, 1), over: make(chan struct{})}
	server := control.Serve(y.socket, m, y.log.log)
	if err = a.detach(y.log); err != nil {
		m.end()
	} else {
		y.log.release()
		a.announce(y)
		m.wait(signals)
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), replyTime)
	defer cancel()
	return errors.Join(err, a.result(m), server.Close(closing))
}

// openInterruptibly opens the layers; a signal meanwhile gives that up.
func (a *app) openInterruptibly(ctx context.Context, cfg mountConfig, signals <-chan os.Signal) (*layers, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	opened := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case s := <-signals:
			cancel(failure(remote.Canceled, "interrupted (%v) before the mount was ready", s))
		case <-opened:
		}
	}()
	y, err := a.openLayers(ctx, cfg)
	close(opened)
	<-watched
	if cause := context.Cause(ctx); cause != nil {
		if err == nil {
			y.abandon()
		}
		return nil, cause
	}
	return y, err
}

// announce says in the foreground that the mount is ready.
func (a *app) announce(y *layers) {
	y.log.log.Info("mounted", "dir", y.cfg.dir, "account", y.cfg.account.id(), "folder", y.cfg.root, "state", y.cfg.state)
	if a.parent == nil {
		a.printf("%s is mounted on %s; end it with Ctrl-C or: frugalfs unmount %s\n", y.cfg.account.id(), y.cfg.dir, y.cfg.dir)
	}
}

// wait returns when the mount has ended, for whatever reason. The first signal
// has it send what it can and unmount; the second unmounts even if programs
// use the mount.
func (m *mounted) wait(signals <-chan os.Signal) {
	gone := m.srv.Done()
	draining, hurry := context.WithCancel(context.Background())
	defer hurry()
	for asked := 0; ; {
		select {
		case <-m.over:
			return
		case <-gone:
			gone = nil
			go m.stop(draining)
		case s := <-signals:
			asked++
			m.log.log.Info("asked to end", "signal", s)
			if asked == 1 {
				go m.stop(draining)
				continue
			}
			hurry()
			go m.force()
		}
	}
}

// stop ends the mount, as a signal or an unmount by others asks for.
func (m *mounted) stop(ctx context.Context) {
	_, err := m.Unmount(ctx, drainTime)
	if err != nil && ctx.Err() == nil {
		m.log.log.Error("the mount goes on; ask once more to end it all the same", "err", err)
	}
}

// force ends the mount although it is in use.
func (m *mounted) force() {
	m.turn <- struct{}{}
	defer func() { <-m.turn }()
	m.end()
}

// Unmount implements [control.Mount].
func (m *mounted) Unmount(ctx context.Context, timeout time.Duration) (control.Left, error) {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return control.Left{}, remote.E(remote.Canceled, "unmount", m.cfg.dir, ctx.Err())
	}
	if m.isOver() {
		return control.Left{Items: m.left}, m.failed
	}
	sending, cancel := within(ctx, timeout)
	defer cancel()
	left, err := m.Flush(sending)
	if ctx.Err() != nil {
		return left, remote.E(remote.Canceled, "unmount", m.cfg.dir, ctx.Err())
	}
	if err != nil {
		m.log.log.Warn("sending before the unmount", "err", err)
	}
	if err := m.detachMount(ctx); err != nil {
		return left, err
	}
	if sending.Err() == nil {
		// what was written while the rest was sent
		left, _ = m.Flush(sending) // what is left is listed below
	}
	m.end()
	return control.Left{Items: m.left, Trouble: left.Trouble}, m.failed
}

// within is ctx with a timeout; 0 is none.
func within(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// detachMount takes the mount away unless it is in use. Requests that hang do
// not keep it.
func (m *mounted) detachMount(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), detachTime)
	defer cancel()
	err := m.srv.Unmount(ctx)
	if remote.IsKind(err, remote.Canceled) {
		m.log.log.Warn("requests under way are given up", "err", err)
		return nil
	}
	return err
}

// end closes everything; what is not sent stays queued. The caller has the
// turn, or is alone.
func (m *mounted) end() {
	if m.isOver() {
		return
	}
	left, err := m.ns.Pending()
	left = slices.DeleteFunc(left, func(it cache.PendingItem) bool { return it.KeptHere })
	m.left, m.failed = left, errors.Join(err, m.close())
	close(m.over)
}

func (m *mounted) isOver() bool {
	select {
	case <-m.over:
		return true
	default:
		return false
	}
}

// result is what the command that mounted returns in the end.
func (a *app) result(m *mounted) error {
	if m.failed != nil {
		return m.failed
	}
	if len(m.left) > 0 {
		a.list(m.left, time.Now())
		return failure(remote.Temporary, "%s not sent; the next mount with the state folder %s sends what is left",
			waits(len(m.left)), m.cfg.state)
	}
	return nil
}

// waits says how many changes are in some state.
func waits(n int) string { return plural(n, "change was", "changes were") }
