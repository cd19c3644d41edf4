package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// result is one measured row.
type result struct {
	Name     string `json:"name"`
	Title    string `json:"title"`
	Provider string `json:"provider"`
	Page     int    `json:"page"`
	// Requests is the sandbox's count, without Polls, and Ledger that of frugalfs
	// itself, with them.
	Requests int `json:"requests"`
	// Polls are looks at moves and copies that the provider had not finished when it
	// answered: how many there are depends on how long it takes.
	Polls     int            `json:"polls"`
	Ledger    int            `json:"ledger"`
	ByOp      map[string]int `json:"by_op"`
	Transfers int            `json:"transfers"`
	Least     int            `json:"least"`
	Most      int            `json:"most"`
	Up        int64          `json:"up"`
	Down      int64          `json:"down"`
	MovedMost int64          `json:"moved_most,omitempty"`
	Seconds   float64        `json:"seconds"`
	Why       string         `json:"why,omitempty"`
	// Wrong says how the account differs from what it should be.
	Wrong string `json:"wrong,omitempty"`
}

func (b *bench) newResult(w workload, st step) result {
	c, l := b.count(), b.service.limitOf(w, st)
	r := result{
		Name: w.name, Title: strings.TrimSpace(w.title + " " + st.title), Provider: b.service.name, Page: b.page,
		Least: l.least(c), Most: l.most(c), MovedMost: st.moved, Why: l.why,
	}
	if l.moves {
		r.MovedMost = 0
	}
	return r
}

const rowFormat = "%-4s %-38s %8v %5v %5v %7v %9s %9s %7s  %-6s %s\n"

func printHead() {
	fmt.Printf(rowFormat, "", "workload", "requests", "polls", "least", "allowed", "up", "down", "seconds", "right", "note")
}

func (r result) print() {
	right := "yes"
	if r.Wrong != "" {
		right = "NO"
	}
	fmt.Printf(rowFormat, r.Name, r.Title, r.Requests, r.Polls, r.Least, r.allowed(), size(r.Up), size(r.Down),
		fmt.Sprintf("%.1f", r.Seconds), right, r.note())
	if r.Wrong != "" {
		fmt.Println("       " + strings.ReplaceAll(r.Wrong, "\n", "\n       "))
	}
}

// allowed is the limit as the table shows it.
func (r result) allowed() string {
	if r.Most == noLimit {
		return "-"
	}
	return strconv.Itoa(r.Most)
}

// note says what exceeds a limit, and by what.
func (r result) note() string {
	var notes []string
	if r.Requests > r.Most {
		notes = append(notes, fmt.Sprintf("OVER by %d: %s", r.Requests-r.Most, r.ops()))
		if r.Why != "" {
			notes = append(notes, r.Why)
		}
	}
	if r.MovedMost > 0 && r.Up+r.Down > r.MovedMost {
		notes = append(notes, fmt.Sprintf("MOVED %s, allowed %s", size(r.Up+r.Down), size(r.MovedMost)))
	}
	if r.Ledger != r.Requests+r.Polls {
		notes = append(notes, fmt.Sprintf("the ledger counted %d", r.Ledger))
	}
	if r.Transfers > 0 {
		notes = append(notes, fmt.Sprintf("%d transfers", r.Transfers))
	}
	return strings.Join(notes, "; ")
}

// ops lists the requests by operation, the most frequent first.
func (r result) ops() string {
	names := slices.SortedFunc(maps.Keys(r.ByOp), func(a, b string) int { return r.ByOp[b] - r.ByOp[a] })
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%s %d", name, r.ByOp[name]))
	}
	return strings.Join(parts, ", ")
}

func size(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10<<20:
		return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

func writeJSON(path string, v any) error {
	if path == "" {
		return nil
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
