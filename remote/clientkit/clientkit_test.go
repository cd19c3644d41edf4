package clientkit

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

func TestLenientValues(t *testing.T) {
	var v struct {
		N []Number
		T []Text
		F []Flag
	}
	const wire = `{"N":[7,"7",7.0,"x",null,{},1e300],"T":["a",7,null,["a"]],"F":[true,"1",0,"false","maybe",null]}`
	if err := Lenient(json.Unmarshal([]byte(wire), &v)); err != nil {
		t.Fatal(err)
	}
	for i, want := range []Number{{7, true}, {7, true}, {7, true}, {}, {}, {}, {}} {
		if v.N[i] != want {
			t.Errorf("number %d: %+v", i, v.N[i])
		}
	}
	for i, want := range []Text{{"a", true}, {}, {}, {}} {
		if v.T[i] != want {
			t.Errorf("text %d: %+v", i, v.T[i])
		}
	}
	for i, want := range []Flag{{true, true}, {true, true}, {false, true}, {false, true}, {}, {}} {
		if v.F[i] != want {
			t.Errorf("flag %d: %+v", i, v.F[i])
		}
	}
	var s struct{ S string }
	if err := Lenient(json.Unmarshal([]byte(`{"S":7}`), &s)); err != nil {
		t.Error(err)
	}
	if Lenient(json.Unmarshal([]byte(`{"S":`), &s)) == nil {
		t.Error("broken JSON passed")
	}
}

func TestNames(t *testing.T) {
	for name, kind := range map[string]remote.Kind{
		"": remote.InvalidName, ".": remote.InvalidName, "..": remote.InvalidName, "a/b": remote.InvalidName, "a\x00": remote.InvalidName,
		"\xff": remote.InvalidName, strings.Repeat("x", 256): remote.NameTooLong,
	} {
		if err := CheckName("op", "/"+name, name); !remote.IsKind(err, kind) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := CheckName("op", "/ä", "ä"); err != nil {
		t.Error(err)
	}
	if ValidPath("a") || ValidPath("/") || ValidPath("/a//b") || !ValidPath("/a/b") || Join("/", "a") != "/a" || Join("/a", "b") != "/a/b" {
		t.Error("paths are wrong")
	}
}

func TestAddress(t *testing.T) {
	a := Address{Provider: "x", Example: "https://SITE", API: []string{"/api/v9", "/v9"}}
	for in, want := range map[string]string{
		"https://s.example":         "https://s.example/api/v9",
		"https://s.example/api/v9/": "https://s.example/api/v9",
		"https://s.example/v9":      "https://s.example/v9",
		"http://127.0.0.1:80/sub":   "http://127.0.0.1:80/sub/api/v9",
	} {
		if got, err := a.Base(in); got != want || err != nil {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "s.example", "http://s.example", "ftp://s.example", "https://u:p@s.example", "https://s.example?x=1", "https://"} {
		if got, err := a.Base(in); !remote.IsKind(err, remote.Invalid) || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	if err := a.Secret("token", "se cret"); !remote.IsKind(err, remote.Invalid) || strings.Contains(err.Error(), "cret") {
		t.Errorf("%v", err)
	}
}

func TestLost(t *testing.T) {
	e := Lost("op", "/p", true, &url.Error{Op: "Get", URL: "https://x/?token=secret", Err: io.ErrUnexpectedEOF})
	if e.Kind != remote.Temporary || !e.Unknown || strings.Contains(e.Error(), "secret") {
		t.Errorf("got %v", e)
	}
	known := &remote.Error{Kind: remote.Budget, Op: "other", Path: "/mount"}
	if e := Lost("op", "/p", true, known); e.Kind != remote.Budget || e.Op != "op" || e.Path != "/p" || known.Op != "other" {
		t.Errorf("got %v", e)
	}
}

func TestSource(t *testing.T) {
	last := int64(0)
	s := &Source{From: strings.NewReader("12345"), Size: 5, Progress: func(n int64) { last = n }}
	for range 2 {
		if b, err := io.ReadAll(s.Reader()); string(b) != "12345" || err != nil || last != 5 {
			t.Errorf("read %q, %v", b, err)
		}
	}
	s.Shut()
	if n, err := s.Reader().Read(make([]byte, 5)); n != 0 || !errors.Is(err, errShut) || s.Failure() != nil {
		t.Errorf("read %d, %v after the end", n, err)
	}
	short := &Source{From: strings.NewReader("123"), Size: 5}
	if _, err := io.ReadAll(short.Reader()); !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(short.Failure(), io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

// TestContent: what an answer brings is what was asked for, or an error.
func TestContent(t *testing.T) {
	for _, tt := range []struct {
		name           string
		offset, length int64
		status         int
		span, body     string
		announced      int64
		want           string
		kind           remote.Kind // of opening
		short          bool
	}{
		{"all", 0, -1, 200, "", "abcdef", 6, "abcdef", 0, false},
		{"the start of all", 0, 2, 200, "", "abcdef", 6, "ab", 0, false},
		{"all, though a part was asked for", 2, 2, 200, "", "abcdef", 6, "abcdef", 0, false},
		{"a part", 2, 2, 206, "bytes 2-3/6", "cd", 2, "cd", 0, false},
		{"more than asked for", 2, 1, 206, "bytes 2-3/6", "cd", 2, "c", 0, false},
		{"less than asked for", 2, 4, 206, "bytes 2-3/6", "cd", 2, "cd", 0, true},
		{"cut", 0, -1, 200, "", "abc", 6, "abc", 0, true},
		{"another part", 2, 2, 206, "bytes 3-4/6", "de", 2, "", remote.Corrupt, false},
		{"a contradiction", 2, 2, 206, "bytes 2-3/6", "cde", 3, "", remote.Corrupt, false},
		{"no content", 0, -1, 204, "", "", 0, "", remote.Corrupt, false},
	} {
		resp := &http.Response{
			StatusCode: tt.status, ContentLength: tt.announced, Header: http.Header{"Content-Range": {tt.span}},
			Body: io.NopCloser(strings.NewReader(tt.body)),
		}
		d, err := Content{Op: "download", Path: "/f", Offset: tt.offset, Length: tt.length}.Open(resp)
		if tt.kind != 0 || err != nil {
			if !remote.IsKind(err, tt.kind) {
				t.Errorf("%s: got %v", tt.name, err)
			}
			continue
		}
		b, err := io.ReadAll(d)
		if string(b) != tt.want || errors.Is(err, io.ErrUnexpectedEOF) != tt.short || !tt.short && err != nil {
			t.Errorf("%s: read %q, %v", tt.name, b, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-1/2", "bytes 0-1/*", "bytes */5", "", "bytes 9-1/3", "bytes 0-18446744073709551615/*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, h string) {
		if r, ok := ParseContentRange(h); ok && (r.First < 0 || r.Last < r.First || r.Total >= 0 && r.Last >= r.Total) {
			t.Errorf("%q: %+v", h, r)
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("a\x1b[31m\nb\x00")
	f.Fuzz(func(t *testing.T, s string) {
		if c := Clean(s); strings.ContainsAny(c, "\x1b\n\x00") || len([]rune(c)) > maxDetail+1 {
			t.Errorf("%q", c)
		}
	})
}
