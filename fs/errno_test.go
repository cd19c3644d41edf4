package fs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/frugalfs/frugalfs/remote"
)

func TestEveryKindHasItsErrno(t *testing.T) {
	for _, kind := range remote.Kinds() {
		want, ok := errnos[kind]
		if !ok {
			t.Errorf("kind %q is not in the table", kind)
		}
		bare := remote.E(kind, "open", "/a", io.ErrUnexpectedEOF)
		for _, err := range []error{bare, fmt.Errorf("reading: %w", bare), errors.Join(io.EOF, bare)} {
			if got := errno(err); got != fuse.Status(want) {
				t.Errorf("errno(%v) = %v, want %v", err, got, want)
			}
		}
		if want == syscall.ENOSYS || want == 0 {
			t.Errorf("kind %q answers %v, which the kernel takes for good news", kind, want)
		}
	}
	if len(errnos) != len(remote.Kinds()) {
		t.Errorf("the table has %d kinds, there are %d", len(errnos), len(remote.Kinds()))
	}
}

func TestErrnoOfForeignErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		want fuse.Status
	}{
		{nil, fuse.OK},
		{io.EOF, fuse.EIO},
		{syscall.ENOSYS, fuse.EIO},
		{fmt.Errorf("wrapped: %w", syscall.ENOENT), fuse.EIO},
		{&url.Error{Op: "Get", URL: "https://example.com", Err: io.EOF}, fuse.EIO},
		{context.Canceled, fuse.EINTR},
		{fmt.Errorf("wrapped: %w", context.Canceled), fuse.EINTR},
		// Nobody interrupted anything: EINTR would only be tried again.
		{context.DeadlineExceeded, fuse.EIO},
		{remote.E(remote.Canceled, "list", "/", context.DeadlineExceeded), fuse.EIO},
		{remote.E(remote.Kind(200), "list", "/", nil), fuse.EIO},
	} {
		if got := errno(c.err); got != c.want {
			t.Errorf("errno(%v) = %v, want %v", c.err, got, c.want)
		}
	}
}

func TestOnlyTheUnforeseenIsLogged(t *testing.T) {
	for _, c := range []struct {
		kind   remote.Kind
		logged bool
	}{{remote.NotExist, false}, {remote.Temporary, false}, {remote.Other, true}, {remote.Corrupt, true}} {
		var log bytes.Buffer
		f := &FS{log: slog.New(slog.NewTextHandler(&log, nil))}
		f.answer("open", 7, remote.E(c.kind, "open", "/a", nil))
		if got := log.Len() > 0; got != c.logged {
			t.Errorf("%v: logged %v, want %v", c.kind, got, c.logged)
		}
	}
}

func TestAPanicFailsOneRequest(t *testing.T) {
	var log bytes.Buffer
	opts := Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}.mountOptions()
	if status := opts.PanicHandler("out of luck"); status != fuse.EIO {
		t.Errorf("answered %v", status)
	}
	for _, word := range []string{"out of luck", "TestAPanicFailsOneRequest"} {
		if !bytes.Contains(log.Bytes(), []byte(word)) {
			t.Errorf("the log does not hold %q: %s", word, &log)
		}
	}
}
