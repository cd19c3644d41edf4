package cmd

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/cmd/control"
	"github.com/frugalfs/frugalfs/fs"
	"github.com/frugalfs/frugalfs/remote"
)

// unmountTimeout is how long unmount sends unless it is told.
const unmountTimeout = 5 * time.Minute

func (a *app) unmountCommand() *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "unmount MOUNTPOINT",
		Short: "Send everything, then unmount",
		Long: `Send everything that was changed, then unmount.

What cannot be sent in time stays queued in the state folder, and is listed; the
next mount sends it. The exit code is then 1.`,
		Args: need("MOUNTPOINT"),
		RunE: func(c *cobra.Command, args []string) error {
			if timeout < 0 {
				return misuse("--timeout %v is negative", timeout)
			}
			return a.unmount(c.Context(), args[0], timeout)
		},
	}
	c.Flags().DurationVar(&timeout, "timeout", unmountTimeout, "how long to go on sending, 0 for as long as it takes")
	return c
}

func (a *app) unmount(ctx context.Context, dir string, timeout time.Duration) error {
	f, err := find(dir)
	var left control.Left
	if err == nil {
		left, err = f.client.Unmount(ctx, timeout)
	}
	switch {
	case isGone(err):
		return f.clear(f.explain(err))
	case err != nil:
		return err
	case len(left.Items) == 0:
		return nil
	}
	a.list(left.Items, time.Now())
	return failure(remote.Temporary, "%s is unmounted, and %s not sent%s; the next mount with the state folder %s sends what is left",
		f.dir, waits(len(left.Items)), because(left.Trouble), f.record.StateDir)
}

// because joins a reason to a sentence.
func because(trouble string) string {
	if trouble == "" {
		return ""
	}
	return " (" + trouble + ")"
}

// clear takes away what a killed process left mounted. That is not what
// unmount promises, so it is a failure all the same.
func (f found) clear(asked error) error {
	if _, ok, err := mountAt(f.dir); err != nil || !ok || !fs.Dead(f.dir) {
		return asked
	}
	if err := fs.DetachLazily(f.dir); err != nil {
		return err
	}
	return failure(remote.Offline, "the process of the mount on %s was gone, and the mount was taken away; mount it again and what was not sent goes on", f.dir)
}

// listed is how many changes are listed before they are only counted.
const listed = 50

// list prints changes that wait.
func (a *app) list(items []cache.PendingItem, now time.Time) {
	for _, it := range items[:min(listed, len(items))] {
		a.printf("%s\n", itemLine(it, now))
	}
	if more := len(items) - listed; more > 0 {
		a.printf("and %d more\n", more)
	}
}
