package filescom

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

func TestMkdir(t *testing.T) {
	for _, tt := range []struct {
		status       int
		answer, path string
		kind         remote.Kind
	}{
		{201, dirOf("d/new"), "/d/new", 0},
		{201, dirOf("D/New"), "/d/New", 0},
		{201, `{"display_name":"new","type":"directory"}`, "/d/new", 0},
		{201, ``, "/d/new", 0},
		{204, ``, "/d/new", 0},
		{200, `[]`, "/d/new", 0},
		{201, fileOf("d/new", 1), "", remote.Corrupt},
		{201, dirOf("e/new"), "", remote.Corrupt},
		{200, `<html>`, "", remote.Corrupt},
		{422, problemOf(422, "processing-failure/destination-exists", "x"), "", remote.Exist},
	} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if b := body(t, r); r.Method != "POST" || r.URL.Path != "/folders/d/new" || b["mkdir_parents"] != true {
				t.Errorf("got %s %s %v", r.Method, r.URL, b)
			}
			if tt.status == 204 {
				w.WriteHeader(204)
				return
			}
			writeJSON(w, tt.status, tt.answer)
		})
		o, err := s.Mkdir(ctx, remote.Ref{Path: "/d"}, "new")
		if tt.kind != 0 {
			wantKind(t, err, tt.kind)
		} else if err != nil {
			t.Error(err)
		}
		if o.Path != tt.path || tt.kind == 0 && !o.Dir {
			t.Errorf("%s: got %+v", tt.answer, o)
		}
	}
}

// TestTransfers: every move and copy is one call that replaces nothing.
func TestTransfers(t *testing.T) {
	f := remote.Ref{Path: "/d/f"}
	for _, tt := range []struct {
		name, path, to string
		call           func(c *Client) error
	}{
		{"rename", "/file_actions/move/d/f", "d/g", func(c *Client) error { _, err := c.Rename(ctx, f, "g"); return err }},
		{"move", "/file_actions/move/d/f", "e/f", func(c *Client) error { return first(c.Move(ctx, []remote.Ref{f}, remote.Ref{Path: "/e"})) }},
		{"to the root", "/file_actions/move/d/f", "f", func(c *Client) error { return first(c.Move(ctx, []remote.Ref{f}, remote.Ref{Path: "/"})) }},
		{"both", "/file_actions/move/d/f", "e/g", func(c *Client) error { _, err := c.MoveRename(ctx, f, remote.Ref{Path: "/e"}, "g"); return err }},
		{"copy", "/file_actions/copy/d/f", "e/f", func(c *Client) error { return first(c.Copy(ctx, []remote.Ref{f}, remote.Ref{Path: "/e"})) }},
		{"copy to", "/file_actions/copy/d/f", "e/g", func(c *Client) error { _, err := c.CopyRename(ctx, f, remote.Ref{Path: "/e"}, "g"); return err }},
	} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if b := body(t, r); r.URL.Path != tt.path || b["destination"] != tt.to || b["overwrite"] != false {
				t.Errorf("%s: got %s %v", tt.name, r.URL, b)
			}
			writeJSON(w, 201, `{"status":"completed","file_migration_id":null}`)
		})
		if err := tt.call(s.Client); err != nil || s.requests.Load() != 1 {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}

func first(rs []remote.Result, err error) error {
	if err != nil {
		return err
	}
	return rs[0].Err
}

// TestTransferNonsense never leaves.
func TestTransferNonsense(t *testing.T) {
	s := serve(t, answers(201, `{"status":"completed"}`))
	for _, err := range []error{
		first(s.Move(ctx, []remote.Ref{{Path: "/d"}}, remote.Ref{Path: "/d"})),
		first(s.Move(ctx, []remote.Ref{{Path: "/d"}}, remote.Ref{Path: "/D/e"})),
		first(s.Move(ctx, []remote.Ref{{Path: "d"}}, remote.Ref{Path: "/e"})),
		first(s.Delete(ctx, []remote.Ref{{Path: "/"}})),
	} {
		if err == nil {
			t.Error("it was sent")
		}
	}
	if s.requests.Load() != 0 {
		t.Errorf("%d requests", s.requests.Load())
	}
}

// TestMigrationAnswers: only a word that it is done is one.
func TestMigrationAnswers(t *testing.T) {
	for _, tt := range []struct {
		move, look string
		status     int
		kind       remote.Kind
		unknown    bool
		requests   int64
	}{
		{`{"status":"pending","file_migration_id":7}`, `{"id":7,"status":"completed"}`, 200, 0, false, 2},
		{`{"status":"enqueued","file_migration_id":"7"}`, `{"id":7,"status":"complete"}`, 200, 0, false, 2},
		{`{"status":"pending","file_migration_id":7}`, `{"id":7,"status":"failed"}`, 200, remote.Temporary, true, 2},
		{`{"status":"pending","file_migration_id":7}`, `{"error":"x"}`, 500, remote.Temporary, true, 2},
		{`{"status":"pending","file_migration_id":7}`, `{}`, 200, remote.Corrupt, true, 2},
		{`{"status":"pending"}`, ``, 200, remote.Corrupt, true, 1},
		{`{}`, ``, 200, remote.Corrupt, true, 1},
		{`<html>`, ``, 200, remote.Corrupt, true, 1},
	} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/file_migrations/7" {
				writeJSON(w, tt.status, tt.look)
				return
			}
			writeJSON(w, 201, tt.move)
		})
		_, err := s.Rename(ctx, remote.Ref{Path: "/f"}, "g")
		if tt.kind != 0 {
			wantKind(t, err, tt.kind)
		} else if err != nil {
			t.Error(err)
		}
		if remote.IsUnknown(err) != tt.unknown || s.requests.Load() != tt.requests {
			t.Errorf("%s: got %v after %d requests", tt.move, err, s.requests.Load())
		}
	}
}

