package ledger

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// short announces more than it sends.
func short(kind string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "[1,2")
		_ = http.NewResponseController(w).Flush()
		cut(w)
	}
}

func TestShortAnswer(t *testing.T) {
	j := &journal{}
	inWorld(t, Options{Journal: j}, failing(1, short("application/octet-stream")), func(w *world) {
		_, text, err := w.do(context.Background(), "GET", "/", "")
		e := wantError(t, err, remote.Temporary)
		if !errors.Is(err, io.ErrUnexpectedEOF) || e.Unknown || text != "[1,2" || e.Status != 200 {
			t.Errorf("%q %+v", text, e)
		}
		w.same(1)
		if r := j.last(); r.Outcome != Broken || r.Down != 4 || r.Status != 200 {
			t.Errorf("%+v", r)
		}
	})
	inWorld(t, Options{}, failing(1, short("application/json; charset=utf-8")), func(w *world) {
		_, text, err := w.do(context.Background(), "GET", "/", "")
		if wantNil(t, err); text != "done" {
			t.Errorf("%q", text)
		}
		w.same(2)
	})
	inWorld(t, Options{}, failing(1, short("application/json")), func(w *world) {
		_, _, err := w.do(context.Background(), "POST", "/", "x")
		if e := wantError(t, err, remote.Temporary); !e.Unknown {
			t.Errorf("%+v", e)
		}
		w.same(1)
	})
}

func TestLongJSONIsHandedOnWhole(t *testing.T) {
	const size = maxBuffer + 12345
	answer := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.CopyN(w, zeros{}, size)
	}
	inWorld(t, Options{}, answer, func(w *world) {
		_, text, err := w.do(context.Background(), "GET", "/", "")
		if wantNil(t, err); len(text) != size {
			t.Errorf("%d bytes", len(text))
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// stalling sends some bytes and then nothing.
func stalling(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, "some")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func TestStalledAnswer(t *testing.T) {
	inWorld(t, Options{IdleTimeout: 30 * time.Second}, stalling, func(w *world) {
		req, _ := http.NewRequestWithContext(context.Background(), "GET", "http://localhost/", nil)
		resp, err := w.RoundTrip(req)
		wantNil(t, err)
		buf := make([]byte, 4)
		_, err = io.ReadFull(resp.Body, buf)
		wantNil(t, err)
		pass(time.Hour) // the reader's own pause is no stall
		d := took(func() {
			_, err = resp.Body.Read(buf)
			wantKind(t, err, remote.Temporary)
			if !errors.Is(err, errStalled) {
				t.Error(err)
			}
		})
		if d != 30*time.Second {
			t.Errorf("took %v", d)
		}
		_, err = resp.Body.Read(buf)
		wantKind(t, err, remote.Temporary)
		_ = resp.Body.Close()
	})
}

func TestNoAnswerInTime(t *testing.T) {
	answer := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	inWorld(t, Options{Retries: -1, HeaderTimeout: time.Hour}, answer, func(w *world) {
		d := took(func() {
			_, _, err := w.do(context.Background(), "POST", "/", "body")
			if e := wantError(t, err, remote.Temporary); !e.Unknown || !errors.Is(err, errStalled) {
				t.Errorf("%+v", e)
			}
		})
		if d != time.Hour {
			t.Errorf("took %v", d)
		}
	})
}

// slow is a source that takes its time.
type slow struct{ left int }

func (s *slow) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	s.left--
	pass(10 * time.Minute)
	return copy(p, "x"), nil
}

func TestASlowSourceIsNoStall(t *testing.T) {
	answer := func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }
	inWorld(t, Options{}, answer, func(w *world) {
		req, _ := http.NewRequestWithContext(context.Background(), "POST", "http://localhost/", &slow{3})
		resp, err := w.RoundTrip(req)
		wantNil(t, err)
		data, err := io.ReadAll(resp.Body)
		if wantNil(t, err); string(data) != "xxx" {
			t.Errorf("%q", data)
		}
		_ = resp.Body.Close()
	})
}

func TestStalledUpload(t *testing.T) {
	var hold chan struct{}
	answer := func(http.ResponseWriter, *http.Request) { <-hold }
	inWorld(t, Options{}, answer, func(w *world) {
		hold = make(chan struct{})
		defer close(hold)
		d := took(func() {
			_, _, err := w.do(context.Background(), "POST", "/", strings.Repeat("x", 4<<20))
			if e := wantError(t, err, remote.Temporary); !e.Unknown {
				t.Errorf("%+v", e)
			}
		})
		if d != time.Minute {
			t.Errorf("took %v", d)
		}
	})
}

// watched is a source that notices when it is read after it should not be.
type watched struct {
	over atomic.Bool
	late atomic.Bool
}

func (s *watched) Read(p []byte) (int, error) {
	if s.over.Load() {
		s.late.Store(true)
	}
	return len(p), nil
}

func TestNothingReadsTheBodyAfterwards(t *testing.T) {
	answer := func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }
	inWorld(t, Options{}, answer, func(w *world) {
		s := &watched{}
		req, _ := http.NewRequestWithContext(context.Background(), "POST", "http://localhost/", io.LimitReader(s, 1<<30))
		resp, err := w.RoundTrip(req)
		if err == nil {
			if resp.StatusCode != http.StatusForbidden {
				t.Errorf("status %d", resp.StatusCode)
			}
			_ = resp.Body.Close()
		}
		s.over.Store(true)
		pass(time.Minute)
		if s.late.Load() {
			t.Error("the body was read after the answer was closed")
		}
	})
}

