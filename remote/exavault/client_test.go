package exavault

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

func TestBaseURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://site.exavault.com":              "https://site.exavault.com/api/v2",
		"https://site.exavault.com/":             "https://site.exavault.com/api/v2",
		" " + "https://site.exavault.com/api/v2": "https://site.exavault.com/api/v2",
		"https://site.exavault.com/api/v2/":      "https://site.exavault.com/api/v2",
		"http://127.0.0.1:8080":                  "http://127.0.0.1:8080/api/v2",
		"http://localhost:1/x":                   "http://localhost:1/x/api/v2",
		"http://[::1]:8080/api/v2":               "http://[::1]:8080/api/v2",
	} {
		if got, err := address.Base(in); got != want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
	for in, hint := range map[string]string{
		"":                              "missing",
		"site.exavault.com":             "https://",
		"http://site.exavault.com":      "write https://site.exavault.com",
		"ftp://site.exavault.com":       "must be https",
		"https://":                      "cannot be understood",
		"https://u:secret@exavault.com": "leave them out",
		"u:secret@exavault.com":         "https://",
		"https://site.exavault.com?a=b": "leave it out",
	} {
		_, err := address.Base(in)
		if !remote.IsKind(err, remote.Invalid) || !strings.Contains(err.Error(), hint) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got error %v, want one with %q", in, err, hint)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := Options{URL: "https://x.exavault.com", APIKey: "k", AccessToken: "t", HTTP: http.DefaultClient}
	for name, change := range map[string]func(*Options){
		"no key": func(o *Options) { o.APIKey = "" }, "no token": func(o *Options) { o.AccessToken = "" },
		"line break": func(o *Options) { o.APIKey = "secret\n" }, "no client": func(o *Options) { o.HTTP = nil },
		"page size": func(o *Options) { o.PageSize = -1 },
	} {
		o := good
		change(&o)
		if _, err := New(o); !remote.IsKind(err, remote.Invalid) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got error %v", name, err)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
}

func TestHeaders(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("ev-api-key") != "the-key" || r.Header.Get("ev-access-token") != "the-token" {
			t.Errorf("the secrets are missing: %v", r.Header)
		}
		reply(w, 200, `{"responseStatus":200,"data":{"id":1,"attributes":{"quota":{"diskLimit":100,"diskUsed":"40","transactionsLimit":120000}}}}`)
	})
	q, err := s.Quota(ctx)
	if want := (remote.Quota{Limit: 100, Used: 40, Transactions: 120000}); q != want || err != nil {
		t.Errorf("got %+v, %v", q, err)
	}
}

func TestQuotaUnknown(t *testing.T) {
	for _, data := range []string{`{}`, `null`, `[]`, `{"attributes":{"quota":{"diskLimit":null,"diskUsed":-7,"transactionsLimit":"x"}}}`} {
		s := serve(t, answers(200, `{"responseStatus":200,"data":`+data+`}`))
		q, err := s.Quota(ctx)
		if want := (remote.Quota{Limit: -1, Used: -1}); q != want || err != nil {
			t.Errorf("%s: got %+v, %v", data, q, err)
		}
	}
}

// TestStatus shows what each status comes to, for a request that changes
// nothing and for one that does.
func TestStatus(t *testing.T) {
	html := "<html><body>nginx</body></html>"
	for _, tt := range []struct {
		status  int
		body    string
		kind    remote.Kind
		unknown bool
	}{
		{400, problem(400, "Something is missing."), remote.Invalid, false},
		{400, problem(400, "A folder with that name already exists"), remote.Exist, false},
		{400, problem(400, "Destination path cannot be an existing folder."), remote.Exist, false},
		{400, problem(400, "Resource does not exist"), remote.Invalid, false},
		{400, problem(400, "The name contains invalid characters"), remote.InvalidName, false},
		{400, problem(400, "File name is too long"), remote.NameTooLong, false},
		{400, problem(400, "Parent is not a folder"), remote.NotDir, false},
		{400, problem(400, "Storage quota exceeded"), remote.StorageFull, false},
		{401, problem(401, "HTTP_UNAUTHORIZED"), remote.Auth, false},
		{403, problem(403, "An error occurred"), remote.Permission, false},
		{404, problem(404, "not found"), remote.NotExist, false},
		{404, `{"responseStatus":404}`, remote.NotExist, false},
		{404, html, remote.Temporary, true},
		{404, ``, remote.Temporary, true},
		{404, `{"message":"no route"}`, remote.Temporary, true},
		{404, `[]`, remote.Temporary, true},
		{409, ``, remote.Exist, false},
		{413, html, remote.TooLarge, false},
		{429, problem(429, "slow"), remote.Budget, false},
		{429, html, remote.Budget, false},
		{500, problem(500, "oops"), remote.Temporary, true},
		{503, html, remote.Temporary, true},
		{507, ``, remote.StorageFull, false},
		{304, ``, remote.Corrupt, false},
	} {
		s := serve(t, answers(tt.status, tt.body))
		_, err := s.Stat(ctx, remote.Ref{Path: "/a"})
		wantKind(t, err, tt.kind)
		if remote.IsUnknown(err) {
			t.Errorf("%d: a look has an unknown outcome", tt.status)
		}
		_, err = s.Mkdir(ctx, remote.Ref{Path: "/"}, "a")
		wantKind(t, err, tt.kind)
		if remote.IsUnknown(err) != tt.unknown {
			t.Errorf("%d %q: the outcome's being unknown is %v", tt.status, tt.body, !tt.unknown)
		}
	}
}

