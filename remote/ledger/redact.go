package ledger

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// redacted stands where a secret was.
const redacted = "[redacted]"

// Redactor removes known secrets from text. Its zero value knows none. It may
// be used from many goroutines.
type Redactor struct {
	mu sync.RWMutex
	// secrets and replacer are guarded by mu.
	secrets  []string
	replacer *strings.Replacer
}

// NewRedactor returns a Redactor that knows the given secrets.
func NewRedactor(secrets ...string) *Redactor {
	r := &Redactor{}
	r.Add(secrets...)
	return r
}

// Add makes further secrets known, for example a token that a login brought.
// Empty ones are left out.
func (r *Redactor) Add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range secrets {
		if s != "" {
			r.secrets = append(r.secrets, spellings(s)...)
		}
	}
	slices.Sort(r.secrets)
	r.secrets = slices.Compact(r.secrets)
	// The longest come first, so that no part of one is left over when
	// another is a part of it.
	slices.SortStableFunc(r.secrets, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, s := range r.secrets {
		pairs = append(pairs, s, redacted)
	}
	r.replacer = strings.NewReplacer(pairs...)
}

// spellings are the forms in which a secret shows up in addresses, bodies and
// headers.
func spellings(s string) []string {
	list := []string{
		s, url.QueryEscape(s), url.PathEscape(s), fmt.Sprintf("%q", s),
		base64.StdEncoding.EncodeToString([]byte(s)),
		base64.URLEncoding.EncodeToString([]byte(s)),
	}
	list[3] = list[3][1 : len(list[3])-1]
	if b, err := json.Marshal(s); err == nil {
		list = append(list, string(b[1:len(b)-1]))
	}
	return list
}

// Redact returns text without any secret.
func (r *Redactor) Redact(text string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.replacer == nil {
		return text
	}
	return r.replacer.Replace(text)
}

// ReplaceAttr removes secrets from what is logged; it is meant for
// slog.HandlerOptions.ReplaceAttr. Errors and other values are rendered as
// text if they hold one.
func (r *Redactor) ReplaceAttr(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(r.Redact(a.Value.String()))
	case slog.KindAny:
		text := anyText(a.Value.Any())
		if clean := r.Redact(text); clean != text {
			a.Value = slog.StringValue(clean)
		}
	}
	return a
}

func anyText(v any) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprintf("%+v", v)
}

// cleanError is an error whose text held a secret.
type cleanError struct {
	text string
	err  error
}

func (e *cleanError) Error() string { return e.text }
func (e *cleanError) Unwrap() error { return e.err }

// clean returns err itself, or an error with the same chain whose text holds
// no secret.
func (r *Redactor) clean(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if c := r.Redact(text); c != text {
		return &cleanError{c, err}
	}
	return err
}
