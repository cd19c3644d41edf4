package cmd

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/frugalfs/frugalfs/remote"
)

func (a *app) flushCommand() *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "flush MOUNTPOINT",
		Short: "Wait until everything is at the provider",
		Long: `Send everything that was changed before now, and wait until it is at the
provider. What is not there in time is listed; the exit code is then 1.`,
		Args: need("MOUNTPOINT"),
		RunE: func(c *cobra.Command, args []string) error {
			if timeout < 0 {
				return misuse("--timeout %v is negative", timeout)
			}
			return a.flush(c.Context(), args[0], timeout)
		},
	}
	c.Flags().DurationVar(&timeout, "timeout", 0, "how long to wait, 0 for as long as it takes")
	return c
}

func (a *app) flush(ctx context.Context, dir string, timeout time.Duration) error {
	f, err := find(dir)
	if err != nil {
		return err
	}
	left, err := f.client.Flush(ctx, timeout)
	if err != nil {
		return f.explain(err)
	}
	if len(left.Items) == 0 {
		return nil
	}
	a.list(left.Items, time.Now())
	return failure(remote.Temporary, "%s not sent%s; see: frugalfs pending %s", waits(len(left.Items)), because(left.Trouble), f.dir)
}