// TestSenseless shows that a success that is none is never taken for one.
func TestSenseless(t *testing.T) {
	for _, body := range []string{
		``, `<html>login</html>`, `[]`, `null`, `12`, `{`, `{}`, `{"data":null}`, `{"data":[]}`, `{"data":"x"}`,
		`{"responseStatus":404,"errors":[{"detail":"no"}],"data":` + file(1, "/a", 1) + `}`,
		`{"data":[` + file(1, "/a", 1) + `,` + file(2, "/b", 1) + `]}`,
		one(200, file(-1, "/a", 1)), one(200, file(1, "/a", -1)), one(200, file(1, "/../a", 1)),
		one(200, strings.Replace(file(1, "/a", 1), `"type":"file"`, `"type":"link"`, 1)),
		one(200, strings.Replace(file(1, "/a", 1), `"updatedAt"`, `"later"`, 1)),
		one(200, `{"id":1,"attributes":[]}`), one(200, `{"id":[1],"attributes":{"path":7}}`),
		`{"data":"` + strings.Repeat("x", maxAnswer) + `"}`,
	} {
		s := serve(t, answers(200, body))
		_, err := s.Stat(ctx, remote.Ref{Path: "/a"})
		wantKind(t, err, remote.Corrupt)
		_, err = s.Mkdir(ctx, remote.Ref{Path: "/"}, "a")
		wantKind(t, err, remote.Corrupt)
		if !remote.IsUnknown(err) {
			t.Errorf("%.80s: it is not known whether the folder was made", body)
		}
	}
}

func TestStat(t *testing.T) {
	want := remote.Object{ID: "7", ParentID: "3", Name: "f", Path: "/d/f", Size: 12, Version: "1596041567-12"}
	for name, r := range map[string]string{
		"as documented": `{"id":7,"attributes":{"name":"f","path":"/d/f","type":"file","size":12,"updatedAt":"2020-07-29T09:52:47-07:00"},"relationships":{"parentResource":{"data":{"id":3}}}}`,
		"strings":       `{"id":"7","attributes":{"name":"f","path":"/d/f","type":"file","size":"12","updatedAt":"2020-07-29T16:52:47Z"},"relationships":{"parentResource":{"data":{"id":"3"}}}}`,
		"no name":       `{"id":7.0,"attributes":{"name":null,"path":"d/f","extension":"","size":12,"updatedTime":1596041567},"relationships":{"parentResource":{"data":{"id":3}}}}`,
		"no colon":      `{"id":7,"attributes":{"path":"/d/f/","type":"file","size":12,"updatedAt":"2020-07-29T09:52:47-0700","fileCount":null},"relationships":{"parentResource":{"data":{"id":3}}}}`,
	} {
		for _, body := range []string{one(200, r), one(200, "["+r+"]")} {
			s := serve(t, func(w http.ResponseWriter, req *http.Request) {
				if req.URL.Path != "/resources" || req.URL.RawQuery != "resource=id%3A7" {
					t.Errorf("asked for %s", req.URL)
				}
				reply(w, 200, body)
			})
			o, err := s.Stat(ctx, remote.Ref{ID: "7"})
			if !o.ModTime.Equal(time.Unix(1596041567, 0)) {
				t.Errorf("%s: changed at %v", name, o.ModTime)
			}
			o.ModTime = time.Time{}
			if o != want || err != nil {
				t.Errorf("%s: got %+v, %v", name, o, err)
			}
		}
	}
}

func TestStatRootAndOthers(t *testing.T) {
	s := serve(t, answers(200, one(200, folderOf(1, "/", "3"))))
	o, err := s.Stat(ctx, remote.Ref{Path: "/"})
	if err != nil || o.Path != "/" || o.Name != "" || !o.Dir || o.ID != "1" {
		t.Errorf("got %+v, %v", o, err)
	}
	_, err = s.Stat(ctx, remote.Ref{ID: "2"})
	wantKind(t, err, remote.Corrupt)
	before := s.requests.Load()
	for _, ref := range []remote.Ref{{}, {ID: "x"}, {ID: "-1"}, {ID: "1&x=2"}, {Path: "rel"}} {
		_, err := s.Stat(ctx, ref)
		wantKind(t, err, remote.Invalid)
	}
	if s.requests.Load() != before {
		t.Error("a senseless reference was sent")
	}
}

func TestNetworkFailures(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"responseStatus":200,"data":[`))
	})
	_, err := s.Stat(ctx, remote.Ref{Path: "/a"})
	wantKind(t, err, remote.Temporary)
	_, err = s.List(ctx, remote.Ref{Path: "/a"}, new(names).page)
	wantKind(t, err, remote.Temporary)
	_, err = s.Mkdir(ctx, remote.Ref{Path: "/"}, "a")
	wantKind(t, err, remote.Temporary)
	if !remote.IsUnknown(err) {
		t.Error("the folder may have been made")
	}
}

func TestOffline(t *testing.T) {
	s := serve(t, answers(200, ""), func(o *Options) { o.URL = "http://127.0.0.1:1" })
	_, err := s.Mkdir(ctx, remote.Ref{Path: "/"}, "a")
	wantKind(t, err, remote.Offline)
	if remote.IsUnknown(err) {
		t.Error("nothing left this machine")
	}
}

func TestClean(t *testing.T) {
	if got := clientkit.Clean("a\x1b[31m\nb\x00" + strings.Repeat("x", 300)); strings.ContainsAny(got, "\x1b\n\x00") || len(got) > 204 {
		t.Errorf("got %q", got)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "120", "-5", "99999999999999", "Fri, 31 Dec 1999 23:59:59 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, h string) {
		if d := retryAfter(h, time.Unix(0, 0)); d < 0 || d > 24*time.Hour {
			t.Errorf("%q: %v", h, d)
		}
	})
}
