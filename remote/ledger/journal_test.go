package ledger

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// journal is a Journal in memory.
type journal struct {
	mu      sync.Mutex
	records []Record
	fail    error
}

func (j *journal) Append(r Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.records = append(j.records, r)
	return j.fail
}

func (j *journal) Load(since time.Time) ([]Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var list []Record
	for _, r := range j.records {
		if !r.At.Before(since) {
			list = append(list, r)
		}
	}
	return list, j.fail
}

func (j *journal) last() Record {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.records) == 0 {
		return Record{}
	}
	return j.records[len(j.records)-1]
}

func TestTheDaySurvivesARestart(t *testing.T) {
	j := &journal{}
	o := Options{Journal: j, DailyLimit: 30, Reserve: 10}
	inWorld(t, o, ok, func(w *world) {
		for range 12 {
			wantNil(t, w.get(as(Interactive)))
		}
		wantNil(t, w.get(WithTransfer(as(Interactive))))
	})
	inWorld(t, o, ok, func(w *world) {
		for range 8 {
			wantNil(t, w.get(as(Interactive)))
		}
		for range 3 {
			wantKind(t, w.get(as(Interactive)), remote.Budget)
		}
		if w.Count() != 8 || w.Snapshot().Day.Requests != 20 || w.Snapshot().Day.Transfers != 1 {
			t.Errorf("%+v", w.Snapshot())
		}
	})
	refused := 0
	for _, r := range j.records {
		if r.Outcome == Refused {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("%d refusals were journaled, want the first of the minute", refused)
	}
}

func TestTheProvidersWordSurvivesARestart(t *testing.T) {
	j := &journal{}
	answer := func(w http.ResponseWriter, r *http.Request) {
		if hit(r) == 1 {
			rate(w, 1000, 24)
		}
	}
	inWorld(t, Options{Journal: j}, answer, func(w *world) {
		for range 3 {
			wantNil(t, w.get(as(Interactive)))
		}
	})
	inWorld(t, Options{Journal: j}, ok, func(w *world) {
		if s := w.Snapshot(); s.Remaining != 22 || s.Limit != 1000 {
			t.Errorf("%+v", s)
		}
	})
}

func TestWindowsSurviveARestart(t *testing.T) {
	j := &journal{}
	o := Options{Journal: j, Windows: []Window{{N: 3, Per: 100 * time.Second}}}
	inWorld(t, o, ok, func(w *world) {
		for range 3 {
			wantNil(t, w.get(as(Interactive)))
		}
	})
	inWorld(t, o, ok, func(w *world) {
		if d := took(func() { wantNil(t, w.get(as(Interactive))) }); d != 102*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

func TestJournalErrors(t *testing.T) {
	j := &journal{}
	inWorld(t, Options{Journal: j}, ok, func(w *world) {
		j.fail = errors.New("disk full")
		wantNil(t, w.get(as(Interactive)))
		if n := w.Snapshot().JournalErrors; n != 1 {
			t.Errorf("%d errors", n)
		}
	})
	if _, err := New(Options{Journal: j}); err == nil {
		t.Error("a journal that cannot be read went unnoticed")
	}
}

func TestUnsentIsJournaledAndNotCounted(t *testing.T) {
	j := &journal{}
	inWorld(t, Options{Journal: j, Retries: -1}, ok, func(w *world) {
		w.net.refuse.Store(1)
		wantKind(t, w.get(as(Interactive)), remote.Offline)
		if r := j.last(); r.Outcome != Unsent || r.Transaction() || w.Count() != 0 {
			t.Errorf("%+v", r)
		}
	})
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{
		{DailyLimit: -1}, {Reserve: -1}, {RequestsPerSecond: -1}, {MaxConns: -1},
		{Windows: []Window{{}}}, {Windows: []Window{{N: 1}}},
	} {
		_, err := New(o)
		wantKind(t, err, remote.Invalid)
	}
}
