package store

import "encoding/json"

// aboutKind is under which kind the records about nodes are kept.
const aboutKind = "about"

// SetAbout keeps what a dialect knows about a file or folder beyond Node. It
// goes when the node goes. A node that is gone already is passed over.
func (s *Store) SetAbout(id int64, value any) error {
	s.mu.Lock()
	there := s.byID[id] != nil
	s.mu.Unlock()
	if !there {
		return nil
	}
	return s.PutRecord(aboutKind, id, value)
}

// About returns what SetAbout kept, as JSON; nil if there is nothing.
func (s *Store) About(id int64) json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records[recordKey{aboutKind, id}]
}

// dropStale forgets what was kept about nodes that are gone: a journal tells
// only the topmost of what was removed.
func (s *Store) dropStale() {
	for k := range s.records {
		if k.kind == aboutKind && s.byID[k.id] == nil {
			delete(s.records, k)
		}
	}
}