func TestBytesAreCounted(t *testing.T) {
	j := &journal{}
	answer := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		pass(3 * time.Second)
		_, _ = io.WriteString(w, "twelve bytes")
	}
	inWorld(t, Options{Journal: j}, answer, func(w *world) {
		ctx := WithCause(WithOp(as(Writeback), "upload"), Cause{Program: "cp", Path: "/a"})
		start := time.Now()
		_, _, err := w.do(ctx, "POST", "/", "seven77")
		wantNil(t, err)
		want := Record{
			At: start, Op: "upload", Class: Writeback, Program: "cp", Path: "/a", Method: "POST",
			Status: 200, Outcome: OK, Up: 7, Down: 12, Duration: 3 * time.Second, Remaining: -1,
		}
		if r := j.last(); r != want {
			t.Errorf("got  %+v\nwant %+v", r, want)
		}
		if s := w.Snapshot(); s.Day.Up != 7 || s.Day.Down != 12 || s.ByProgram[0].Name != "cp" {
			t.Errorf("%+v", s)
		}
	})
}

func TestClosingEarlyKeepsTheConnectionIfLittleIsLeft(t *testing.T) {
	size := 0
	answer := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.CopyN(w, zeros{}, int64(size)) }
	for _, c := range []struct {
		size int
		kept int64
	}{{20 << 10, 1}, {1 << 20, 2}} {
		inWorld(t, Options{}, answer, func(w *world) {
			size = c.size
			for range 2 {
				req, _ := http.NewRequestWithContext(context.Background(), "GET", "http://localhost/", nil)
				resp, err := w.RoundTrip(req)
				wantNil(t, err)
				wantNil(t, resp.Body.Close())
				pass(time.Second)
			}
			if n := w.net.dials.Load(); n != c.kept {
				t.Errorf("%d bytes: %d connections", c.size, n)
			}
			if s := w.Snapshot(); s.InFlight != 0 || s.Day.Failed != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestCloseDuringRead(t *testing.T) {
	inWorld(t, Options{}, stalling, func(w *world) {
		req, _ := http.NewRequestWithContext(context.Background(), "GET", "http://localhost/", nil)
		resp, err := w.RoundTrip(req)
		wantNil(t, err)
		failed := make(chan error)
		go func() {
			_, err := io.Copy(io.Discard, resp.Body)
			failed <- err
		}()
		pass(time.Second)
		_ = resp.Body.Close()
		if err := <-failed; err == nil {
			t.Error("the reader saw a complete answer")
		}
		if n := w.Snapshot().InFlight; n != 0 {
			t.Errorf("%d in flight", n)
		}
	})
}
