package cmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/frugalfs/frugalfs/fs"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/sandbox"
	"github.com/frugalfs/frugalfs/remote/yetishare"
)

// mountFlags are the flags of mount as they were given.
type mountFlags struct {
	provider, url, stateDir string
	cacheSize               size
	maxAge, settle          time.Duration
	sync, emptyFiles        choice
	rootFolder              string
	readOnly, allowOther    bool
	deleteSent              bool
	daemon                  bool
	options                 []string
	dailyLimit              int
	hooks, indexers         string
	log                     logOptions
}

// mountConfig is everything that a mount is made of.
type mountConfig struct {
	account account
	// dir is where it is mounted, root the folder of the account, state the
	// state folder.
	dir, root, state string
	cacheSize        int64
	maxAge, settle   time.Duration
	syncClose        bool
	flags            fs.Flags
	dailyLimit       int
	// hooks is where webhooks are listened for, "" if nowhere; indexers are
	// the names of those that cost nothing, nil for the usual ones.
	hooks    string
	indexers []string
	log      logOptions
	// sandbox is served by the same process, nil if none is.
	sandbox *sandbox.Options
}

// Defaults of the flags.
const (
	defaultCache  = 10 << 30
	defaultMaxAge = time.Minute
	defaultSettle = 2 * time.Second
	minMaxAge     = 100 * time.Millisecond
)

const mountHelp = `Mount an account, or a folder of it, on an empty directory.

REMOTE is ":" for the whole account or ":/FOLDER" for a folder of it. The
credentials are taken from the environment: FRUGALFS_API_KEY,
FRUGALFS_ACCESS_TOKEN, FRUGALFS_USERNAME and FRUGALFS_PASSWORD, as many of them
as the provider wants.

The command stays in the foreground until the mount ends; with --daemon it
returns when the mount is ready.`

func (a *app) mountCommand() *cobra.Command {
	f := &mountFlags{}
	c := &cobra.Command{
		Use:     "mount REMOTE MOUNTPOINT --provider NAME --url URL",
		Short:   "Mount an account on a directory",
		Long:    mountHelp,
		Example: "  frugalfs mount : ~/files --provider exavault --url https://SITE.exavault.com",
		Args:    need("REMOTE", "MOUNTPOINT"),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := a.takeSecrets()
			if err != nil {
				return err
			}
			cfg, err := f.config(args[0], args[1], s)
			if err != nil {
				return err
			}
			return a.mount(c.Context(), cfg, f.daemon)
		},
	}
	f.define(c)
	return c
}

// mount mounts in this process, or has another one do so in the background.
func (a *app) mount(ctx context.Context, cfg mountConfig, daemon bool) error {
	if err := checkFree(ctx, cfg.dir); err != nil {
		return err
	}
	if daemon && a.parent == nil {
		return a.startDaemon(cfg.account.secrets)
	}
	return a.serve(ctx, cfg)
}

func (f *mountFlags) define(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.provider, "provider", "", "whose service it is: "+offered())
	fl.StringVar(&f.url, "url", "", "the account's address, as "+providers[0].address)
	fl.StringVar(&f.rootFolder, "root-folder", "", "with yetishare: the account's folder to show as its root, / for the account's own (default "+yetishare.DefaultRoot+")")
	f.emptyFiles = choice{value: "keep", of: []string{"keep", yetishare.Placeholder}}
	fl.Var(&f.emptyFiles, "empty-files", "with yetishare: keep files without content here, or store a placeholder")
	fl.BoolVar(&f.deleteSent, "delete-sent", false, "with filemail: let files and transfers in sent be deleted, which takes them from their recipients, too")
	fl.StringVar(&f.stateDir, "state-dir", "", "folder for the database, the cache and what is still to be sent (default: one per account and folder below XDG_STATE_HOME)")
	f.cacheSize = defaultCache
	fl.Var(&f.cacheSize, "cache-size", "how much content to keep on disk, 0 for any amount")
	fl.DurationVar(&f.maxAge, "max-age", defaultMaxAge, "how long what is known is shown without asking")
	fl.DurationVar(&f.settle, "settle", defaultSettle, "how long a change must be quiet before it is sent")
	f.sync = choice{value: "background", of: []string{"background", "close"}}
	fl.Var(&f.sync, "sync", "send in the background, or before close returns")
	fl.BoolVar(&f.readOnly, "read-only", false, "refuse every change")
	fl.BoolVar(&f.allowOther, "allow-other", false, "let other users in")
	fl.BoolVar(&f.daemon, "daemon", false, "go on in the background once the mount is ready")
	fl.StringArrayVarP(&f.options, "options", "o", nil, "mount options, separated by commas: ro, noexec, noatime, allow_other")
	fl.IntVar(&f.dailyLimit, "daily-limit", 0, "transactions to spend in 24 hours, where the provider names no limit")
	fl.StringVar(&f.hooks, "webhook-listen", "", "address to listen at for the provider's webhooks, in plain HTTP, as 127.0.0.1:8080; their token is taken from "+envWebhookToken)
	fl.StringVar(&f.indexers, "indexers", "", "programs that get only what is known here, by name, separated by commas, or none (default updatedb, tracker-miner-fs-3, baloo_file and others)")
	f.log.define(c)
}

