package cmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
)

const pendingHelp = `List what is still to be sent, and what was given up and why.

  retry       try again now what was given up or waits after a failure
  export DIR  copy the content of everything that is to be sent into a folder
  drop        give up for good what could not be sent: new files go, changed ones
              become what the provider has, and deleted ones are shown again`

func (a *app) pendingCommand() *cobra.Command {
	var explain bool
	c := &cobra.Command{
		Use:   "pending MOUNTPOINT [retry | export DIR | drop]",
		Short: "List, retry, export or drop what is not sent",
		Long:  pendingHelp,
		Args:  checkPending,
		RunE: func(c *cobra.Command, args []string) error {
			if explain && len(args) > 1 {
				return misuse("--explain goes with the list only")
			}
			f, err := find(args[0])
			if err != nil {
				return err
			}
			return f.explain(a.pending(c.Context(), f, args[1:], explain))
		},
	}
	c.Flags().BoolVar(&explain, "explain", false, "show also the plan: which requests will be made")
	return c
}

// checkPending checks the arguments of pending.
func checkPending(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 1, len(args) == 2 && (args[1] == "retry" || args[1] == "drop"), len(args) == 3 && args[1] == "export":
		return nil
	case len(args) == 2 && args[1] == "export":
		return misuse("export needs the folder to copy to: frugalfs pending %s export DIR", args[0])
	}
	return misuse("pending takes MOUNTPOINT, and then retry, export DIR, drop or nothing; see: frugalfs pending --help")
}

func (a *app) pending(ctx context.Context, f found, action []string, explain bool) error {
	if len(action) == 0 {
		return a.showPending(ctx, f, explain)
	}
	switch action[0] {
	case "retry":
		n, err := f.client.Retry(ctx)
		return a.done(err, "%s tried again\n", plural(n, "change is", "changes are"))
	case "drop":
		n, err := f.client.Drop(ctx)
		return a.done(err, "%s dropped\n", waits(n))
	}
	return a.export(ctx, f, action[1])
}

// done prints what was done unless it failed.
func (a *app) done(err error, format string, args ...any) error {
	if err == nil {
		a.printf(format, args...)
	}
	return err
}

func (a *app) showPending(ctx context.Context, f found, explain bool) error {
	items, err := f.client.Pending(ctx)
	if err != nil {
		return err
	}
	if len(items) == 0 {
		a.printf("everything is sent\n")
	}
	for now, i := time.Now(), 0; i < len(items); i++ {
		a.printf("%s\n", itemLine(items[i], now))
	}
	if !explain {
		return nil
	}
	plan, err := f.client.Explain(ctx)
	return a.done(err, "%s", plan)
}

// itemLine describes a change that waits.
func itemLine(it cache.PendingItem, now time.Time) string {
	line := fmt.Sprintf("%-8s %9s  %-14s %s", it.Change, humanSize(it.Size), ago(it.Since, now), printable(it.Path))
	switch {
	case it.Failed:
		line += "  given up: " + it.Reason
	case it.Reason != "":
		line += "  waits: " + it.Reason
	case strings.HasPrefix(it.State, "sending"):
		line += "  " + it.State
	}
	return oneLine(line)
}

// printable quotes names that would do something to a terminal.
func printable(path string) string {
	if clean := oneLine(path); clean == path {
		return path
	}
	return fmt.Sprintf("%q", path)
}

func (a *app) export(ctx context.Context, f found, dir string) error {
	dir, err := f.outside(dir)
	if err != nil {
		return err
	}
	files, err := f.client.Export(ctx, dir)
	return a.done(err, "%s copied to %s\n", plural(len(files), "file was", "files were"), dir)
}

// outside makes a folder that is to hold an export, and returns its real path.
// It must not be on the mount, by whatever way.
func (f found) outside(dir string) (string, error) {
	there, err := existing(dir)
	if err != nil {
		return "", err
	}
	var s unix.Stat_t
	if err := unix.Stat(there, &s); err != nil {
		return "", diskError("export to", dir, err)
	}
	device := fmt.Sprintf("%d:%d", unix.Major(s.Dev), unix.Minor(s.Dev))
	if m, ok, err := mountAt(f.dir); err == nil && ok && m.Device == device {
		return "", &remote.Error{Kind: remote.Invalid, Op: "export to", Path: dir, Detail: "name a folder outside the mount"}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", diskError("export to", dir, err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	return real, diskError("export to", dir, err)
}
