// Package endtoend holds the tests that drive the frugalfs binary as people do:
// real programs on kernel mounts over the sandbox, mounts killed in the middle
// of their work, and wrong input.
//
// With FRUGALFS_FULL=1 they run more and longer rounds. FRUGALFS_SEED reruns a
// random test with the seed that it printed.
package endtoend
