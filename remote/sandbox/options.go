package sandbox

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/sandbox/dialect"
	"github.com/frugalfs/frugalfs/remote/sandbox/exavault"
	"github.com/frugalfs/frugalfs/remote/sandbox/exavault1"
	"github.com/frugalfs/frugalfs/remote/sandbox/filemail"
	"github.com/frugalfs/frugalfs/remote/sandbox/filescom"
	"github.com/frugalfs/frugalfs/remote/sandbox/yetishare"
)

// Options say what a sandbox serves and how.
type Options struct {
	// Provider is the provider's name on the command line.
	Provider string
	// Root is the folder that is the account's content; it is made if missing.
	Root string
	// MetaDir holds what the file system cannot keep. Default: Root + ".sandbox".
	MetaDir string
	// Home is the folder that the user sees as "/", relative to the account's
	// root. Default: "/". It is made if missing.
	Home string
	// APIKey, AccessToken, Username and Password are what requests must
	// prove. What is left empty is not asked for.
	APIKey, AccessToken, Username, Password string
	// Account is the account's name. Default: "sandbox".
	Account string
	// DailyLimit is the number of requests allowed in 24 hours. 0 means
	// DefaultDailyLimit.
	DailyLimit int
	// DiskLimit is the storage quota in bytes that the account shows; it is
	// not enforced. Default: 100 GiB.
	DiskLimit int64
	// Latency is added to every API request.
	Latency time.Duration
	// Bandwidth limits the bytes per second of all bodies together. 0 means
	// no limit.
	Bandwidth int
	// HookPause is the pause after the first failed delivery of a webhook.
	// Default: one second.
	HookPause time.Duration
	// Switches choose how open points of the provider's documents fall.
	Switches map[string]string
	// Logger receives warnings. Default: slog.Default().
	Logger *slog.Logger
	// Now is the clock of everything that the account shows, and of the
	// daily limit. Default: time.Now.
	Now func() time.Time
}

// DefaultDailyLimit is the daily limit of ExaVault's smallest plan.
const DefaultDailyLimit = 60_000

// DefaultUser is the user name if Options gives none.
const DefaultUser = "sandboxuser"

func (o *Options) fill() {
	setDefault(&o.Account, "sandbox")
	setDefault(&o.Home, "/")
	setDefault(&o.DailyLimit, DefaultDailyLimit)
	setDefault(&o.DiskLimit, 100<<30)
	setDefault(&o.HookPause, time.Second)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

func setDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

// providers are the dialects by name.
func providers() map[string]dialect.Provider {
	return map[string]dialect.Provider{
		"exavault":  exavault.Provider(),
		"exavault1": exavault1.Provider(),
		"yetishare": yetishare.Provider(),
		"filemail":  filemail.Provider(),
		"filescom":  filescom.Provider(),
	}
}

// Providers returns the names of the providers that the sandbox can be.
func Providers() []string { return slices.Sorted(maps.Keys(providers())) }

func provider(name string) (dialect.Provider, error) {
	p, ok := providers()[name]
	if !ok {
		return p, remote.E(remote.Invalid, "open", "",
			fmt.Errorf("the sandbox has no provider %q; there are: %s", name, strings.Join(Providers(), ", ")))
	}
	return p, nil
}

// Switches returns the table of a provider's switches.
func Switches(name string) ([]dialect.Switch, error) {
	p, err := provider(name)
	return dialect.Table(p.Switches), err
}

// PrintSwitches writes the table of a provider's switches for people to read.
func PrintSwitches(w io.Writer, name string) error {
	table, err := Switches(name)
	if err != nil {
		return err
	}
	for _, s := range table {
		if _, err := fmt.Fprintf(w, "%s=%s\n    %s\n    values: %s\n", s.Name, s.Default, s.Help, strings.Join(s.Values, ", ")); err != nil {
			return err
		}
	}
	return nil
}
