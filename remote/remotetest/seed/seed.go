// Package seed says what a randomised test begins with.
package seed

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

// Of returns the seed of a randomised test, and prints it so that the test can be
// run again with it: FRUGALFS_SEED if that is set, a new one in a full run
// (FRUGALFS_FULL), and otherwise always the same, so that a change is judged by
// what it does.
func Of(tb testing.TB) uint64 {
	tb.Helper()
	seed := uint64(1)
	switch text := os.Getenv("FRUGALFS_SEED"); {
	case text != "":
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			tb.Fatal(fmt.Errorf("FRUGALFS_SEED: %w", err))
		}
	case os.Getenv("FRUGALFS_FULL") != "":
		seed = uint64(time.Now().UnixNano())
	}
	tb.Logf("FRUGALFS_SEED=%d", seed)
	return seed
}
