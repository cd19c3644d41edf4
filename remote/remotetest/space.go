package remotetest

import (
	"bytes"
	"context"
	"io"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

// space is the account that one check works in, with the calls that checks
// make, each of which must succeed.
type space struct {
	*testing.T
	Instance
	h   Harness
	ctx context.Context
}

var root = remote.Ref{Path: "/"}

// want fails the check unless err is of the kind.
func (s *space) want(err error, kind remote.Kind) {
	s.Helper()
	if !remote.IsKind(err, kind) {
		s.Errorf("got error %v, want one of kind %q", err, kind)
	}
}

// ok ends the check if err is not nil.
func (s *space) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// storable is the content, or another one where a file without any cannot be
// stored.
func (s *space) storable(content string) string {
	if content == "" && !s.Remote.Capabilities().EmptyFiles {
		return "-"
	}
	return content
}

// searched tells whether finding an object may take further transactions.
func (s *space) searched(ref remote.Ref) bool { return ref.ID == "" && s.h.PathsSearched }

func (s *space) upload(parent remote.Ref, name, content string, overwrite bool) (remote.Object, error) {
	content = s.storable(content)
	return s.Remote.Upload(s.ctx, remote.Upload{
		Parent: parent, Name: name, Size: int64(len(content)), Content: strings.NewReader(content), Overwrite: overwrite,
	})
}

// put stores a file under a name that is free.
func (s *space) put(parent remote.Ref, name, content string) remote.Object {
	s.Helper()
	content = s.storable(content)
	o, err := s.upload(parent, name, content, false)
	s.ok(err)
	s.sane(o)
	if o.Name != name || o.Dir || o.Size != int64(len(content)) || o.Path != join(parent.Path, name) {
		s.Errorf("stored %q and got %+v", name, o)
	}
	return o
}

func (s *space) mkdir(parent remote.Ref, name string) remote.Object {
	s.Helper()
	o, err := s.Remote.Mkdir(s.ctx, parent, name)
	s.ok(err)
	s.sane(o)
	if o.Name != name || !o.Dir || o.Path != join(parent.Path, name) {
		s.Errorf("made the folder %q and got %+v", name, o)
	}
	return o
}

// sane checks what holds for every object.
func (s *space) sane(o remote.Object) {
	s.Helper()
	c := s.Remote.Capabilities()
	switch {
	case o.Name != path.Base(o.Path), o.Name == "." || o.Name == "..", strings.ContainsAny(o.Name, "/\x00"),
		o.Dir && (o.Size != 0 || o.Version != ""), !o.Dir && (o.Size < 0 || o.Version == ""), c.IDs && o.ID == "":
		s.Errorf("%+v breaks the contract", o)
	}
}

func (s *space) stat(ref remote.Ref) remote.Object {
	s.Helper()
	o, err := s.Remote.Stat(s.ctx, ref)
	s.ok(err)
	return o
}

// gone checks that nothing is at ref.
func (s *space) gone(ref remote.Ref) {
	s.Helper()
	_, err := s.Remote.Stat(s.ctx, ref)
	s.want(err, remote.NotExist)
}

// list returns a folder's entries by name, and checks the evidence.
func (s *space) list(dir remote.Ref) map[string]remote.Object {
	s.Helper()
	objects, l := s.gather(s.Remote.List, dir)
	if !s.h.NeverComplete && (!l.Complete || l.Total != len(objects) || l.Sent.IsZero()) {
		s.Errorf("listing %q: %d entries, %+v", dir.Path, len(objects), l)
	}
	names := map[string]remote.Object{}
	for _, o := range objects {
		if path.Dir(o.Path) != path.Clean(dir.Path) {
			s.Errorf("%q is not in %q", o.Path, dir.Path)
		}
		names[o.Name] = o
	}
	if len(names) != len(objects) {
		s.Errorf("listing %q: a name comes twice", dir.Path)
	}
	return names
}

type lister func(context.Context, remote.Ref, func([]remote.Object) error) (remote.Listing, error)

// gather lists with l and returns everything that it hands over.
func (s *space) gather(l lister, dir remote.Ref) ([]remote.Object, remote.Listing) {
	s.Helper()
	var all []remote.Object
	evidence, err := l(s.ctx, dir, func(os []remote.Object) error {
		all = append(all, os...)
		return nil
	})
	s.ok(err)
	for _, o := range all {
		s.sane(o)
	}
	return all, evidence
}

// walk lists a tree folder by folder.
func (s *space) walk(dir remote.Ref) []remote.Object {
	s.Helper()
	var all []remote.Object
	for _, o := range s.list(dir) {
		all = append(all, o)
		if o.Dir {
			all = append(all, s.walk(o.Ref())...)
		}
	}
	return byPath(all)
}

func byPath(os []remote.Object) []remote.Object {
	slices.SortFunc(os, func(a, b remote.Object) int { return strings.Compare(a.Path, b.Path) })
	return os
}

// same tells whether two objects are equal but for the location in ModTime.
func same(a, b remote.Object) bool {
	t := a.ModTime.Equal(b.ModTime)
	a.ModTime = b.ModTime
	return t && a == b
}

// read returns the content of a file, or of a range of it.
func (s *space) read(ref remote.Ref, offset, length int64) string {
	s.Helper()
	d, err := s.Remote.Download(s.ctx, ref, offset, length)
	s.ok(err)
	b := s.drain(d)
	if skip := offset - d.Offset; skip > 0 { // the server ignores ranges
		b = b[min(skip, int64(len(b))):]
		if length >= 0 {
			b = b[:min(length, int64(len(b)))]
		}
	}
	return string(b)
}

func (s *space) drain(d *remote.Download) []byte {
	s.Helper()
	var b bytes.Buffer
	_, err := io.Copy(&b, d)
	s.ok(err)
	s.ok(d.Close())
	return b.Bytes()
}

// holds checks that a file has the content.
func (s *space) holds(ref remote.Ref, content string) {
	s.Helper()
	if got := s.read(ref, 0, -1); got != content {
		s.Errorf("%q holds %.40q (%d bytes), want %.40q (%d bytes)", ref.Path, got, len(got), content, len(content))
	}
}

// contents returns the contents of all files in a folder, sorted.
func (s *space) contents(dir remote.Ref) []string {
	s.Helper()
	var all []string
	for _, o := range s.list(dir) {
		if !o.Dir {
			all = append(all, s.read(o.Ref(), 0, -1))
		}
	}
	slices.Sort(all)
	return all
}

// keeps checks that a folder's files have these contents, under whatever names.
func (s *space) keeps(dir remote.Ref, contents ...string) {
	s.Helper()
	if got := s.contents(dir); !slices.Equal(got, slices.Sorted(slices.Values(contents))) {
		s.Errorf("%q holds %q, want %q", dir.Path, got, contents)
	}
}

// each checks the errors of results: the kinds in order, -1 for success.
func (s *space) each(rs []remote.Result, kinds ...int) {
	s.Helper()
	if len(rs) != len(kinds) {
		s.Fatalf("%d results, want %d", len(rs), len(kinds))
	}
	for i, r := range rs {
		switch {
		case kinds[i] < 0 && r.Err != nil:
			s.Errorf("result %d: %v", i, r.Err)
		case kinds[i] >= 0:
			s.want(r.Err, remote.Kind(kinds[i]))
		}
	}
}

// good is a success in the list that each takes.
const good = -1

func join(dir, name string) string { return strings.TrimSuffix(dir, "/") + "/" + name }
