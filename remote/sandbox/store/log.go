package store

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// Op names what an entry of the activity log is about.
type Op string

// The operations.
const (
	OpUpload   Op = "upload"
	OpDownload Op = "download"
	OpDelete   Op = "delete"
	OpMkdir    Op = "mkdir"
	OpRename   Op = "rename"
	OpMove     Op = "move"
	OpCopy     Op = "copy"
	OpCompress Op = "compress"
	OpExtract  Op = "extract"
)

// Entry is one entry of the activity log.
type Entry struct {
	// ID grows with every entry; Record sets it.
	ID int64 `json:"id"`
	// At is when it happened; Record sets it if it is zero.
	At time.Time `json:"at"`
	Op Op        `json:"op"`
	// Path is where the object is now, or was when it was deleted; From is
	// where it was before. Both are relative to the account's root.
	Path string `json:"path"`
	From string `json:"from,omitempty"`
	// Bytes is how much was transferred.
	Bytes int64 `json:"bytes,omitempty"`
	// User, IP, Protocol and Session tell who did it, and how.
	User     string `json:"user"`
	IP       string `json:"ip"`
	Protocol string `json:"protocol"`
	Session  string `json:"session,omitempty"`
	// Failed marks an operation that was refused.
	Failed bool `json:"failed,omitempty"`
	// Node is the object afterwards, or before it was deleted.
	Node Node `json:"-"`
}

// maxLog is how many entries are kept.
const maxLog = 200_000

// Record adds an entry to the activity log.
func (s *Store) Record(e Entry) {
	s.mu.Lock()
	defer s.unlock()
	s.record(e)
}

func (s *Store) record(e Entry) {
	s.logID++
	e.ID = s.logID
	if e.At.IsZero() {
		e.At = s.o.Now()
	}
	s.log = append(s.log, e)
	if len(s.log) > maxLog+maxLog/4 {
		s.log = slices.Clone(s.log[len(s.log)-maxLog:])
	}
	s.journal.write(line{Entry: &e})
	if s.o.Notify != nil {
		s.o.Notify(e)
	}
}

// noteForeign logs a change that somebody else made, as an FTP user's would
// show. What the first scan of all finds is no change.
func (s *Store) noteForeign(n *node, op Op) {
	if s.fresh || s.o.Quiet {
		return
	}
	e := Entry{Op: op, Path: n.path(), User: s.o.User, IP: "127.0.0.1", Protocol: "FTP", Node: n.snapshot()}
	if op == OpUpload {
		e.Bytes = n.size
	}
	s.record(e)
}

// Log returns the entries that keep accepts, oldest first.
func (s *Store) Log(keep func(Entry) bool) []Entry {
	s.mu.Lock()
	defer s.unlock()
	var out []Entry
	for _, e := range s.log {
		if keep(e) {
			out = append(out, e)
		}
	}
	return out
}

// recordKey names a dialect's own record.
type recordKey struct {
	kind string
	id   int64
}

type recordLine struct {
	Kind  string          `json:"kind"`
	ID    int64           `json:"id"`
	Value json.RawMessage `json:"value,omitempty"`
}

func (s *Store) setRecord(r recordLine) {
	key := recordKey{r.Kind, r.ID}
	if len(r.Value) == 0 {
		delete(s.records, key)
		return
	}
	s.records[key] = r.Value
	s.nextID = max(s.nextID, r.ID+1)
}

// NewID gives out an id, for a dialect's own records.
func (s *Store) NewID() int64 {
	s.mu.Lock()
	defer s.unlock()
	s.nextID++
	s.journal.write(line{Next: s.nextID})
	return s.nextID - 1
}

// PutRecord keeps a value of a dialect's own (a webhook) across restarts. A
// nil value removes it.
func (s *Store) PutRecord(kind string, id int64, value any) error {
	r := recordLine{Kind: kind, ID: id}
	if value != nil {
		b, err := json.Marshal(value)
		if err != nil {
			return remote.E(remote.Invalid, "record", kind, err)
		}
		r.Value = b
	}
	s.mu.Lock()
	defer s.unlock()
	s.setRecord(r)
	s.journal.write(line{Record: &r})
	return nil
}

// Records returns all values of one kind by their ids, as JSON.
func (s *Store) Records(kind string) map[int64]json.RawMessage {
	s.mu.Lock()
	defer s.unlock()
	out := map[int64]json.RawMessage{}
	for k, v := range s.records {
		if k.kind == kind {
			out[k.id] = v
		}
	}
	return out
}
