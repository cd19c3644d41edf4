package remotetest

import (
	"cmp"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
)

var faultChecks = []check{
	{"FaultNoAnswer", "", noAnswer},
	{"FaultUnavailable", "", unavailable},
	{"FaultSpent", "", spent},
	{"FaultPage", "", htmlPage},
	{"FaultCut", "", cut},
}

// faults tells whether the instance can fail.
func (s *space) faults() bool {
	if s.Fail == nil {
		s.Log("this server never fails")
	}
	return s.Fail != nil
}

// noAnswer loses the answers to requests that change something: what became of
// them is unknown, and the state is whole.
func noAnswer(s *space) {
	if !s.faults() {
		return
	}
	s.Fail("upload", Lost)
	_, err := s.upload(root, "file", "content", false)
	if !s.h.UploadResolves || err != nil {
		s.unknown(err)
	}
	s.keeps(root, "content")
	s.Fail("mkdir", Lost)
	_, err = s.Remote.Mkdir(s.ctx, root, "folder")
	s.unknown(err)
	s.Fail("delete", Lost)
	err = s.removeEach(remote.Ref{Path: "/file"}, remote.Ref{Path: "/folder"})
	s.unknown(err)
	if n := len(s.list(root)); n != 0 {
		s.Errorf("%d entries are left", n)
	}
}

// removeEach deletes in batches, and returns the first error about any of the
// objects.
func (s *space) removeEach(refs ...remote.Ref) (first error) {
	for batch := range slices.Chunk(refs, s.Remote.Capabilities().DeleteBatch) {
		rs, err := s.Remote.Delete(s.ctx, batch)
		for _, r := range rs {
			err = cmp.Or(err, r.Err)
		}
		first = cmp.Or(first, err)
	}
	return first
}

func (s *space) unknown(err error) {
	s.Helper()
	if !remote.IsUnknown(err) {
		s.Errorf("got %v; the outcome must be unknown", err)
	}
}

// unavailable fails once: what may be repeated is, and the rest says so.
func unavailable(s *space) {
	if !s.faults() {
		return
	}
	f := s.put(root, "file", "content")
	s.Fail("info", Unavailable)
	s.stat(f.Ref())
	s.Fail("list", Unavailable)
	s.list(root)
	s.Fail("upload", Unavailable)
	if _, err := s.upload(root, "other", "x", false); err != nil {
		s.want(err, remote.Temporary)
		s.unknown(err)
	}
	s.holds(f.Ref(), "content")
}

func spent(s *space) {
	if !s.faults() {
		return
	}
	s.Fail("upload", Spent)
	_, err := s.upload(root, "file", "x", false)
	s.want(err, remote.Budget)
	if remote.IsUnknown(err) {
		s.Error("a request over the limit is not carried out")
	}
}

// htmlPage answers a page with status 200: it is never taken for an answer, and
// proves nothing.
func htmlPage(s *space) {
	if !s.faults() {
		return
	}
	s.put(root, "file", "content")
	s.Fail("list", HTML)
	l, err := s.Remote.List(s.ctx, root, func([]remote.Object) error { return nil })
	if err == nil || l.Complete || remote.IsKind(err, remote.NotExist) {
		s.Errorf("got %+v, %v", l, err)
	}
	s.Fail("info", HTML)
	_, err = s.Remote.Stat(s.ctx, remote.Ref{Path: "/file"})
	s.want(err, remote.Corrupt)
	s.Fail("upload", HTML)
	_, err = s.upload(root, "other", "x", false)
	s.unknown(err)
	s.Fail("delete", HTML)
	rs, err := s.Remote.Delete(s.ctx, []remote.Ref{{Path: "/file"}})
	if err == nil && rs[0].Err == nil {
		s.Error("a page passed for success")
	}
	s.keeps(root, "content")
}

// cut ends answers early: never a short file, never an incomplete listing that
// says it is complete.
func cut(s *space) {
	if !s.faults() {
		return
	}
	content := strings.Repeat("0123456789", 10_000)
	f := s.put(root, "file", content)
	s.Fail("download", Cut)
	d, err := s.Remote.Download(s.ctx, f.Ref(), 0, -1)
	if err == nil {
		var b []byte
		if b, err = io.ReadAll(d); err == nil && len(b) != len(content) {
			s.Errorf("%d bytes of %d came to a good end", len(b), len(content))
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			s.want(err, remote.Temporary)
		}
		_ = d.Close()
	}
	s.Fail("list", Cut)
	if l, err := s.Remote.List(s.ctx, root, func([]remote.Object) error { return nil }); err == nil && !l.Complete && !s.h.NeverComplete || err != nil && l.Complete {
		s.Errorf("got %+v, %v", l, err)
	}
	s.holds(f.Ref(), content)
}
