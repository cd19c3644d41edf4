// Package cmd is the command line: one file per subcommand, flags, and the
// wiring of the layers. It decides nothing about files.
package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// app is one run of the program.
type app struct {
	args     []string
	in       io.Reader
	out, err io.Writer
	// redactor removes secrets from everything that is printed or logged.
	redactor *ledger.Redactor
	// parent is who started this process as a daemon, nil if nobody did.
	parent *parent
	// begun is true once a command runs: errors before are wrong usage.
	begun bool
}

// Main runs the program with the arguments that follow its name, and returns
// its exit code.
func Main(args []string) int {
	return newApp(os.Stdin, os.Stdout, os.Stderr).run(context.Background(), args)
}

func newApp(in io.Reader, out, err io.Writer) *app {
	return &app{in: in, out: out, err: err, redactor: ledger.NewRedactor(), parent: adoptParent()}
}

func (a *app) run(ctx context.Context, args []string) int {
	a.args = args
	root := a.rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	code := exitFailed
	var usage usageError
	if !a.begun || errors.As(err, &usage) {
		code = exitUsage
	}
	a.fail(code, err)
	return code
}

// fail is the one place where errors are printed, each on one line.
func (a *app) fail(code int, err error) {
	// errors that were joined are on lines of their own
	text := a.redactor.Redact(oneLine(strings.ReplaceAll(err.Error(), "\n", "; ")))
	if a.parent.tell(report{Code: code, Error: text}) {
		return
	}
	_, _ = fmt.Fprintf(a.err, "frugalfs: %s\n", text)
}

// oneLine replaces line breaks and other control characters by blanks.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "frugalfs",
		Short: "Mount a file-hosting account, and spend as few of its transactions as possible",
		Long: `frugalfs mounts an account at a file-hosting service as a local directory.
It does what programs do there in the fewest API transactions that can do it,
and keeps every byte on this machine until the service has it.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		// It runs after flags and arguments were found right.
		PersistentPreRun: func(*cobra.Command, []string) { a.begun = true },
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.DisableSuggestions = true
	root.AddCommand(
		a.mountCommand(), a.unmountCommand(), a.flushCommand(), a.statusCommand(), a.pendingCommand(), a.prefetchCommand(),
		a.sandboxCommand(), a.demoCommand(), a.doctorCommand(), a.versionCommand(),
	)
	return root
}

// printf writes to standard output. A reader that went away (head) is no
// failure of the command.
func (a *app) printf(format string, args ...any) { _, _ = fmt.Fprintf(a.out, format, args...) }

// usageError marks an error as wrong usage.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// misuse makes the error of a wrong flag or argument.
func misuse(format string, args ...any) error {
	return usageError{&plainError{kind: remote.Invalid, text: fmt.Sprintf(format, args...)}}
}

// failure makes an error whose text stands for itself.
func failure(kind remote.Kind, format string, args ...any) error {
	return &plainError{kind: kind, text: fmt.Sprintf(format, args...)}
}

// plainError is an error of a kind that is printed without the kind's name.
type plainError struct {
	kind remote.Kind
	text string
	// cause may be nil.
	cause error
}

func (e *plainError) Error() string { return e.text }

// Unwrap shows the kind to [remote.KindOf].
func (e *plainError) Unwrap() error { return &remote.Error{Kind: e.kind, Detail: e.text, Err: e.cause} }

// wayOut adds to an error what can be done about it.
func wayOut(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w; %s", err, fmt.Sprintf(format, args...))
}

// need returns a check for exactly the arguments that names list.
func need(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		want := "no arguments"
		if len(names) > 0 {
			want = strings.Join(names, " and ")
		}
		return misuse("%s takes %s, and got %s; see: %s --help", c.Name(), want, plural(len(args), "argument", "arguments"), c.CommandPath())
	}
}
