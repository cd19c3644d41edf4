package exavault_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/exavault"
)

// TestListOwnTree: pages have nothing in common, and whoever has seen enough
// pays for no more.
func TestListOwnTree(t *testing.T) {
	in := open(t, nil, 10)
	c := in.Remote.(*exavault.Client)
	top := remote.Ref{Path: "/own"}
	for i := range 30 {
		_, err := c.Upload(t.Context(), remote.Upload{
			Parent: remote.Ref{Path: "/own/d"}, Name: fmt.Sprintf("f%02d", i), Content: bytes.NewReader(nil),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		files, requests int
		complete        bool
	}{{31, 4, true}, {30, 3, false}, {11, 2, false}} {
		before, seen := in.ServerCount(), map[string]bool{}
		var counted int
		l, err := c.ListOwnTree(t.Context(), top, func(page []remote.Object) error {
			for _, o := range page {
				seen[o.Path] = true
			}
			return nil
		}, func(total int) bool {
			counted = total
			return len(seen) >= tc.files
		})
		if err != nil || l.Complete != tc.complete || counted != 31 {
			t.Errorf("%d files: %+v, total %d, %v", tc.files, l, counted, err)
		}
		if got := in.ServerCount() - before; got != tc.requests {
			t.Errorf("%d files took %d requests, want %d", tc.files, got, tc.requests)
		}
	}
}
