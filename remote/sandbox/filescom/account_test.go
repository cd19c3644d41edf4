package filescom_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox"
)

func TestSignIn(t *testing.T) {
	b := open(t)
	get := func(header ...string) int {
		return b.send("GET", b.url+"/api/rest/v1/folders/", nil, header...).status
	}
	equal(t, get(), 401)
	equal(t, get("X-FilesAPI-Key", "odd"), 401)
	equal(t, get("X-FilesAPI-Key", key), 200)
	equal(t, get("Authorization", "Basic ZXhhbXBsZS1rZXk6eA=="), 200) // the key, and x
	equal(t, b.want(200, "GET", "/api_key", nil).text("permission_set"), "full")

	b.refused(401, "not-authenticated/invalid-username-or-password", "POST", "/sessions", fields{"username": "user", "password": "odd"})
	b.want(400, "POST", "/sessions", fields{})
	id := b.want(201, "POST", "/sessions", fields{"username": "user", "password": "secret"}).text("id")
	for _, name := range []string{"X-FilesAPI-Auth", "X-BrickAPI-Auth"} {
		equal(t, get(name, id), 200)
	}
	equal(t, b.send("GET", b.url+"/api/rest/v1/api_key", nil, "X-FilesAPI-Auth", id).status, 403)
	equal(t, b.send("DELETE", b.url+"/api/rest/v1/sessions", nil, "X-FilesAPI-Auth", id).status, 204)
	equal(t, get("X-FilesAPI-Auth", id), 401)
}

