//go:build race

package outbox

// randomCases is how many random trees are tried. The planner is one
// goroutine: there is no race to find, and everything is slow.
const randomCases = 3000
