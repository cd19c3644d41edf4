package filescom_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/filescom"
	"github.com/frugalfs/frugalfs/remote/remotetest"
)

var (
	ctx  = context.Background()
	root = remote.Ref{Path: "/"}
)

func upload(in remotetest.Instance, name, content string, change func(*remote.Upload)) (remote.Object, error) {
	up := remote.Upload{Parent: root, Name: name, Size: int64(len(content)), Content: strings.NewReader(content)}
	if change != nil {
		change(&up)
	}
	return in.Remote.Upload(ctx, up)
}

func read(t *testing.T, in remotetest.Instance, p string) string {
	t.Helper()
	d, err := in.Remote.Download(ctx, remote.Ref{Path: p}, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(d)
	if err != nil {
		t.Error(err)
	}
	_ = d.Close()
	return string(b)
}

// parts makes uploads of many small parts.
func parts(size int64) func(*filescom.Options) {
	return func(o *filescom.Options) { o.PartSize = size }
}

const smallParts = "least-part=1"

// pattern is content whose parts differ.
func pattern(n int) string {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		b.WriteString(strings.Repeat(string(rune('a'+i%26)), 7))
	}
	return b.String()[:n]
}

// TestUploadInParts: every part arrives where it belongs, whatever the service
// thinks of parallel ones, and the MD5 is known at once.
func TestUploadInParts(t *testing.T) {
	content := pattern(10_001)
	for _, switches := range []string{"", "parallel-parts=no etag=bare", "etag=missing", "api=2020 etags=optional"} {
		in := open(t, parse(smallParts+" "+switches), parts(1000))
		var last int64
		o, err := upload(in, "file", content, func(up *remote.Upload) {
			up.Progress = func(n int64) { last = n }
			up.ModTime = time.Unix(1_234_567_890, 5)
		})
		if err != nil {
			t.Errorf("%s: %v", switches, err)
			continue
		}
		sum := md5.Sum([]byte(content))
		if o.Hash != hex.EncodeToString(sum[:]) || last != int64(len(content)) {
			t.Errorf("%s: got %+v; the last progress was %d", switches, o, last)
		}
		if got, err := in.Remote.Stat(ctx, o.Ref()); err != nil || got.Version != o.Version {
			t.Errorf("%s: stored %+v and found %+v, %v", switches, o, got, err)
		}
		if read(t, in, "/file") != content {
			t.Errorf("%s: the content is wrong", switches)
		}
	}
}

// TestModTime is kept in whole seconds, and set at no cost or afterwards.
func TestModTime(t *testing.T) {
	in := open(t, nil)
	at := time.Unix(1_234_567_890, 999)
	o, err := upload(in, "file", "x", func(up *remote.Upload) { up.ModTime = at })
	if err != nil || o.ModTime.Unix() != at.Unix() || in.ServerCount() != 2 {
		t.Errorf("got %+v, %v after %d transactions", o, err, in.ServerCount())
	}
	touched, err := in.Remote.(remote.ModTimeSetter).SetModTime(ctx, o.Ref(), at.Add(time.Hour))
	if err != nil || touched.ModTime.Unix() != at.Add(time.Hour).Unix() || touched.Version != o.Version {
		t.Errorf("got %+v, %v", touched, err)
	}
}

var errStop = errors.New("the machine goes down")

// TestUploadResumed: what arrived before an interruption is not sent again.
func TestUploadResumed(t *testing.T) {
	content := pattern(10_000)
	in := open(t, parse(smallParts+" parallel-parts=no"), parts(1000))
	var state []byte
	saves := 0
	_, err := upload(in, "file", content, func(up *remote.Upload) {
		up.Checkpoint = func(b []byte) error {
			state = bytes.Clone(b)
			if saves++; saves == 6 {
				return errStop
			}
			return nil
		}
	})
	if !errors.Is(err, errStop) {
		t.Fatalf("got %v", err)
	}
	c := &counting{ReaderAt: strings.NewReader(content)}
	before := in.ServerCount()
	o, err := upload(in, "file", "", func(up *remote.Upload) {
		up.Size, up.Content, up.Resume = int64(len(content)), c, state
		up.Checkpoint = func([]byte) error { return nil }
	})
	if err != nil || read(t, in, o.Path) != content {
		t.Fatalf("got %+v, %v", o, err)
	}
	// Five parts arrived: for each of the others an address, and the end; the
	// download is one more.
	if n := in.ServerCount() - before; n > 5+1+1 {
		t.Errorf("%d transactions", n)
	}
	if c.twice(1) || !c.twice(9999) {
		t.Errorf("parts that had arrived were sent again, or others were not: %v", c.reads)
	}
}

// counting notes which offsets are read.
type counting struct {
	io.ReaderAt
	mu    sync.Mutex
	reads map[int64]int
}

