package remotetest

import (
	"archive/zip"
	"bytes"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

var optionChecks = []check{
	{"MoveRename", MoveRenamer, moveRename},
	{"Copy", Copier, copies},
	{"CopyTaken", Copier, copyTaken},
	{"ArchiveOfFiles", ArchiveDownloader, archiveOfFiles},
	{"ArchiveOfFolder", ArchiveDownloader, archiveOfFolder},
	{"Extract", Extractor, extract},
	{"Quota", Quoter, quota},
	{"Feed", Feed, feed},
}

func moveRename(s *space) {
	to := s.mkdir(root, "to")
	f := s.put(root, "file", "content")
	o, err := s.Remote.(remote.MoveRenamer).MoveRename(s.ctx, f.Ref(), to.Ref(), "new")
	s.ok(err)
	if o = s.found(o, "/to/new"); o.Path != "/to/new" || o.ID != f.ID {
		s.Errorf("got %+v, it was %+v", o, f)
	}
	s.holds(o.Ref(), "content")
	s.gone(remote.Ref{Path: "/file"})
}

func copies(s *space) {
	if s.h.CopiesLimited {
		s.Log("this server copies not everything")
		return
	}
	copier := s.Remote.(remote.Copier)
	from, to := s.mkdir(root, "from"), s.mkdir(root, "to")
	f := s.put(from.Ref(), "file", "content")
	sub := s.mkdir(from.Ref(), "sub")
	s.put(sub.Ref(), "below", "deep")
	all := []remote.Object{f, sub}
	for i := 0; i < len(all); i += min(2, s.Remote.Capabilities().CopyBatch) {
		end := min(i+s.Remote.Capabilities().CopyBatch, len(all))
		var refs []remote.Ref
		for _, o := range all[i:end] {
			refs = append(refs, o.Ref())
		}
		before := s.Ledger.Count()
		rs, err := copier.Copy(s.ctx, refs, to.Ref())
		s.ok(err)
		if n := s.Ledger.Count() - before; n != max(s.h.ChangeCost, 1) {
			s.Errorf("%d transactions", n)
		}
		for j, r := range rs {
			s.ok(r.Err)
			if o := r.Object; o != (remote.Object{}) && (o.Path != join("/to", refs[j].Path[len("/from/"):]) || o.ID != "" && o.ID == refs[j].ID) {
				s.Errorf("copied %+v and got %+v", refs[j], o)
			}
		}
	}
	for _, top := range []string{"/from", "/to"} {
		s.holds(remote.Ref{Path: top + "/file"}, "content")
		s.holds(remote.Ref{Path: top + "/sub/below"}, "deep")
	}
}

// copyTaken copies to where the name is taken, and beside itself.
func copyTaken(s *space) {
	if s.h.CopyReplaces || s.h.CopiesLimited {
		s.Log("this server replaces what is there, or copies not everything")
		return
	}
	copier := s.Remote.(remote.Copier)
	from, to := s.mkdir(root, "from").Ref(), s.mkdir(root, "to").Ref()
	f := s.put(from, "file", "mine")
	s.put(to, "file", "theirs")
	for _, target := range []remote.Ref{to, from} {
		rs, err := copier.Copy(s.ctx, []remote.Ref{f.Ref()}, target)
		s.ok(err)
		there := s.contents(target)
		switch {
		case rs[0].Err != nil:
			s.want(rs[0].Err, remote.Exist)
			if len(there) != 1 {
				s.Errorf("it was refused and there is %q", there)
			}
		case len(there) != 2 || rs[0].Object.Name == "file":
			s.Errorf("got %+v, and there is %q", rs[0].Object, there)
		default:
			s.holds(rs[0].Object.Ref(), "mine")
		}
	}
	s.holds(remote.Ref{Path: "/to/file"}, "theirs")
	s.holds(f.Ref(), "mine")
}

// unzip returns the files of an archive by name.
func (s *space) unzip(d *remote.Download) map[string]string {
	s.Helper()
	b := s.drain(d)
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	s.ok(err)
	files := map[string]string{}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		s.ok(err)
		content, err := io.ReadAll(r)
		s.ok(err)
		s.ok(r.Close())
		files[f.Name] = string(content)
	}
	return files
}

