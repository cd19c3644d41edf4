//go:build race

package endtoend

// raceEnabled says that the binary under test has the race detector, too.
const raceEnabled = true
