package ledger

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxWait bounds what a Retry-After may ask for: no window of any provider is
// longer than a day.
const maxWait = 24 * time.Hour

// maxLimit bounds X-RateLimit numbers; anything above makes no sense.
const maxLimit = 1 << 30

// retryAfter reads a Retry-After header (RFC 9110, 10.2.3: seconds or a date).
// It returns false if there is none or it makes no sense.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseInt(v, 10, 64); err == nil {
		if n < 0 {
			return 0, false
		}
		return time.Duration(min(n, int64(maxWait/time.Second))) * time.Second, true
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), maxWait), true
}

// rateLimit reads X-RateLimit-Limit and X-RateLimit-Remaining (ExaVault API,
// section "Rate limits": per account, over 24 hours). Each is -1 if it is
// missing or makes no sense.
func rateLimit(h http.Header) (limit, remaining int) {
	limit = headerNumber(h, "X-RateLimit-Limit")
	if limit == 0 {
		limit = -1
	}
	return limit, headerNumber(h, "X-RateLimit-Remaining")
}

func headerNumber(h http.Header, name string) int {
	n, err := strconv.ParseInt(strings.TrimSpace(h.Get(name)), 10, 64)
	switch {
	case err != nil || n > maxLimit:
		return -1
	case n < 0:
		// Some servers go below zero when the window is overdrawn.
		return 0
	}
	return int(n)
}
