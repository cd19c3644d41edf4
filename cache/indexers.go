package cache

import (
	"context"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/frugalfs/frugalfs/remote"
)

// DefaultIndexers are programs that read whole disks to find things later. On an
// account they would fetch everything.
var DefaultIndexers = []string{
	"updatedb", "updatedb.plocate", "updatedb.mlocate", "updatedb.findutils",
	"tracker-miner-fs", "tracker-miner-fs-3", "tracker-extract", "tracker-extract-3", "tracker-store",
	"localsearch", "localsearch-3", "localsearch-extractor-3",
	"baloo_file", "baloo_file_extractor", "baloo_filemetadata_temp_extractor",
	"recollindex", "beagled", "strigidaemon", "zeitgeist-fts",
}

// maxComm is how much of a program's name the kernel keeps.
const maxComm = 15

// indexers counts what indexers were refused.
type indexers struct {
	// mu guards refused and byProgram. It is an innermost lock.
	mu        sync.Mutex
	refused   int
	byProgram map[string]int
}

// Spared is what indexers did not cost.
type Spared struct {
	// Requests is how many requests were not made for them.
	Requests int `json:"requests"`
	// Programs are their names, sorted.
	Programs []string `json:"programs"`
}

// indexer returns the name of the indexer that made a system call, "" if it was
// none. The executable decides; where the kernel does not tell that, because it
// is another user's, the process's own name does.
func (ns *Namespace) indexer(ctx context.Context) string {
	return ns.indexerOf(callerOf(ctx).PID)
}

func (ns *Namespace) indexerOf(pid uint32) string {
	if pid == 0 || len(ns.opt.Indexers) == 0 {
		return ""
	}
	proc := "/proc/" + strconv.FormatUint(uint64(pid), 10)
	if exe, err := os.Readlink(proc + "/exe"); err == nil {
		return ns.indexerNamed(path.Base(strings.TrimSuffix(exe, " (deleted)")), false)
	}
	comm, err := os.ReadFile(proc + "/comm")
	if err != nil {
		return ""
	}
	return ns.indexerNamed(strings.TrimSpace(string(comm)), true)
}

// indexerNamed finds an indexer by its name, or by as much of it as the kernel
// keeps.
func (ns *Namespace) indexerNamed(name string, cut bool) string {
	i := slices.IndexFunc(ns.opt.Indexers, func(known string) bool {
		return known == name || cut && len(known) > maxComm && known[:maxComm] == name
	})
	if i < 0 {
		return ""
	}
	return ns.opt.Indexers[i]
}

// refuseIndexer returns the error for a request that would be made for an
// indexer, nil for everybody else.
func (ns *Namespace) refuseIndexer(ctx context.Context, op string) error {
	name := ns.indexer(ctx)
	if name == "" {
		return nil
	}
	x := &ns.indexers
	x.mu.Lock()
	defer x.mu.Unlock()
	x.refused++
	if x.byProgram == nil {
		x.byProgram = map[string]int{}
	}
	x.byProgram[name]++
	return &remote.Error{Kind: remote.Permission, Op: op, Detail: name + " gets only what is known here: it is an indexer"}
}

// report is what was refused, nil if nothing was.
func (x *indexers) report() *Spared {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.refused == 0 {
		return nil
	}
	s := &Spared{Requests: x.refused}
	for name := range x.byProgram {
		s.Programs = append(s.Programs, name)
	}
	slices.Sort(s.Programs)
	return s
}

// UsedBy tells the namespace that a process uses the mount. Indexers do not
// count: for them alone the feed is not read.
func (ns *Namespace) UsedBy(pid uint32) {
	if ns.now()-ns.lastUse.Load() < int64(ns.pollTick()/2) || ns.indexerOf(pid) != "" {
		return // it is known to be in use already, or it is not
	}
	ns.Used()
}
