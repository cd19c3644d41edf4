package control

import (
	"context"
	"errors"
	"time"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// Mount is what a server answers for. Its methods may be called at once from
// many goroutines; errors are of type *remote.Error.
type Mount interface {
	// Status says how the mount stands. It makes no request.
	Status() (Status, error)
	// Flush sends everything that was changed before, until ctx ends.
	Flush(ctx context.Context) (Left, error)
	// Unmount flushes for as long as timeout says (0 is without a limit), and
	// unmounts, whatever is left. It returns when the state folder is free
	// again. If the mount is in use, or ctx ends during the flush, that is an
	// error, and the mount goes on.
	Unmount(ctx context.Context, timeout time.Duration) (Left, error)
	// Pending lists what is to be sent.
	Pending() ([]cache.PendingItem, error)
	// Retry, Drop and Export act on it, see [cache.Namespace]; Explain is the
	// plan in words.
	Retry() (int, error)
	Drop() (int, error)
	Export(ctx context.Context, dir string) ([]string, error)
	Explain() (string, error)
	// Prefetch fetches the content of everything at a path of the mount and
	// below it, until ctx ends, and returns what is missing then.
	Prefetch(ctx context.Context, path string, tell func(cache.PrefetchProgress)) ([]cache.Missing, error)
}

// Status is how a mount stands.
type Status struct {
	Mountpoint string    `json:"mountpoint"`
	PID        int       `json:"pid"`
	Version    string    `json:"version"`
	Started    time.Time `json:"started"`
	// State is "online", "offline", or "budget" if the transactions of the
	// day are used up.
	State string `json:"state"`
	cache.Status
	// Ledger is the rolling 24 hours.
	Ledger ledger.Snapshot `json:"ledger"`
}

// The values of Status.State.
const (
	Online  = "online"
	Offline = "offline"
	Budget  = "budget"
)

// Standing says which State follows from the rest.
func (s *Status) Standing() string {
	l := &s.Ledger
	switch {
	case !s.Online:
		return Offline
	case l.BlockedUntil.After(l.At), l.Limit > 0 && l.Remaining == 0:
		return Budget
	}
	return Online
}

// Left is what a flush could not send.
type Left struct {
	Items []cache.PendingItem `json:"left"`
	// Trouble is what keeps everything from being sent, "" if nothing does.
	Trouble string `json:"trouble,omitempty"`
}

// fault is a [remote.Error] on its way to the client.
type fault struct {
	Kind   remote.Kind `json:"kind"`
	Op     string      `json:"op,omitempty"`
	Path   string      `json:"path,omitempty"`
	Status int         `json:"status,omitempty"`
	Detail string      `json:"detail,omitempty"`
	Cause  string      `json:"cause,omitempty"`
}

func faultOf(err error) fault {
	var e *remote.Error
	if !errors.As(err, &e) {
		return fault{Kind: remote.KindOf(err), Cause: err.Error()}
	}
	f := fault{Kind: e.Kind, Op: e.Op, Path: e.Path, Status: e.Status, Detail: e.Detail}
	if e.Err != nil {
		f.Cause = e.Err.Error()
	}
	return f
}

func (f fault) err() *remote.Error {
	e := &remote.Error{Kind: f.Kind, Op: f.Op, Path: f.Path, Status: f.Status, Detail: f.Detail}
	if f.Cause != "" {
		e.Err = errors.New(f.Cause)
	}
	return e
}
