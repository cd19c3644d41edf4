//go:build race

package cache_test

// someHistories is how many are run usually: everything is slow with the race
// detector.
const someHistories = 80
