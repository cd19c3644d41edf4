package exavault1_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/exavault1"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// paths lists with one of the two ways and returns the paths found.
func paths(t *testing.T, list func(func([]remote.Object) error) (remote.Listing, error)) ([]string, bool, error) {
	t.Helper()
	found := map[string]bool{}
	l, err := list(func(os []remote.Object) error {
		for _, o := range os {
			found[o.Path] = true
		}
		return nil
	})
	return slices.Sorted(maps.Keys(found)), l.Complete, err
}

// TestOddServers works with servers that decide single points in a way that
// costs more, or that the suite has no place for. What is listed is complete all
// the same, and no tree claims to be complete that is not.
func TestOddServers(t *testing.T) {
	for switches, tree := range map[string]string{
		"exists-resource=no":                         "complete",
		"exists-resource=no exists-order=reverse":    "complete",
		"exists-resource=no properties-missing=skip": "complete",
		"total-files=missing file-count=missing":     "incomplete",
		"total-files=files":                          "complete",
		"total-files=files page-cap=5":               "complete",
		"page-cap=5":                                 "complete",
		"undetailed=bare":                            "complete",
		"search=flat":                                "unsupported",
		"search=flat file-count=missing":             "incomplete",
		"search=files":                               "unsupported",
		"search=refused messages=mute":               "unsupported",
		"exists-root=no":                             "complete",
		"prefix=plain":                               "complete",
	} {
		t.Run(switches, func(t *testing.T) {
			t.Parallel()
			a := open(t, sandbox.Options{Switches: parse(switches)}, func(o *exavault1.Options) {
				if strings.Contains(switches, "prefix=plain") {
					o.APIPath = "/v1.2"
				}
			})
			want := plant(t, a.client)
			if o, err := a.client.Stat(ctx, root); err != nil || !o.Dir || o.Path != "/" {
				t.Errorf("the root is %+v, %v", o, err)
			}
			_, err := a.client.Stat(ctx, remote.Ref{Path: "/never"})
			wantKind(t, err, remote.NotExist)
			got, complete, err := paths(t, func(page func([]remote.Object) error) (remote.Listing, error) {
				return a.client.List(ctx, remote.Ref{Path: "/top"}, page)
			})
			direct := slices.DeleteFunc(slices.Clone(want), func(p string) bool { return strings.Count(p, "/") > 2 })
			if total := !strings.Contains(switches, "missing file"); err != nil || complete != total || !slices.Equal(got, direct) {
				t.Errorf("listed %v, complete: %v, %v", got, complete, err)
			}
			checkTree(t, a.client, tree, want)
			if a.Count() != a.ledger.Count() {
				t.Errorf("the server was asked %d times, and the ledger says %d", a.Count(), a.ledger.Count())
			}
		})
	}
}

// plant makes a tree below /top and returns its paths.
func plant(t *testing.T, c *exavault1.Client) []string {
	t.Helper()
	var all []string
	for _, dir := range []string{"/top", "/top/a", "/top/b", "/top/a/c"} {
		parent, name := dir[:strings.LastIndex(dir, "/")], dir[strings.LastIndex(dir, "/")+1:]
		if _, err := c.Mkdir(ctx, remote.Ref{Path: parent + "/"}, name); err != nil {
			t.Fatal(err)
		}
		if dir != "/top" {
			all = append(all, dir)
		}
	}
	for i := range 13 {
		for _, dir := range []string{"/top", "/top/a"} {
			name := fmt.Sprintf("file %d", i)
			o, err := c.Upload(ctx, remote.Upload{Parent: remote.Ref{Path: dir}, Name: name, Size: 1, Content: strings.NewReader("x")})
			if err != nil || o.Version == "" {
				t.Fatalf("got %+v, %v", o, err)
			}
			all = append(all, dir+"/"+name)
		}
	}
	slices.Sort(all)
	return all
}

// checkTree lists a tree and compares how that ended.
func checkTree(t *testing.T, c *exavault1.Client, how string, want []string) {
	t.Helper()
	got, complete, err := paths(t, func(page func([]remote.Object) error) (remote.Listing, error) {
		return c.ListTree(ctx, remote.Ref{Path: "/top"}, page)
	})
	switch how {
	case "complete":
		if err != nil || !complete || !slices.Equal(got, want) {
			t.Errorf("the tree is %v, complete: %v, %v", got, complete, err)
		}
	case "incomplete":
		if err != nil || complete {
			t.Errorf("the tree is %v, complete: %v, %v", got, complete, err)
		}
	default:
		wantKind(t, err, remote.Unsupported)
	}
}

// TestFeedOfAnotherZone: the log's clock is hours behind, and still every change
// shows.
func TestFeedOfAnotherZone(t *testing.T) {
	k := newClock()
	a := open(t, sandbox.Options{Now: k.Now, Switches: parse("activity-zone=local activity-cap=25 burst=none")})
	since := k.Now().Add(-10 * time.Minute)
	last := ""
	for i := range 3 {
		for j := range 30 {
			if _, err := a.upload(fmt.Sprintf("file %d", 100*i+j), "x", false); err != nil {
				t.Fatal(err)
			}
			k.Add(time.Second)
		}
		changes, complete, err := a.client.Changes(ctx, since)
		if err != nil || !complete || len(changes) == 0 {
			t.Fatalf("%d changes, complete: %v, %v", len(changes), complete, err)
		}
		newest := changes[len(changes)-1]
		if newest.Path != fmt.Sprintf("/file %d", 100*i+29) {
			t.Errorf("the newest is %+v", newest)
		}
		if last != "" && !slices.ContainsFunc(changes, func(c remote.Change) bool { return c.ID == last }) {
			t.Error("the last entry seen is not among them")
		}
		since, last = newest.At.Add(-5*time.Minute), newest.ID
	}
}

// TestDenied: what the user may not do is of kind Permission.
func TestDenied(t *testing.T) {
	for permission, call := range map[string]func(c *exavault1.Client) error{
		"list": func(c *exavault1.Client) error {
			_, err := c.List(ctx, root, func([]remote.Object) error { return nil })
			return err
		},
		"modify": func(c *exavault1.Client) error { _, err := c.Mkdir(ctx, root, "x"); return err },
		"upload": func(c *exavault1.Client) error {
			_, err := c.Upload(ctx, remote.Upload{Parent: root, Name: "x", Content: strings.NewReader("")})
			return err
		},
		"download": func(c *exavault1.Client) error {
			_, err := c.Download(ctx, remote.Ref{Path: "/x"}, 0, -1)
			return err
		},
		"delete": func(c *exavault1.Client) error { _, err := c.Delete(ctx, []remote.Ref{{Path: "/x"}}); return err },
	} {
		a := open(t, sandbox.Options{Switches: parse("deny=" + permission)})
		if err := call(a.client); !remote.IsKind(err, remote.Permission) || remote.IsUnknown(err) {
			t.Errorf("%s: got %v", permission, err)
		}
	}
}
