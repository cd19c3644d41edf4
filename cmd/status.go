package cmd

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/frugalfs/frugalfs/cmd/control"
	"github.com/frugalfs/frugalfs/fs"
	"github.com/frugalfs/frugalfs/remote"
)

// statusTimeout is how long a mount may take to answer: it makes no request.
const statusTimeout = 10 * time.Second

func (a *app) statusCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "status [MOUNTPOINT]",
		Short: "Show how mounts stand, and what they spent",
		Long: `Show how a mount stands: what is to be sent, which transactions were spent and on
what, and what went wrong. Without MOUNTPOINT, all mounts of this user.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), statusTimeout)
			defer cancel()
			if len(args) == 0 {
				return a.statusOfAll(ctx, asJSON)
			}
			return a.statusOf(ctx, args[0], asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) statusOf(ctx context.Context, dir string, asJSON bool) error {
	f, err := find(dir)
	if err != nil {
		return err
	}
	s, err := f.client.Status(ctx)
	if err != nil {
		return f.explain(err)
	}
	if asJSON {
		return a.printJSON(s)
	}
	a.printStatus(s)
	return nil
}

// mountLine is one mount in the answer of status without a mount point.
type mountLine struct {
	Mountpoint string `json:"mountpoint"`
	// Error says why there is no Status.
	Error  string          `json:"error,omitempty"`
	Status *control.Status `json:"status,omitempty"`
}

func (a *app) statusOfAll(ctx context.Context, asJSON bool) error {
	dirs, err := allMounts()
	if err != nil {
		return err
	}
	all := make([]mountLine, 0, len(dirs))
	for _, dir := range dirs {
		all = append(all, lineOf(ctx, dir))
	}
	if asJSON {
		return a.printJSON(all)
	}
	if len(all) == 0 {
		a.printf("nothing is mounted\n")
	}
	for i, line := range all {
		if i > 0 {
			a.printf("\n")
		}
		if line.Status != nil {
			a.printStatus(*line.Status)
		} else {
			a.printf("%s\n  %s\n", printable(line.Mountpoint), oneLine(line.Error))
		}
	}
	return nil
}

func lineOf(ctx context.Context, dir string) mountLine {
	line := mountLine{Mountpoint: dir}
	f, err := findAt(dir)
	if err == nil {
		var s control.Status
		if s, err = f.client.Status(ctx); err == nil {
			line.Status = &s
			return line
		}
		err = f.explain(err)
	}
	line.Error = err.Error()
	return line
}

// allMounts returns the mount points of all frugalfs mounts that are there or
// answer. What is in the registry only, and dead, is left out: nothing is
// mounted there.
func allMounts() ([]string, error) {
	mounts, err := fs.Mounts()
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, m := range mounts {
		if m.Ours() {
			dirs = append(dirs, m.Dir)
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs), nil
}

func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return remote.E(remote.Other, "print", "", err)
	}
	return nil
}
