package filemail

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

func rec(id, subject string, sent int64) record {
	return record{ID: ident(id), Subject: clientkit.Text{S: subject, OK: true}, Sent: clientkit.Number{N: sent, OK: true}}
}

// TestNamesOfTransfers: the oldest keeps the plain name, whatever the order in
// which they come.
func TestNamesOfTransfers(t *testing.T) {
	records := []record{
		rec("c", "same", 300), rec("a", "same", 100), rec("b", "same", 200_000_000_000_000), rec("d", "", 50), rec("e", "same (b)", 60),
		rec("f", strings.Repeat("x", 300), 1),
	}
	want := map[string]string{"a": "same", "c": "same (c)", "b": "same (b 2)", "d": "(d)", "e": "same (b)", "f": strings.Repeat("x", 200)}
	for range 2 {
		for _, tr := range nameAll(records) {
			if tr.name != want[tr.id()] {
				t.Errorf("%s is called %q, want %q", tr.id(), tr.name, want[tr.id()])
			}
		}
		slices.Reverse(records)
	}
}

// TestErrorNumbers: what each number means, and that a table of all of them has
// no hole.
func TestErrorNumbers(t *testing.T) {
	for code, want := range map[int64]remote.Kind{
		1001: remote.Temporary, 1005: remote.NotExist, 2001: remote.Auth, 2003: remote.Auth, 2008: remote.Permission, 2011: remote.Auth,
		2022: remote.Auth, 3004: remote.Temporary, 3009: remote.TooLarge, 3100: remote.Conflict, 4001: remote.NotExist, 4003: remote.Busy,
		4006: remote.Permission, 5001: remote.Permission, 5017: remote.Permission, 6002: remote.StorageFull,
	} {
		if got, ok := kindOf(code); got != want || !ok {
			t.Errorf("%d is %v, want %v", code, got, want)
		}
	}
	for _, unknown := range []int64{0, 1, 1006, 2023, 5018, 6001, 9999} {
		if got, ok := kindOf(unknown); got != remote.Other || ok {
			t.Errorf("%d is %v", unknown, got)
		}
	}
}

// TestAnswers: an answer is a success only if it says so, whatever its status.
func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		status  int
		body    string
		kind    remote.Kind // 0: success
		ok      bool
		unknown bool
	}{
		{200, `{"responsestatus":"OK"}`, 0, true, false},
		{200, `{"responsestatus":"ok","errorcode":0}`, 0, true, false},
		{200, `{"responsestatus":"error","errorcode":1005,"errorname":"NotFound"}`, remote.NotExist, false, false},
		{500, `{"responsestatus":"NotFound","errorcode":"1005"}`, remote.NotExist, false, false},
		{404, `{"responsestatus":"InvalidParameter","errorcode":1002}`, remote.Invalid, false, false},
		{500, `{"responsestatus":"UnknownError","errorcode":1001}`, remote.Temporary, false, true},
		{200, `{"responsestatus":"ok","errorcode":1005}`, remote.Corrupt, false, true},
		{500, `{"responsestatus":"ok"}`, remote.Temporary, false, true},
		{404, `not found`, remote.Other, false, false},
		{401, ``, remote.Auth, false, false},
		{403, `{}`, remote.Permission, false, false},
		{409, `{}`, remote.Conflict, false, false},
		{503, `<html>`, remote.Temporary, false, true},
		{200, `<html>`, remote.Corrupt, false, true},
		{200, `{"responsestatus":7}`, remote.Corrupt, false, true},
		{200, `{"responsestatus":"Odd"}`, remote.Other, false, true},
		{200, ``, remote.Corrupt, false, true},
	} {
		k := call{op: opDelete, mutates: true}
		_, err := k.read(classic{}, &http.Response{StatusCode: tt.status, Header: http.Header{}}, []byte(tt.body))
		if tt.ok != (err == nil) || err != nil && (remote.KindOf(err) != tt.kind || remote.IsUnknown(err) != tt.unknown) {
			t.Errorf("%d %s: got %v, unknown %v", tt.status, tt.body, err, remote.IsUnknown(err))
		}
	}
}

// TestPlaces: IDs say what they are of, and nothing that a reference may hold
// leads out of the tree.
func TestPlaces(t *testing.T) {
	for _, id := range []string{boxID(boxSent), transferID(boxSent, "a1"), fileID(boxReceived, "a1", "x:y/+="), folderID(boxSent, "a1", "b/c")} {
		p, err := placeOf(opInfo, remote.Ref{ID: id, Path: "/sent/x/b/c"})
		if err != nil || p.level >= inTransfer && p.transfer != "a1" {
			t.Errorf("%s: %+v, %v", id, p, err)
		}
	}
	for _, id := range []string{"x", "b:", "b:other", "t:sent:", "t:sent:a/b", "f:sent:a1", "f:drafts:a1:x", "d:sent:a1:", "q:sent:a1:x", "::::"} {
		if p, err := placeOf(opInfo, remote.Ref{ID: id, Path: "/"}); err == nil {
			t.Errorf("%s: %+v", id, p)
		}
	}
	for _, path := range []string{"", "sent", "/sent/", "//", "/sent/../x", "/sent/a\x00"} {
		if p, err := placeOf(opInfo, remote.Ref{Path: path}); err == nil {
			t.Errorf("%q: %+v", path, p)
		}
	}
}

