package exavault

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

var abc = []remote.Ref{{ID: "1", Path: "/f/a"}, {ID: "2", Path: "/f/b"}, {ID: "3", Path: "/f/c"}}

func multi(items ...string) string { return `{"responses":[` + strings.Join(items, ",") + `]}` }

func good(id int64, from, to string) string {
	return fmt.Sprintf(`{"responseStatus":200,"data":%s,"meta":{"path":%q,"destinationPath":"/t"}}`, file(id, to, 1), from)
}

func bad(status int, from string) string {
	return fmt.Sprintf(`{"responseStatus":%d,"errors":[{"code":null,"detail":null,"title":null,"meta":{"path":%s,"destinationPath":"/t"}}]}`, status, from)
}

// outcome writes results as one word each.
func outcome(rs []remote.Result, err error) string {
	if err != nil {
		return "error: " + remote.KindOf(err).String()
	}
	var words []string
	for _, r := range rs {
		switch {
		case remote.IsUnknown(r.Err):
			words = append(words, "unknown")
		case r.Err != nil:
			words = append(words, remote.KindOf(r.Err).String())
		default:
			words = append(words, "ok"+r.Object.Path)
		}
	}
	return strings.Join(words, ", ")
}

// TestMove shows every way in which results may come, for a move of three.
func TestMove(t *testing.T) {
	ga, gb, gc := good(1, "/f/a", "/t/a"), good(2, "/f/b", "/t/b"), good(3, "/f/c", "/t/c")
	bare := func(s string) string { return strings.Replace(s, `"meta"`, `"x"`, 1) }
	for name, tt := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"in order":            {207, multi(ga, gb, gc), "ok/t/a, ok/t/b, ok/t/c"},
		"status 200":          {200, multi(ga, gb, gc), "ok/t/a, ok/t/b, ok/t/c"},
		"another order":       {207, multi(gc, ga, gb), "ok/t/a, ok/t/b, ok/t/c"},
		"by id alone":         {207, multi(bare(gc), bare(ga), bare(gb)), "ok/t/a, ok/t/b, ok/t/c"},
		"an array":            {200, `{"responseStatus":200,"data":[` + file(3, "/t/c", 1) + `,` + file(1, "/t/a", 1) + `,` + file(2, "/t/b", 1) + `]}`, "ok/t/a, ok/t/b, ok/t/c"},
		"one is gone":         {207, multi(bad(404, `"/f/c"`), ga, gb), "ok/t/a, ok/t/b, does not exist"},
		"named by id":         {207, multi(bad(404, `"id:3"`), bad(400, `"id:1"`), gb), "invalid argument, ok/t/b, does not exist"},
		"one says nothing":    {207, multi(bad(404, `null`), ga, gb), "ok/t/a, ok/t/b, does not exist"},
		"two say the same":    {207, multi(bad(404, `null`), bad(404, `null`), gb), "does not exist, ok/t/b, does not exist"},
		"two say something":   {207, multi(bad(404, `null`), bad(400, `null`), gb), "unknown, ok/t/b, unknown"},
		"one is missing":      {207, multi(ga, gc), "ok/t/a, unknown, ok/t/c"},
		"all are missing":     {207, `{}`, "unknown, unknown, unknown"},
		"no data":             {200, `{"responseStatus":200,"data":[]}`, "unknown, unknown, unknown"},
		"a failing server":    {207, multi(ga, bad(503, `"/f/b"`), gc), "ok/t/a, unknown, ok/t/c"},
		"taken":               {207, multi(ga, `{"responseStatus":400,"errors":[{"detail":"exists already","meta":{"path":"/f/b"}}]}`, gc), "ok/t/a, exists already, ok/t/c"},
		"no status":           {207, multi(ga, strings.Replace(gb, `"responseStatus":200,`, ``, 1), gc), "ok/t/a, ok/t/b, ok/t/c"},
		"neither":             {207, multi(ga, `{"meta":{"path":"/f/b"}}`, gc), "ok/t/a, unknown, ok/t/c"},
		"a hostile name":      {207, multi(ga, good(2, "/f/b", "/t/.."), gc), "ok/t/a, unknown, ok/t/c"},
		"a status of text":    {207, multi(strings.Replace(ga, ":200,", `:"200",`, 1), gb, gc), "ok/t/a, ok/t/b, ok/t/c"},
		"HTML":                {200, `<html>`, "error: damaged data"},
		"the target is gone":  {404, problem(404, "no such folder"), "error: does not exist"},
		"the key is bad":      {401, problem(401, "HTTP_UNAUTHORIZED"), "error: credentials refused"},
		"one item for all":    {207, multi(`{"responseStatus":200}`), "unknown, unknown, unknown"},
		"ids only, as schema": {207, multi(`{"id":3}`, `{"id":2,"meta":{"path":"/f/b"}}`, `{"id":1}`), "ok, ok, ok"},
	} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if got, want := readBody(t, r), `{"parentResource":"id:9","resources":["id:1","id:2","id:3"]}`; got != want || r.URL.Path != "/resources/move" {
				t.Errorf("asked for %s with %s", r.URL, got)
			}
			reply(w, tt.status, tt.body)
		})
		if got := outcome(s.Move(ctx, abc, remote.Ref{ID: "9", Path: "/t"})); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}

