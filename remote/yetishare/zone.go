package yetishare

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/frugalfs/frugalfs/remote/clientkit"
)

const (
	// dateLayout is how the API writes dates ("Date format"): in the server's
	// own time, which it does not name.
	dateLayout = "2006-01-02 15:04:05"
	// zoneStep is what zones differ by, and maxZone the most that one is away
	// from UTC.
	zoneStep = 15 * time.Minute
	maxZone  = 15 * time.Hour
)

// zone is how far the server's time is ahead of UTC, as its answers show: each
// has its time in "_datetime".
type zone struct{ ahead atomic.Int64 }

// note compares the server's time in an answer with the same moment's UTC.
func (z *zone) note(datetime string, h http.Header, now time.Time) {
	local, err := time.Parse(dateLayout, datetime)
	if err != nil {
		return
	}
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		now = at
	}
	if ahead := local.Sub(now).Round(zoneStep); ahead.Abs() <= maxZone {
		z.ahead.Store(int64(ahead))
	}
}

// first returns the first of some dates that is one, the zero Time if none is.
func (z *zone) first(dates ...clientkit.Text) time.Time {
	for _, d := range dates {
		t, err := time.Parse(dateLayout, d.S)
		if err == nil && t.Year() > 1 {
			return t.Add(-time.Duration(z.ahead.Load()))
		}
	}
	return time.Time{}
}
