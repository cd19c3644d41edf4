package cache

import (
	"fmt"
	"sort"
	"strings"
)

// Dump describes all nodes, for tests that failed.
func (ns *Namespace) Dump() string {
	var lines []string
	_ = ns.view(func(t txn) error {
		nodes, err := t.All()
		for _, n := range nodes {
			n = t.loaded(n)
			line := fmt.Sprintf("%d %s exists=%v gen=%d size=%d remote={%v %d/%s id=%s v=%s}", n.Ino, t.path(n.Ino), n.Exists, n.Gen, n.Size,
				n.Remote.Exists, n.Remote.Parent, n.Remote.Name, n.Remote.ID, n.Remote.Version)
			if n.Dirty != nil {
				line += fmt.Sprintf(" dirty={base %v %d/%s content=%v}", n.Dirty.Base.Exists, n.Dirty.Base.Parent, n.Dirty.Base.Name, n.Dirty.Content)
			}
			if t.ns.inflight[n.Ino] > 0 {
				line += " in flight"
			}
			lines = append(lines, line)
		}
		return err
	})
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}