func (o *logOptions) define(c *cobra.Command) {
	c.Flags().Var(&o.level, "log-level", "how much to log")
	c.Flags().StringVar(&o.file, "log-file", "", "file to log to (default: standard error; with --daemon "+logName+" in the state folder)")
}

// config checks the flags and makes a configuration of them.
func (f *mountFlags) config(remoteName, dir string, s secrets) (cfg mountConfig, err error) {
	if err := f.check(); err != nil {
		return cfg, err
	}
	cfg = mountConfig{
		account:   account{provider: f.provider, url: strings.TrimSpace(f.url), secrets: s, rootFolder: f.rootFolder, deleteSent: f.deleteSent},
		cacheSize: int64(f.cacheSize), maxAge: f.maxAge, settle: max(f.settle, 1), // 0 would be the default
		syncClose: f.sync.value == "close", dailyLimit: f.dailyLimit, log: f.log,
		hooks: f.hooks, indexers: indexerNames(f.indexers),
	}
	if f.emptyFiles.value != "keep" {
		cfg.account.emptyFiles = f.emptyFiles.value
	}
	if err := cfg.account.check(); err != nil {
		return cfg, err
	}
	if err := cfg.checkHooks(); err != nil {
		return cfg, err
	}
	if cfg.root, err = remoteFolder(remoteName); err != nil {
		return cfg, err
	}
	if cfg.flags, err = f.mountOptions(); err != nil {
		return cfg, err
	}
	return cfg, cfg.places(dir, f.stateDir)
}

func (f *mountFlags) check() error {
	if _, err := findProvider(f.provider); err != nil {
		return err
	}
	switch {
	case f.settle < 0:
		return misuse("--settle %v is negative", f.settle)
	case f.maxAge < minMaxAge:
		return misuse("--max-age %v is too short: it must be at least %v", f.maxAge, minMaxAge)
	case f.dailyLimit < 0:
		return misuse("--daily-limit %d is negative", f.dailyLimit)
	}
	return nil
}

// remoteFolder reads REMOTE and returns the folder that it names.
func remoteFolder(name string) (string, error) {
	folder, ok := strings.CutPrefix(name, ":")
	if !ok || folder != "" && !strings.HasPrefix(folder, "/") {
		return "", misuse("the remote %q is not understood: write \":\" for the whole account or \":/FOLDER\" for a folder of it", name)
	}
	if slices.Contains(strings.Split(folder, "/"), "..") {
		return "", misuse("the remote %q leads out of itself", name)
	}
	return path.Clean("/" + folder), nil
}

// mountOptions reads -o, and adds what has flags of its own.
func (f *mountFlags) mountOptions() (fs.Flags, error) {
	flags, err := fs.ParseFlags(strings.Join(f.options, ","))
	if err != nil {
		return flags, usageError{err}
	}
	flags.ReadOnly = flags.ReadOnly || f.readOnly
	flags.AllowOther = flags.AllowOther || f.allowOther
	return flags, nil
}

// places makes all paths absolute: a daemon leaves the current folder.
func (cfg *mountConfig) places(dir, state string) (err error) {
	if cfg.dir, err = filepath.Abs(dir); err != nil {
		return diskError("mount", dir, err)
	}
	if cfg.log.file != "" {
		if cfg.log.file, err = filepath.Abs(cfg.log.file); err != nil {
			return diskError("log to", cfg.log.file, err)
		}
	}
	if state == "" {
		cfg.state, err = defaultState(cfg.account.host(), cfg.account.id(), cfg.root)
		return err
	}
	if cfg.state, err = filepath.Abs(state); err != nil {
		return diskError("open state folder", state, err)
	}
	return nil
}

// stateHome is the folder that all default state folders are in.
func stateHome() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "frugalfs"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", failure(remote.Invalid, "there is no home folder for the state: name a folder with --state-dir")
	}
	return filepath.Join(home, ".local", "state", "frugalfs"), nil
}

// witnesses is the folder that tells whether a state folder is the one that was
// last in use on this machine: backups leave caches out. "" if there is no home.
func witnesses() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "frugalfs", "witnesses")
}

// defaultState is the state folder that belongs to what the words name. label
// begins its name, for people.
func defaultState(label string, words ...string) (string, error) {
	home, err := stateHome()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return filepath.Join(home, label+"-"+hex.EncodeToString(sum[:6])), nil
}
