package exavault_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/exavault"
)

func TestActivity(t *testing.T) {
	b := open(t)
	id := b.must("/a", "123")
	b.send("POST", "/resources", object{"path": "/d"})
	b.clock.Add(10 * time.Second)
	mid := b.clock.Now()
	b.send("PATCH", fmt.Sprintf("/resources/%d", id), object{"name": "b"})
	b.send("POST", "/resources/copy", transfer([]string{"/b"}, "/d"))
	b.send("POST", "/resources/move", transfer([]string{"/d/b"}, "/d"))
	b.get("/resources/download", "resources[]", "/b")
	b.send("DELETE", "/resources", object{"resources": []string{"/b"}})
	equal(t, b.ops("-date"), "DELE RETR MOVE COPY RNTO MKD STOR")
	equal(t, b.ops("date"), "STOR MKD RNTO COPY MOVE RETR DELE")
	equal(t, b.ops("date", "startDate", mid.UTC().Format(time.RFC3339)), "RNTO COPY MOVE RETR DELE")
	equal(t, b.ops("date", "endDate", mid.Add(-time.Second).UTC().Format("2006-01-02 15:04:05")), "STOR MKD")
	equal(t, b.ops("date", "type", "COPY"), "COPY")
	equal(t, b.ops("date", "path", "/d*"), "MKD COPY MOVE")
	equal(t, b.ops("date", "username", "nobody"), "")
	a := b.get("/activity/session", "sort", "-date", "limit", "1", "offset", "4")
	equal(t, a.at("returnedResults"), 1)
	equal(t, a.at("totalResults"), 0)
	equal(t, a.at("data", 0, "type"), "sessionActivity")
	for name, want := range map[string]any{
		"fileName": "/b", "fileSource": "/a", "operation": "RNTO", "username": "exavaultuser",
		"status": "-", "bytesTransferred": 0, "ipAddress": "127.0.0.1",
	} {
		equal(t, a.at("data", 0, "attributes", name), want)
	}
	if s := fmt.Sprint(a.at("data", 0, "attributes", "created")); !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`).MatchString(s) {
		t.Errorf("created is %q", s)
	}
	for _, q := range [][]string{{"limit", "-1"}, {"offset", "-1"}, {"sort", "odd"}, {"startDate", "odd"}} {
		b.get("/activity/session", q...).want(b, 400)
	}
}

func TestActivitySwitches(t *testing.T) {
	b := open(t, "activity", "forbidden")
	b.get("/activity/session").want(b, 403)
	b = open(t, "activity-lag", "5s", "activity-parents", "yes", "activity-failures", "yes")
	b.must("/x/y", "1")
	b.send("DELETE", "/resources", object{"resources": []string{"/none"}})
	b.send("POST", "/resources/move", transfer([]string{"/x"}, "/x/y"))
	b.send("POST", "/resources", object{"path": "/x"})
	equal(t, b.ops("date"), "")
	b.clock.Add(5 * time.Second)
	equal(t, b.ops("date"), "MKD STOR MKD")
	equal(t, b.get("/activity/session").at("data", 0, "attributes", "status"), "failed")
	b = open(t, "activity-empty", "400")
	b.get("/activity/session").want(b, 200)
	b.get("/activity/session", "startDate", "2020-01-01T00:00:00Z").want(b, 400)
}

func TestAccount(t *testing.T) {
	b := open(t)
	b.must("/a", "12345")
	a := b.get("/account", "include", "masterUser")
	a.want(b, 200)
	equal(t, a.at("data", "attributes", "quota", "diskUsed"), 5)
	equal(t, a.at("data", "attributes", "quota", "transactionsLimit"), 60000)
	equal(t, a.at("included", 0, "type"), "user")
}

// listener is an endpoint for webhooks. It refuses the first few messages.
type listener struct {
	*httptest.Server
	got chan *http.Request
}

func listen(t *testing.T, refuse int) *listener {
	l := &listener{got: make(chan *http.Request, 100)}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		if refuse > 0 {
			refuse--
			w.WriteHeader(500)
		}
		l.got <- r
	}))
	t.Cleanup(l.Close)
	return l
}

func (b *box) addHook(url, version string) answer {
	b.Helper()
	a := b.send("POST", "/webhooks", object{
		"endpointUrl": url, "responseVersion": version,
		"triggers": object{"resources": object{"upload": true, "delete": true}},
	})
	a.want(b, 201)
	return a
}

func TestWebhookV1(t *testing.T) {
	l := listen(t, 2)
	b := open(t, "webhook-data", "object")
	token := b.addHook(l.URL, "v1").attr("verificationToken")
	b.must("/d/ü.txt", "1")
	for attempt := 1; attempt <= 3; attempt++ {
		r := <-l.got
		body, _ := io.ReadAll(r.Body)
		equal(t, string(body), fmt.Sprintf(`{"accountname":"sandbox","username":"exavaultuser","operation":"Upload","protocol":"web","path":"\/d\/ü.txt","sourcepath":"","attempt":%d}`, attempt))
		equal(t, r.Header.Get("X-Exavault-Signature"), sign(fmt.Sprint(token), body))
	}
}

func TestWebhookV2(t *testing.T) {
	l := listen(t, 0)
	b := open(t, "webhook-data", "object")
	b.addHook(l.URL, "v2")
	id := b.must("/a", "123")
	b.send("POST", "/resources", object{"path": "/d"}) // no trigger
	b.send("DELETE", "/resources", object{"resources": []string{"/a"}})
	events := map[string]map[string]any{} // deliveries may overtake each other
	for range 2 {
		var m map[string]any
		if err := json.NewDecoder((<-l.got).Body).Decode(&m); err != nil {
			t.Fatal(err)
		}
		events[m["event"].(string)] = m
	}
	up := answer{json: events["resources.upload"]}
	equal(t, up.at("eventData", "resources", 0, "id"), id)
	equal(t, up.at("eventData", "resources", 0, "size"), 3)
	equal(t, up.at("eventData", "transferStatus"), "success")
	equal(t, answer{json: events["resources.delete"]}.at("eventData", "resources", 0, "path"), "/a")
}

func TestWebhookGivesUp(t *testing.T) {
	l := listen(t, 1000)
	b := open(t, "webhook-data", "object")
	id := b.addHook(l.URL, "v2").id()
	path := fmt.Sprintf("/webhooks/%d", id)
	b.must("/a", "123")
	for range 8 {
		<-l.got
	}
	deadline := time.Now().Add(10 * time.Second)
	for b.get(path).attr("failed") != true {
		if time.Now().After(deadline) {
			t.Fatal("the webhook was not switched off")
		}
	}
	log := b.get("/activity/webhooks", "limit", "100")
	equal(t, len(log.list()), 8)
	equal(t, log.at("data", 0, "attributes", "status"), 500)
	equal(t, log.at("totalResults"), 0)
	b.send("POST", fmt.Sprintf("/webhooks/resend/%.0f", log.at("data", 0, "id")), object{}).want(b, 200)
	<-l.got
	equal(t, b.send("PATCH", path, object{"responseVersion": "v1"}).attr("failed"), false)
	equal(t, b.get(path).at("data", "attributes", "triggers", "resources", "upload"), true)
}

func TestWebhookManagement(t *testing.T) {
	b := open(t)
	b.send("POST", "/webhooks", object{}).want(b, 400)
	b.send("POST", "/webhooks", object{"endpointUrl": "ftp://x"}).want(b, 400)
	b.send("POST", "/webhooks", object{"endpointUrl": "https://example.com/hook", "resource": "/none"}).want(b, 404)
	a := b.send("POST", "/webhooks", object{"endpointUrl": "https://example.com/hook"})
	a.want(b, 201)
	path := fmt.Sprintf("/webhooks/%v", a.at("data", 0, "id"))
	equal(t, a.at("data", 0, "type"), "webhook")
	equal(t, a.at("data", 0, "attributes", "triggers", "shares", "formSubmit"), false)
	equal(t, len(b.get("/webhooks").list()), 1)
	fresh := b.send("POST", strings.Replace(path, "/webhooks", "/webhooks/regenerate-token", 1), object{})
	fresh.want(b, 200)
	if fresh.at("data", 0, "attributes", "verificationToken") == a.at("data", 0, "attributes", "verificationToken") {
		t.Error("the token is the same")
	}
	b.do("DELETE", "/api/v2"+path, nil).want(b, 200)
	b.do("DELETE", "/api/v2"+path, nil).want(b, 404)
	b.get(path).want(b, 404)
}

func sign(token string, body []byte) string { return exavault.Signature(token, body) }

// The three published examples, with slashes escaped as the third one needs.
func TestSignature(t *testing.T) {
	const token = "efb7e0030e6cef1b45d3d74a67881a2b"
	for body, want := range map[string]string{
		`{"accountname":"exampleaccount","username":"exampleaccount","operation":"Connect","protocol":"web","path":"","sourcepath":"","attempt":1}`:                                      "6e13eb14edfd0bd54feff96be131e155",
		`{"accountname":"exampleaccount","username":"exampleaccount","operation":"Disconnect","protocol":"web","path":"","sourcepath":"","attempt":1}`:                                   "186e8c73793666c8b5cfa0b55eee691d",
		`{"accountname":"exampleaccount","username":"exampleaccount","operation":"Upload","protocol":"web","path":"\/7df2beb1c50a8a066493ee47669a4319.jpg","sourcepath":"","attempt":1}`: "e86119ce1b679c7b6010d9ac9a843a36",
	} {
		equal(t, sign(token, []byte(body)), want)
	}
}
