package ledger

import (
	"net/http"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"0": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second,
		"99999999999":                   maxWait,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute,
		"Fri, 02 Jan 2026 03:00:00 GMT": 0,
		"":                              -1, "-1": -1, "soon": -1, "1.5": -1, "99999999999999999999": -1,
	} {
		got, ok := retryAfter(http.Header{"Retry-After": {text}}, now)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
}

func TestRateLimit(t *testing.T) {
	for _, c := range []struct {
		limit, remaining         string
		wantLimit, wantRemaining int
	}{
		{"60000", "59999", 60000, 59999},
		{"", "", -1, -1},
		{"0", "0", -1, 0},
		{"60000", "-3", 60000, 0},
		{"x", "99999999999999999999", -1, -1},
	} {
		h := http.Header{}
		h.Set("X-RateLimit-Limit", c.limit)
		h.Set("X-RateLimit-Remaining", c.remaining)
		if l, r := rateLimit(h); l != c.wantLimit || r != c.wantRemaining {
			t.Errorf("%q, %q: %d, %d", c.limit, c.remaining, l, r)
		}
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add("7", "60000", "59999")
	f.Add("Fri, 02 Jan 2026 03:05:05 GMT", "-1", "x")
	f.Add("-9223372036854775808", "9223372036854775807", "")
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, after, limit, remaining string) {
		h := http.Header{}
		h.Set("Retry-After", after)
		h.Set("X-RateLimit-Limit", limit)
		h.Set("X-RateLimit-Remaining", remaining)
		if d, ok := retryAfter(h, now); d < 0 || d > maxWait || !ok && d != 0 {
			t.Errorf("Retry-After %q: %v", after, d)
		}
		l, r := rateLimit(h)
		if l == 0 || l < -1 || l > maxLimit || r < -1 || r > maxLimit {
			t.Errorf("limits %q, %q: %d, %d", limit, remaining, l, r)
		}
	})
}
