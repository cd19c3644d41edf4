package remotetest

import (
	"math/rand/v2"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
)

var contentChecks = []check{
	{"Upload", "", upload},
	{"UploadLarge", "", uploadLarge},
	{"UploadTaken", "", uploadTaken},
	{"UploadOverwrites", "", uploadOverwrites},
	{"UploadOverFolder", "", uploadOverFolder},
	{"UploadMakesParents", "", uploadMakesParents},
	{"Ranges", "", ranges},
}

func upload(s *space) {
	for _, content := range []string{"x", "", "line\r\n\x00\xff--boundary\r\n"} {
		if content == "" && !s.Remote.Capabilities().EmptyFiles {
			s.Log("empty files cannot be stored here")
			continue
		}
		before := s.Ledger.Count()
		o := s.put(root, "file of "+numbered(len(content)), content)
		if n := s.Ledger.Count() - before; n != max(s.h.UploadCost, 1) && (s.Remote.Capabilities().UploadMakesParents || s.h.UploadCost > 0) {
			s.Errorf("%d transactions", n)
		}
		s.holds(o.Ref(), content)
		if got := s.stat(o.Ref()); got.Version != o.Version || got.Size != o.Size {
			s.Errorf("stored %+v and found %+v", o, got)
		}
	}
}

// noise returns n bytes that do not repeat.
func noise(n int) string {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

func uploadLarge(s *space) {
	const size = 8 << 20
	content := noise(size)
	var last int64
	o, err := s.Remote.Upload(s.ctx, remote.Upload{
		Parent: root, Name: "large", Size: size, Content: strings.NewReader(content), Progress: func(n int64) { last = n },
	})
	s.ok(err)
	if o.Size != size || last != size {
		s.Errorf("got %+v; the last progress was %d", o, last)
	}
	s.holds(o.Ref(), content)
	if got := s.read(o.Ref(), size-1000, 1000); got != content[size-1000:] {
		s.Error("the end is wrong")
	}
}

// uploadTaken stores over a name without overwriting: both contents survive,
// or the new one is refused.
func uploadTaken(s *space) {
	d := s.mkdir(root, "folder").Ref()
	old := s.put(d, "file", "old content")
	o, err := s.upload(d, "file", "new", false)
	if err != nil {
		s.want(err, remote.Exist)
		s.keeps(d, "old content")
	} else {
		if o.Name == "file" && !s.h.TakenUnseen || o.ID == old.ID && o.ID != "" {
			s.Errorf("got %+v", o)
		}
		s.holds(o.Ref(), "new")
		s.keeps(d, "old content", "new")
	}
	s.holds(old.Ref(), "old content")
}

func uploadOverwrites(s *space) {
	d := s.mkdir(root, "folder").Ref()
	old := s.put(d, "file", "old content")
	o, err := s.upload(d, "file", "new", true)
	s.ok(err)
	if o.Name != "file" || o.Size != 3 || o.Version == old.Version {
		s.Errorf("got %+v", o)
	}
	s.keeps(d, "new")
	s.holds(o.Ref(), "new")
	fresh, err := s.upload(d, "another", "a", true)
	s.ok(err)
	s.holds(fresh.Ref(), "a")
}

// uploadOverFolder: a folder is never replaced by a file.
func uploadOverFolder(s *space) {
	d := s.mkdir(root, "folder")
	s.put(d.Ref(), "file", "content")
	for _, overwrite := range []bool{true, false} {
		if o, err := s.upload(root, "folder", "x", overwrite); err == nil && (o.Name == "folder" && !s.h.TakenUnseen || overwrite) {
			s.Errorf("overwrite %v: got %+v", overwrite, o)
		}
	}
	s.holds(remote.Ref{Path: "/folder/file"}, "content")
}

// uploadMakesParents stores a file in a folder that is missing.
func uploadMakesParents(s *space) {
	o, err := s.upload(remote.Ref{Path: "/deep/down"}, "file", "x", false)
	if err != nil {
		s.want(err, remote.NotExist)
		s.gone(remote.Ref{Path: "/deep/down/file"})
		return
	}
	s.holds(o.Ref(), "x")
	if d := s.stat(remote.Ref{Path: "/deep/down"}); !d.Dir || o.ParentID != "" && o.ParentID != d.ID {
		s.Errorf("the parent is %+v of %+v", d, o)
	}
}

func ranges(s *space) {
	content := noise(100_000)
	o := s.put(root, "file", content)
	for _, r := range [][2]int64{{0, -1}, {0, 1}, {0, 100_000}, {1, -1}, {5000, 1}, {99_999, 1}, {99_999, -1}, {50_000, 20_000}, {99_990, 1000}} {
		end := int64(len(content))
		if r[1] >= 0 {
			end = min(end, r[0]+r[1])
		}
		before := s.Ledger.Count()
		if got := s.read(o.Ref(), r[0], r[1]); got != content[r[0]:end] {
			s.Errorf("range %v: got %d bytes", r, len(got))
		}
		if n := s.Ledger.Count() - before; n != 1 && (n != 0 || !s.h.SharedReads) {
			s.Errorf("range %v: %d transactions", r, n)
		}
	}
	if s.Remote.Capabilities().EmptyFiles {
		empty := s.put(root, "empty", "")
		if got := s.read(empty.Ref(), 0, 10); got != "" {
			s.Errorf("a range of an empty file: %q", got)
		}
	}
	// Beyond the end a provider refuses, or gives the whole file.
	d, err := s.Remote.Download(s.ctx, o.Ref(), 200_000, 10)
	if err != nil {
		s.want(err, remote.OutOfRange)
		return
	}
	if got := s.drain(d); d.Offset != 0 || string(got) != content {
		s.Errorf("beyond the end: %d bytes from %d", len(got), d.Offset)
	}
}