func TestOddRequests(t *testing.T) {
	b := open(t)
	for _, path := range []string{"/nothing", "/files/x/%zz", "/history/odd", "/file_actions/odd/x"} {
		if a := b.send("GET", b.url+"/api/rest/v1"+strings.ReplaceAll(path, "%zz", "%FF"), nil, "X-FilesAPI-Key", key); a.status < 400 || a.status > 499 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	equal(t, b.send("GET", b.url+"/", nil).status, 404)
	a := b.send("POST", b.url+"/api/rest/v1/folders/x", strings.NewReader("{"), "X-FilesAPI-Key", key)
	equal(t, a.status, 400)
	form := []string{"X-FilesAPI-Key", key, "Content-Type", "application/x-www-form-urlencoded"}
	a = b.send("POST", b.url+"/api/rest/v1/folders/x/y", strings.NewReader("mkdir_parents=true"), form...)
	equal(t, a.status, 201)
	equal(t, b.send("POST", b.url+"/api/rest/v1/folders/z", strings.NewReader("%"), form...).status, 400)
}

func TestLimit(t *testing.T) {
	b := openWith(t, sandbox.Options{DailyLimit: 4}, "rate-headers", "yes")
	b.upload("f", "0123456789")
	a := b.want(200, "GET", "/files/f", nil)
	equal(t, a.header.Get("X-RateLimit-Remaining"), "1")
	uri := a.text("download_uri")
	b.want(200, "GET", "/folders/", nil)
	b.refused(429, "rate-limited/too-many-requests", "GET", "/folders/", nil)
	a = b.send("GET", uri, nil) // transfers go on
	equal(t, a.status, 200)
	equal(t, a.header.Get("X-RateLimit-Limit"), "")
}

func TestFaultsMeetTransfersToo(t *testing.T) {
	b := open(t)
	b.upload("f", "x")
	ok(t, b.srv.Fail(sandbox.Fault{Op: "get", Kind: sandbox.Status, Status: 503}))
	uri := b.want(200, "GET", "/files/f", nil).text("download_uri")
	equal(t, b.send("GET", uri, nil).status, 503)
	equal(t, b.send("GET", uri, nil).status, 200)
}

func (a answer) actions() string {
	var out []string
	for _, e := range a.list() {
		out = append(out, fmt.Sprint(e["action"], ":", e["path"]))
	}
	return strings.Join(out, " ")
}

func TestActionLogs(t *testing.T) {
	b := open(t)
	b.upload("d/f", "x")
	b.clock.Add(10 * time.Second)
	since := b.clock.Now().UTC().Format(time.RFC3339)
	b.upload("d/f", "y")
	b.content("d/f")
	b.clock.Add(10 * time.Second)
	b.want(201, "POST", "/file_actions/copy/d/f", fields{"destination": "g"})
	b.want(201, "POST", "/file_actions/move/g", fields{"destination": "d/h"})
	b.want(204, "DELETE", "/files/d/h", nil)
	get := func(query string) answer { return b.want(200, "GET", "/action_logs?"+query, nil) }
	oldest := "sort_by[created_at]=asc&"
	all := "create:d create:d/f update:d/f read:d/f copy:g move:d/h destroy:d/h"
	equal(t, get(oldest).actions(), all)
	equal(t, get(oldest+"filter_gt[created_at]="+since).actions(), "copy:g move:d/h destroy:d/h")
	equal(t, get(oldest+"filter_gteq[created_at]="+since).actions(), "update:d/f read:d/f copy:g move:d/h destroy:d/h")
	equal(t, get(oldest+"filter_lt[created_at]="+since).actions(), "create:d create:d/f")
	equal(t, get(oldest+"filter_lteq[created_at]="+since+"&filter_prefix[path]=d/f").actions(), "create:d/f update:d/f read:d/f")
	a := get("per_page=2")
	equal(t, a.actions(), "destroy:d/h move:d/h")
	equal(t, a.list()[1]["src"], any("g"))
	equal(t, get("cursor="+a.header.Get("X-Files-Cursor")+"&per_page=2").actions(), "copy:g read:d/f")
	b.want(400, "GET", "/action_logs?filter_gt[odd]=1", nil)
	b.want(400, "GET", "/action_logs?filter_gt[created_at]=odd", nil)
	b.want(400, "GET", "/action_logs?sort_by[odd]=asc", nil)

	equal(t, b.want(200, "GET", "/history?"+oldest, nil).actions(), all)
	equal(t, b.want(200, "GET", "/history/files/d/f?end_at="+since, nil).actions(), "read:d/f update:d/f create:d/f")
	b.clock.Add(25 * time.Hour)
	equal(t, b.want(200, "GET", "/history/folders/d", nil).actions(), "")
	ok(t, b.srv.Set("activity-lag", "100h"))
	equal(t, get("").actions(), "")
	ok(t, b.srv.Set("activity", "forbidden"))
	b.want(403, "GET", "/action_logs", nil)
	b.want(403, "GET", "/history", nil)
}

// delivery is what a webhook was told.
type delivery struct {
	method, kind string
	fields       map[string]string
}

func TestWebhooks(t *testing.T) {
	got := make(chan delivery, 16)
	var tries atomic.Int32
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tries.Add(1) == 1 { // it is sent once more
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		d := delivery{method: r.Method, kind: r.Header.Get("Content-Type"), fields: map[string]string{}}
		if body, _ := io.ReadAll(r.Body); json.Unmarshal(body, &d.fields) != nil {
			for name := range r.URL.Query() {
				d.fields[name] = r.URL.Query().Get(name)
			}
		}
		got <- d
	}))
	defer endpoint.Close()
	b := open(t)
	b.want(201, "POST", "/folders/d", fields{})
	add := fields{"path": "d", "behavior": "webhook", "value": fields{
		"urls": []string{endpoint.URL}, "method": "POST", "encoding": "JSON", "triggers": []string{"create", "move"},
	}}
	id := fmt.Sprint("/behaviors/", b.want(201, "POST", "/behaviors", add).object()["id"])
	b.upload("outside", "x")
	b.upload("d/f", "x")
	d := <-got
	equal(t, d.kind, "application/json")
	equal(t, d.fields["action"]+" "+d.fields["path"]+" "+d.fields["type"], "create d/f file")

	value, _ := json.Marshal(fields{"urls": []string{endpoint.URL}, "method": "GET", "triggers": []string{"move"}})
	b.want(200, "PATCH", id, fields{"value": string(value)})
	b.want(201, "POST", "/file_actions/move/d/f", fields{"destination": "g"})
	d = <-got
	equal(t, d.method, "GET")
	equal(t, d.fields["path"]+" "+d.fields["destination"], "d/f g")

	equal(t, len(b.want(200, "GET", "/behaviors?behavior=webhook", nil).list()), 1)
	equal(t, len(b.want(200, "GET", "/behaviors/folders/d", nil).list()), 1)
	equal(t, len(b.want(200, "GET", "/behaviors/folders/e", nil).list()), 0)
	equal(t, b.want(200, "GET", id, nil).text("path"), "d")
	b.want(204, "DELETE", id, nil)
	b.want(404, "GET", id, nil)
	for _, odd := range []fields{
		{}, {"behavior": "webhook"}, {"behavior": "webhook", "path": "no", "value": "{}"}, {"behavior": "webhook", "value": "{"},
		{"behavior": "webhook", "value": fields{"urls": []string{"ftp://x"}}},
		{"behavior": "webhook", "value": fields{"urls": []string{endpoint.URL}, "method": "PUT"}},
	} {
		if a := b.api("POST", "/behaviors", odd); a.status < 400 || a.status > 499 {
			t.Errorf("%v: %d", odd, a.status)
		}
	}
}
