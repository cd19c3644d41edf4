package filescom

import (
	"encoding/json"
	"path"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// FuzzList: whatever a listing answers, names are safe, and nothing is complete
// that holds what cannot be read.
func FuzzList(f *testing.F) {
	f.Add(list(fileOf("d/x", 1), dirOf("d/y")), false)
	f.Add(`[{"path":"d/../x","type":"file","size":"1","mtime":null}]`, true)
	f.Add(`[[],{},null,17]`, false)
	f.Fuzz(func(t *testing.T, answer string, tree bool) {
		c := answering(t, 200, answer)
		seen := map[string]bool{}
		page := func(objects []remote.Object) error {
			for _, o := range objects {
				if !clientkit.ValidPath(o.Path) || path.Base(o.Path) != o.Name || !strings.HasPrefix(o.Path, "/d/") || o.Size < 0 {
					t.Errorf("got %+v", o)
				}
				seen[o.Path] = true
			}
			return nil
		}
		if tree {
			_, _ = c.ListTree(ctx, remote.Ref{Path: "/d"}, page)
			return
		}
		if l, err := c.List(ctx, remote.Ref{Path: "/d"}, page); err == nil && l.Complete && l.Total != len(seen) {
			t.Errorf("got %+v of %d", l, len(seen))
		}
	})
}

// FuzzAnswers: no answer makes the calls about single objects fail in another
// way than with an error of this project.
func FuzzAnswers(f *testing.F) {
	f.Add(200, fileOf("d/x", 1))
	f.Add(404, problemOf(404, "not-found/file-not-found", "x"))
	f.Add(422, `{"error":1,"http-code":{},"errors":[{"type":[]}],"type":"/"}`)
	f.Add(201, `{"status":"pending","file_migration_id":"7"}`)
	f.Fuzz(func(t *testing.T, status int, answer string) {
		if status < 200 || status > 599 {
			return
		}
		c := answering(t, status, answer)
		ref := remote.Ref{Path: "/d/x"}
		for _, err := range []error{
			second(c.Stat(ctx, ref)), second(c.Mkdir(ctx, remote.Ref{Path: "/d"}, "x")), second(c.SetModTime(ctx, ref, now)),
			first(c.Delete(ctx, []remote.Ref{ref})),
		} {
			if err != nil && remote.KindOf(err) == remote.Other {
				t.Errorf("got %v", err)
			}
		}
		_, _, _ = c.Changes(ctx, now)
	})
}

func second[T any](_ T, err error) error { return err }

// FuzzTickets: a ticket that passes can be used.
func FuzzTickets(f *testing.F) {
	f.Add(`[{"ref":"r","upload_uri":"https://x/y","part_number":1,"headers":{"A":"b"}}]`)
	f.Add(`{"ref":"r","upload_uri":"https://x/y","send":[],"parameters":null}`)
	f.Fuzz(func(t *testing.T, answer string) {
		var ts tickets
		if err := clientkit.Lenient(json.Unmarshal([]byte(answer), &ts)); err != nil || ts.check(call{}, 200) != nil {
			return
		}
		for i := range ts {
			b := &partBody{source: &clientkit.Source{From: strings.NewReader("x"), Size: 1}}
			if _, err := b.request(ctx, &ts[i], 1); err != nil {
				t.Errorf("%s: %v", answer, err)
			}
		}
	})
}

// FuzzResume: no state makes an upload send other parts than the file has.
func FuzzResume(f *testing.F) {
	f.Add([]byte(`{"v":1,"path":"/f","size":30,"part":10,"ref":"r","parts":{"1":{"etag":"e","md5":"17c54824e9931a4688ca032d03f6663c"}}}`))
	f.Fuzz(func(t *testing.T, state []byte) {
		u := &upload{full: "/f", part: 10, up: remote.Upload{Size: 30, Resume: state}}
		resumed := u.restore()
		if resumed != u.resumed || resumed == (u.Ref == "") || u.Path != "/f" || u.Size != 30 || len(u.etags()) > 3 {
			t.Errorf("%q: got %+v", state, u.Parts)
		}
	})
}