// TestMigrationLeft: whoever stops waiting does not know what becomes of it.
func TestMigrationLeft(t *testing.T) {
	s := serve(t, answers(201, `{"status":"pending","file_migration_id":7}`), func(o *Options) {
		o.Pause = func(context.Context, time.Duration) error { return context.Canceled }
	})
	_, err := s.Rename(ctx, remote.Ref{Path: "/f"}, "g")
	wantKind(t, err, remote.Canceled)
	if !remote.IsUnknown(err) {
		t.Errorf("got %v", err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if err := sleep(canceled, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestRenameRespelled: a name that the service may write another way is looked
// up.
func TestRenameRespelled(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			writeJSON(w, 200, fileOf("\u00e4", 1))
			return
		}
		writeJSON(w, 201, `{"status":"completed"}`)
	})
	o, err := s.Rename(ctx, remote.Ref{Path: "/f"}, "a\u0308")
	if err != nil || o.Name != "\u00e4" || s.requests.Load() != 2 {
		t.Errorf("got %+v, %v", o, err)
	}
	for name, want := range map[string]bool{"plain": false, "\u00e4": false, "日本語": false, "a\u0308": true, "\u212b": true, "\uf900": true, "\u1112\u1161": true} {
		if respelled(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

// TestDelete: an answer that is no answer is no success.
func TestDelete(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodDelete || r.URL.Path != "/files/d" || r.URL.Query().Get("recursive") != "true" {
			t.Errorf("got %s %s", r.Method, r.URL)
		}
		w.WriteHeader(204)
	})
	if err := first(s.Delete(ctx, []remote.Ref{{Path: "/d"}})); err != nil {
		t.Error(err)
	}
	for _, tt := range []struct {
		status int
		body   string
		kind   remote.Kind
	}{
		{200, "<html>", remote.Corrupt},
		{404, problemOf(404, "not-found", "x"), remote.NotExist},
		{404, "<html>", remote.Temporary},
		{403, problemOf(403, "x/y", "x"), remote.Permission},
	} {
		wantKind(t, first(answering(t, tt.status, tt.body).Delete(ctx, []remote.Ref{{Path: "/d"}})), tt.kind)
	}
	rs, err := answering(t, 404, problemOf(404, "not-found", "x")).Delete(ctx, []remote.Ref{{Path: "/a"}, {Path: "/b"}})
	if err != nil || len(rs) != 2 || !remote.IsKind(rs[1].Err, remote.NotExist) {
		t.Errorf("got %+v, %v", rs, err)
	}
	_, err = answering(t, 429, `{}`).Delete(ctx, []remote.Ref{{Path: "/a"}, {Path: "/b"}})
	wantKind(t, err, remote.Budget)
}

func TestSetModTime(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if b := body(t, r); r.Method != http.MethodPatch || b["provided_mtime"] != "1970-01-01T00:00:00Z" {
			t.Errorf("got %s %v", r.Method, b)
		}
		writeJSON(w, 200, fileOf("f", 1))
	})
	if _, err := s.SetModTime(ctx, remote.Ref{Path: "/f"}, time.Time{}); err != nil {
		t.Error(err)
	}
}

// TestSums: what was sent here has its hash before the service tells one.
func TestSums(t *testing.T) {
	var s sums
	at := time.Unix(5, 0)
	for i := range int64(maxSums + 10) {
		s.put(itoa(i), at, 1, "hash"+itoa(i))
	}
	s.put("none", at, 1, "")
	if len(s.known) != maxSums || len(s.order) != maxSums || s.of("0", at, 1) != "" || s.of("100", at, 1) != "hash100" {
		t.Errorf("%d are known", len(s.known))
	}
	s.moved("100", "elsewhere")
	if s.of("elsewhere", at, 1) != "hash100" || s.of("100", at, 2) != "" || s.of("100", at.Add(1), 1) != "" {
		t.Error("another file passes for it")
	}
	s.put("/dir/in/f", at, 1, "below")
	s.moved("/dir", "/other")
	s.moved("/di", "/wrong")
	if s.of("/other/in/f", at, 1) != "below" || s.of("/wrongr/in/f", at, 1) != "" {
		t.Error("what is in a folder does not follow it, or follows another one")
	}
	var m made
	for i := range int64(maxMade + 10) {
		m.put(itoa(i))
	}
	if len(m.known) != maxMade || m.has("0") || !m.has("100") {
		t.Errorf("%d are known", len(m.known))
	}
}
