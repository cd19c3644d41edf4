package filescom

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

func TestOptions(t *testing.T) {
	good := Options{URL: "https://x.files.com", APIKey: "k", HTTP: http.DefaultClient}
	if c, err := New(good); err != nil || c.base != "https://x.files.com/api/rest/v1" {
		t.Errorf("got %v", err)
	}
	for name, change := range map[string]func(*Options){
		"no address":   func(o *Options) { o.URL = "" },
		"plain http":   func(o *Options) { o.URL = "http://x.files.com" },
		"no client":    func(o *Options) { o.HTTP = nil },
		"no secret":    func(o *Options) { o.APIKey = "" },
		"no password":  func(o *Options) { o.APIKey, o.Username = "", "u" },
		"line in key":  func(o *Options) { o.APIKey = "the-key\n" },
		"page":         func(o *Options) { o.PageSize = -1 },
		"larger page":  func(o *Options) { o.PageSize = maxPage + 1 },
		"huge parts":   func(o *Options) { o.PartSize = 6e9 },
		"no such part": func(o *Options) { o.PartSize = -1 },
	} {
		o := good
		change(&o)
		if _, err := New(o); !remote.IsKind(err, remote.Invalid) || strings.Contains(err.Error(), "the-key") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestHeaders: the key is told in today's way and in that of 2020.
func TestHeaders(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := r.BasicAuth()
		if user != "the-key" || r.Header.Get("X-FilesAPI-Key") != "the-key" || r.Header.Get("Accept") != "application/json" {
			t.Errorf("got %v", r.Header)
		}
		if r.URL.EscapedPath() != "/file_actions/metadata/a%20b%2B%3F/%C3%A4%25.json" {
			t.Errorf("got %s", r.URL.EscapedPath())
		}
		writeJSON(w, 200, fileOf("a b+?/ä%.json", 3))
	})
	o, err := s.Stat(ctx, remote.Ref{Path: "/a b+?/ä%.json"})
	if err != nil || o.Name != "ä%.json" {
		t.Errorf("got %+v, %v", o, err)
	}
}

// sessions is a server that hands out sessions and lets them end.
type sessions struct {
	t               *testing.T
	logins, refused atomic.Int64
	valid           sync.Map
	// refuse refuses passwords, void every session.
	refuse, void atomic.Bool
}

func (s *sessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/sessions" {
		n := s.logins.Add(1)
		if b := body(s.t, r); b["username"] != "me" || b["password"] != "the-password" {
			s.t.Errorf("got %v", b)
		}
		if s.refuse.Load() {
			writeJSON(w, 401, `{"error":"invalid username or password","http-code":"401","errors":[{"type":"401-invalid-username-or-password","message":"m"}]}`)
			return
		}
		id := "session" + itoa(n)
		s.valid.Store(id, true)
		writeJSON(w, 201, `{"id":"`+id+`"}`)
		return
	}
	id := r.Header.Get("X-FilesAPI-Auth")
	if id != r.Header.Get("X-BrickAPI-Auth") || r.Header.Get("X-FilesAPI-Key") != "" {
		s.t.Errorf("got %v", r.Header)
	}
	if _, ok := s.valid.Load(id); !ok || s.void.Load() {
		s.refused.Add(1)
		writeJSON(w, 401, problemOf(401, "not-authenticated/invalid-session", "no"))
		return
	}
	writeJSON(w, 200, "[]")
}

func signedIn(t *testing.T, secrets *[]string) (*sessions, *server) {
	h := &sessions{t: t}
	return h, serve(t, h.ServeHTTP, func(o *Options) {
		o.APIKey, o.Username, o.Password = "", "me", "the-password"
		o.Secret = func(s string) { *secrets = append(*secrets, s) }
	})
}

// TestSessionRenewed: one sign-in serves all who wait, at first and later.
func TestSessionRenewed(t *testing.T) {
	var secrets []string
	h, s := signedIn(t, &secrets)
	for round := range int64(3) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := s.Stat(ctx, remote.Ref{Path: "/"}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := h.logins.Load(); n != round+1 {
			t.Errorf("%d sign-ins in round %d", n, round)
		}
		h.valid.Clear()
	}
	if len(secrets) != 3 {
		t.Errorf("%d secrets were told", len(secrets))
	}
}

