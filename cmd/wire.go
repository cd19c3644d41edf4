package cmd

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/cmd/control"
	"github.com/frugalfs/frugalfs/fs"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// layers are the parts of a mount, from the bottom up. What is nil was not
// opened.
type layers struct {
	cfg     mountConfig
	log     *mountLog
	sandbox *sandbox.Server
	state   *cache.State
	ledger  *ledger.Ledger
	ns      *cache.Namespace
	// socket is closed by the server that listens on it.
	socket net.Listener
	// hooks listens for webhooks.
	hooks *hookServer
	srv   *fs.Server
	// forget takes the mount out of the registry.
	forget func()
}

// openLayers opens all layers; if one fails, the others are closed again.
func (a *app) openLayers(ctx context.Context, cfg mountConfig) (*layers, error) {
	y := &layers{cfg: cfg}
	for _, step := range []func(context.Context, *app) error{
		y.openState, y.openSandbox, y.openNamespace, y.openHooks, y.openSocket, y.openMount,
	} {
		if err := step(ctx, a); err != nil {
			y.abandon()
			return nil, err
		}
	}
	return y, nil
}

// abandon closes layers that nobody has used. Errors are dropped: there is one
// already that says what is wrong.
func (y *layers) abandon() {
	_ = y.close()
	if y.socket != nil {
		_ = y.socket.Close()
	}
	_ = y.log.close()
}

// openState opens the state folder, the log, which may be in it, and the ledger,
// whose journal is.
func (y *layers) openState(_ context.Context, a *app) (err error) {
	if y.state, err = cache.OpenState(y.cfg.state); err != nil {
		return y.stateTrouble(err)
	}
	if y.log, err = a.openLog(y.cfg.log, y.cfg.state); err != nil {
		return y.stateTrouble(err)
	}
	if aside := y.state.SetAside(); aside != "" {
		y.log.log.Warn("the state database was damaged; a new one was begun", "damaged", aside)
	}
	p, err := findProvider(y.cfg.account.provider)
	if err != nil {
		return err
	}
	y.ledger, err = ledger.New(ledger.Options{
		Journal: y.state.Journal(), DailyLimit: y.cfg.dailyLimit, Windows: p.windows, Redactor: a.redactor, Logger: y.log.log,
	})
	return err
}

// stateTrouble adds the way out to errors of the state folder that lack it.
func (y *layers) stateTrouble(err error) error {
	switch remote.KindOf(err) {
	case remote.NoSpace:
		return wayOut(err, "make space on the disk of %s, or name a folder on another one with %s", y.cfg.state, y.cfg.stateFlag())
	case remote.Busy, remote.Unsupported:
		return err
	}
	return wayOut(err, "check %s, or name another folder with %s", y.cfg.state, y.cfg.stateFlag())
}

// stateFlag is how the user chooses the state folder.
func (cfg *mountConfig) stateFlag() string {
	if cfg.sandbox != nil {
		return "XDG_STATE_HOME"
	}
	return "--state-dir"
}

// openSandbox serves the account that a demo shows.
func (y *layers) openSandbox(_ context.Context, _ *app) (err error) {
	if y.cfg.sandbox == nil {
		return nil
	}
	o := *y.cfg.sandbox
	o.Logger = y.log.log
	if y.sandbox, err = sandbox.Open(o); err != nil {
		return err
	}
	y.cfg.account.url, err = y.sandbox.Start("127.0.0.1:0")
	return err
}

// openNamespace connects to the account.
func (y *layers) openNamespace(ctx context.Context, _ *app) error {
	client, err := y.cfg.account.open(ctx, gateOf(y.ledger, y.state, y.log.logger()))
	if err != nil {
		return y.accountTrouble(err)
	}
	y.ns, err = cache.New(ctx, y.state, cache.Options{
		Remote: client, Root: y.cfg.root, Account: y.cfg.account.id(),
		MaxAge: y.cfg.maxAge, Settle: y.cfg.settle, SyncClose: y.cfg.syncClose, ReadOnly: y.cfg.flags.ReadOnly,
		Witnesses: witnesses(), CacheSize: y.cfg.cacheSize, Indexers: y.cfg.indexers, UID: uint32(os.Getuid()), GID: uint32(os.Getgid()), Logger: y.log.log,
	})
	return y.accountTrouble(err)
}

// accountTrouble adds the way out to the errors of the first contact.
func (y *layers) accountTrouble(err error) error {
	if err == nil {
		return nil
	}
	acc := y.cfg.account
	switch remote.KindOf(err) {
	case remote.Auth:
		return wayOut(err, "check %s", acc.wayIn())
	case remote.Offline, remote.Temporary:
		return wayOut(err, "check --url %s and the network", acc.url)
	case remote.NotExist, remote.NotDir:
		return wayOut(err, "check that the folder %s is there at %s", y.cfg.root, acc.url)
	case remote.Permission:
		return wayOut(err, "ask the owner of the account at %s for the right to list it", acc.url)
	case remote.NoSpace:
		return y.stateTrouble(err)
	}
	return err
}

func (y *layers) openSocket(context.Context, *app) (err error) {
	if y.socket, err = control.Listen(y.socketPath()); err != nil {
		return y.stateTrouble(err)
	}
	return nil
}

// openMount makes the mount, and enters it into the registry.
func (y *layers) openMount(context.Context, *app) (err error) {
	y.srv, err = fs.Mount(y.ns, y.cfg.dir, fs.Options{Flags: y.cfg.flags, Logger: y.log.log})
	if err != nil {
		return err
	}
	y.cfg.dir = y.srv.Dir()
	y.forget, err = control.Register(control.Record{
		Mountpoint: y.cfg.dir, Socket: y.socketPath(), StateDir: y.cfg.state, PID: os.Getpid(),
	})
	return err
}

// goneTime is how long requests that hang may keep an unmounted namespace open.
const goneTime = 5 * time.Second

// close closes what was opened, from the top down. What is mounted still is
// taken out of sight.
func (y *layers) close() error {
	var errs []error
	if y.srv != nil {
		errs = append(errs, y.srv.UnmountLazy())
		gone := time.NewTimer(goneTime)
		select {
		case <-y.srv.Done():
		case <-gone.C: // a program has something open; it gets errors now
		}
		gone.Stop()
	}
	if y.forget != nil {
		y.forget()
	}
	errs = append(errs, y.closeState())
	if y.ledger != nil {
		y.ledger.CloseIdleConnections()
	}
	if y.sandbox != nil {
		errs = append(errs, y.sandbox.Close())
	}
	return errors.Join(errs...)
}

// closeState gives the state folder free.
func (y *layers) closeState() error {
	var errs []error
	if y.hooks != nil { // it hands over to the namespace
		errs = append(errs, y.hooks.close())
	}
	if y.socket != nil {
		// before the lock is released: the next mount makes its own
		errs = append(errs, os.Remove(y.socketPath()))
	}
	switch {
	case y.ns != nil:
		errs = append(errs, y.ns.Close())
	case y.state != nil:
		errs = append(errs, y.state.Close())
	}
	return errors.Join(errs...)
}

func (y *layers) socketPath() string { return filepath.Join(y.cfg.state, control.SocketName) }
