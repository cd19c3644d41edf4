//go:build !race

package outbox

// randomCases is how many random trees are tried.
const randomCases = 25000