// ReadAt implements io.ReaderAt.
func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reads == nil {
		c.reads = map[int64]int{}
	}
	for i := range n {
		c.reads[off+int64(i)]++
	}
	return n, err
}

// twice tells whether a byte was read for its part and for the whole digest.
func (c *counting) twice(off int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads[off] > 1
}

// TestUploadResumesNothing: a state that cannot be used is ignored.
func TestUploadResumesNothing(t *testing.T) {
	content := pattern(3000)
	for _, state := range []string{
		"no json", "{}", `{"v":1,"path":"/file","size":3000,"part":1000,"ref":"put-nothing","parts":{"1":{"etag":"x","md5":"17c54824e9931a4688ca032d03f6663c"}}}`,
		`{"v":1,"path":"/other","size":3000,"part":1000,"ref":"r"}`, `{"v":9}`,
		`{"v":1,"path":"/file","size":3000,"part":1000,"ref":"r","parts":{"7":{}}}`,
	} {
		in := open(t, parse(smallParts), parts(1000))
		o, err := upload(in, "file", content, func(up *remote.Upload) { up.Resume = []byte(state) })
		if err != nil || read(t, in, o.Path) != content {
			t.Errorf("%s: got %+v, %v", state, o, err)
		}
	}
}

// TestUploadResumedAfterEnd: an upload that had ended, unknown to us, is found.
func TestUploadResumedAfterEnd(t *testing.T) {
	content := pattern(3000)
	in := open(t, parse(smallParts), parts(1000))
	var state []byte
	save := func(up *remote.Upload) {
		up.Checkpoint = func(b []byte) error { state = bytes.Clone(b); return nil }
		up.Resume, up.Overwrite = state, true
	}
	first, err := upload(in, "file", content, save)
	if err != nil {
		t.Fatal(err)
	}
	again, err := upload(in, "file", content, save)
	if err != nil || again.Version != first.Version {
		t.Errorf("got %+v and %+v, %v", first, again, err)
	}
}

// TestUploadAddressesExpire: parts are sent to new ones, and not from the start.
func TestUploadAddressesExpire(t *testing.T) {
	in := open(t, parse(smallParts+" upload-life=1ms parallel-parts=no"), parts(1000))
	_, err := upload(in, "file", pattern(2000), nil)
	if err == nil || remote.IsUnknown(err) || remote.IsKind(err, remote.NotExist) {
		t.Errorf("got %v", err) // they expire faster than anybody can use them
	}
}

// TestEndWithoutAnswer: the file is looked up and found.
func TestEndWithoutAnswer(t *testing.T) {
	for _, switches := range []string{"hash-delay=0s", "hash-delay=1h"} {
		in := open(t, parse(switches))
		in.Fail("upload", remotetest.Lost)
		o, err := upload(in, "file", "content", func(up *remote.Upload) { up.ModTime = time.Unix(1_234_567_890, 0) })
		if err != nil || o.Size != 7 || o.Hash == "" || in.ServerCount() != 3 {
			t.Errorf("%s: got %+v, %v after %d transactions", switches, o, err, in.ServerCount())
		}
	}
	in := open(t, parse("hash-delay=1h"))
	in.Fail("upload", remotetest.Lost)
	if _, err := upload(in, "file", "content", nil); !remote.IsUnknown(err) {
		t.Errorf("neither hash nor time prove it: got %v", err)
	}
}

