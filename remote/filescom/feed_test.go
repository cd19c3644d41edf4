package filescom

import (
	"net/http"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// TestChanges reads a log of several pages in whatever order.
func TestChanges(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/action_logs" || r.URL.Query().Get("filter_gt[created_at]") != "2023-11-14T22:13:19Z" {
			t.Errorf("got %s", r.URL)
		}
		if r.URL.Query().Get("cursor") == "" {
			w.Header().Set("X-Files-Cursor-Next", "c")
			writeJSON(w, 200, `[
				{"id":9,"action":"destroy","path":"d/gone","created_at":"2023-11-14T22:13:25Z","username":"me"},
				{"id":8,"action":"move","path":"d/b","src":"d/a","destination":"d/b","created_at":"2023-11-14T22:13:24Z"},
				{"id":7,"action":"read","path":"d/b","created_at":"2023-11-14T22:13:24Z"}]`)
			return
		}
		writeJSON(w, 200, `[
			{"id":7,"action":"read","path":"d/b","created_at":"2023-11-14T22:13:24Z"},
			{"id":6,"action":"create","path":"d/a","created_at":"2023-11-14T22:13:20Z"},
			{"id":5,"action":"create","path":"d/early","created_at":"2023-11-14T22:13:19Z"},
			{"id":4,"action":"copy","path":"/to","source":"/from","destination":"/to","when":"2023-11-14 22:13:21 UTC","failure_type":"none"},
			{"id":3,"action":"move","path":"x","destination":"y","created_at":"2023-11-14T22:13:22Z"},
			{"id":2,"action":"update","path":"f","created_at":"2023-11-14T22:13:23Z","failure_type":"errno_enoent"},
			{"action":"update","path":"f"}]`)
	})
	changes, complete, err := s.Changes(ctx, now)
	if err != nil || !complete {
		t.Fatalf("got %v, %v", complete, err)
	}
	want := []remote.Change{
		{ID: "6", Op: remote.Changed, Path: "/d/a"}, {Op: remote.Changed, Path: "/f"}, {ID: "4", Op: remote.Copied, Path: "/to", From: "/from"},
		{ID: "3", Op: remote.Moved, Path: "/y", From: "/x"}, {ID: "2", Path: "/f"}, {ID: "7", Path: "/d/b"},
		{ID: "8", Op: remote.Moved, Path: "/d/b", From: "/d/a"}, {ID: "9", Op: remote.Deleted, Path: "/d/gone"},
	}
	if len(changes) != len(want) {
		t.Fatalf("got %+v", changes)
	}
	found := map[string]bool{}
	for _, c := range changes {
		for _, w := range want {
			if (w.ID == c.ID || w.ID == "" && len(c.ID) > 5) && w.Op == c.Op && w.Path == c.Path && w.From == c.From {
				found[w.ID] = true
			}
		}
	}
	if len(found) != len(want) {
		t.Errorf("got %+v", changes)
	}
	for i := 1; i < len(changes); i++ {
		if changes[i].At.Before(changes[i-1].At) {
			t.Errorf("%+v comes after %+v", changes[i], changes[i-1])
		}
	}
}

// TestChangesEndless: a log that does not end is not complete.
func TestChangesEndless(t *testing.T) {
	for _, cursors := range []bool{true, false} {
		n := int64(0)
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			n++
			w.Header().Set("X-Files-Cursor-Next", "same")
			if cursors {
				w.Header().Set("X-Files-Cursor-Next", itoa(n))
			}
			writeJSON(w, 200, `[{"id":`+itoa(n)+`,"action":"update","path":"f","created_at":"2024-01-01T00:00:00Z"}]`)
		})
		if _, complete, err := s.Changes(ctx, now); err != nil || complete || n > feedPages {
			t.Errorf("got %v, %v after %d pages", complete, err, n)
		}
	}
}

func TestChangesErrors(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		kind   remote.Kind
	}{
		{403, problemOf(403, "not-authorized/history-permission-required", "x"), remote.Permission},
		{403, `{"error":"Forbidden","http-code":"403"}`, remote.Permission},
		{200, `{}`, remote.Corrupt},
		{200, `<html>`, remote.Corrupt},
	} {
		_, _, err := serve(t, answers(tt.status, tt.body)).Changes(ctx, now)
		wantKind(t, err, tt.kind)
	}
	s := serve(t, answers(200, "[]"))
	if changes, complete, err := s.Changes(ctx, time.Time{}); err != nil || complete || len(changes) != 0 {
		t.Errorf("got %v, %v, %v", changes, complete, err)
	}
}

// TestHistory is read where there is no action log.
func TestHistory(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/history" {
			writeJSON(w, 404, `{"error":"Not Found","http-code":"404"}`)
			return
		}
		writeJSON(w, 200, `[{"id":1,"action":"create","path":"f","when":"2024-01-01 00:00:00 UTC","failure_type":"none"}]`)
	})
	for _, want := range []int64{2, 3} {
		changes, complete, err := s.Changes(ctx, now)
		if err != nil || !complete || len(changes) != 1 || s.requests.Load() != want {
			t.Errorf("got %+v, %v, %v after %d requests", changes, complete, err, s.requests.Load())
		}
	}
}