// TestPasswordRefused: it is sent once.
func TestPasswordRefused(t *testing.T) {
	var secrets []string
	h, s := signedIn(t, &secrets)
	h.refuse.Store(true)
	for range 3 {
		_, err := s.Stat(ctx, remote.Ref{Path: "/x"})
		wantKind(t, err, remote.Auth)
	}
	if n := h.logins.Load(); n != 1 {
		t.Errorf("%d sign-ins", n)
	}
}

// TestSessionLoop: a new session that is refused ends it.
func TestSessionLoop(t *testing.T) {
	var secrets []string
	h, s := signedIn(t, &secrets)
	h.void.Store(true)
	for range 5 {
		_, err := s.Stat(ctx, remote.Ref{Path: "/x"})
		wantKind(t, err, remote.Auth)
	}
	if n := h.logins.Load(); n > 2 {
		t.Errorf("%d sign-ins", n)
	}
}

// TestKeyRefused: there is nothing to renew.
func TestKeyRefused(t *testing.T) {
	s := serve(t, answers(401, `{"error":"Unauthorized","http-code":"401"}`))
	_, err := s.Stat(ctx, remote.Ref{Path: "/x"})
	wantKind(t, err, remote.Auth)
	if s.requests.Load() != 1 {
		t.Errorf("%d requests", s.requests.Load())
	}
}

func TestErrorKinds(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		kind   remote.Kind
	}{
		{404, problemOf(404, "not-found/file-not-found", "gone"), remote.NotExist},
		{404, `{"error":"Not Found","http-code":"404"}`, remote.NotExist},
		{404, "<html>", remote.Temporary},
		{403, problemOf(403, "not-authorized/write-permission-required", "no"), remote.Permission},
		{422, problemOf(422, "processing-failure/destination-exists", "x"), remote.Exist},
		{422, `{"error":"The folder already exists","http-code":"422"}`, remote.Exist},
		{422, problemOf(422, "processing-failure/folder-not-empty", "x"), remote.NotEmpty},
		{409, problemOf(409, "processing-failure/destination-parent-does-not-exist", "x"), remote.Conflict},
		{400, problemOf(400, "bad-request/path-cannot-have-trailing-whitespace", "x"), remote.InvalidName},
		{400, problemOf(400, "bad-request/cannot-download-directory", "x"), remote.IsDir},
		{422, problemOf(422, "processing-failure/filename-too-long", "x"), remote.NameTooLong},
		{423, problemOf(423, "processing-failure/resource-locked", "x"), remote.Busy},
		{404, `{"error":"File Upload Not Found","http-code":404}`, remote.Temporary},
		{422, `{"error":"folder is not empty"}`, remote.NotEmpty},
		{422, `{"error":"x does not exist"}`, remote.Invalid},
		{422, `{"error":"quota reached"}`, remote.StorageFull},
		{507, `{}`, remote.StorageFull},
		{503, problemOf(503, "service-unavailable/lock-operation-busy", "x"), remote.Temporary},
		{302, "", remote.Corrupt},
	} {
		_, err := answering(t, tt.status, tt.body).SetModTime(ctx, remote.Ref{Path: "/x"}, now)
		wantKind(t, err, tt.kind)
		e, _ := errors.AsType[*remote.Error](err)
		if want := tt.status >= 500 && tt.kind == remote.Temporary || tt.body == "<html>"; e.Unknown != want {
			t.Errorf("%d %s: unknown is %v", tt.status, tt.body, e.Unknown)
		}
	}
}

// TestErrorClassInHeader: the class may come beside the body.
func TestErrorClassInHeader(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Files-Error-Class", "processing-failure/destination-exists")
		w.Header().Set("Retry-After", "7")
		writeJSON(w, 422, `{"error":"x"}`)
	})
	_, err := s.Mkdir(ctx, remote.Ref{Path: "/"}, "x")
	wantKind(t, err, remote.Exist)
	if e, ok := errors.AsType[*remote.Error](err); !ok || e.RetryAfter.Seconds() != 7 {
		t.Errorf("got %+v", e)
	}
}