// TestPieces: pieces make up the file, whatever its size.
func TestPieces(t *testing.T) {
	c := &Client{whole: 10, chunkSize: 4}
	for size := range int64(40) {
		var sum int64
		pieces := c.cutUp(remote.DraftFile{Size: size})
		for i, p := range pieces {
			off, n := p.extent()
			if off != sum || p.n != int64(i) || p.of != int64(len(pieces)) || n > 10 || n == 0 && size > 0 {
				t.Errorf("size %d: %+v at %d", size, p, off)
			}
			sum += n
		}
		if sum != size || len(pieces) == 0 || size <= 10 && len(pieces) != 1 {
			t.Errorf("size %d in %d pieces of %d bytes", size, len(pieces), sum)
		}
	}
}

// TestHosts: each API has its own host.
func TestHosts(t *testing.T) {
	for _, tt := range [][3]string{
		{"https://www.filemail.com", "", "https://www.filemail.com/api"},
		{"https://www.filemail.com/api/", "", "https://www.filemail.com/api"},
		{"https://www.filemail.com", "key", "https://api-public.filemail.com"},
		{"https://filemail.com/", "key", "https://api-public.filemail.com"},
		{"https://api-public.filemail.com", "key", "https://api-public.filemail.com"},
		{"http://127.0.0.1:7", "key", "http://127.0.0.1:7"},
	} {
		o := Options{URL: tt[0], AccessToken: tt[1]}
		if u, err := o.base(); err != nil || u.String() != tt[2] {
			t.Errorf("%v: got %v, %v", tt, u, err)
		}
	}
}

// FuzzDetails: whatever a server says of a transfer, what is made of it is sane.
func FuzzDetails(f *testing.F) {
	f.Add([]byte(`{"transfer":{"id":"a","subject":"s","files":[{"fileid":"1","filename":"/a/b","filesize":"7"},{"fileid":2,"filename":"a","filesize":1}]}}`))
	f.Add([]byte(`{"id":7,"containsmorefiles":1,"files":[{"fileid":"1","filename":"../x","filesize":-1},{"fileid":"1","filename":"x","filesize":1e3},{"fileid":"2","filename":"x","filesize":1}]}`))
	f.Add([]byte(`{"transfer":null,"files":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := readRecord(b)
		if err != nil {
			return
		}
		_ = r.sent()
		tree := grow(boxSent, r)
		tree.ID, tree.name = "a", "name"
		seen := map[string]bool{}
		for i := range tree.files {
			e := &tree.files[i]
			o := tree.object(e.rel, e)
			if seen[e.rel] || tree.isDir(e.rel) || !clientkit.ValidPath(o.Path) || o.Size < 0 || o.Version == "" {
				t.Errorf("%+v", o)
			}
			seen[e.rel] = true
		}
		for dir := range tree.dirs {
			if !clientkit.ValidPath("/"+dir) || len(tree.children(dir)) == 0 {
				t.Errorf("the folder %q", dir)
			}
		}
		if tree.whole && len(tree.files) != len(r.Files) {
			t.Error("files are missing from what is whole")
		}
	})
}

// FuzzList: whatever a server lists, the names are ones that files can have, and
// each is there once.
func FuzzList(f *testing.F) {
	f.Add([]byte(`{"responsestatus":"ok","transfers":[{"id":"a","subject":"s"},{"id":"b","subject":"s","sentdate":"1700000000000"},{"id":3,"subject":"/"}]}`))
	f.Add([]byte(`{"responsestatus":"ok","transfers":[{"id":"a","subject":"x (a)"},{"id":"a"},{"transferid":"b","isexpired":true}]}`))
	f.Add([]byte(`{"responsestatus":"error","errorcode":2003}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		data, err := call{}.read(classic{}, &http.Response{StatusCode: 200, Header: http.Header{}}, b)
		if err != nil {
			return
		}
		var got struct {
			Transfers []record `json:"transfers"`
		}
		if clientkit.Lenient(json.Unmarshal(data, &got)) != nil {
			return
		}
		r := &boxRun{c: &Client{pageSize: 5}, box: boxSent, seen: map[string]int{}}
		r.take(got.Transfers, 0)
		seen := map[string]bool{}
		for _, tr := range nameAll(r.records) {
			if seen[tr.name] || !clientkit.ValidName(tr.name) {
				t.Errorf("%q is no name, or comes twice", tr.name)
			}
			seen[tr.name] = true
		}
	})
}

// TestForeignAddress: content is fetched over TLS only, and from nothing on this
// machine.
func TestForeignAddress(t *testing.T) {
	c, err := New(Options{URL: "https://www.filemail.com", AccessToken: "k", HTTP: http.DefaultClient})
	if err != nil {
		t.Fatal(err)
	}
	for address, good := range map[string]bool{
		"https://1234.filemail.com/api/file/get?filekey=x": true, "http://1234.filemail.com/x": false, "http://127.0.0.1/x": false,
		"https://127.0.0.1/x": false, "": false, "file:///etc/passwd": false, "https://u:p@example.com/": false,
	} {
		if _, err := c.transfer(context.Background(), opDownload, "/x", http.MethodGet, address); good != (err == nil) {
			t.Errorf("%q: %v", address, err)
		}
	}
}
