// Command workloads measures what frugalfs costs: it runs real programs on a real
// mount over the sandbox, counts requests, bytes and seconds, and checks that the
// account holds what it should afterwards. With --local it measures the mount's
// speed beside a plain directory and rclone's mount.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// settings are the flags.
type settings struct {
	service service
	pages   []int
	latency time.Duration
	only    map[string]bool
	fast    bool
	local   bool
	entries int
	rounds  int
	size    int64
	json    string
	keep    bool
	explain bool
}

// wants tells whether a workload was asked for.
func (s settings) wants(name string) bool { return len(s.only) == 0 || s.only[name] }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	s, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, s)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "workloads:", err)
		os.Exit(1)
	}
}

func parse(args []string) (settings, error) {
	var s settings
	f := flag.NewFlagSet("workloads", flag.ExitOnError)
	pages := f.String("pages", "", "page caps of the provider to run with, as in 100,1000 (default: what suits the provider)")
	only := f.String("only", "", "run only these, as in W3,W9 (with --local: L1,L3)")
	provider := f.String("provider", services[0].name, "whose API the sandbox speaks: "+strings.Join(providerNames(), ", "))
	f.DurationVar(&s.latency, "latency", 50*time.Millisecond, "time that each request takes")
	f.BoolVar(&s.fast, "fast", false, "leave out what only waits: paced copies, saves, idle time")
	f.BoolVar(&s.local, "local", false, "measure the local side: speed beside a plain directory and rclone")
	f.IntVar(&s.entries, "entries", 1_000_000, "entries of the account for L6 and L7")
	f.Int64Var(&s.size, "size", 1<<30, "bytes of the file for L1 to L3")
	f.IntVar(&s.rounds, "rounds", 5, "rounds of the local measures, of which the median counts")
	f.StringVar(&s.json, "json", "", "write the results to this file, too")
	f.BoolVar(&s.keep, "keep", false, "keep the working folder")
	f.BoolVar(&s.explain, "explain", false, "print the requests of each workload")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	s.only = set(*only)
	var err error
	if s.service, err = findService(*provider); err != nil {
		return s, err
	}
	return s, s.setPages(*pages)
}

func (s *settings) setPages(text string) error {
	if text == "" {
		s.pages = s.service.pages
		return nil
	}
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return fmt.Errorf("--pages takes numbers, not %q", word)
		}
		s.pages = append(s.pages, n)
	}
	return nil
}

func set(list string) map[string]bool {
	words := map[string]bool{}
	for word := range strings.SplitSeq(list, ",") {
		if word != "" {
			words[strings.ToUpper(word)] = true
		}
	}
	return words
}

func run(ctx context.Context, s settings) error {
	dir, err := os.MkdirTemp("", "frugalfs-bench-")
	if err != nil {
		return err
	}
	if s.keep {
		fmt.Println("working folder:", dir)
	} else {
		defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	}
	// sockets in a short path, and no registry shared with real mounts
	if err := os.Setenv("XDG_RUNTIME_DIR", dir); err != nil {
		return err
	}
	binary, err := rig.Build(ctx, dir, false)
	if err != nil {
		return err
	}
	if s.local {
		return runLocal(ctx, s, binary, filepath.Join(dir, "local"))
	}
	return runWorkloads(ctx, s, binary, dir)
}