// TestFolds: names that the service takes for one are one here.
func TestFolds(t *testing.T) {
	in := open(t, nil)
	if _, err := upload(in, "File", "theirs", nil); err != nil {
		t.Fatal(err)
	}
	before := in.ServerCount()
	_, err := upload(in, "FILE", "ours", nil)
	if !remote.IsKind(err, remote.Exist) || in.ServerCount() != before+1 {
		t.Errorf("got %v after %d transactions", err, in.ServerCount()-before)
	}
	if o, err := in.Remote.Stat(ctx, remote.Ref{Path: "/fILE"}); err != nil || o.Name != "File" {
		t.Errorf("got %+v, %v", o, err)
	}
	for _, name := range []string{"blank ", "tab\t", "nbsp\u00a0"} {
		before := in.ServerCount()
		if _, err := upload(in, name, "x", nil); !remote.IsKind(err, remote.InvalidName) || in.ServerCount() != before {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

// TestMigrations: a move that goes on after its answer is waited for.
func TestMigrations(t *testing.T) {
	var pauses []time.Duration
	in := open(t, parse("migrations=4"), func(o *filescom.Options) {
		o.Pause = func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }
	})
	if _, err := upload(in, "file", "x", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Remote.Rename(ctx, remote.Ref{Path: "/file"}, "other"); err != nil {
		t.Error(err)
	}
	if read(t, in, "/other") != "x" || len(pauses) < 2 || pauses[1] <= pauses[0] {
		t.Errorf("the pauses were %v", pauses)
	}
	in = open(t, parse("migrations=1 migrations-fail=yes"))
	if _, err := upload(in, "file", "x", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Remote.Rename(ctx, remote.Ref{Path: "/file"}, "other"); !remote.IsUnknown(err) {
		t.Errorf("got %v", err)
	}
}

// TestCopyRename copies a file to another name in one transaction, and replaces
// nothing.
func TestCopyRename(t *testing.T) {
	in := open(t, nil)
	for _, name := range []string{"file", "taken"} {
		if _, err := upload(in, name, name, nil); err != nil {
			t.Fatal(err)
		}
	}
	c := in.Remote.(remote.CopyRenamer)
	before := in.ServerCount()
	if _, err := c.CopyRename(ctx, remote.Ref{Path: "/file"}, root, "copy"); err != nil || in.ServerCount() != before+1 {
		t.Errorf("got %v", err)
	}
	if read(t, in, "/copy") != "file" || read(t, in, "/file") != "file" {
		t.Error("the contents are wrong")
	}
	if _, err := c.CopyRename(ctx, remote.Ref{Path: "/file"}, root, "taken"); !remote.IsKind(err, remote.Exist) {
		t.Errorf("got %v", err)
	}
	if read(t, in, "/taken") != "taken" {
		t.Error("something was replaced")
	}
}

// TestFlatTree: a server that ignores the parameter is noticed.
func TestFlatTree(t *testing.T) {
	in := open(t, parse("recursive=ignored"))
	for _, p := range []remote.Ref{root, {Path: "/a"}} {
		if _, err := in.Remote.Mkdir(ctx, p, "a"); err != nil {
			t.Fatal(err)
		}
	}
	_, err := in.Remote.(remote.TreeLister).ListTree(ctx, root, func([]remote.Object) error { return nil })
	if !remote.IsKind(err, remote.Unsupported) {
		t.Errorf("got %v", err)
	}
}

// TestOldAPI: all but moves and copies, which the 2020 reference does not have,
// works with the service of then.
func TestOldAPI(t *testing.T) {
	in := open(t, parse("api=2020"))
	if _, err := in.Remote.Mkdir(ctx, root, "d"); err != nil {
		t.Fatal(err)
	}
	o, err := upload(in, "file", "content", nil)
	if err != nil || read(t, in, "/file") != "content" {
		t.Fatal(err)
	}
	if _, err := upload(in, "file", "other", nil); !remote.IsKind(err, remote.Exist) {
		t.Errorf("got %v", err)
	}
	if got, err := in.Remote.Stat(ctx, o.Ref()); err != nil || got.Version != o.Version {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := in.Remote.Rename(ctx, o.Ref(), "other"); !remote.IsKind(err, remote.Unsupported) {
		t.Errorf("got %v", err)
	}
	if _, err := in.Remote.Rename(ctx, remote.Ref{Path: "/never"}, "other"); !remote.IsKind(err, remote.NotExist) {
		t.Errorf("got %v", err)
	}
	changes, complete, err := in.Remote.(remote.Feed).Changes(ctx, time.Now().Add(-time.Minute))
	if err != nil || !complete || len(changes) != 3 { // the read is one
		t.Errorf("got %+v, %v, %v", changes, complete, err)
	}
}

// TestSession works with a user name and a password.
func TestSession(t *testing.T) {
	in := open(t, nil, func(o *filescom.Options) { o.APIKey, o.Username, o.Password = "", "me", "word" })
	if _, err := in.Remote.Stat(ctx, root); err != nil || in.ServerCount() != 2 {
		t.Errorf("got %v", err)
	}
	in = open(t, nil, func(o *filescom.Options) { o.APIKey, o.Username, o.Password = "", "me", "wrong" })
	for range 2 {
		if _, err := in.Remote.Stat(ctx, root); !remote.IsKind(err, remote.Auth) || in.ServerCount() != 1 {
			t.Errorf("got %v", err)
		}
	}
}

// TestReplacedWhileRead: an address given for an old version is not used once
// the new one was seen.
func TestReplacedWhileRead(t *testing.T) {
	for _, switches := range []string{"stale-download=404", "stale-download=new", "hashes=never move-touches=yes"} {
		in := open(t, parse(switches))
		if _, err := upload(in, "file", "old", nil); err != nil {
			t.Fatal(err)
		}
		if read(t, in, "/file") != "old" {
			t.Error("it is not there")
		}
		if _, err := upload(in, "file", "newer", func(up *remote.Upload) { up.Overwrite = true }); err != nil {
			t.Fatal(err)
		}
		if got := read(t, in, "/file"); got != "newer" {
			t.Errorf("%s: got %q", switches, got)
		}
	}
}
