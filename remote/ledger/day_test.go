package ledger

import (
	"fmt"
	"testing"
	"time"
)

// The day agrees with a list of all requests, up to the minute.
func TestDayAgainstModel(t *testing.T) {
	rnd := seeded(t)
	for range 20 {
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		var d day
		var all []time.Time
		for range 500 {
			now = now.Add(time.Duration(rnd.ExpFloat64() * float64(20*time.Minute)))
			d.advance(now)
			d.record(now, key{op: "x", class: Class(rnd.IntN(4))}, tally{count: 1})
			all = append(all, now)
			least, most := 0, 0
			for _, at := range all {
				if age := now.Sub(at); age < 24*time.Hour {
					least++
					most++
				} else if age < 24*time.Hour+time.Minute {
					most++
				}
			}
			if d.count < least || d.count > most || d.count+d.expired != len(all) {
				t.Fatalf("at %v: %d, want %d to %d; expired %d of %d", now, d.count, least, most, d.expired, len(all))
			}
		}
	}
}

func TestDayWhenTheClockIsSetBack(t *testing.T) {
	now := time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)
	var d day
	add := func(at time.Time) {
		d.advance(at)
		d.record(at, key{op: "x"}, tally{count: 1})
	}
	add(now)
	add(now.Add(-time.Minute))
	now = now.Add(-5 * 24 * time.Hour)
	add(now)
	if d.count != 3 {
		t.Errorf("count %d", d.count)
	}
	d.advance(now.Add(24*time.Hour + 2*time.Minute))
	if d.count != 0 || d.expired != 3 {
		t.Errorf("a day later: count %d, expired %d", d.count, d.expired)
	}
	d.advance(now.Add(1000 * time.Hour))
	add(now.Add(1000 * time.Hour))
	if d.count != 1 {
		t.Errorf("after a long time: count %d", d.count)
	}
}

func TestDayIsBounded(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var d day
	d.advance(now)
	for i := range 1000 {
		d.record(now, key{op: "x", program: fmt.Sprint(i)}, tally{count: 1})
	}
	if n := len(*d.bucket(d.last)); n > maxKeys+4 || d.count != 1000 {
		t.Errorf("%d keys, %d requests", n, d.count)
	}
	sums := d.sums(func(k key) string { return k.program })
	if sums[0].Name != "(other)" || sums[0].Requests != 1000-maxKeys {
		t.Errorf("%+v", sums[0])
	}
}
