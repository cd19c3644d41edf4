package cmd

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/fs"
	"github.com/frugalfs/frugalfs/remote"
)

func (a *app) prefetchCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "prefetch PATH",
		Short: "Fetch the content of a file or a folder's tree ahead",
		Long: `Fetch the content of everything at PATH, on a mount, and below it, so that it
can be read without the network. Many small files come in one request. What does
not fit the cache (--cache-size of the mount), and what the day's transactions do
not allow, is listed; the exit code is then 1. It may be interrupted: what came
stays, and another prefetch goes on from there.`,
		Args: need("PATH"),
		RunE: func(c *cobra.Command, args []string) error {
			f, inside, err := findAround(args[0])
			if err != nil {
				return err
			}
			return f.explain(a.prefetch(c.Context(), f, inside))
		},
	}
}

// findAround finds the mount that a path is on, and where in it that is.
func findAround(path string) (found, string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return found{}, "", remote.E(remote.Invalid, "prefetch", path, err)
	}
	top, ok, err := mountAround(abs)
	if err == nil && !ok {
		// The way there may lead over links.
		if real, e := filepath.EvalSymlinks(abs); e == nil {
			abs = real
			top, ok, err = mountAround(abs)
		}
	}
	if err != nil {
		return found{}, "", err
	}
	if !ok {
		return found{}, "", failure(remote.NotExist, "%s is on no mount of frugalfs; see which mounts there are with: frugalfs status", path)
	}
	f, err := findAt(top)
	return f, strings.TrimPrefix(abs, top), err
}

// mountAround returns the innermost mount point above a path, itself included, if
// that is one of ours.
func mountAround(abs string) (dir string, ok bool, err error) {
	all, err := fs.Mounts()
	for _, m := range all {
		if (abs == m.Dir || strings.HasPrefix(abs, strings.TrimSuffix(m.Dir, "/")+"/")) && len(m.Dir) >= len(dir) {
			dir, ok = m.Dir, m.Ours()
		}
	}
	return dir, ok, err
}

func (a *app) prefetch(ctx context.Context, f found, inside string) error {
	live := isTerminal(a.out)
	var last cache.PrefetchProgress
	missing, err := f.client.Prefetch(ctx, inside, func(p cache.PrefetchProgress) {
		last = p
		if live {
			a.printf("\r\x1b[K%s", progressLine(p))
		}
	})
	if live {
		a.printf("\r\x1b[K")
	}
	if err != nil {
		return err
	}
	a.printf("%s\n", progressLine(last))
	for _, m := range missing {
		a.printf("missing: %s: %s\n", printable(m.Path), oneLine(m.Reason))
	}
	if len(missing) == 0 {
		return nil
	}
	return failure(remote.Temporary, "%s not fetched", plural(len(missing), "file was", "files were"))
}

// progressLine says how far a prefetch has come.
func progressLine(p cache.PrefetchProgress) string {
	return plural(p.FilesHere, "file", "files") + " here (" + humanSize(p.BytesHere) + ") of " +
		plural(p.Files, "file", "files") + " (" + humanSize(p.Bytes) + ")"
}

// isTerminal tells whether somebody looks at what is written.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
