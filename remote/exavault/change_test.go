package exavault

import (
	"net/http"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

func TestMkdir(t *testing.T) {
	for _, tt := range []struct {
		parent remote.Ref
		body   string
	}{
		{remote.Ref{Path: "/"}, `{"path":"/ä"}`},
		{remote.Ref{Path: "/x"}, `{"path":"/x/ä"}`},
		{remote.Ref{ID: "4", Path: "/x"}, `{"name":"ä","parentResource":"id:4"}`},
	} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if got := readBody(t, r); got != tt.body || r.Method != http.MethodPost || r.URL.Path != "/resources" || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s with %s", r.Method, r.URL, got)
			}
			reply(w, 201, one(201, folderOf(5, "/x/ä (1)", "0")))
		})
		o, err := s.Mkdir(ctx, tt.parent, "ä")
		if err != nil || o.Name != "ä (1)" || o.ID != "5" || !o.Dir {
			t.Errorf("got %+v, %v", o, err)
		}
	}
	s := serve(t, answers(201, one(201, file(5, "/x", 1))))
	_, err := s.Mkdir(ctx, remote.Ref{Path: "/"}, "x")
	wantKind(t, err, remote.Corrupt)
}

func TestNamesAreChecked(t *testing.T) {
	s := serve(t, answers(500, ""))
	for name, kind := range map[string]remote.Kind{
		"": remote.InvalidName, ".": remote.InvalidName, "..": remote.InvalidName, "a/b": remote.InvalidName,
		"a\x00": remote.InvalidName, "\xff": remote.InvalidName, strings.Repeat("ä", 128): remote.NameTooLong,
	} {
		_, err := s.Mkdir(ctx, remote.Ref{Path: "/"}, name)
		wantKind(t, err, kind)
		_, err = s.Rename(ctx, remote.Ref{ID: "1"}, name)
		wantKind(t, err, kind)
		_, err = s.Upload(ctx, remote.Upload{Parent: remote.Ref{Path: "/"}, Name: name})
		wantKind(t, err, kind)
	}
	if s.requests.Load() != 0 {
		t.Error("an impossible name was sent")
	}
}

func TestRename(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			reply(w, 200, one(200, file(7, "/d/old", 1)))
			return
		}
		if got := readBody(t, r); got != `{"name":"new"}` || r.Method != http.MethodPatch || r.URL.Path != "/resources/7" {
			t.Errorf("%s %s with %s", r.Method, r.URL, got)
		}
		reply(w, 200, one(200, file(7, "/d/new", 1)))
	})
	for want, ref := range map[int64]remote.Ref{1: {ID: "7", Path: "/d/old"}, 2: {Path: "/d/old"}} {
		s.requests.Store(0)
		o, err := s.Rename(ctx, ref, "new")
		if err != nil || o.Path != "/d/new" || s.requests.Load() != want {
			t.Errorf("got %+v, %v, %d requests", o, err, s.requests.Load())
		}
	}
	s = serve(t, answers(400, problem(400, "Resource with this name already exists")))
	_, err := s.Rename(ctx, remote.Ref{ID: "7"}, "new")
	wantKind(t, err, remote.Exist)
	s = serve(t, answers(200, one(200, file(8, "/d/new", 1))))
	_, err = s.Rename(ctx, remote.Ref{ID: "7"}, "new")
	wantKind(t, err, remote.Corrupt)
}

func TestExtract(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		n    int
		kind remote.Kind
	}{
		"two":         {page(2, file(1, "/t/a", 1), folderOf(2, "/t/b", "1")), 2, 0},
		"none listed": {page(0), 0, 0},
		"some bad":    {page(2, file(1, "/t/a", 1), file(2, "/t/..", 1), `7`), 1, 0},
		"HTML":        {"<html>", 0, remote.Corrupt},
		"no data":     {`{"responseStatus":201}`, 0, remote.Corrupt},
	} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if got := readBody(t, r); got != `{"parentResource":"/t","resource":"id:9"}` || r.URL.Path != "/resources/extract" {
				t.Errorf("%s with %s", r.URL, got)
			}
			reply(w, 201, tt.body)
		})
		os, err := s.Extract(ctx, remote.Ref{ID: "9"}, remote.Ref{Path: "/t"})
		if len(os) != tt.n || (err == nil) != (tt.kind == 0) || err != nil && !remote.IsUnknown(err) {
			t.Errorf("%s: got %v, %v", name, os, err)
		}
	}
	s := serve(t, answers(503, problem(503, "slow")))
	_, err := s.Extract(ctx, remote.Ref{ID: "9"}, remote.Ref{Path: "/t"})
	wantKind(t, err, remote.Temporary)
	if !remote.IsUnknown(err) {
		t.Error("it may still be extracted")
	}
}
