package cache

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// progress is how far the upload of a file is.
type progress struct {
	size int64
	sent atomic.Int64
}

// percent is the share that was handed to the network, 0 to 100. It never says
// 100 of an upload that is under way: the provider's word is still to come.
func (p *progress) percent() int64 {
	if p.size <= 0 {
		return 0
	}
	return min(max(p.sent.Load(), 0)*100/p.size, 99)
}

// showProgress lets an upload be seen until the returned function is called.
func (j *job) showProgress(size int64) (report func(sent int64), done func()) {
	p := &progress{size: size}
	ino := j.step.Inos[0]
	j.ns.uploads.Store(ino, p)
	return p.sent.Store, func() { j.ns.uploads.CompareAndDelete(ino, p) }
}

// sendingState is "sending", with how far it is if that is known.
func (ns *Namespace) sendingState(ino uint64) string {
	p, ok := ns.uploads.Load(ino)
	if !ok {
		return "sending"
	}
	return "sending " + strconv.FormatInt(p.(*progress).percent(), 10) + "%"
}

// Upload is a file on its way to the provider.
type Upload struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
	// Percent is how much of it was handed to the network, 0 to 99.
	Percent int64 `json:"percent"`
}

// uploadsNow returns the uploads under way, by path.
func (t txn) uploadsNow() (all []Upload) {
	t.ns.uploads.Range(func(ino, p any) bool {
		up := p.(*progress)
		all = append(all, Upload{Path: t.path(ino.(uint64)), Size: up.size, Percent: up.percent()})
		return true
	})
	slices.SortFunc(all, func(a, b Upload) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// resumption is what is kept of an interrupted upload of one generation. It is
// of use only for the same place.
type resumption struct {
	Parent remote.Ref `json:"parent"`
	Name   string     `json:"name"`
	Over   uint64     `json:"over"`
	State  []byte     `json:"state"`
}

// metaResume begins the keys under which resumptions are kept, by generation.
const metaResume = "resume:"

func resumeKey(gen uint64) string { return metaResume + strconv.FormatUint(gen, 10) }

// resumable makes an upload go on where an earlier try of the same generation
// was interrupted, also by the end of the process, and keep what the next one
// needs.
func (j *job) resumable(up *remote.Upload) error {
	gen := j.intent.Gen
	if gen == 0 {
		return nil
	}
	r := resumption{Parent: up.Parent, Name: up.Name, Over: j.step.Over}
	var kept resumption
	err := j.ns.view(func(t txn) error {
		text, err := t.Meta(resumeKey(gen))
		if err != nil || text == "" {
			return err
		}
		if json.Unmarshal([]byte(text), &kept) != nil {
			kept = resumption{} // it only saves work
		}
		return nil
	})
	if err != nil {
		return err
	}
	if kept.Parent == r.Parent && kept.Name == r.Name && kept.Over == r.Over {
		up.Resume = kept.State
	}
	up.Checkpoint = func(state []byte) error {
		r := r
		r.State = state
		text, err := json.Marshal(r)
		if err != nil {
			return err
		}
		return j.ns.update(func(t txn) error { return t.SetMeta(resumeKey(gen), string(text)) })
	}
	return nil
}

// forgetResumptions drops what is kept of uploads whose generations are gone.
func forgetResumptions(tx *store.Tx, gens []uint64) error {
	for _, gen := range gens {
		if err := tx.DropMeta(resumeKey(gen)); err != nil {
			return err
		}
	}
	return nil
}
