package remotetest

import (
	"context"
	"strings"
	"sync"

	"github.com/frugalfs/frugalfs/remote"
)

var lookChecks = []check{
	{"Capabilities", "", capabilities},
	{"Stat", "", stat},
	{"Missing", "", missing},
	{"Canceled", "", canceled},
	{"Parallel", "", parallel},
}

func capabilities(s *space) {
	c := s.Remote.Capabilities()
	if c.Provider == "" || c.DeleteBatch < 1 || c.MoveBatch < 1 || c.CopyBatch < 1 || c.MaxName < 0 || c.MaxFile < 0 {
		s.Errorf("%+v", c)
	}
	if _, has := s.Remote.(remote.MoveRenamer); has != c.MoveRenames {
		s.Error("MoveRenames contradicts the interface")
	}
	if s.ServerCount() != 0 {
		s.Error("it costs a transaction")
	}
}

func stat(s *space) {
	r := s.stat(root)
	if r.Path != "/" || r.Name != "" || !r.Dir {
		s.Errorf("the root is %+v", r)
	}
	d := s.mkdir(root, "folder")
	f := s.put(d.Ref(), "file", "content")
	for _, o := range []remote.Object{d, f} {
		for _, ref := range []remote.Ref{o.Ref(), {Path: o.Path}} {
			before := s.Ledger.Count()
			got := s.stat(ref)
			s.sane(got)
			if got.ID != o.ID || got.Path != o.Path || got.Size != o.Size || got.Dir != o.Dir || got.Version != o.Version {
				s.Errorf("got %+v, want %+v", got, o)
			}
			if n := s.Ledger.Count() - before; n != 1 && !s.searched(ref) {
				s.Errorf("%d transactions", n)
			}
		}
	}
}

// missing asks for what is not there in every way.
func missing(s *space) {
	d := s.mkdir(root, "folder")
	gone := s.put(d.Ref(), "file", "x").Ref()
	rs, err := s.Remote.Delete(s.ctx, []remote.Ref{gone})
	s.ok(err)
	s.each(rs, good)
	refs := []remote.Ref{{Path: "/folder/never"}, {Path: "/never/never"}}
	if s.Remote.Capabilities().IDs {
		refs = append(refs, gone)
	}
	for _, ref := range refs {
		s.gone(ref)
		_, err := s.Remote.List(s.ctx, ref, func([]remote.Object) error { return nil })
		s.want(err, remote.NotExist)
		_, err = s.Remote.Download(s.ctx, ref, 0, -1)
		s.want(err, remote.NotExist)
		_, err = s.Remote.Rename(s.ctx, ref, "name")
		s.want(err, remote.NotExist)
		rs, err := s.Remote.Delete(s.ctx, []remote.Ref{ref})
		s.ok(err)
		s.each(rs, int(remote.NotExist))
		rs, err = s.Remote.Move(s.ctx, []remote.Ref{ref}, root)
		s.ok(err)
		s.each(rs, int(remote.NotExist))
	}
}

// canceled calls with a context that ended: nothing leaves.
func canceled(s *space) {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	none := func([]remote.Object) error { return nil }
	refs := []remote.Ref{root}
	for name, call := range map[string]func() error{
		"stat":     func() error { _, err := s.Remote.Stat(ctx, root); return err },
		"list":     func() error { _, err := s.Remote.List(ctx, root, none); return err },
		"download": func() error { _, err := s.Remote.Download(ctx, root, 0, -1); return err },
		"mkdir":    func() error { _, err := s.Remote.Mkdir(ctx, root, "x"); return err },
		"rename":   func() error { _, err := s.Remote.Rename(ctx, remote.Ref{ID: "1", Path: "/x"}, "y"); return err },
		"move":     func() error { _, err := s.Remote.Move(ctx, refs, root); return err },
		"delete":   func() error { _, err := s.Remote.Delete(ctx, refs); return err },
		"upload": func() error {
			_, err := s.Remote.Upload(ctx, remote.Upload{Parent: root, Name: "x", Content: strings.NewReader("")})
			return err
		},
	} {
		if err := call(); !remote.IsKind(err, remote.Canceled) {
			s.Errorf("%s: got %v", name, err)
		}
	}
	if s.ServerCount() != 0 {
		s.Error("something was sent")
	}
}

// parallel works from several goroutines at once.
func parallel(s *space) {
	const workers, files = 6, 4
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			dir, err := s.Remote.Mkdir(s.ctx, root, "worker "+numbered(w))
			if err != nil {
				s.Error(err)
				return
			}
			for f := range files {
				if _, err := s.upload(dir.Ref(), numbered(f), strings.Repeat("x", f), false); err != nil {
					s.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := len(s.walk(root)); got != workers*(files+1) {
		s.Errorf("%d objects", got)
	}
}