// TestCopy: copies have ids of their own, which match nothing.
func TestCopy(t *testing.T) {
	s := serve(t, answers(207, multi(good(3, "/f/b", "/t/b"), good(1, "/f/c", "/t/c (1)"), good(7, "/f/a", "/t/a"))))
	if got := outcome(s.Copy(ctx, abc, remote.Ref{Path: "/t"})); got != "ok/t/a, ok/t/b, ok/t/c (1)" {
		t.Errorf("got %s", got)
	}
	nameless := strings.ReplaceAll(multi(good(3, "/f/b", "/t/b"), good(1, "/f/c", "/t/c")), `"meta"`, `"x"`)
	s = serve(t, answers(207, nameless))
	if got := outcome(s.Copy(ctx, abc[:2], remote.Ref{Path: "/t"})); got != "unknown, unknown" {
		t.Errorf("which copy is whose is not told, and got %s", got)
	}
}

// TestSingle shows the answers to a request about one object.
func TestSingle(t *testing.T) {
	for _, tt := range []struct {
		status       int
		body         string
		move, remove string
	}{
		{200, one(200, file(1, "/t/a", 1)), "ok/t/a", "ok"},
		{200, one(200, "["+file(1, "/t/a", 1)+"]"), "ok/t/a", "ok"},
		{200, `{"responseStatus":200,"data":[]}`, "ok", "ok"},
		{200, `{"responseStatus":200,"data":{"id":1,"type":"resource","meta":{"path":"/f/a"}}}`, "unknown", "ok"},
		{207, multi(good(1, "/f/a", "/t/a")), "ok/t/a", "ok"},
		{207, multi(bad(404, `"/f/a"`)), "does not exist", "does not exist"},
		{404, problem(404, "x"), "does not exist", "does not exist"},
		{404, "<html>", "error: temporary failure", "error: temporary failure"},
		{403, problem(403, "x"), "permission denied", "permission denied"},
		{400, problem(400, "A file of this name exists"), "exists already", "exists already"},
		{429, problem(429, "x"), "error: transaction budget used up", "error: transaction budget used up"},
		{503, problem(503, "x"), "error: temporary failure", "error: temporary failure"},
	} {
		s := serve(t, answers(tt.status, tt.body))
		if got := outcome(s.Move(ctx, abc[:1], remote.Ref{ID: "9"})); got != tt.move {
			t.Errorf("move, %d %s: got %s, want %s", tt.status, tt.body, got, tt.move)
		}
		if got := outcome(s.Delete(ctx, abc[:1])); got != tt.remove {
			t.Errorf("delete, %d %s: got %s, want %s", tt.status, tt.body, got, tt.remove)
		}
	}
}

