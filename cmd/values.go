package cmd

import (
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// size is a flag's number of bytes, as 500M or 10G.
type size int64

const units = "KMGTP"

// String implements pflag.Value.
func (s *size) String() string { return humanSize(int64(*s)) }

// Type implements pflag.Value.
func (s *size) Type() string { return "SIZE" }

// Set implements pflag.Value. K, M, G, T and P are powers of 1024; "iB" and "B"
// may follow.
func (s *size) Set(text string) error {
	number := strings.ToUpper(strings.TrimSpace(text))
	number = strings.TrimSuffix(strings.TrimSuffix(number, "B"), "I")
	shift := 0
	if n := len(number); n > 0 {
		if i := strings.IndexByte(units, number[n-1]); i >= 0 {
			shift, number = 10*(i+1), number[:n-1]
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	bytes := math.Ldexp(n, shift)
	if err != nil || math.IsNaN(n) || n < 0 || bytes >= math.MaxInt64 {
		return fmt.Errorf("%q is no size; write it as 500M or 10G", text)
	}
	*s = size(bytes)
	return nil
}

// humanSize writes a number of bytes with three digits at most.
func humanSize(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	v, i := float64(n)/1024, 0
	for v >= 999.5 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	digits := 0
	if v < 9.95 {
		digits = 1
	}
	number := strings.TrimSuffix(strconv.FormatFloat(v, 'f', digits, 64), ".0")
	return number + " " + units[i:i+1] + "iB"
}

// choice is a flag that takes one of some words.
type choice struct {
	value string
	of    []string
}

// String implements pflag.Value.
func (c *choice) String() string { return c.value }

// Type implements pflag.Value.
func (c *choice) Type() string { return strings.Join(c.of, "|") }

// Set implements pflag.Value.
func (c *choice) Set(text string) error {
	if !slices.Contains(c.of, text) {
		return fmt.Errorf("%q is none of %s", text, strings.Join(c.of, ", "))
	}
	c.value = text
	return nil
}

// level is a flag for how much is logged.
type level struct {
	slog.Level
	// chosen is true once the user has named one.
	chosen bool
}

// String implements pflag.Value.
func (l *level) String() string { return strings.ToLower(l.Level.String()) }

// Type implements pflag.Value.
func (l *level) Type() string { return "debug|info|warn|error" }

// Set implements pflag.Value.
func (l *level) Set(text string) error {
	if err := l.UnmarshalText([]byte(text)); err != nil {
		return fmt.Errorf("%q is none of debug, info, warn, error", text)
	}
	l.chosen = true
	return nil
}

// ago says how long ago something was, in words.
func ago(at, now time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return humanTime(now.Sub(at)) + " ago"
}

// humanTime writes a duration with its largest unit or two.
func humanTime(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

// plural writes a number with its noun.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
