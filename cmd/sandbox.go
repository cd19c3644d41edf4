package cmd

import (
	"context"
	"crypto/rand"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// sandboxFlags are the flags of sandbox as they were given.
type sandboxFlags struct {
	provider, root, listen string
	switches               []string
	listSwitches           bool
	limit                  int
	latency                time.Duration
	log                    logOptions
}

const sandboxHelp = `Serve a local folder by the API of a provider, to try frugalfs out.

The credentials that are asked for are those in FRUGALFS_API_KEY and
FRUGALFS_ACCESS_TOKEN, or new ones, which are printed. Faults can be scripted and
requests counted with control requests below /sandbox/ (see the documentation).`

func (a *app) sandboxCommand() *cobra.Command {
	f := &sandboxFlags{}
	c := &cobra.Command{
		Use:   "sandbox --provider NAME --root DIR",
		Short: "Serve a local folder by a provider's API",
		Long:  sandboxHelp,
		Args:  need(),
		RunE: func(c *cobra.Command, _ []string) error {
			if f.listSwitches {
				return f.printSwitches(a)
			}
			return a.sandbox(c.Context(), f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.provider, "provider", "exavault", "whose API: "+strings.Join(sandbox.Providers(), ", "))
	fl.StringVar(&f.root, "root", "", "the folder that is the account")
	fl.StringVar(&f.listen, "listen", "127.0.0.1:0", "address to listen on; port 0 is any")
	fl.StringArrayVar(&f.switches, "switch", nil, "NAME=VALUE: how a point falls that the provider's documents leave open; may be repeated")
	fl.BoolVar(&f.listSwitches, "list-switches", false, "list the switches, and end")
	fl.IntVar(&f.limit, "limit", sandbox.DefaultDailyLimit, "requests allowed in 24 hours")
	fl.DurationVar(&f.latency, "latency", 0, "time that every request takes more")
	f.log.define(c)
	return c
}

func (f *sandboxFlags) check() error {
	switch {
	case !slices.Contains(sandbox.Providers(), f.provider):
		return misuse("the provider %q is not offered; offered: %s", f.provider, strings.Join(sandbox.Providers(), ", "))
	case f.root == "":
		return misuse("--root is missing: name the folder that is the account")
	case f.limit < 1:
		return misuse("--limit %d is not positive", f.limit)
	case f.latency < 0:
		return misuse("--latency %v is negative", f.latency)
	}
	return nil
}

func (f *sandboxFlags) printSwitches(a *app) error {
	if err := sandbox.PrintSwitches(a.out, f.provider); err != nil {
		return usageError{err}
	}
	return nil
}

// options makes the sandbox's options of the flags.
func (f *sandboxFlags) options() (o sandbox.Options, err error) {
	if err := f.check(); err != nil {
		return o, err
	}
	root, err := filepath.Abs(f.root)
	if err != nil {
		return o, diskError("serve", f.root, err)
	}
	o = sandbox.Options{Provider: f.provider, Root: root, DailyLimit: f.limit, Latency: f.latency, Switches: map[string]string{}}
	for _, s := range f.switches {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return o, misuse("--switch %s: write it as NAME=VALUE; see: frugalfs sandbox --list-switches", s)
		}
		o.Switches[name] = value
	}
	return o, nil
}

func (a *app) sandbox(ctx context.Context, f *sandboxFlags) error {
	s, err := a.takeSecrets()
	if err != nil {
		return err
	}
	o, err := f.options()
	if err != nil {
		return err
	}
	p, err := findProvider(o.Provider)
	if err != nil {
		return err
	}
	fresh := s.fill(p)
	a.redactor.Add(s.APIKey, s.AccessToken, s.Password)
	s.guard(&o)
	l, err := a.openLog(f.log, "")
	if err != nil {
		return err
	}
	defer func() { _ = l.close() }()
	l.release()
	o.Logger = l.log
	harden()
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return a.runSandbox(ctx, o, f.listen, s, fresh)
}

// fill makes up those of the usual credentials that are missing, unless others
// are complete, and returns which it made.
func (s *secrets) fill(p provider) (fresh []string) {
	if slices.ContainsFunc(p.signIns, s.complete) {
		return nil
	}
	for _, name := range p.signIns[0] {
		if secret := s.named(name); *secret == "" {
			*secret = rand.Text()
			fresh = append(fresh, name)
		}
	}
	return fresh
}

// guard has a sandbox ask for the credentials.
func (s *secrets) guard(o *sandbox.Options) {
	o.APIKey, o.AccessToken, o.Username, o.Password = s.APIKey, s.AccessToken, s.Username, s.Password
}

// runSandbox serves until ctx ends.
func (a *app) runSandbox(ctx context.Context, o sandbox.Options, listen string, s secrets, fresh []string) error {
	server, err := sandbox.Open(o)
	if remote.IsKind(err, remote.Invalid) { // a switch
		return usageError{err}
	}
	if err != nil {
		return err
	}
	url, err := server.Start(listen)
	if err != nil {
		_ = server.Close()
		return wayOut(err, "name another address with --listen")
	}
	a.printf("%s of %s on %s; end it with Ctrl-C\n", o.Provider, o.Root, url)
	for _, name := range fresh {
		a.printf("export %s=%s\n", name, *s.named(name))
	}
	a.printf("frugalfs mount : MOUNTPOINT --provider %s --url %s\n", o.Provider, url)
	<-ctx.Done()
	return server.Close()
}
