package exavault

import (
	"net/http"
	"slices"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

// hookToken is the token of the published examples (the reference, "Comparing
// the Signature").
const hookToken = "efb7e0030e6cef1b45d3d74a67881a2b"

// hookExamples are the published examples, with their signatures.
var hookExamples = []struct {
	body, signature string
	want            []remote.Change
}{
	{
		`{"accountname":"exampleaccount","username":"exampleaccount","operation":"Connect","protocol":"web","path":"","sourcepath":"","attempt":1}`,
		"6e13eb14edfd0bd54feff96be131e155", nil,
	},
	{
		`{"accountname":"exampleaccount","username":"exampleaccount","operation":"Disconnect","protocol":"web","path":"","sourcepath":"","attempt":1}`,
		"186e8c73793666c8b5cfa0b55eee691d", nil,
	},
	{
		`{"accountname":"exampleaccount","username":"exampleaccount","operation":"Upload","protocol":"web","path":"\/7df2beb1c50a8a066493ee47669a4319.jpg","sourcepath":"","attempt":1}`,
		"e86119ce1b679c7b6010d9ac9a843a36",
		[]remote.Change{{Op: remote.Changed, Path: "/7df2beb1c50a8a066493ee47669a4319.jpg", User: "exampleaccount"}},
	},
}

func hookRequest(signature string) *http.Request {
	return &http.Request{Method: http.MethodPost, Header: http.Header{signatureHeader: {signature}}}
}

func TestPublishedHooks(t *testing.T) {
	c := &Client{}
	for _, e := range hookExamples {
		got, err := c.ReadHook(hookToken, hookRequest(e.signature), []byte(e.body))
		if err != nil || !slices.Equal(got, e.want) {
			t.Errorf("%s: %+v, %v", e.body, got, err)
		}
		for name, try := range map[string][]string{
			"other token": {"x", e.signature, e.body}, "no token": {"", e.signature, e.body},
			"no signature": {hookToken, "", e.body}, "other body": {hookToken, e.signature, e.body + " "},
		} {
			if _, err := c.ReadHook(try[0], hookRequest(try[1]), []byte(try[2])); !remote.IsKind(err, remote.Permission) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestHookMessages(t *testing.T) {
	for body, want := range map[string][]remote.Change{
		`{"operation":"Move","path":"/b/x","sourcepath":"/a/x"}`: {{Op: remote.Moved, Path: "/b/x", From: "/a/x"}},
		`{"operation":"Delete","path":"/b/x","sourcepath":"/a"}`: {{Op: remote.Deleted, Path: "/b/x"}},
		`{"operation":"Create Folder","path":"\/n"}`:             {{Op: remote.MadeDir, Path: "/n"}},
		`{"operation":"Upload","path":"/../x"}`:                  nil,
		`{"event":"resources.createFolder","username":"u","eventData":{"resources":[{"path":"/n"},{"path":"/m"}]}}`: {
			{Op: remote.MadeDir, Path: "/n", User: "u"}, {Op: remote.MadeDir, Path: "/m", User: "u"},
		},
		`{"event":"resources.download","eventData":{"resources":[{"path":"/n"}]}}`:                         nil,
		`{"event":"resources.upload","eventData":{"resources":[{"path":"/n"}],"transferStatus":"failed"}}`: nil,
	} {
		got, err := readSigned([]byte(body))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
	for _, body := range []string{"", "x", "[]", "{}", `{"operation":7}`} {
		if got, err := readSigned([]byte(body)); err != nil && !remote.IsKind(err, remote.Corrupt) || len(got) > 0 {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

// readSigned reads a body with the signature that it should have.
func readSigned(body []byte) ([]remote.Change, error) {
	return (&Client{}).ReadHook("t", hookRequest(signatureOf("t", body)), body)
}

// FuzzReadHook reads whatever comes.
func FuzzReadHook(f *testing.F) {
	for _, e := range hookExamples {
		f.Add([]byte(e.body))
	}
	f.Add([]byte(`{"event":"resources.move","eventTimestamp":"2020-01-01T00:00:00Z","eventData":{"resources":[{"path":"/n"}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := readSigned(body)
		if err != nil && !remote.IsKind(err, remote.Corrupt) {
			t.Fatal(err)
		}
		for _, ch := range got {
			if ch.Op == 0 || len(ch.Path) == 0 || ch.Path[0] != '/' {
				t.Fatalf("%+v", ch)
			}
		}
	})
}
