package yetishare_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// ops are the operations of the last requests.
func (a *account) ops(n int) string {
	var all []string
	rs := a.Requests()
	for _, r := range rs[len(rs)-n:] {
		all = append(all, r.Op)
	}
	return strings.Join(all, " ")
}

// TestReplace: the new file is stored before the old one is deleted, and a
// listing is made only if the old one's ID is not given.
func TestReplace(t *testing.T) {
	a := open(t, nil)
	c := a.client()
	old := put(t, c, root, "file", "old")
	if _, err := store(c, root, "file", "new", true); err != nil {
		t.Fatal(err)
	}
	equal(t, "requests", a.ops(3), "list upload delete")
	equal(t, "content", names(t, c, root), "file=new")
	if _, err := c.Stat(ctx, old.Ref()); !remote.IsKind(err, remote.NotExist) {
		t.Errorf("got %v", err)
	}
	o, err := store(c, root, "file", "newer", true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Upload(ctx, remote.Upload{Parent: root, Name: "file", Size: 1, Content: strings.NewReader("!"), Overwrite: true, Replaces: o.Ref()}); err != nil {
		t.Fatal(err)
	}
	equal(t, "requests", a.ops(2), "upload delete")
	equal(t, "content", names(t, c, root), "file=!")
}

// TestReplaceFails: whatever goes wrong, one of the contents is there, and what
// came of it is known or said to be unknown.
func TestReplaceFails(t *testing.T) {
	for _, tt := range []struct {
		fault   sandbox.Fault
		want    string // the folder afterwards; %d are numbers
		unknown bool
	}{
		{sandbox.Fault{Op: "upload", Kind: sandbox.Lost}, "file (N)=new file=old", true},
		{sandbox.Fault{Op: "upload", Kind: sandbox.Status, Status: 500}, "file=old", true},
		{sandbox.Fault{Op: "upload", Kind: sandbox.Reset, After: true}, "file=old", true},
		{sandbox.Fault{Op: "upload", Kind: sandbox.HTML}, "file=old", true},
		{sandbox.Fault{Op: "list", Kind: sandbox.HTML}, "file=old", false},
		{sandbox.Fault{Op: "delete", Kind: sandbox.Lost}, "file=new", false}, // sent again, and gone
		{sandbox.Fault{Op: "delete", Kind: sandbox.HTML}, "file (N)=new file=old", true},
		{sandbox.Fault{Op: "delete", Kind: sandbox.Status, Status: 403}, "file (N)=new file=old", true},
	} {
		a := open(t, nil)
		c := a.client()
		put(t, c, root, "file", "old")
		if err := a.Fail(tt.fault); err != nil {
			t.Fatal(err)
		}
		o, err := store(c, root, "file", "new", true)
		if err == nil && (o.Name != "file" || tt.want != "file=new") || remote.IsUnknown(err) != tt.unknown {
			t.Errorf("%+v: got %+v, %v", tt.fault, o, err)
		}
		equal(t, fmt.Sprintf("%+v", tt.fault), noNumbers(names(t, c, root)), tt.want)
	}
}

var numbers = regexp.MustCompile(`\(\d+\)`)

// noNumbers replaces the numbers in brackets.
func noNumbers(s string) string { return numbers.ReplaceAllString(s, "(N)") }

// TestDuplicates: of two files of one name the older one keeps it, both can be
// used by the names that they are shown under, and replacing one leaves the other.
func TestDuplicates(t *testing.T) {
	a := open(t, nil)
	c := a.client()
	first, second := put(t, c, root, "a.txt", "first"), put(t, c, root, "a.txt", "second")
	third := put(t, c, root, "a.txt", "third")
	shown := func(o remote.Object) string { return "/a (" + o.Version + ").txt" }
	equal(t, "second", read(t, c, remote.Ref{Path: shown(second)}, 0, -1), "second")
	equal(t, "first", read(t, c, remote.Ref{Path: "/a.txt"}, 0, -1), "first")
	if o, err := c.Stat(ctx, remote.Ref{ID: second.ID, Path: shown(second)}); err != nil || o.Path != shown(second) {
		t.Errorf("got %+v, %v", o, err)
	}
	if _, err := store(c, root, "a.txt", "fourth", true); err != nil {
		t.Fatal(err)
	}
	equal(t, "replaced", noNumbers(names(t, c, root)), "a (N).txt=second a (N).txt=third a.txt=fourth")
	if rs, err := c.Delete(ctx, []remote.Ref{{Path: shown(third)}}); err != nil || rs[0].Err != nil {
		t.Errorf("got %v, %v", rs, err)
	}
	equal(t, "deleted", noNumbers(names(t, c, root)), "a (N).txt=second a.txt=fourth")
	if _, err := c.Stat(ctx, first.Ref()); !remote.IsKind(err, remote.NotExist) {
		t.Errorf("got %v", err)
	}
}

// TestFileAndFolderOfOneName: the folder keeps the name, and is not replaced.
func TestFileAndFolderOfOneName(t *testing.T) {
	a := open(t, nil)
	c := a.client()
	put(t, c, root, "x", "file")
	d, err := c.Mkdir(ctx, root, "y")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Rename(ctx, d.Ref(), "x"); err != nil {
		t.Fatal(err)
	}
	equal(t, "names", noNumbers(names(t, c, root)), "x (N)=file x/")
	if _, err := store(c, root, "x", "new", true); !remote.IsKind(err, remote.IsDir) {
		t.Errorf("got %v", err)
	}
	for _, taken := range []string{"x", strings.Fields(names(t, c, root))[0] + " " + strings.Split(strings.Fields(names(t, c, root))[1], "=")[0]} {
		if _, err := c.Mkdir(ctx, root, taken); !remote.IsKind(err, remote.Exist) {
			t.Errorf("%q: got %v", taken, err)
		}
	}
}

// TestOddNames: the site has the names that no file here could have, and they
// show as the same ones again.
func TestOddNames(t *testing.T) {
	a := open(t, map[string]string{"dots": "dropped"})
	c := a.client()
	for _, name := range []string{"a／b", "．．", "␀", ".hidden", `back\slash`, "‛／"} {
		if o := put(t, c, root, name, name); o.Name != name {
			t.Errorf("%q: got %+v", name, o)
		}
		if _, err := c.Mkdir(ctx, root, "dir "+name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	var got []string
	if _, err := c.List(ctx, root, func(os []remote.Object) error {
		for _, o := range os {
			if !o.Dir {
				got = append(got, o.Name)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	want := []string{"a／b", "．．", "␀", ".hidden", `back\slash`, "‛／"}
	slices.Sort(want)
	equal(t, "names", got, want)
	if _, err := os.Stat(filepath.Join(a.Root(), "a_b")); err != nil {
		t.Error("the slash did not reach the site:", err)
	}
}

// TestDotsCost: only the first name that begins with a dot costs a look.
func TestDotsCost(t *testing.T) {
	for dots, want := range map[string]string{"kept": "upload info upload upload", "dropped": "upload info edit upload edit upload"} {
		a := open(t, map[string]string{"dots": dots, "upload-name": "asked"})
		c := a.client()
		put(t, c, root, ".one", "1")
		put(t, c, root, ".two", "2")
		put(t, c, root, "three", "3")
		equal(t, dots, a.ops(len(strings.Fields(want))), want)
		equal(t, dots, names(t, c, root), ".one=1 .two=2 three=3")
	}
}

// TestEmptyFiles: they are refused, or stored as marked objects, which any client
// shows as empty.
func TestEmptyFiles(t *testing.T) {
	a := open(t, nil)
	c := a.client()
	if _, err := store(c, root, "empty", "", false); !remote.IsKind(err, remote.Unsupported) || remote.IsUnknown(err) || a.Count() != 0 {
		t.Errorf("got %v", err)
	}
	marking := a.client(placeholder)
	o, err := store(marking, root, "empty", "", false)
	if err != nil || o.Size != 0 || o.Name != "empty" {
		t.Fatalf("got %+v, %v", o, err)
	}
	equal(t, "requests", a.ops(2), "upload edit")
	equal(t, "seen by another client", names(t, c, root), "empty=")
	for _, ref := range []remote.Ref{o.Ref(), {Path: "/empty"}} {
		if got, err := c.Stat(ctx, ref); err != nil || got != o {
			t.Errorf("got %+v, %v, want %+v", got, err, o)
		}
	}
	if o, err = store(marking, root, "empty", "full", true); err != nil || o.Size != 4 {
		t.Errorf("got %+v, %v", o, err)
	}
	if o, err = store(marking, root, "empty", "", true); err != nil || o.Size != 0 {
		t.Errorf("got %+v, %v", o, err)
	}
	before := a.Count()
	equal(t, "content", read(t, c, o.Ref(), 0, 10), "")
	equal(t, "requests for it", a.Count()-before, 0)
}

// TestTooLarge: once the limits are known nothing is sent in vain, and until then
// the site's refusal is understood, however it says it.
func TestTooLarge(t *testing.T) {
	for _, how := range []string{"envelope", "record"} {
		a := open(t, map[string]string{"max-upload": "10", "upload-errors": how})
		c := a.client()
		if _, err := store(c, root, "file", "more than ten", false); !remote.IsKind(err, remote.TooLarge) || remote.IsUnknown(err) {
			t.Errorf("%s: got %v", how, err)
		}
		if err := c.Connect(ctx); err != nil {
			t.Fatal(err)
		}
		before := a.Count()
		_, err := store(c, root, "file", "more than ten", false)
		if !remote.IsKind(err, remote.TooLarge) || a.Count() != before || c.Capabilities().MaxFile != 10 {
			t.Errorf("%s: got %v after %d requests", how, err, a.Count()-before)
		}
		equal(t, "content", names(t, c, root), "")
	}
}

// TestLimitsBeforeLargeFiles: they are read once, and not for small files.
func TestLimitsBeforeLargeFiles(t *testing.T) {
	a := open(t, map[string]string{"max-upload": "9000000"})
	c := a.client()
	put(t, c, root, "small", "x")
	equal(t, "requests", a.ops(2), "authorize upload")
	large := strings.Repeat("x", 9_000_001)
	for range 2 {
		if _, err := store(c, root, "large", large, false); !remote.IsKind(err, remote.TooLarge) {
			t.Errorf("got %v", err)
		}
	}
	equal(t, "requests", a.ops(3), "authorize upload account")
}

// uploadAnswer is a site that answers every upload the same.
func uploadAnswer(record string) map[string]string {
	return map[string]string{
		"file/upload": `{"response":"File uploaded","data":[` + record + `],"_status":"success","_datetime":"2017-03-19 08:53:27"}`,
		"file/delete": `{"_status":"success","data":{"id":"7","filename":"f","statusId":"2"}}`,
	}
}

// TestUploadChecked: what the answer says about the file decides.
func TestUploadChecked(t *testing.T) {
	const md5OfContent = "9a0364b9e99bb480dd25e1f0284c8555" // of "content"
	for _, tt := range []struct {
		record  string
		kind    remote.Kind
		unknown bool
	}{
		{`{"name":"f","size":"7","error":null,"file_id":"7","hash":"` + md5OfContent + `"}`, 0, false},
		{`{"name":"f","size":7,"error":null,"file_id":7}`, 0, false},
		{`{"name":"f","size":"6","error":null,"file_id":"7"}`, remote.Corrupt, false},
		{`{"name":"f","size":"7","error":null,"file_id":null}`, remote.Corrupt, true},
		{`{"name":"f","size":"7","error":"Not enough storage space left.","file_id":"7"}`, remote.StorageFull, false},
		{`{"name":"f","size":"7","error":"File type not allowed.","file_id":"7"}`, remote.Permission, false},
		{``, remote.Corrupt, true},
		{`{"file_id":"7","size":"7"},{"file_id":"8","size":"7"}`, remote.Corrupt, true},
	} {
		c := serve(t, site(uploadAnswer(tt.record)))
		o, err := store(c, root, "f", "content", false)
		if tt.kind == 0 {
			if err != nil || o.ID != "f7-7" || o.Version != "7" {
				t.Errorf("%s: got %+v, %v", tt.record, o, err)
			}
			continue
		}
		if !remote.IsKind(err, tt.kind) || remote.IsUnknown(err) != tt.unknown {
			t.Errorf("%s: got %v, unknown %v", tt.record, err, remote.IsUnknown(err))
		}
	}
}

// TestHash: a hash that was the MD5 of the content before must be so again. One
// that never was is tried against the stored bytes, once.
func TestHash(t *testing.T) {
	const good = "9a0364b9e99bb480dd25e1f0284c8555"
	hash, deleted, downloads := good, 0, 0
	var stored string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		answers := uploadAnswer(`{"name":"f","size":"7","error":null,"file_id":"7","hash":"` + hash + `"}`)
		answers["file/download"] = `{"_status":"success","data":{"file_id":"7","filename":"f","download_url":"http://` + r.Host + `/7"}}`
		switch r.URL.Path {
		case "/7":
			downloads++
			_, _ = w.Write([]byte(stored))
		case "/api/v2/file/delete":
			deleted++
			fallthrough
		default:
			site(answers)(w, r)
		}
	})
	for _, step := range []struct {
		hash, stored       string
		ok                 bool
		deleted, downloads int
	}{
		{"00000000000000000000000000000000", "changed", false, 1, 1},
		{"00000000000000000000000000000000", "content", true, 1, 2},
		{"11111111111111111111111111111111", "changed", true, 1, 2}, // not looked at any more
	} {
		hash, stored = step.hash, step.stored
		_, err := store(c, root, "f", "content", false)
		if (err == nil) != step.ok || deleted != step.deleted || downloads != step.downloads {
			t.Errorf("%+v: got %v, %d deleted, %d read back", step, err, deleted, downloads)
		}
	}
}

// TestHashProven is TestHash for a site whose hash proved to be the MD5.
func TestHashProven(t *testing.T) {
	hash := "9a0364b9e99bb480dd25e1f0284c8555"
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		site(uploadAnswer(`{"name":"f","size":"7","error":null,"file_id":"7","hash":"`+hash+`"}`))(w, r)
	})
	if _, err := store(c, root, "f", "content", false); err != nil {
		t.Fatal(err)
	}
	hash = strings.Repeat("0", 32)
	if _, err := store(c, root, "f", "content", false); !remote.IsKind(err, remote.Corrupt) || remote.IsUnknown(err) {
		t.Errorf("got %v", err)
	}
}

// TestContentFails: content that cannot be read is the caller's error.
func TestContentFails(t *testing.T) {
	a := open(t, nil)
	c := a.client()
	_, err := c.Upload(ctx, remote.Upload{Parent: root, Name: "file", Size: 10, Content: strings.NewReader("short")})
	if err == nil || names(t, c, root) != "" {
		t.Errorf("got %v", err)
	}
}
