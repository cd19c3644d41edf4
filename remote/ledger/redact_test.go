package ledger

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

func TestRedact(t *testing.T) {
	l, err := New(Options{Secrets: []string{`to k/e"n`, "", "abc"}})
	wantNil(t, err)
	l.AddSecret("abcdef")
	for text, want := range map[string]string{
		"plain":                            "plain",
		`key to k/e"n end`:                 "key [redacted] end",
		"q=" + url.QueryEscape(`to k/e"n`): "q=[redacted]",
		"p=" + url.PathEscape(`to k/e"n`):  "p=[redacted]",
		`{"t":"to k/e\"n"}`:                `{"t":"[redacted]"}`,
		"abcdef abc":                       "[redacted] [redacted]",
		"Basic YWJj":                       "Basic [redacted]",
	} {
		if got := l.Redact(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := (&Redactor{}).Redact("x"); got != "x" {
		t.Errorf("zero Redactor: %q", got)
	}
}

func TestLogsHoldNoSecret(t *testing.T) {
	r := NewRedactor("hunter2")
	var buf bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&buf, &slog.HandlerOptions{ReplaceAttr: r.ReplaceAttr}))
	log.With("a", "hunter2").WithGroup("g").Info("msg hunter2", "n", 7,
		"err", errors.New("bad hunter2"), "bytes", []byte("hunter2"),
		"struct", struct{ S string }{"hunter2"}, slog.Group("h", "x", "hunter2"))
	if out := buf.String(); strings.Contains(out, "hunter2") || !strings.Contains(out, `"n":7`) {
		t.Error(out)
	}
}

func TestErrorsHoldNoSecret(t *testing.T) {
	inWorld(t, Options{Retries: -1, Secrets: []string{"hunter2"}}, ok, func(w *world) {
		w.o.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("no route for hunter2")}
		}
		_, err := w.Client().Get("http://localhost/?access_token=hunter2") //nolint:bodyclose // there is no answer
		clean := AsError(err)
		wantKind(t, clean, remote.Offline)
		for _, text := range []string{clean.Error(), w.Snapshot().LastError} {
			if strings.Contains(text, "hunter2") || !strings.Contains(text, redacted) {
				t.Error(text)
			}
		}
		var op *net.OpError
		if !errors.As(clean, &op) {
			t.Error("the cause is lost")
		}
	})
}
