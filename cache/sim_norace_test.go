//go:build !race

package cache_test

// someHistories is how many are run usually.
const someHistories = 400