func TestDeleteSeveral(t *testing.T) {
	for _, tt := range []struct {
		status     int
		body, want string
	}{
		{200, `{"responseStatus":200,"data":[]}`, "ok, ok, ok"},
		{204, ``, "ok, ok, ok"},
		{200, `<p>`, "error: damaged data"},
		{207, multi(`{"responseStatus":404,"errors":[{"code":null,"meta":{"path":"/f/b"}}]}`,
			`{"responseStatus":200,"data":{"id":3,"type":"resource","meta":{"path":"/f/c"}}}`,
			`{"responseStatus":200,"data":{"id":1,"type":"resource","meta":{"path":"/f/a"}}}`), "ok, does not exist, ok"},
		{207, multi(`{"responseStatus":200,"data":{"meta":{"path":"/f/c"}}}`, `{"responseStatus":200,"data":{"meta":{"path":"/f/a"}}}`), "ok, unknown, ok"},
	} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			want := `{"resources":["id:1","id:2","id:3"]}`
			if got := readBody(t, r); got != want || r.Method != http.MethodDelete || r.ContentLength != int64(len(want)) || r.URL.Path != "/resources" {
				t.Errorf("%s %s with %s", r.Method, r.URL, got)
			}
			if tt.status == 204 {
				w.WriteHeader(204)
				return
			}
			reply(w, tt.status, tt.body)
		})
		if got := outcome(s.Delete(ctx, abc)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.body, got, tt.want)
		}
	}
}

func TestBatchBounds(t *testing.T) {
	s := serve(t, answers(200, `{}`))
	if rs, err := s.Delete(ctx, nil); rs != nil || err != nil {
		t.Errorf("got %v, %v", rs, err)
	}
	many := make([]remote.Ref, batchSize+1)
	for i := range many {
		many[i].ID = strconv.Itoa(i)
	}
	_, err := s.Move(ctx, many, remote.Ref{ID: "1"})
	wantKind(t, err, remote.Invalid)
	_, err = s.Delete(ctx, []remote.Ref{{ID: "1/../../account"}})
	wantKind(t, err, remote.Invalid)
	if s.requests.Load() != 0 {
		t.Error("senseless batches were sent")
	}
}

// TestDeleteByPath: the slash is always there, and no id is made up.
func TestDeleteByPath(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Resources []string }
		if err := json.Unmarshal([]byte(readBody(t, r)), &body); err != nil || len(body.Resources) != 1 || body.Resources[0] != "/ä b/\n" {
			t.Errorf("got %q, %v", body.Resources, err)
		}
		reply(w, 200, `{"responseStatus":200,"data":[]}`)
	})
	if got := outcome(s.Delete(ctx, []remote.Ref{{Path: "/ä b/\n"}})); got != "ok" {
		t.Errorf("got %s", got)
	}
}

func FuzzBatch(f *testing.F) {
	for _, s := range []string{
		multi(good(1, "/f/a", "/t/a"), bad(404, `"/f/b"`)), `{"data":[]}`, `{"responses":{}}`, `{"responses":[null,1,[]]}`,
		multi(`{"responseStatus":"x","data":{"id":1}}`), `{"data":{"id":2}}`, `{"responses":[{"id":1},{"id":1}]}`,
	} {
		f.Add(s, 200)
		f.Add(s, 207)
	}
	f.Fuzz(func(t *testing.T, body string, status int) {
		if status != 200 {
			status = 207
		}
		c := answering(t, status, body)
		for _, n := range []int{1, 3} {
			rs, err := c.Move(ctx, abc[:n], remote.Ref{ID: "9"})
			if err == nil && len(rs) != n {
				t.Errorf("%d results for %d objects", len(rs), n)
			}
			for _, r := range rs {
				if r.Err == nil && r.Object != (remote.Object{}) && !clientkit.ValidName(r.Object.Name) && r.Object.Path != "/" {
					t.Errorf("got %+v", r.Object)
				}
			}
		}
	})
}
