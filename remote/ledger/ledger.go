package ledger

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// Ledger is the http.RoundTripper that every request to a provider passes.
// It may be used from many goroutines.
type Ledger struct {
	o    Options
	base http.RoundTripper
	// traced is true if base reports connections to httptrace, as
	// http.Transport does: without a connection nothing has left.
	traced        bool
	pace          *pacer
	books         *books
	journalErrors atomic.Int64
}

// New makes a ledger and loads the last 24 hours from its journal. Errors are
// of type *remote.Error.
func New(o Options) (*Ledger, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o.fill()
	o.Redactor.Add(o.Secrets...)
	l := &Ledger{
		o: o, base: o.Base, books: newBooks(&o),
		pace: newPacer(o.Now, o.RequestsPerSecond, o.Windows...),
	}
	if l.base == nil {
		l.base = newTransport(&l.o)
	}
	_, l.traced = l.base.(*http.Transport)
	return l, l.load()
}

// load takes in what the journal holds.
func (l *Ledger) load() error {
	if l.o.Journal == nil {
		return nil
	}
	now := l.o.Now()
	records, err := l.o.Journal.Load(now.Add(-24 * time.Hour))
	if err != nil {
		return remote.E(remote.KindOf(err), "load the ledger", "", err)
	}
	l.books.restore(records, now)
	for _, r := range records {
		if r.Transaction() {
			l.pace.seed(r.At)
		}
	}
	return nil
}

// CloseIdleConnections closes connections that are kept for later requests.
func (l *Ledger) CloseIdleConnections() {
	if c, ok := l.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Count returns the number of transactions since the ledger was made, those
// in flight included.
func (l *Ledger) Count() int { return l.Totals().Requests }

// CountBy returns Count for one operation.
func (l *Ledger) CountBy(op string) int { return l.Totals().ByOp[op] }

// Totals returns what was counted since the ledger was made.
func (l *Ledger) Totals() Totals { return l.books.snapshotTotals() }

// Snapshot returns the state of the ledger.
func (l *Ledger) Snapshot() Snapshot {
	s := l.books.snapshot(l.o.Now())
	s.JournalErrors = int(l.journalErrors.Load())
	return s
}

// Throttle records that the provider refused a request for its rate in another
// way than by status 429 (ExaVault 1.2 puts an error into an answer with
// status 200). Nothing is sent for that long; 0 means one minute.
func (l *Ledger) Throttle(wait time.Duration) {
	_ = l.books.block(nil, wait, l.o.Now())
}

// Redact returns text without any secret.
func (l *Ledger) Redact(text string) string { return l.o.Redactor.Redact(text) }

// AddSecret makes a secret known that was not at the start, as a session's
// token.
func (l *Ledger) AddSecret(secret string) { l.o.Redactor.Add(secret) }

// ReplaceAttr removes secrets from what is logged: see [Redactor.ReplaceAttr].
func (l *Ledger) ReplaceAttr(groups []string, a slog.Attr) slog.Attr {
	return l.o.Redactor.ReplaceAttr(groups, a)
}

// refused makes the error of a request that the budget does not allow, and
// journals the first of its kind.
func (l *Ledger) refused(j *job, why *refusal) *remote.Error {
	if why.first {
		r := j.record(l.o.Now())
		r.Outcome = Refused
		l.write(r)
		l.o.Logger.Warn("request refused", "op", r.Op, "class", r.Class.String(), "reason", why.why)
	}
	e := j.fail(remote.Budget, nil)
	e.Detail, e.RetryAfter = why.why, why.wait
	return e
}

// finish books and journals a request that is over.
func (l *Ledger) finish(e *entry) {
	now := l.o.Now()
	e.Duration = now.Sub(e.At)
	l.books.close(e, now)
	l.write(e.Record)
	l.o.Logger.LogAttrs(context.Background(), slog.LevelDebug, "request",
		slog.String("op", e.Op), slog.String("class", e.Class.String()),
		slog.String("outcome", string(e.Outcome)), slog.Int("status", e.Status),
		slog.Int("attempt", e.Attempt), slog.Int64("up", e.Up), slog.Int64("down", e.Down),
		slog.Duration("duration", e.Duration))
}

// write appends to the journal. A record that cannot be kept is no reason to
// fail the request: it only makes the next start's count too low.
func (l *Ledger) write(r Record) {
	if l.o.Journal == nil {
		return
	}
	if err := l.o.Journal.Append(r); err != nil && l.journalErrors.Add(1) == 1 {
		l.o.Logger.Error("the ledger's journal fails", "error", l.Redact(err.Error()))
	}
}

// failed keeps an error for status.
func (l *Ledger) failed(err *remote.Error) {
	l.books.noteError(l.Redact(strings.TrimSpace(err.Error())), l.o.Now())
}
