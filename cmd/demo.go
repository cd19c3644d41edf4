package cmd

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/frugalfs/frugalfs/remote/sandbox"
)

func (a *app) demoCommand() *cobra.Command {
	f := &mountFlags{}
	c := &cobra.Command{
		Use:   "demo MOUNTPOINT",
		Short: "Mount a sandbox, with nothing to configure",
		Long: `Serve a folder of this machine as an account, and mount it. What is in the account
stays from one demo on a mount point to the next.`,
		Args: need("MOUNTPOINT"),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.demoConfig(f, args[0])
			if err != nil {
				return err
			}
			return a.mount(c.Context(), cfg, f.daemon)
		},
	}
	c.Flags().StringVar(&f.provider, "provider", providers[0].name, "whose service to show: "+offered())
	c.Flags().BoolVar(&f.daemon, "daemon", false, "go on in the background once the mount is ready")
	f.log.define(c)
	return c
}

// demoConfig makes the configuration of a mount and the sandbox below it. The
// credentials are made up for each run.
func (a *app) demoConfig(f *mountFlags, dir string) (cfg mountConfig, err error) {
	p, err := findProvider(f.provider)
	if err != nil {
		return cfg, err
	}
	s, err := a.takeSecrets()
	if err != nil {
		return cfg, err
	}
	if a.parent == nil {
		s = secrets{} // those in the environment are of an account, not of a demo
	}
	s.fill(p)
	a.redactor.Add(s.APIKey, s.AccessToken, s.Password)
	cfg = mountConfig{
		account: account{provider: f.provider, secrets: s, name: "demo " + f.provider}, root: "/",
		cacheSize: defaultCache, maxAge: defaultMaxAge, settle: defaultSettle, log: f.log,
	}
	if err := cfg.places(dir, "/"); err != nil {
		return cfg, err
	}
	home, err := defaultState("demo", f.provider, cfg.dir)
	if err != nil {
		return cfg, err
	}
	cfg.state = filepath.Join(home, "state")
	cfg.sandbox = &sandbox.Options{Provider: f.provider, Root: filepath.Join(home, "account")}
	s.guard(cfg.sandbox)
	return cfg, nil
}