func archiveOfFiles(s *space) {
	d := s.mkdir(root, "folder").Ref()
	want := map[string]string{"a": "1", "ü ö": strings.Repeat("long ", 10_000), "empty": ""}
	var refs []remote.Ref
	for name, content := range want {
		refs = append(refs, s.put(d, name, content).Ref())
	}
	s.put(d, "not asked for", "x")
	before := s.Ledger.Count()
	dl, err := s.Remote.(remote.ArchiveDownloader).DownloadArchive(s.ctx, refs)
	s.ok(err)
	if got := s.unzip(dl); !maps.Equal(got, want) {
		s.Errorf("got %d files, want %d", len(got), len(want))
	}
	if n := s.Ledger.Count() - before; n != 1 {
		s.Errorf("%d transactions", n)
	}
	_, err = s.Remote.(remote.ArchiveDownloader).DownloadArchive(s.ctx, []remote.Ref{{Path: "/never"}, {Path: "/not"}})
	s.want(err, remote.NotExist)
}

func archiveOfFolder(s *space) {
	top := s.mkdir(root, "top")
	s.put(top.Ref(), "one", "1")
	sub := s.mkdir(top.Ref(), "sub")
	s.put(sub.Ref(), "two", "2")
	dl, err := s.Remote.(remote.ArchiveDownloader).DownloadArchive(s.ctx, []remote.Ref{top.Ref()})
	s.ok(err)
	if got, want := s.unzip(dl), map[string]string{"one": "1", "sub/two": "2"}; !maps.Equal(got, want) {
		s.Errorf("got %q, want %q", got, want)
	}
}

func extract(s *space) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	want := map[string]string{"a": "1", "sub/ü": strings.Repeat("x", 5000), "sub/deeper/empty": ""}
	for name, content := range want {
		w, err := z.Create(name)
		s.ok(err)
		_, err = io.WriteString(w, content)
		s.ok(err)
	}
	s.ok(z.Close())
	archive, into := s.put(root, "archive.zip", b.String()), s.mkdir(root, "into")
	before := s.Ledger.Count()
	objects, err := s.Remote.(remote.Extractor).Extract(s.ctx, archive.Ref(), into.Ref())
	s.ok(err)
	if n := s.Ledger.Count() - before; n != 1 {
		s.Errorf("%d transactions", n)
	}
	for _, o := range objects {
		s.sane(o)
	}
	for name, content := range want {
		s.holds(remote.Ref{Path: join(into.Path, name)}, content)
	}
	s.holds(archive.Ref(), b.String())
	_, err = s.Remote.(remote.Extractor).Extract(s.ctx, remote.Ref{Path: "/never.zip"}, into.Ref())
	s.want(err, remote.NotExist)
}

func quota(s *space) {
	before := s.Ledger.Count()
	q, err := s.Remote.(remote.Quoter).Quota(s.ctx)
	s.ok(err)
	if q.Limit < -1 || q.Used < -1 || q.Transactions < 0 || s.Ledger.Count()-before != 1 {
		s.Errorf("got %+v", q)
	}
}

// feed looks for one change of each sort in the feed.
func feed(s *space) {
	f := s.Remote.(remote.Feed)
	since := time.Now().Add(-time.Minute)
	if s.h.FeedForbidden {
		_, _, err := f.Changes(s.ctx, since)
		s.want(err, remote.Permission)
		return
	}
	changes, complete, err := f.Changes(s.ctx, since)
	s.ok(err)
	if !complete || len(changes) != 0 {
		s.Errorf("a new account has the changes %+v, complete: %v", changes, complete)
	}
	to := s.mkdir(root, "to")
	a := s.put(root, "a", "x")
	b, err := s.Remote.Rename(s.ctx, a.Ref(), "b")
	s.ok(err)
	b = s.found(b, "/b")
	_, err = s.Remote.Move(s.ctx, []remote.Ref{b.Ref()}, to.Ref())
	s.ok(err)
	_, err = s.Remote.Delete(s.ctx, []remote.Ref{{ID: b.ID, Path: "/to/b"}})
	s.ok(err)
	changes, complete, err = f.Changes(s.ctx, since)
	s.ok(err)
	if !complete {
		s.Error("it is not complete")
	}
	want := []remote.Change{
		{Op: remote.MadeDir, Path: "/to"}, {Op: remote.Changed, Path: "/a"}, {Op: remote.Moved, Path: "/b"},
		{Op: remote.Moved, Path: "/to/b"}, {Op: remote.Deleted, Path: "/to/b"},
	}
	for _, c := range changes {
		if len(want) > 0 && c.Op == want[0].Op && c.Path == want[0].Path {
			want = want[1:]
		}
		if c.At.Before(since) || c.ID == "" {
			s.Errorf("got %+v", c)
		}
	}
	if len(want) > 0 {
		s.Errorf("not in the feed: %+v; it has %+v", want, changes)
	}
}
